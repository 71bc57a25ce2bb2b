//! Configurations that somebody means harm with: they cost no more than their budget, and nothing of another's file gets out.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use super::*;
use crate::collect::mail_domains::budget::{FILES, PATH, SETTINGS};
use crate::collect::testing::processor_time;
use crate::domains::KEYS_OF_ONE;

/// Processor time: more than any of it takes without optimisation, and far less than without bounds.
const LONG: Duration = Duration::from_secs(60);
const POSTFIX: (&str, &str) = ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n");
/// In place of a password.
const TOKEN: &str = "hunter2-TOPSECRET";

/// Gaps and keys of a host with so many domains, in no more than [`LONG`].
fn many(domains: usize, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let names: Vec<String> = (0..domains).map(|n| format!("d{n}.example")).collect();
    let main = "myhostname = mail.example.com\nmydestination = texthash:/etc/postfix/domains\n";
    let table: String = names.iter().map(|name| format!("{name} x\n")).collect();
    let all = [&[("/etc/postfix/main.cf", main), POSTFIX, ("/etc/postfix/domains", &table)], files].concat();
    let before = processor_time();
    let (_, keys, gaps) = with_gaps(&all);
    let taken = processor_time() - before;
    assert!(taken < LONG, "{taken:?}");
    (keys, gaps)
}

#[test]
fn includes_and_settings_of_opendkim_have_a_bound() {
    let level = |next: &str| format!("Include {next}\n").repeat(100);
    let levels = ["/etc/d1", "/etc/d2", "/etc/d3", "/etc/d4", "/etc/d5"];
    let texts: Vec<String> = levels[1..].iter().map(|next| level(next)).chain(["X y\n".to_owned()]).collect();
    let top = level(levels[0]);
    let mut files: Vec<(&str, &str)> = levels.into_iter().zip(texts.iter().map(String::as_str)).collect();
    files.push((OPENDKIM, &top));
    let (keys, gaps) = many(1, &files);
    assert_eq!(keys, [""; 0]);
    assert!(gaps.len() == 1 && gaps[0].contains(&format!("more than the {FILES} files")), "{gaps:?}");

    let one = "Domain d0.example\nSelector s\nKeyFile /etc/one\n";
    let included = format!("{}{one}", "Include /etc/empty\n".repeat(FILES - 1));
    let (keys, gaps) = many(1, &[(OPENDKIM, &included), ("/etc/empty", ""), ("/etc/one", KEY)]);
    assert_eq!((keys, gaps), (vec!["d0.example s rsa 1024".to_owned()], vec![]), "as many as are read");

    for (settings, is_open) in [(SETTINGS - 3, false), (SETTINGS - 2, true)] {
        let config = format!("{one}{}{}", "Unknown x\n".repeat(20_000), "Mode sv\n".repeat(settings));
        let (keys, gaps) = many(1, &[(OPENDKIM, &config), ("/etc/one", KEY)]);
        assert_eq!((keys.len(), gaps.len()), if is_open { (0, 1) } else { (1, 0) }, "{gaps:?}");
        assert!(gaps.iter().all(|gap| gap.contains(&format!("more than the {SETTINGS} settings"))), "{gaps:?}");
    }
}

#[test]
fn patterns_against_domains_have_a_bound() {
    // Long ones, so that the budget is spent in fewer steps.
    let rest = "x".repeat(500);
    let patterns: String = (0..20_000).map(|n| format!("x{n}*{rest}.example\n")).collect();
    let tables = "KeyTable refile:/etc/patterns\nSigningTable refile:/etc/signing\n";
    for (config, signing) in [
        ("Domain refile:/etc/patterns\nSubDomains yes\nSelector s\nKeyFile /etc/one\n", ""),
        (tables, "*@d*.example k\n"),
        ("KeyTable /etc/one\nSigningTable refile:/etc/patterns\n", ""),
    ] {
        let files = [(OPENDKIM, config), ("/etc/patterns", &patterns), ("/etc/signing", signing), ("/etc/one", KEY)];
        let (keys, gaps) = many(1_000, &files);
        assert_eq!(keys, [""; 0]);
        let told = gaps.iter().any(|gap| gap.contains("octets that are compared") && gap.ends_with("(keys)"));
        assert!(told, "{config}: {}", gaps.len());
    }
    // Many stars are one.
    let config = "Domain refile:/etc/patterns\nSelector s\nKeyFile /etc/one\n";
    for (end, count) in [("x", 0), ("9.example", 100)] {
        let stars = format!("d{}{end}\n", "*".repeat(4 << 20));
        let (keys, gaps) = many(1_000, &[(OPENDKIM, config), ("/etc/patterns", &stars), ("/etc/one", KEY)]);
        assert_eq!((keys.len(), gaps.len()), (count, 0), "{gaps:?}");
    }
}

