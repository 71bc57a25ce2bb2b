//! Nothing undecidable is ever shown as decided: each construct that the specification leaves to the moment of sending, in each
//! place where an expansion can stand, leaves the HELO name and the source address undecided.

use proptest::prelude::*;

use super::{Fixture, SMTP, lines};
use crate::facts::{Bind, Helo, ProblemKind};

/// What depends on the moment, whatever stands around it.
const MOMENT: &[&str] = &[
    "${perl{name}}",
    "${perl{get_message_sender_domain}{x}}",
    "${run{/bin/hostname}{$value}}",
    "${readsocket{/run/name}{x}}",
    "${dlfunc{/lib/x.so}{name}}",
    "${env{HOSTNAME}}",
    "${acl{name}}",
    "$acl_m_helo",
    "$acl_c0",
    "$1",
    "${expand:$local_part}",
    "$authenticated_id",
    "$authenticated_sender",
    "$h_subject:",
    "$header_from:",
    "$rh_to:",
    "$tod_full",
    "$tod_epoch",
    "$address_data",
    "$router_name",
    "$host",
    "$host_address",
    "$sender_host_address",
    "$sender_host_name",
    "$sender_helo_name",
    "$interface_address",
    "$received_ip_address",
    "$tls_in_sni",
    "$message_exim_id",
    "$message_size",
    "$pid",
    "$recipients_count",
    "$self_hostname",
    "${randint:100}",
    "${lookup mysql{select name from helo}}",
    "${lookup pgsql{select name from helo}}",
    "${lookup sqlite,file=/etc/names.db {select name from helo}}",
    "${lookup redis{get name}}",
    "${lookup ldap{ldap:///o=x?cn}}",
    "${lookup passwd{alice}}",
    "${lookup{a}cdb{/etc/names.cdb}}",
    "${lookup{a}dbm{/etc/names.db}}",
    "${lookup{a}dbmnz{/etc/names.db}}",
    "${lookup{a}nis{names}}",
    "${lookup dnsdb{a=mail.example.com}}",
    "${lookup dnsdb{ptr=192.0.2.1}}",
    "${if queue_running{one}{two}}",
    "${if first_delivery{one}{two}}",
    "${sg{a}{(?<!b)a}{c}}",
    "${extract{inode}{${stat:/etc/names}}}",
    "${extract{ctime}{${stat:/etc/names}}}",
    "${extract{device}{${stat:/etc/names}}}",
    "${extract{links}{${stat:/etc/names}}}",
    "${extract{atime}{${stat:/etc/names}}}",
    "${stat:/etc/names}",
    "${md5:${stat:/etc/names}}",
    "${strlen:${stat:/etc/names}}",
    "${if match{${stat:/etc/names}}{inode=5}{one}{two}}",
    "${sg{${stat:/etc/names}}{.+}{x}}",
    "$acl_m_none",
    "$acl_c_none",
    "$bh_subject:",
    "$lh_subject:",
    "$rheader_from:",
    "$bheader_from:",
    "$message_headers",
    "$message_body",
    "$tod_log",
    "$tod_zulu",
    "$version_number",
    "$sender_ident",
    "$sender_fullhost",
    "$load_average",
    "$originator_uid",
    "$tls_out_cipher",
    "$parent_domain",
    "$interface_port",
    "${lookup readsock{inet:127.0.0.1:1234}}",
    "${lookup ldapm{ldap:///o=x?cn}}",
    "${lookup ldapdn{ldap:///o=x?cn}}",
    "${lookup oracle{select name from helo}}",
    "${lookup ibase{select name from helo}}",
    "${lookup nisplus{[name=x],helo}}",
    "${lookup whoson{192.0.2.1}}",
    "${lookup spf{192.0.2.1}}",
    "${lookup{a}dbmjz{/etc/names.db}}",
    "${lookup{a}lmdb{/etc/names.mdb}}",
    "${lookup{a}json{/etc/names.json}}",
    "${lookup{a}nis0{names}}",
    "${lookup{a}lsearch{/etc/${if eq{a}{a}{$h_x:}}}}",
    "${readfile{/etc/${if eq{a}{a}{$acl_m0}}}}",
    "${hmac{md5}{a}{b}}",
    "${prvs{a@b.example}{key}}",
    "${imapfolder{a}}",
    "${authresults{a}}",
    "${srs_encode{key}{a@b.example}{c.example}}",
    "${if pam{a:b}{one}{two}}",
    "${if radius{a:b}{one}{two}}",
    "${if ldapauth{ldap:///}{one}{two}}",
    "${if saslauthd{{a}{b}}{one}{two}}",
    "${if pwcheck{{a:b}}{one}{two}}",
    "${if crypteq{a}{\\{md5\\}x}{one}{two}}",
    "${if acl{{name}}{one}{two}}",
    "${if inbound_srs{a}{b}{one}{two}}",
    "${if forany_json{[1]}{eq{$item}{1}}{one}{two}}",
    "${if match{a}{(?=a)}{one}{two}}",
    "${if match{aa}{a++a}{one}{two}}",
    "${if match{a}{\\N\\Ka\\N}{one}{two}}",
    "${sg{aXb}{X*?}{-}}",
    "${if match_domain{a.b}{*.b}{$value}{two}}",
    "${lookup{a}lsearch{/etc/names}{x}{${reduce{a}{0}{b}}}}$value",
    "${map{a:b}{$value${reduce{3:1}{0}{$item}}}}",
    "${sha256:a}",
    "${base62:5}",
];

