use super::*;
use crate::collect::kernel;
use crate::collect::testing::root;
use crate::facts::ProblemKind;
use proptest::prelude::*;

fn file(text: &str) -> Arc<SourceFile> {
    SourceFile::new("/etc/file", text.as_bytes())
}

#[test]
fn hosts_lines_as_the_c_library_reads_them() {
    for (line, address, names, why) in [
        ("192.0.2.1 a.example a", Some("192.0.2.1"), vec!["a.example", "a"], "plain"),
        ("  192.0.2.1\ta.example # b", Some("192.0.2.1"), vec!["a.example"], "blanks before it, tab, comment"),
        ("192.0.2.1 a.example#b", Some("192.0.2.1"), vec!["a.example"], "a comment needs no blank"),
        ("2001:db8::1 a.example\r", Some("2001:db8::1"), vec!["a.example"], "IPv6, CR"),
        ("::ffff:192.0.2.1 a", Some("::ffff:192.0.2.1"), vec!["a"], "mapped"),
        ("fe80::1%eth0 a", None, vec![], "inet_pton(3) takes no zone"),
        ("192.0.2.256 a", None, vec![], "no address"),
        ("192.0.2.01 a", None, vec![], "a leading zero"),
        ("192.0.2 a", None, vec![], "three parts"),
        ("192.0.2.1", None, vec![], "no name"),
        ("192.0.2.1 # a", None, vec![], "no name but a comment"),
        ("#192.0.2.1 a", None, vec![], "comment"),
        ("", None, vec![], "empty"),
    ] {
        let entries = hosts(&file(line));
        let read: Vec<_> = entries.iter().map(|e| e.address.value.to_string()).collect();
        assert_eq!(read, address.into_iter().collect::<Vec<_>>(), "{why}");
        let read: Vec<_> = entries.iter().flat_map(|e| &e.names).map(|n| n.value.as_str()).collect();
        assert_eq!(read, names, "{why}");
    }
}

#[test]
fn hosts_fields_have_their_places() {
    let file = file("127.0.0.1 localhost\n127.0.1.1  Mail.example.com mail\n");
    let entries = hosts(&file);
    let name = &entries[1].names[0];
    assert_eq!(name.origin.span().unwrap().range(), 31..47);
    assert_eq!(name.value, "Mail.example.com");
    assert_eq!(entries[1].address.origin.span().unwrap().text(), "127.0.1.1");
}

#[test]
fn nameserver_lines_as_the_c_library_reads_them() {
    for (text, servers, why) in [
        ("nameserver 192.0.2.53\n", vec!["192.0.2.53"], "plain"),
        ("nameserver\t2001:db8::53 # x", vec!["2001:db8::53"], "tab, text behind"),
        ("nameserver fe80::1%eth0", vec!["fe80::1"], "scope"),
        ("nameserver 192.0.2.53%eth0", vec![], "no scope on IPv4"),
        ("nameserver 192.0.2.53;x", vec!["192.0.2.53"], "semicolon"),
        (" nameserver 192.0.2.53", vec![], "the keyword does not begin the line"),
        ("nameservers 192.0.2.53", vec![], "another keyword"),
        ("Nameserver 192.0.2.53", vec![], "case counts"),
        ("nameserver dns.example", vec![], "a name"),
        ("nameserver", vec![], "nothing"),
        (";nameserver 192.0.2.53\n#nameserver 192.0.2.53\nsearch example.com", vec![], "comments"),
        (
            "nameserver 192.0.2.1\nnameserver x\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4",
            vec!["192.0.2.1", "192.0.2.2", "192.0.2.3"],
            "three count",
        ),
    ] {
        let read: Vec<_> = nameservers(&file(text)).into_iter().map(|s| s.value.to_string()).collect();
        assert_eq!(read, servers, "{why}");
    }
}

#[test]
fn the_canonical_name_is_the_first_on_the_first_line_that_matches() {
    let hosts = hosts(&file("127.0.0.1 localhost vm\n192.0.2.1 Mail.example.com MAIL\n192.0.2.2 other.example mail\n"));
    let canonical = |name: &str| match fqdn_from_hosts(name, &hosts) {
        HostFqdn::Name(fact) => fact.value,
        other => format!("{other:?}"),
    };
    assert_eq!(canonical("mail"), "Mail.example.com");
    assert_eq!(canonical("vm"), "localhost");
    assert!(canonical("mail.example.org").starts_with("Unknown"));
    assert!(canonical("").starts_with("Unknown"));
}

#[test]
fn files_alone_leave_the_kernel_unknown() {
    let (_dir, root) = root(&[
        ("etc/hostname", "# set by hand\n\n  Mail1.example.com  \nmore\n"),
        ("etc/mailname", "example.com\n"),
        ("etc/hosts", "192.0.2.1 mail1.example.com\n"),
    ]);
    let (host, problems) = collect(&root, None);
    assert!(problems.is_empty());
    let name = host.node_name.unwrap();
    assert_eq!(name.value, "Mail1.example.com");
    assert_eq!(name.origin.span().unwrap().position().line, 3);
    assert_eq!(host.etc_hostname.unwrap().value, "Mail1.example.com");
    assert_eq!(host.mailname.unwrap().value, "example.com");
    assert!(matches!(host.fqdn, HostFqdn::Unknown(_)));
    assert!(host.addresses.is_none() && !host.source.known && host.nameservers.is_empty());
    assert_eq!(host.hosts.len(), 1);
}

#[test]
fn a_name_that_the_hosts_file_gives_points_there() {
    let (_dir, root) = root(&[("etc/hosts", "192.0.2.1 mail1.example.com mail1\n")]);
    let recorded = kernel::from_file(r#"{"node_name": "mail1", "fqdn": "mail1.example.com"}"#).unwrap();
    let (mut host, _) = collect(&root, Some(recorded));
    let HostFqdn::Name(name) = host.fqdn.clone() else { panic!("{:?}", host.fqdn) };
    assert_eq!(name.origin.span().unwrap().position().column, 11);
    assert_eq!(*name.via, [Origin::kernel("getaddrinfo(3)")]);

    set_fqdn(&mut host, HostFqdn::Name(Fact::new("mail1.example.org".into(), Origin::kernel("getaddrinfo(3)"))));
    let HostFqdn::Name(name) = &host.fqdn else { panic!("{:?}", host.fqdn) };
    assert_eq!(name.origin, Origin::kernel("getaddrinfo(3)"));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_and_the_rest_goes_on() {
    let (dir, root) = root(&[("etc/hostname", "mail1\n"), ("etc/mailname", ""), ("etc/hosts/x", "")]);
    nix::unistd::mkfifo(&dir.path().join("etc/resolv.conf"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (host, problems) = collect(&root, None);
    let files: Vec<_> = problems.iter().map(|p| p.file.as_str()).collect();
    assert_eq!(files, ["/etc/hosts", "/etc/resolv.conf"]);
    assert!(problems.iter().all(|p| p.kind == ProblemKind::Unreadable { undecided: false }));
    assert_eq!(host.node_name.unwrap().value, "mail1");
    assert!(host.mailname.is_none());
}

proptest! {
    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let file = SourceFile::new("/etc/file", bytes);
        for entry in hosts(&file) {
            prop_assert!(!entry.names.is_empty());
        }
        prop_assert!(nameservers(&file).len() <= NAMESERVER_LIMIT);
        let _ = (host_name(&file), first_line(&file));
    }
}