#[test]
fn keys_of_one_domain_have_a_bound_in_each_program() {
    let count = 3_000;
    let lines = |line: &dyn Fn(usize) -> String, count: usize| (0..count).map(line).collect::<String>();
    let opendkim = |count: usize| {
        let signing = lines(&|n| format!("u{n}@d0.example k{n}\n"), count);
        let table = lines(&|n| format!("k{n} %:s{n}:/etc/one\n"), count);
        let config = "KeyTable refile:/etc/opendkim/kt\nSigningTable refile:/etc/opendkim/st\n";
        many(1, &[(OPENDKIM, config), ("/etc/opendkim/st", &signing), ("/etc/opendkim/kt", &table), ("/etc/one", KEY)])
    };
    let rspamd = |count: usize| {
        let list = lines(&|n| format!("{{ selector = s{n}; path = /etc/one }}\n"), count);
        let text = format!("use_domain = \"d0.example\"; domain {{ d0.example {{ selectors [ {list} ] }} }}");
        many(1, &[(RSPAMD, &text), ("/etc/one", KEY)])
    };
    for signs in [&opendkim as &dyn Fn(usize) -> (Vec<String>, Vec<String>), &rspamd] {
        let (keys, gaps) = signs(KEYS_OF_ONE);
        assert_eq!((keys.len(), gaps.len()), (KEYS_OF_ONE, 0), "{gaps:?}");
        let (keys, gaps) = signs(count);
        assert_eq!((keys.len(), gaps.len()), (KEYS_OF_ONE, 1), "{gaps:?}");
        assert!(gaps[0].contains("signed with more than 16 keys") && gaps[0].ends_with("(d0.example)"), "{gaps:?}");
    }
    let selectors: Vec<String> = (0..=KEYS_OF_ONE).map(|n| format!("s{n}")).collect();
    for count in [KEYS_OF_ONE, KEYS_OF_ONE + 1] {
        let options = format!(
            "  dkim_domain = a.example\n  dkim_selector = {}\n  dkim_private_key = /etc/k/a.example",
            selectors[..count].join(" : ")
        );
        let (keys, gaps) = exim_signs(&options, &[]);
        assert_eq!(keys.len(), 3 * KEYS_OF_ONE);
        assert_eq!(gaps.len(), usize::from(count > KEYS_OF_ONE), "{gaps:?}");
        assert!(gaps.iter().all(|gap| gap.contains("dkim_selector") && gap.contains("more than 16")), "{gaps:?}");
    }
}

#[test]
fn a_list_for_one_name_costs_its_budget_for_all_domains() {
    let list = "{ selector = s; path = /etc/one }\n".repeat(100_000);
    let text = format!("use_domain = \"d0.example\"; domain {{ d0.example {{ selectors [ {list} ] }} }}");
    let (_, gaps) = many(1_000, &[(RSPAMD, &text), ("/etc/one", KEY)]);
    assert!(gaps.len() == 1 && gaps[0].contains("octets that are compared"), "{gaps:?}");
}

#[test]
fn what_is_too_long_for_a_path_is_none_and_is_not_kept() {
    let long = "x".repeat(1 << 20);
    let path = format!("path = \"/{long}/$domain.key\"; selector = s;");
    let (keys, gaps) = many(2_000, &[(RSPAMD, &path)]);
    assert_eq!(keys, [""; 0]);
    assert!(gaps.len() == 1 && gaps[0].contains(&format!("more than {PATH} octets")), "{}", gaps.len());
    assert!(gaps[0].contains("d1999.example") && gaps[0].len() < 100_000, "all domains in one");
    let table = format!("k %:s:/{}\n", "%".repeat(PATH - 1));
    let tables =
        [(OPENDKIM, "KeyTable /etc/kt\nSigningTable refile:/etc/st\n"), ("/etc/st", "* k\n"), ("/etc/kt", &table)];
    let (keys, gaps) = many(2_000, &tables);
    assert_eq!(keys, [""; 0]);
    assert!(gaps.len() == 1 && gaps[0].contains("has more than"), "{}", gaps.len());
    let selector = format!("path = /etc/one; selector = {long}");
    let (keys, gaps) = many(2_000, &[(RSPAMD, &selector), ("/etc/one", KEY)]);
    assert_eq!(keys, [""; 0]);
    assert!(gaps.len() == 1 && gaps[0].contains("is no name of the DNS"), "{}", gaps.len());
}

