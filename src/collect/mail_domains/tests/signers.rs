//! What OpenDKIM, rspamd and amavis sign with.

use super::*;

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
