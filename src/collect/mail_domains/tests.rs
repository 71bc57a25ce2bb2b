//! Hosts with lists of domains and programs that sign.

mod exim;
mod hostile;
mod signers;

use std::fs;
use std::path::Path;

use super::*;
use crate::domains::GapOf;
use crate::domains::zones::ZoneKeeper;
use crate::{collect, identity};

const KEY: &str = include_str!("../../../testdata/dkim/rsa1024.pkcs1.pem");
const OPENDKIM: &str = "/etc/opendkim.conf";
const RSPAMD: &str = "/etc/rspamd/local.d/dkim_signing.conf";

fn write(dir: &Path, path: &str, text: &str) {
    let place = dir.join(path.trim_start_matches('/'));
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

/// The domains, with what is done with their mail, and the keys, of a host with these files; nothing of it is left open.
fn found(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (domains, keys, gaps) = with_gaps(files);
    assert_eq!(gaps, [""; 0]);
    (domains, keys)
}

/// The same with what is left open, and its place.
fn with_gaps(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(path, text)| write(dir.path(), path, text));
    let root = Root::open(dir.path()).unwrap();
    let mut facts = collect::collect(&root, None);
    identity::apply(&mut facts, crate::facts::Overrides { mta: None, nat: Vec::new() });
    let found = mail_domains(&root, &facts, &[]);
    let domains = found.domains.values().map(|domain| format!("{} {}", domain.name, domain.handled)).collect();
    let keys = found.keys.iter().flat_map(|(domain, keys)| keys.iter().map(move |key| (domain, key)));
    let keys = keys.map(|(domain, key)| {
        let what = key.key.as_ref().map_or_else(ToString::to_string, |key| format!("{key:?}"));
        let signing = if key.domain == *domain { String::new() } else { format!(" d={}", key.domain) };
        format!("{domain} {} {what}{signing}", key.selector)
    });
    let gaps = found.gaps.iter().map(|gap| {
        let of = match &gap.of {
            GapOf::Domains => String::new(),
            GapOf::Keys => " (keys)".to_owned(),
            GapOf::KeysOf(domains) => {
                format!(" ({})", domains.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            }
        };
        format!("{}: {}{of}", gap.origin.describe(), gap.words)
    });
    (domains, keys.collect(), gaps.collect())
}

/// Exim with this transport, which all mail leaves by, for three domains.
fn exim_signs(options: &str, more: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let config = format!(
        "primary_hostname = mail.example.com\ndomainlist local_domains = a.example : b.example : sub.c.example\nSEL = s1\n\
         begin routers\nout:\n  driver = dnslookup\n  domains = !+local_domains\n  transport = remote\n\
         begin transports\nremote:\n  driver = smtp\n{options}\nunused:\n  driver = smtp\n  dkim_domain = a.example\n\
         \x20 dkim_selector = unused\n  dkim_private_key = /etc/k/a.example\n"
    );
    let mut files = vec![
        ("/etc/exim/exim.conf", config.as_str()),
        ("/etc/k/a.example", KEY),
        ("/etc/k/c.example", KEY),
        ("/etc/map", "b.example: /etc/k/c.example\n"),
    ];
    files.extend(more);
    let (_, keys, gaps) = with_gaps(&files);
    (keys, gaps)
}

/// What these files sign with, on a host with Postfix.
fn signs(more: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let postfix = [
        (
            "/etc/postfix/main.cf",
            "myhostname = mail.example.com\nmydestination = a.example, b.example, sub.c.example\n",
        ),
        ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n"),
        ("/etc/one", KEY),
        ("/etc/two", KEY),
    ];
    let (_, keys, gaps) = with_gaps(&[&postfix, more].concat());
    (keys, gaps)
}

/// The same where nothing is left open.
fn signs_for_sure(more: &[(&str, &str)]) -> Vec<String> {
    let (keys, gaps) = signs(more);
    assert_eq!(gaps, [""; 0], "{more:?}");
    keys
}

#[test]
fn lists_of_postfix_with_their_tables() {
    let (domains, _) = found(&[
        (
            "/etc/postfix/main.cf",
            "myhostname = mail.example.com\nmydestination = $myhostname, localhost, .pattern.example, a.example\n\
             virtual_mailbox_domains = texthash:/etc/postfix/virtual, b.example\n\
             virtual_alias_domains = /etc/postfix/aliased\nrelay_domains = r.example, a.example\n",
        ),
        ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n"),
        ("/etc/postfix/virtual", "c.example ok\n# no.example x\nD.Example ok\n"),
        ("/etc/postfix/aliased", "e.example\nf.example\n"),
    ]);
    let expected = [
        "a.example local",
        "b.example local",
        "c.example local",
        "d.example local",
        "e.example local",
        "f.example local",
        "mail.example.com local",
        "r.example secondary",
    ];
    assert_eq!(domains, expected);
}

#[test]
fn lists_of_exim_with_their_files() {
    let (domains, _, gaps) = with_gaps(&[
        (
            "/etc/exim/exim.conf",
            "primary_hostname = mail.example.com\nLISTS = /etc/exim\nOWN = a.example : *.pattern.example\n\
             domainlist local_domains = @ : OWN : lsearch;LISTS/local : +more : !x.example : x.example\n\
             domainlist more = ${if exists{LISTS/local}{m.example}{n.example}} : ^regex\n\
             domainlist relay_to_domains = r.example : \\\n  LISTS/relayed\ndomainlist other = o.example\n\
             begin routers\n",
        ),
        ("/etc/exim/local", "b.example\nc.example: user\n"),
        ("/etc/exim/relayed", "s.example\n"),
    ]);
    let expected = [
        "a.example local",
        "b.example local",
        "c.example local",
        "m.example local",
        "mail.example.com local",
        "r.example secondary",
        "s.example secondary",
    ];
    assert_eq!(domains, expected);
    assert!(gaps.len() == 2 && gaps.iter().all(|gap| gap.contains("is a pattern")), "{gaps:#?}");
}

#[test]
fn a_table_that_a_list_of_exim_names_again_and_again_is_gone_through_once() {
    let rows: String = (0..3_000).map(|n| format!("D{n}.example\nd{n}.example\n")).collect();
    let items = vec!["lsearch;/etc/exim/many : /etc/exim/many : dsearch;/etc/exim/d"; 1_000].join(" : ");
    let config = format!(
        "primary_hostname = mail.example.com\n\
         domainlist local_domains = !d7.example : !d8.example : {items}\n\
         domainlist relay_to_domains = lsearch;/etc/exim/many\nbegin routers\n\
         r: \n driver = accept\n domains = {items}\n transport = t\nbegin transports\nt:\n driver = appendfile\n",
    );
    let (domains, _, gaps) =
        with_gaps(&[("/etc/exim/exim.conf", &config), ("/etc/exim/many", &rows), ("/etc/exim/d/folder.example", "")]);
    assert_eq!(gaps, [""; 0]);
    assert_eq!(domains.len(), 3_001);
    // The router takes what the list leaves out.
    assert!(domains.contains(&"d7.example local".to_owned()) && domains.contains(&"folder.example local".to_owned()));
}

#[test]
fn what_one_list_of_exim_takes_out_another_may_hold() {
    let (domains, _) = found(&[
        (
            "/etc/exim/exim.conf",
            "primary_hostname = mail.example.com\n\
             domainlist local_domains = a.example : !x.example : lsearch;/etc/exim/many\n\
             domainlist relay_to_domains = !y.example : lsearch;/etc/exim/many\n\
             domainlist relay_domains = lsearch;/etc/exim/many\nbegin routers\n",
        ),
        ("/etc/exim/many", "x.example\ny.example\nX.example\n"),
    ]);
    assert_eq!(domains, ["a.example local", "x.example secondary", "y.example local"]);
}

#[test]
fn lists_of_exim_have_the_place_where_a_name_stands() {
    let dir = tempfile::tempdir().unwrap();
    let config = "# one\nOWN = a.example\ndomainlist local_domains = OWN : b.example : \\\n  lsearch;/etc/exim/local\n";
    write(dir.path(), "/etc/exim/exim.conf", config);
    write(dir.path(), "/etc/exim/local", "# two\nc.example\n");
    let root = Root::open(dir.path()).unwrap();
    let facts = collect::collect(&root, None);
    let found = mail_domains(&root, &facts, &[]);
    let places: Vec<String> =
        found.domains.values().map(|domain| format!("{} {}", domain.name, domain.origin.describe())).collect();
    assert_eq!(
        places,
        ["a.example /etc/exim/exim.conf:3", "b.example /etc/exim/exim.conf:3", "c.example /etc/exim/local:2"]
    );
}

#[test]
fn what_of_exim_s_lists_files_do_not_decide_is_told() {
    let (domains, _, gaps) = with_gaps(&[(
        "/etc/exim/exim.conf",
        "primary_hostname = mail.example.com\n\
         domainlist local_domains = a.example : cdb;/etc/exim/c.cdb : lsearch;/etc/none : @mx_any : +absent\n\
         domainlist relay_to_domains = r.example : x.${lookup mysql{SELECT x}} : ${lc:S.example}\nbegin routers\n",
    )]);
    assert_eq!(domains, ["a.example local", "r.example secondary", "s.example secondary"], "what is decided stays");
    let place = "/etc/exim/exim.conf:2: the domain list local_domains:";
    let expected = [
        format!("{place} a `cdb` lookup asks a database or a compiled table (/etc/exim/c.cdb)"),
        format!(
            "{place} /etc/none cannot be read (failed to open /etc/none for linear search: No such file or directory)"
        ),
        format!("{place} `@mx_any` stands for domains by their MX records"),
        format!("{place} there is no domain list `absent`"),
        "/etc/exim/exim.conf:3: the domain list relay_to_domains: which domains are in it is not decided by files \
         (a `mysql` lookup asks a database when the mail is sent)"
            .to_owned(),
    ];
    assert_eq!(gaps, expected);
}

#[test]
fn what_stands_for_domains_without_their_names_is_told() {
    let (domains, _, gaps) = with_gaps(&[
        (
            "/etc/exim/exim.conf",
            "primary_hostname = mail.example.com\n\
             domainlist local_domains = a.example : *.part.example : lsearch;/etc/exim/t : nwildlsearch;/etc/exim/w\n\
             domainlist relay_to_domains = ^x : partial-lsearch;/etc/exim/p : !*.out.example\nbegin routers\n",
        ),
        ("/etc/exim/t", "b.example\n*.literal.example: x\n"),
        ("/etc/exim/w", "c.example\n*.wild.example: x\n"),
        ("/etc/exim/p", "d.example\n"),
    ]);
    assert_eq!(domains, ["a.example local", "b.example local", "c.example local", "d.example secondary"]);
    let is_told = |item: &str| gaps.iter().any(|gap| gap.contains(&format!("`{item}`")));
    for item in ["*.part.example", "*.wild.example", "^x", "partial-lsearch;/etc/exim/p"] {
        assert!(is_told(item), "{item}: {gaps:#?}");
    }
    assert_eq!(gaps.len(), 4, "{gaps:#?}");
}

#[test]
fn lists_of_routers_that_deliver_here() {
    let (domains, _) = found(&[
        (
            "/etc/exim/exim.conf",
            "primary_hostname = mail.example.com\ndomainlist vdoms = v.example\ndomainlist out = o.example\n\
             begin routers\n\
             refused:\n  driver = redirect\n  domains = f.example\n  data = :fail: no\n\
             verified:\n  driver = accept\n  verify_only\n  domains = w.example\n  transport = box\n\
             away:\n  driver = manualroute\n  domains = +out\n  transport = smtp\n  route_list = * relay.example\n\
             virtual:\n  driver = redirect\n  domains = +vdoms\n  data = ${lookup{$local_part}lsearch{/etc/v}}\n\
             boxes:\n  driver = accept\n  domains = lsearch;/etc/exim/boxes\n  transport = box\n\
             lmtp:\n  driver = manualroute\n  domains = l.example\n  transport = lmtp\n  route_list = * 127.0.0.1\n  self = send\n\
             begin transports\nsmtp:\n  driver = smtp\nlmtp:\n  driver = smtp\n  protocol = lmtp\n\
             box:\n  driver = appendfile\n  file = /var/mail/$local_part_data\n",
        ),
        ("/etc/exim/boxes", "b.example\n"),
    ]);
    assert_eq!(domains, ["b.example local", "l.example local", "v.example local"]);
}

#[test]
fn debian_s_own_settings_of_exim() {
    let (domains, _) = found(&[
        ("/etc/exim4/exim4.conf.template", "begin routers\n"),
        (
            "/etc/exim4/update-exim4.conf.conf",
            "dc_other_hostnames='a.example;b.example:localhost'\ndc_relay_domains='r.example'\n",
        ),
        ("/var/lib/exim4/config.autogenerated", "primary_hostname = mail.example.com\nbegin routers\n"),
    ]);
    assert_eq!(domains, ["a.example local", "b.example local", "r.example secondary"]);
}

#[test]
fn panels_with_their_keys() {
    let (domains, keys) = found(&[
        ("/etc/wwwacct.conf", "HOST mail.example.com\n"),
        ("/etc/localdomains", "a.example\nb.example\n"),
        ("/etc/remotedomains", "c.example\n"),
        ("/etc/secondarymx", "d.example\n"),
        ("/etc/userdomains", "*: nobody\na.example: user\ne.example: user\n"),
        ("/var/cpanel/domain_keys/private/a.example", KEY),
        ("/var/cpanel/domain_keys/private/b.example", "no key"),
        ("/var/cpanel/domain_keys/private/stranger.example", KEY),
    ]);
    let expected =
        ["a.example local", "b.example local", "c.example remote", "d.example secondary", "e.example sender"];
    assert_eq!(domains, expected);
    assert_eq!(keys, ["a.example default rsa 1024", "b.example default it holds no private key in PEM form"]);
    let (domains, keys) = found(&[
        ("/usr/local/directadmin/directadmin", ""),
        ("/etc/virtual/domains", "a.example\n"),
        ("/etc/virtual/domainowners", "a.example: user\nb.example: user\n"),
        ("/etc/virtual/a.example/dkim.private.key", KEY),
    ]);
    assert_eq!(domains, ["a.example local", "b.example sender"]);
    assert_eq!(keys, ["a.example x rsa 1024"]);
    let (domains, keys) = found(&[
        ("/usr/local/hestia/data/users/joe/mail.conf", "DOMAIN='a.example' DKIM='yes'\nDOMAIN='b.example' DKIM='no'\n"),
        ("/home/joe/conf/mail/a.example/dkim.pem", KEY),
    ]);
    assert_eq!(domains, ["a.example local", "b.example local"]);
    assert_eq!(keys, ["a.example mail rsa 1024"]);
}

#[test]
fn zones_that_a_panel_keeps_here() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "/etc/wwwacct.conf", "HOST mail.example.com\n");
    write(dir.path(), "/etc/localdomains", "a.example\nsub.b.example\nc.example\n");
    for zone in ["a.example", "b.example", "other.example"] {
        write(dir.path(), &format!("/var/named/{zone}.db"), "");
    }
    let hestia = "ID='1' RECORD='@' TYPE='NS' PRIORITY='' VALUE='ns.example.com.'\n\
                  ID='7' RECORD='@' TYPE='TXT' PRIORITY='' VALUE='\"v=spf1 a\" \" -all\"' SUSPENDED='no'\n";
    write(dir.path(), "/usr/local/hestia/data/users/joe/dns/c.example.conf", hestia);
    let root = Root::open(dir.path()).unwrap();
    let facts = collect::collect(&root, None);
    let found = mail_domains(&root, &facts, &[]);
    let zone = |name: &str| {
        found.kept_zone(&DomainName::new(name)).map(|(zone, keeper)| match keeper {
            ZoneKeeper::Cpanel => format!("{zone} cpanel"),
            ZoneKeeper::Hestia { user, texts } => format!("{zone} {user} {} {}", texts[0].id, texts[0].text),
            ZoneKeeper::Bind(file) => format!("{zone} {}", file.path),
            ZoneKeeper::Other => format!("{zone} -"),
        })
    };
    assert_eq!(zone("_dmarc.a.example").as_deref(), Some("a.example cpanel"));
    assert_eq!(zone("sub.b.example").as_deref(), Some("b.example cpanel"));
    assert_eq!(zone("c.example").as_deref(), Some("c.example joe 7 v=spf1 a -all"));
    assert_eq!(zone("other.example"), None);
}