#[test]
fn amavis_goes_through_its_files_once() {
    let amavis = "/etc/amavis/conf.d/50-user";
    let switches = "$enable_dkim_signing =\n".repeat(100_000);
    let maps = "@dkim_signature_options_bysender_maps = ({ 'd0.example' => { d => 'd1.example' } })\n".repeat(20_000);
    let text = format!("{switches}{maps}$enable_dkim_signing = 1;\ndkim_key('d1.example', 's', '/etc/one');\n");
    let (keys, gaps) = many(1, &[(amavis, &text), ("/etc/one", KEY)]);
    assert_eq!((keys, gaps), (vec!["d0.example s rsa 1024 d=d1.example".to_owned()], vec![]));
    let senders: String = (0..100_000).map(|n| format!("'u{n}@x.example' => {{ d => 'x.example' }},\n")).collect();
    let calls: String = (0..20_000).map(|n| format!("dkim_key('k{n}.example', 's', '/etc/one');\n")).collect();
    let text =
        format!("$enable_dkim_signing = 1;\n@dkim_signature_options_bysender_maps = ({{ {senders} }});\n{calls}");
    let (keys, gaps) = many(1_000, &[(amavis, &text), ("/etc/one", KEY)]);
    assert_eq!((keys.len(), gaps.len()), (0, 0), "{gaps:?}");
}

#[test]
fn what_is_no_name_gets_into_no_question_and_no_report() {
    let secret = format!("bob:{TOKEN}");
    let map = format!("d0.example {secret}\n");
    let rspamd = ["selector_map = /etc/rspamd/map; path = /etc/one", "selector = \"a b\"; path = /etc/one"];
    for text in rspamd {
        let (keys, gaps) = many(1, &[(RSPAMD, text), ("/etc/rspamd/map", &map), ("/etc/one", KEY)]);
        assert_eq!(keys, [""; 0], "{text}");
        assert!(gaps.len() == 1 && gaps[0].contains("is no name of the DNS") && !gaps[0].contains(TOKEN), "{gaps:?}");
    }
    for entry in
        ["k %:s=1:/etc/one", "k a_b\\.c:s:/etc/one", "k %:-s:/etc/one", "k com:s:/etc/one", "k %:s..t:/etc/one"]
    {
        let files = [(OPENDKIM, "KeyTable /etc/kt\nSigningTable /etc/st\n"), ("/etc/st", "* k\n"), ("/etc/kt", entry)];
        let (keys, gaps) = many(1, &[&files[..], &[("/etc/one", KEY)]].concat());
        assert_eq!((keys.len(), gaps.len()), (0, 1), "{entry}: {gaps:?}");
        assert!(gaps[0].contains("is no name of the DNS"), "{entry}: {gaps:?}");
    }
    let files = [(OPENDKIM, "KeyTable csl:k=x\nSigningTable /etc/st\n"), ("/etc/st", &format!("* {TOKEN}$\n"))];
    let (_, gaps) = many(1, &files);
    assert!(gaps.len() == 1 && gaps[0].contains("names a key, which"), "{gaps:?}");
    for selector in ["20240101", "s1.2024", "dkim_one", "S1"] {
        let text = format!("selector = \"{selector}\"; path = /etc/one");
        let (keys, gaps) = many(1, &[(RSPAMD, &text), ("/etc/one", KEY)]);
        assert_eq!((keys, gaps), (vec![format!("d0.example {selector} rsa 1024")], vec![]));
    }
    let options = "  dkim_domain = a.example\n  dkim_selector = ${lc:A B}\n  dkim_private_key = /etc/k/a.example";
    let (keys, gaps) = exim_signs(options, &[]);
    assert_eq!((keys.len(), gaps.len()), (0, 1), "{gaps:?}");
    assert!(gaps[0].contains("exim.conf:13: ") && gaps[0].contains("is no name of the DNS"), "{gaps:?}");
}