/// What depends on the sender's address in a way that no list of domains covers. An expansion around it may make it the same
/// for everyone.
const SENDER: &[&str] = &[
    "${lookup dnsdb{ptr=$sending_ip_address}{x$value}{y}}",
    "mail.$sender_address_domain",
    "mail.$domain",
    "${if match{$sender_address_domain}{^a}{one}{two}}",
    "${if match{$original_domain}{^a}{one}{two}}",
    "${if eq{$sender_address_local_part}{a}{one}{two}}",
    "${if eq{$local_part}{a}{one}{two}}",
    "${if match_domain{$sender_address_domain}{^a.*}{one}{two}}",
    "${if match_address{$sender_address}{a@*}{one}{two}}",
];

/// Places for an expansion; `@` is where it stands.
const PLACES: &[&str] = &[
    "@",
    "mail-@.example.com",
    "${lc:@}",
    "${quote:@}",
    "${sg{@}{0123}{}}",
    "${extract{1}{\u{1}}{@}}",
    "${if eq{@}{5}{one}{two}}",
    "${if !eq{5}{@}{one}{two}}",
    "${if eq{a}{a}{@}{two}}",
    "${if and{{eq{a}{a}}{eq{@}{5}}}{one}{two}}",
    "${if or{{eq{a}{b}}{eq{@}{5}}}{one}{two}}",
    "${if match{@}{^5}{one}{two}}",
    "${if inlist{@}{5:6}{one}{two}}",
    "${lookup{a}lsearch{/etc/names}{@}{none}}",
    "${lookup{none}lsearch{/etc/names}{x}{@}}",
    "${tr{@}{_}{-}}",
    "${length{200}{@}}",
    "${map{one}{$item @}}",
    "${if forany{one}{eq{$item}{@}}{one}{two}}",
];

/// The option `name` set to `text`, and whether the named undecided outcome is there.
fn undecided(option: &str, text: &str) -> (bool, Vec<String>) {
    let config = format!("disable_ipv6\n{SMTP} {option} = {text}\n");
    let found = Fixture::new(&[("/etc/exim.conf", &config), ("/etc/names", "a: b\nx.y: z\n")]).collect(false);
    let open = found.senders.iter().any(|sender| match option {
        "helo_data" => matches!(sender.helo, Helo::Undecided(_)),
        _ => matches!(sender.bind, Bind::Undecided(_)),
    });
    (open, lines(&found))
}

