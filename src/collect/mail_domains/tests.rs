//! Hosts with lists of domains and programs that sign.

use super::*;
use crate::domains::GapOf;
use crate::domains::zones::ZoneKeeper;
use std::fs;
use std::path::Path;

use crate::{collect, identity};

const KEY: &str = include_str!("../../../testdata/dkim/rsa1024.pkcs1.pem");

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
    let (domains, _) = found(&[
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

#[test]
fn exim_s_transports_sign_for_the_domain_of_the_sender() {
    let signs = |options: &str| {
        let (keys, gaps) = exim_signs(options, &[]);
        // Not every domain has a key.
        let others: Vec<&String> = gaps.iter().filter(|gap| !gap.contains("is not there")).collect();
        assert_eq!(others, [""; 0], "{options}");
        keys
    };
    let options = |domain: &str, selector: &str, key: &str| {
        format!("  dkim_domain = {domain}\n  dkim_selector = {selector}\n  dkim_private_key = {key}")
    };
    let a = ["a.example s1 rsa 1024"];
    let by_path = "/etc/k/$dkim_domain";
    assert_eq!(signs(&options("$sender_address_domain", "SEL", by_path)), a);
    assert_eq!(signs(&options("${lc:${domain:$h_from:}}", "s1", by_path)), a);
    assert_eq!(signs(&options("${lc:${domain:$rh_From:}}", "s1", "/etc/k/${dkim_domain}")), a);
    let exists = "${if exists{/etc/k/$dkim_domain}{/etc/k/$dkim_domain}{0}}";
    assert_eq!(signs(&options("$sender_address_domain", "s1", exists)), a);
    let looked_up = "${lookup{$dkim_domain}lsearch{/etc/map}{$value}{false}}";
    assert_eq!(signs(&options("$sender_address_domain", "s1", looked_up)), ["b.example s1 rsa 1024"]);
    let by_list = "${if match_domain{$sender_address_domain}{b.example}{c.example}{}}";
    assert_eq!(signs(&options(by_list, "s1", by_path)), ["b.example s1 rsa 1024 d=c.example"]);
    assert_eq!(
        signs(&options("$sender_address_domain", "s1 : s2", by_path)),
        ["a.example s1 rsa 1024", "a.example s2 rsa 1024"]
    );
    let fixed = signs(&options("c.example", "${dkim_domain}x", by_path));
    assert_eq!(fixed.len(), 3, "all mail is signed for one domain: {fixed:?}");
    assert_eq!(fixed[2], "sub.c.example c.examplex rsa 1024 d=c.example");
    for nothing in ["0", "false", "${if eq{a}{b}{/etc/k/a.example}}"] {
        assert_eq!(signs(&options("$sender_address_domain", "s1", nothing)), [""; 0], "{nothing}");
    }
    assert_eq!(signs("  dkim_domain = $sender_address_domain\n  dkim_private_key = /etc/k/a.example"), [""; 0]);
    assert_eq!(signs(""), [""; 0]);
}

#[test]
fn a_key_of_exim_s_that_is_not_there_is_told() {
    let options = "  dkim_domain = a.example\n  dkim_selector = s1\n  dkim_private_key = /etc/k/gone.pem";
    let (keys, gaps) = exim_signs(options, &[]);
    assert_eq!(keys, [""; 0]);
    let expected = "/etc/exim/exim.conf:14: the key /etc/k/gone.pem, with which mail of a.example is to be signed, is not there \
                    (a.example b.example sub.c.example)";
    assert_eq!(gaps, [expected]);
    // cPanel's routers leave out this transport where there is no key.
    let panel = "  dkim_domain = $sender_address_domain\n  dkim_selector = default\n  \
                 dkim_private_key = /var/cpanel/domain_keys/private/$dkim_domain";
    let (keys, gaps) = exim_signs(panel, &[("/var/cpanel/domain_keys/private/a.example", KEY)]);
    assert_eq!((keys, gaps), (vec!["a.example default rsa 1024".to_owned()], vec![]));
}

#[test]
fn a_panel_s_key_counts_where_exim_s_configuration_leaves_it_open() {
    let panel = [("/usr/local/directadmin/directadmin", ""), ("/etc/virtual/a.example/dkim.private.key", KEY)];
    let options = |selector: &str| {
        format!(
            "  dkim_domain = $sender_address_domain\n  dkim_selector = {selector}\n  \
             dkim_private_key = ${{if exists{{/etc/virtual/$dkim_domain/dkim.private.key}}\
             {{/etc/virtual/$dkim_domain/dkim.private.key}}{{0}}}}"
        )
    };
    assert_eq!(exim_signs(&options("s2026"), &panel), (vec!["a.example s2026 rsa 1024".to_owned()], vec![]));
    assert_eq!(exim_signs("", &panel), (vec![], vec![]), "Exim signs nothing");
    let (keys, gaps) = exim_signs(&options("${lookup mysql{SELECT s}}"), &panel);
    assert_eq!((keys, gaps.len()), (vec!["a.example x rsa 1024".to_owned()], 1));
    let (keys, _) = exim_signs(".include /etc/none", &panel);
    assert_eq!(keys, ["a.example x rsa 1024"], "a configuration that Exim refuses decides nothing");
}

#[test]
fn what_exim_decides_when_it_sends_is_told_once_for_all_domains() {
    let options = "  dkim_domain = $sender_address_domain\n  dkim_selector = ${lookup mysql{SELECT s}}\n  \
                   dkim_private_key = /etc/k/$dkim_domain";
    let (keys, gaps) = exim_signs(options, &[]);
    assert_eq!(keys, [""; 0]);
    assert_eq!(
        gaps,
        [
            "/etc/exim/exim.conf:13: dkim_selector of the transport remote is not decided by files (a `mysql` lookup asks a \
          database when the mail is sent) (a.example b.example sub.c.example)"
        ]
    );
}

#[test]
fn debian_s_macros_of_exim() {
    let config = "primary_hostname = mail.example.com\ndomainlist local_domains = a.example\n\
        DKIM_DOMAIN = ${lc:${domain:$h_from:}}\nDKIM_SELECTOR = deb\nDKIM_KEY_FILE = /etc/exim4/dkim/DKIM_DOMAIN.key\n\
        DKIM_PRIVATE_KEY = ${if exists{DKIM_KEY_FILE}{DKIM_KEY_FILE}{0}}\nbegin routers\nout:\n  driver = dnslookup\n  \
        domains = !+local_domains\n  transport = remote_smtp\nbegin transports\nremote_smtp:\n  driver = smtp\n\
        .ifdef DKIM_DOMAIN\ndkim_domain = DKIM_DOMAIN\n.endif\n.ifdef DKIM_SELECTOR\ndkim_selector = DKIM_SELECTOR\n.endif\n\
        .ifdef DKIM_PRIVATE_KEY\ndkim_private_key = DKIM_PRIVATE_KEY\n.endif\n";
    let files = [
        ("/etc/exim4/exim4.conf.template", "begin routers\n"),
        ("/var/lib/exim4/config.autogenerated", config),
        ("/etc/exim4/dkim/a.example.key", KEY),
    ];
    let (_, keys, gaps) = with_gaps(&files);
    assert_eq!((keys, gaps), (vec!["a.example deb rsa 1024".to_owned()], Vec::new()));
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

const OPENDKIM: &str = "/etc/opendkim.conf";

#[test]
fn opendkim_by_its_tables() {
    let tables = |config: &str, signing: &str, keys: &str| {
        signs(&[(OPENDKIM, config), ("/etc/dkim/signing", signing), ("/etc/dkim/keys", keys)])
    };
    let sure = |config: &str, signing: &str, keys: &str| {
        let (keys, gaps) = tables(config, signing, keys);
        assert_eq!(gaps, [""; 0]);
        keys
    };
    let re = "Syslog yes # x\nKeyTable refile:/etc/dkim/keys\nSigningTable refile:/etc/dkim/signing\n";
    let plain = "keytable /etc/dkim/keys\nSigningTable\tfile:/etc/dkim/signing\n";
    let keys =
        "# name domain:selector:file\none a.example:s1:/etc/one\ntwo\tb.example:s2:/etc/two # x\nany %:s3:/etc/one\n";
    let a = "a.example s1 rsa 1024";
    assert_eq!(sure(re, "*@a.example one\n# *@b.example two\n", keys), [a], "a key that no sender has signs nothing");
    assert_eq!(sure(re, "*@A.example one\njoe@b.example two\n", keys), [a, "b.example s2 rsa 1024"]);
    assert_eq!(sure(re, "*.c.example one\n* two\n", keys).last().unwrap(), "sub.c.example s1 rsa 1024 d=a.example");
    assert_eq!(
        sure(re, "*@a.example two\n*@a.example one\n", keys),
        ["a.example s2 rsa 1024 d=b.example"],
        "the first"
    );
    let both = sure(&format!("{re}MultipleSignatures yes\n"), "*@a.example two\n*@a.example one\n", keys);
    assert_eq!(both, ["a.example s2 rsa 1024 d=b.example", a]);
    assert_eq!(sure(plain, "*@a.example one\n", keys), [""; 0], "no pattern in a plain file");
    assert_eq!(sure(plain, "a.example one\n.c.example any\n", keys), [a, "sub.c.example s3 rsa 1024"]);
    assert_eq!(sure(plain, "* any:joe@a.example\na.example one\n", keys).len(), 3);
    let by_name = tables(plain, "a.example %\n", "a.example %:s4:/etc/%.key\n").1;
    assert!(by_name[0].contains("the key /etc/a.example.key, with which mail of a.example"), "{by_name:?}");
    let named = [("/etc/a.example.key", KEY), (OPENDKIM, "SigningTable csl:a.example=k\nKeyTable k=%:s5:/etc/%.key\n")];
    assert_eq!(signs_for_sure(&named), ["a.example s5 rsa 1024"]);
    assert_eq!(sure(&format!("{re}Mode v\n"), "*@a.example one\n", keys), [""; 0]);
    let open = |config: &str, signing: &str, keys: &str| {
        let (keys, gaps) = tables(config, signing, keys);
        assert_eq!(keys, [""; 0]);
        gaps.join("; ")
    };
    assert!(
        open(re, "*@a.example absent\n", keys)
            .contains("/etc/dkim/signing:1: OpenDKIM: SigningTable names the key `absent`")
    );
    assert!(open(re, "*@a.example n\n", "n a.example:s\n").contains("/etc/dkim/keys:1: OpenDKIM: the key `n` is not"));
    let told = open(re, "*@a.example n\n", "n a.example:s:MIICdQIBADAN\n");
    assert!(told.contains("stands in the table itself") && !told.contains("MIIC"), "{told}");
    assert!(open(re, "*@a.example n\n", "n a.example:s:/etc/none\n").contains("the key /etc/none, with which"));
    let base = open("SigningTable dsn:mysql://u:secret@h/d\nKeyTable file:/etc/dkim/keys\n", "", keys);
    assert!(base.contains(":1: OpenDKIM: SigningTable is a `dsn` data base") && !base.contains("secret"), "{base}");
    assert!(open("SigningTable /etc/none\nKeyTable /etc/dkim/keys\n", "", keys).contains("/etc/none cannot be read"));
    assert!(open("KeyTable /etc/dkim/keys\n", "", keys).contains("only count together"));
    assert!(open("KeyFile /etc/one\nKeyFile /etc/two\n", "", keys).contains("KeyFile is set twice"));
}

#[test]
fn opendkim_with_one_key() {
    let one =
        |config: &str| signs_for_sure(&[(OPENDKIM, config), ("/etc/dkim/domains", "# x\na.example\nc.example\n")]);
    let rest = "Selector s\nKeyFile /etc/one\n";
    assert_eq!(one(&format!("Domain b.example\n{rest}")), ["b.example s rsa 1024"]);
    assert_eq!(one(&format!("Domain a.example, b.example\n{rest}")), ["a.example s rsa 1024", "b.example s rsa 1024"]);
    assert_eq!(one(&format!("Domain /etc/dkim/domains\n{rest}")), ["a.example s rsa 1024"]);
    assert_eq!(
        one(&format!("Domain file:/etc/dkim/domains\nSubDomains yes\n{rest}")),
        ["a.example s rsa 1024", "sub.c.example s rsa 1024 d=c.example"]
    );
    assert_eq!(one(&format!("Domain *\n{rest}")).len(), 3);
    assert_eq!(one("Domain a.example\n"), [""; 0]);
    let included = [(OPENDKIM, "Include /etc/dkim/more\nDomain a.example\n"), ("/etc/dkim/more", rest)];
    assert_eq!(signs_for_sure(&included), ["a.example s rsa 1024"]);
    let endless = signs(&[(OPENDKIM, "Include /etc/opendkim.conf\n")]);
    assert!(endless.0.is_empty() && endless.1[0].contains("more than 5 levels"), "{endless:?}");
}

const RSPAMD: &str = "/etc/rspamd/local.d/dkim_signing.conf";

#[test]
fn rspamd_by_its_settings() {
    let keys = [
        ("/var/lib/rspamd/dkim/a.example.dkim.key", KEY),
        ("/var/lib/rspamd/dkim/a.example.other.key", KEY),
        ("/var/lib/rspamd/dkim/c.example.dkim.key", KEY),
        ("/var/lib/rspamd/dkim/sub.c.example.dkim.key", KEY),
        ("/var/lib/rspamd/dkim/x.example.dkim.key", KEY),
        ("/etc/maps/selectors", "# x\na.example other\n"),
        ("/etc/maps/paths", "b.example /etc/$selector\n"),
    ];
    let with = |local: &str| {
        let all = [&keys[..], &[(RSPAMD, local)]].concat();
        signs_for_sure(&all)
    };
    let default = ["a.example dkim rsa 1024", "sub.c.example dkim rsa 1024 d=c.example"];
    assert_eq!(with(""), default, "the key of the registrable domain signs what is below");
    assert_eq!(signs_for_sure(&keys), [""; 0], "without rspamd the folder is nothing");
    assert_eq!(with("use_esld = false;"), ["a.example dkim rsa 1024", "sub.c.example dkim rsa 1024"]);
    assert_eq!(with("selector = \"other\";"), ["a.example other rsa 1024"]);
    assert_eq!(with("enabled = false;"), [""; 0]);
    assert_eq!(with("try_fallback = false;"), [""; 0]);
    assert_eq!(with("path = \"/etc/$selector\"; selector = one; try_fallback = true")[0], "a.example one rsa 1024");
    assert_eq!(with("selector_map = \"/etc/maps/selectors\";")[0], "a.example other rsa 1024");
    assert_eq!(
        with("path_map = \"/etc/maps/paths\"; selector = one; try_fallback = false"),
        ["b.example one rsa 1024"]
    );
    let domain = "domain { b.example { selector = \"x\"; path = \"/etc/one\"; } }\ntry_fallback = false;";
    assert_eq!(with(domain), ["b.example x rsa 1024"]);
    let several = "domain { b.example { selectors [ { path: \"/etc/one\"; selector: \"x\" }, { path = /etc/two; selector = y } ] } }";
    assert_eq!(with(several)[1..3], ["b.example x rsa 1024", "b.example y rsa 1024"]);
    let packaged = "dkim_signing {\n selector = \"p\";\n path = \"/etc/one\";\n .include(try=true) \"$LOCAL_CONFDIR/local.d/x\"\n}\n";
    let all = [&keys[..], &[("/etc/rspamd/modules.d/dkim_signing.conf", packaged)]].concat();
    assert_eq!(signs_for_sure(&all)[0], "a.example p rsa 1024");
    let over = ("/etc/rspamd/override.d/dkim_signing.conf", "selector = \"q\";");
    assert_eq!(signs_for_sure(&[&all[..], &[over]].concat())[0], "a.example q rsa 1024");
    for (local, place) in [
        ("\nuse_redis = true;", "local.d/dkim_signing.conf:2: rspamd: `use_redis` is set"),
        ("selector_map = \"https://x.example/m\";", "local.d/dkim_signing.conf:1: rspamd: selector_map is no file"),
        ("path_map = \"/etc/none\";", "/etc/none cannot be read"),
        ("use_domain = \"recipient\";", "`use_domain` is `recipient`"),
        ("signing_table = [ \"*@a.example a\" ];", "`signing_table` is set"),
        (
            "a = 1;\n.include \"/etc/x\"",
            "dkim_signing.conf:2: rspamd: /etc/rspamd/local.d/dkim_signing.conf has a macro",
        ),
        ("domain { a.example { path = /etc/none; } }", "the key /etc/none, with which"),
    ] {
        let (_, gaps) = signs(&[&keys[..], &[(RSPAMD, local)]].concat());
        assert!(gaps.len() == 1 && gaps[0].contains(place), "{local}: {gaps:?}");
    }
    let whole = [("/etc/rspamd/rspamd.conf.local", "# dkim_signing\ndkim_signing { enabled = true }\n")];
    assert!(signs(&whole).1[0].contains("rspamd.conf.local:2: rspamd:"), "{:?}", signs(&whole));
}

#[test]
fn amavis_by_its_calls() {
    let on = "use strict;\n$enable_dkim_signing = 1;\n";
    let with = |text: &str| {
        let config = format!("{on}{text}1;\n");
        signs(&[("/etc/amavis/conf.d/50-user", &config)])
    };
    let sure = |text: &str| {
        let (keys, gaps) = with(text);
        assert_eq!(gaps, [""; 0], "{text}");
        keys
    };
    let a = ["a.example s rsa 1024"];
    assert_eq!(sure("dkim_key('a.example', 's', '/etc/one');\n"), a);
    assert_eq!(sure("dkim_key(\n  \"a.example\",\n  \"s\", # the selector\n  '/etc/one', t => 'y');\n"), a);
    assert_eq!(sure("# dkim_key('b.example', 's', '/etc/one');\ndkim_key('a.example','s','/etc/one');"), a);
    assert_eq!(sure("dkim_key('a.example', 's', '/etc/one'); dkim_key('a.example', 't', '/etc/two');"), a);
    assert_eq!(sure("dkim_key('c.example', 's', '/etc/one');"), [""; 0], "a domain's key signs that domain alone");
    let by_sender = "dkim_key('c.example', 's', '/etc/one');\n@dkim_signature_options_bysender_maps = ( {\n  \
                     'b.example' => { d => 'c.example', ttl => 10*24*3600 },\n  '.' => { c => 'relaxed/simple' } } );\n";
    assert_eq!(sure(by_sender), ["b.example s rsa 1024 d=c.example"]);
    let off = "$enable_dkim_signing = 0;\ndkim_key('a.example', 's', '/etc/one');\n";
    for (files, is_on) in [
        (vec![("/etc/amavis/conf.d/20-debian_defaults", off), ("/etc/amavis/conf.d/50-user", on)], true),
        (vec![("/etc/amavis/conf.d/20-first", on), ("/etc/amavis/conf.d/50-user", off)], false),
        (vec![("/etc/amavis/conf.d/50-user", "dkim_key('a.example', 's', '/etc/one');")], false),
        (
            vec![(
                "/etc/amavis/conf.d/50-user.bak",
                "$enable_dkim_signing = 1; dkim_key('a.example', 's', '/etc/one');",
            )],
            false,
        ),
        (
            vec![("/etc/amavisd/amavisd.conf", "$enable_dkim_signing = 1; dkim_key('a.example', 's', '/etc/one');")],
            true,
        ),
    ] {
        assert_eq!(signs_for_sure(&files).len(), usize::from(is_on), "{files:?}");
    }
    for (text, place) in [
        ("dkim_key(\"$mydomain\", 's', '/etc/one');", "50-user:3: amavis: a `dkim_key` is made of"),
        ("dkim_key(qr/example/, 's', '/etc/one');", "is made of something else"),
        ("dkim_key('*.example', 's', '/etc/one');", "a `dkim_key` is for any domain"),
        ("dkim_key('a.example', 's', '/etc/none');", "the key /etc/none, with which mail of a.example"),
        ("$enable_dkim_signing = $x;", "is not read from `$x`"),
    ] {
        let (_, gaps) = with(text);
        assert!(gaps.len() == 1 && gaps[0].contains(place), "{text}: {gaps:?}");
    }
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
        })
    };
    assert_eq!(zone("_dmarc.a.example").as_deref(), Some("a.example cpanel"));
    assert_eq!(zone("sub.b.example").as_deref(), Some("b.example cpanel"));
    assert_eq!(zone("c.example").as_deref(), Some("c.example joe 7 v=spf1 a -all"));
    assert_eq!(zone("other.example"), None);
}

mod hostile;