/// A host whose maps are links to a file that root alone may read.
#[test]
fn of_what_root_alone_may_read_nothing_is_told() {
    for (config, map) in [
        ((RSPAMD, "selector_map = /etc/rspamd/map; path = /etc/one"), "/etc/rspamd/map"),
        ((OPENDKIM, "KeyTable csl:k=x\nSigningTable /etc/opendkim/st\n"), "/etc/opendkim/st"),
        ((OPENDKIM, "KeyTable /etc/opendkim/kt\nSigningTable csl:d0.example=d0.example\n"), "/etc/opendkim/kt"),
        ((OPENDKIM, "Include /etc/opendkim/more\n"), "/etc/opendkim/more"),
        (("/etc/amavis/conf.d/50-user", "1;"), "/etc/amavis/conf.d/60-more"),
        ((RSPAMD, "path = /etc/one"), "/etc/rspamd/override.d/dkim_signing.conf"),
        ((RSPAMD, "path = /etc/one"), "/etc/rspamd/rspamd.conf.local"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let main = ("/etc/postfix/main.cf", "myhostname = mail.example.com\nmydestination = d0.example\n");
        let secret = format!("d0.example {TOKEN}\nSelector {TOKEN}\nselector = {TOKEN}\n");
        let files = [main, POSTFIX, config, ("/etc/one", KEY), ("/etc/kept", &secret)];
        files.iter().for_each(|(path, text)| write(dir.path(), path, text));
        let kept = dir.path().join("etc/kept");
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
        let place = dir.path().join(map.trim_start_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink("/etc/kept", &place).unwrap();
        let root = Root::open(dir.path()).unwrap();
        let found = mail_domains(&root, &collect::collect(&root, None), &[]);
        assert!(found.keys.is_empty(), "{map}: {:?}", found.keys);
        let told = format!("{:?}", found.gaps);
        assert!(!told.contains(TOKEN), "{map}: {told}");
        assert_eq!(found.gaps.len(), 1, "{map}: {told}");
        assert!(told.contains(map) && told.contains("not everyone may read it"), "{map}: {told}");
    }
}

#[test]
fn exim_s_selector_tells_of_no_file_that_is_not_its_own() {
    let options = |selector: &str, key: &str| {
        format!("  dkim_domain = a.example\n  dkim_selector = {selector}\n  dkim_private_key = {key}")
    };
    let kept = [("/root/x", "y"), ("/etc/exim/keys/a", "y")];
    let signs = |options: &str| {
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "primary_hostname = mail.example.com\ndomainlist local_domains = a.example\nbegin routers\nout:\n  \
             driver = dnslookup\n  domains = !+local_domains\n  transport = remote\nbegin transports\nremote:\n  \
             driver = smtp\n{options}\n"
        );
        let files = [("/etc/exim/exim.conf", config.as_str()), ("/etc/k", KEY), kept[0], kept[1]];
        files.iter().for_each(|(path, text)| write(dir.path(), path, text));
        for (folder, mode) in [("root", 0o700), ("etc/exim/keys", 0o700)] {
            fs::set_permissions(dir.path().join(folder), fs::Permissions::from_mode(mode)).unwrap();
        }
        let root = Root::open(dir.path()).unwrap();
        let found = mail_domains(&root, &collect::collect(&root, None), &[]);
        let keys: Vec<String> = found.keys.values().flatten().map(|key| key.selector.clone()).collect();
        (keys, found.gaps.len())
    };
    assert_eq!(signs(&options("${if exists{/root/x}{yes}{no}}", "/etc/k")), (vec![], 1), "left open");
    assert_eq!(signs(&options("${if exists{/etc/exim/keys/a}{yes}{no}}", "/etc/k")), (vec!["yes".to_owned()], 0));
    assert_eq!(signs(&options("s", "${if exists{/root/x}{/etc/k}{0}}")), (vec!["s".to_owned()], 0));
}

#[test]
fn more_missing_keys_than_are_told_leave_their_domains_open() {
    let config = "KeyTable /etc/kt\nSigningTable refile:/etc/st\n";
    let files = [(OPENDKIM, config), ("/etc/st", "* k\n"), ("/etc/kt", "k %:s:/etc/none/%.key\n")];
    let (keys, gaps) = many(300, &files);
    assert_eq!((keys.len(), gaps.len()), (0, 201));
    assert!(gaps[199].contains("is not there"), "{}", gaps[199]);
    assert!(gaps[200].contains("told here one by one") && gaps[200].contains("d99.example"), "{}", gaps[200]);
    assert_eq!(gaps[200].matches(".example").count(), 100);
}