#[test]
fn what_is_undecided_stays_undecided() {
    for construct in MOMENT.iter().chain(SENDER) {
        for option in ["helo_data", "interface"] {
            let (open, lines) = undecided(option, construct);
            assert!(open, "{option} = {construct}: {lines:?}");
        }
        // In a branch that is not reached it does not matter.
        let (open, lines) = undecided("helo_data", &format!("${{if eq{{a}}{{b}}{{{construct}}}{{ok.example}}}}"));
        assert!(!open && lines[0].contains("ok.example"), "{construct}: {lines:?}");
    }
}

/// Exim looks at some arguments even in a branch that it passes over, with nothing but their literal text. Then nothing is sent.
#[test]
fn what_exim_refuses_unused_sends_nothing() {
    for construct in [
        "${if bool{x$primary_hostname}{one}{two}}",
        "${substr{x$primary_hostname}{2}{text}}",
        "${substr{1 }{2}{text}}",
        "${listextract{x$primary_hostname}{a:b}}",
    ] {
        for text in [
            format!("${{if eq{{a}}{{b}}{{{construct}}}{{ok.example}}}}"),
            format!("${{if eq{{a}}{{a}}{{ok.example}}{{{construct}}}}}"),
            format!("${{if and{{{{eq{{a}}{{b}}}}{{eq{{x}}{{{construct}}}}}}}{{one}}{{ok.example}}}}"),
            format!("${{lookup{{a}}lsearch{{/etc/names}}{{$value}}{{{construct}}}}}"),
            format!("${{map{{}}{{{construct}}}}}ok.example"),
        ] {
            let (open, lines) = undecided("helo_data", &text);
            assert!(!open && lines.is_empty(), "{text}: {lines:?}");
        }
    }
    for construct in ["${if bool{1$primary_hostname}{one}{two}}", "${substr{$primary_hostname}{2}{text}}"] {
        let (open, lines) = undecided("helo_data", &format!("${{if eq{{a}}{{b}}{{{construct}}}{{ok.example}}}}"));
        assert!(!open && lines[0].contains("ok.example"), "{construct}: {lines:?}");
    }
}

#[test]
fn the_place_does_not_matter() {
    for place in PLACES {
        for construct in ["${perl{name}}", "$acl_m_helo", "${extract{inode}{${stat:/etc/names}}}", "$h_subject:"] {
            let text = place.replace('@', construct);
            let (open, lines) = undecided("helo_data", &text);
            assert!(open, "{text}: {lines:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    /// Any construct, in any two places one within the other.
    #[test]
    fn nothing_undecidable_is_shown_as_decided(
        construct in 0..MOMENT.len(), inner in 0..PLACES.len(), outer in 0..PLACES.len(), option in 0..2usize
    ) {
        let text = PLACES[outer].replace('@', &PLACES[inner].replace('@', MOMENT[construct]));
        let option = ["helo_data", "interface"][option];
        let (open, lines) = undecided(option, &text);
        prop_assert!(open, "{option} = {text}: {lines:?}");
    }
}

#[test]
fn what_only_some_builds_take_is_never_refused() {
    for (main, section) in [
        ("openssl_options = +no_sslv2\n", ""),
        ("dmarc_tld_file = /etc/x\n", ""),
        ("", "begin acl\nr:\n accept dmarc_status = x\n accept dkim_status = pass\n"),
    ] {
        let text = format!(
            "{main}{section}begin routers\nr:\n driver = dnslookup\n transport = t\nbegin transports\nt:\n driver = smtp\n"
        );
        let found = Fixture::new(&[("/etc/exim4/exim4.conf", &text)]).collect(false);
        assert!(!found.senders.is_empty(), "{main}");
        let told: Vec<_> =
            found.problems.iter().map(|problem| matches!(problem.kind, ProblemKind::UnknownName { .. })).collect();
        assert_eq!(told, vec![true], "{main}{section}");
    }
}
