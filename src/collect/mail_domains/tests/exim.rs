//! What Exim signs with, by its transports and beside panels.

use super::*;

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
