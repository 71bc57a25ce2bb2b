use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::collect::testing::processor_time;

fn shown(path: &str, text: &str, syntax: Syntax) -> String {
    replace(text, &scan(path, text, syntax, &BTreeSet::new()).ranges)
}

#[test]
fn main_cf() {
    for (text, expected) in [
        ("myhostname = mail.example.com", "myhostname = mail.example.com"),
        ("smtp_sasl_password_maps = static:u:S", "smtp_sasl_password_maps = <hidden>"),
        ("smtp_sasl_password_maps = hash:/etc/postfix/sasl", "smtp_sasl_password_maps = hash:/etc/postfix/sasl"),
        ("smtp_sasl_password_maps = $login", "smtp_sasl_password_maps = $login"),
        (
            "smtp_sasl_password_maps =\n # why\n  inline:{h=u:S}\nmyorigin = x",
            "smtp_sasl_password_maps =\n <hidden>\nmyorigin = x",
        ),
        ("smtp_sasl_password_maps static:u:S", "smtp_sasl_password_maps <hidden>"),
        (
            "transport_maps = mysql:{ {password = a b} {user=x}, {hosts = h} }",
            "transport_maps = mysql:{ {password = <hidden>} {user=<hidden>}, {hosts = h} }",
        ),
        (
            "ldapx_bind_pw = S\nldapx_bind_dn = cn=x\nmyx_user = u",
            "ldapx_bind_pw = <hidden>\nldapx_bind_dn = <hidden>\nmyx_user = <hidden>",
        ),
        ("relayhost = [user:S@mx.example]:587", "relayhost = [<hidden>@mx.example]:587"),
        ("relayhost = user:p@ss@mx.example:587", "relayhost = <hidden>@mx.example:587"),
        ("x_maps = inline:{a=b}", "x_maps = inline:{<hidden>}"),
        ("transport_maps = inline:{a=smtp:[b]}", "transport_maps = inline:{a=smtp:[b]}"),
        ("transport_maps = inline:{a=smtp:[u:S@b]}", "transport_maps = inline:{a=smtp:[<hidden>@b]}"),
        ("smtpd_tls_key_file = /etc/ssl/key.pem", "smtpd_tls_key_file = /etc/ssl/key.pem"),
        ("virtual_alias_domains = a.example, b.example", "virtual_alias_domains = a.example, b.example"),
        ("smtp_helo_name = ${{$a} == {b} ? {c} : {d}}", "smtp_helo_name = ${{$a} == {b} ? {c} : {d}}"),
        (
            "smtp unix - - n - - smtp\n  -o smtp_sasl_password_maps=static:u:S -o myhostname=x",
            "smtp unix - - n - - smtp\n  -o smtp_sasl_password_maps=<hidden> -o myhostname=x",
        ),
        (
            "smtp unix - - n - - smtp -o { smtp_sasl_password_maps = static:u S } x",
            "smtp unix - - n - - smtp -o { smtp_sasl_password_maps = <hidden> } x",
        ),
        ("x unix - n n - - pipe flags=DRhu user=vmail argv=/x", "x unix - n n - - pipe flags=DRhu user=vmail argv=/x"),
    ] {
        assert_eq!(shown("/etc/postfix/main.cf", text, Syntax::Postfix), expected, "{text}");
    }
}

#[test]
fn exim_conf() {
    for (text, expected) in [
        ("hide mysql_servers = a/b/c/S", "hide mysql_servers = <hidden>"),
        ("pgsql_servers = a/b/c/S\n", "pgsql_servers = <hidden>\n"),
        ("  hide\tlog_selector = \\\n  # why\n  +S\nx = y", "  hide\tlog_selector = \\\n  <hidden>\nx = y"),
        ("hide primary_hostname = a.example", "hide primary_hostname = a.example"),
        ("  client_send = ^u^S", "  client_send = <hidden>"),
        ("data = ${lookup ldap{user=\"cn=a b\" pass=S ldap://h/x}}", "data = ${lookup ldap{user=<hidden>}}"),
        ("data = ${lookup mysql,servers=a/b/c/S{select x}{$value}}", "data = ${lookup mysql,servers=<hidden>}"),
        (
            "data = ${lookup pgsql{servers=a/b/c/S; select x}{$value}}",
            "data = ${lookup pgsql{servers=<hidden>}{$value}}",
        ),
        ("helo_data = ${hmac{md5}{S}{$x}}.example", "helo_data = ${hmac{md5}{<hidden>}{$x}}.example"),
        ("helo_data = ${hmac{md5}{$k}{x}}.example", "helo_data = ${hmac{md5}{$k}{x}}.example"),
        ("dkim_private_key = /etc/keys/$domain", "dkim_private_key = /etc/keys/$domain"),
        ("dkim_private_key = S", "dkim_private_key = <hidden>"),
        ("PW = S", "PW = <hidden>"),
        ("route_list = * smtp.example::587 byname", "route_list = * smtp.example::587 byname"),
        ("senders = a@b.example:c@d.example", "senders = a@b.example:c@d.example"),
        ("data = ldap://u:p/w@h/x", "data = ldap://<hidden>@h/x"),
    ] {
        assert_eq!(shown("/etc/exim.conf", text, Syntax::Exim), expected, "{text}");
    }
}

#[test]
fn credentials_of_lookups_are_hidden_in_whatever_option_they_stand() {
    // Of every type of lookup that logs in somewhere, in every form that Exim reads (spec.txt, chapter 9), and some that it does not.
    let lookups = [
        "${lookup mysql{servers=db.example/mail/user/Zq7S; SELECT k FROM t}}",
        "${lookup mysql{servers=db.example/mail/user/Zq7S : other; SELECT k FROM t}}",
        "${lookup mysql,servers=db.example/mail/user/Zq7S{SELECT k}}",
        "${lookup mysql{SERVERS = db.example(/tmp/s)[group]/mail/user/Zq7S; SELECT k}}",
        "${lookup pgsql{servers=(/tmp/.s.PGSQL.5432)/mail/user/Zq7S;SELECT k}}",
        "${lookup oracle{servers=db.example/user/Zq7S; select k}}",
        "${lookup oracle{db.example/mail/user/Zq7S; select k}}",
        "${lookup ibase{servers=db.example/user/Zq7S; select k}}",
        "${lookup redis{servers=db.example/0/Zq7S; get k}}",
        "${lookup redis,servers=db.example/0/Zq7S{get k}}",
        "${lookup redis{AUTH Zq7S}}",
        "${lookup redis {auth user Zq7S} {$value} fail}",
        "${lookup redis{AUTH \\N Zq7S}{$value}fail}",
        "${lookup redis {hello 3 auth user Zq7S}}",
        "${lookup {auth Zq7S} redis {/x}}",
        "${lookup ldap{user=\"cn=a b\" pass=Zq7S ldap://h/x}}",
        "${lookup ldapm{USER=cn=a PASS=\"Zq7S\" ldap://h/x}}",
        "${lookup ldapdn{pass=Zq7S user=cn=a ldap://h/x}}",
        "${lookup ldap{ldap://h/x??sub?(a=b)?!bindname=cn=x,x-bindpw=Zq7S}}",
        "${lookup sqlite,file=/x{select k where password='Zq7S'}}",
        "redis;auth Zq7S",
        "redis;servers=db.example/0/Zq7S; get k",
        "mysql;servers=db.example/mail/user/Zq7S; select k",
        "partial-mysql;servers=db.example/mail/user/Zq7S; select k",
        "ldap;user=cn=a pass=Zq7S ldap://h/x",
        "net-pgsql;servers=db.example/mail/user/Zq7S; select k",
        "${if ldapauth{user=\"x\" pass=\"Zq7S\" ldap://h/x}{a}{b}}",
        "${if radius{user:Zq7S}{a}{b}}",
        "${readsocket{inet:db.example:6379}{AUTH Zq7S\\nGET k}}",
        "${run{/bin/redis-cli -a Zq7S get k}}",
        "${run{/bin/mysql --password=Zq7S -e x}}",
        "${lookup mysql{db.example/mail/user/p=Zq7S; SELECT k FROM t}}",
        "${lookup redis{HELLO  3 AUTH u Zq7S}}",
        "${lookup redis{hello 10 SETNAME x  auth u Zq7S}}",
    ];
    let mut seen = Vec::new();
    for lookup in lookups {
        for option in
            ["dkim_private_key", "dkim_selector", "interface", "helo_data", "hosts", "unknown", "domainlist x"]
        {
            let line = format!("  {option} = {lookup}\n");
            let shown = shown("/etc/exim.conf", &line, Syntax::Exim);
            for shown in [shown, value(option, lookup).into_owned()] {
                if shown.contains("Zq7S") {
                    seen.push(shown);
                }
            }
        }
    }
    assert!(seen.is_empty(), "{}", seen.join("\n"));
}

#[test]
fn passwords_of_commands_are_hidden_in_any_order_and_hosts_are_not() {
    for (command, expected) in [
        ("/usr/bin/mysql -h db.example -u mail -pS -e x", "/usr/bin/mysql -h db.example -u mail -p<hidden> -e x"),
        ("mysql -h ${lc:$x} -u ${u} -pS{a}b db", "mysql -h ${lc:$x} -u ${u} -p<hidden> db"),
        ("mariadb-admin -p'S S' -h db.example ping", "mariadb-admin -p<hidden> -h db.example ping"),
        ("mysql -p maildb -h db.example", "mysql -p maildb -h db.example"),
        ("redis-cli -h db.example -p 6379 -a S get k", "redis-cli -h db.example -p 6379 -a <hidden> get k"),
        ("env REDISCLI_AUTH=S redis-cli -h db.example", "env REDISCLI_AUTH=<hidden> redis-cli -h db.example"),
        ("ldapsearch -h ldap.example -D cn=x -w S -b dc=x", "ldapsearch -h ldap.example -D cn=x -w <hidden> -b dc=x"),
        ("ldapsearch -wS -H ldap://ldap.example", "ldapsearch -w<hidden> -H ldap://ldap.example"),
        ("env PGPASSWORD=S psql -h db.example -U mail", "env PGPASSWORD=<hidden> psql -h db.example -U mail"),
        ("psql postgresql://u:S@db.example/mail", "psql postgresql://<hidden>@db.example/mail"),
        ("env MYSQL_PWD=S mysql -h db.example", "env MYSQL_PWD=<hidden> mysql -h db.example"),
        ("curl -u u:S smtp://mx.example", "curl -u <hidden> smtp://mx.example"),
        ("curl -s -uu:S smtp://mx.example", "curl -s -u<hidden> smtp://mx.example"),
        ("x --password S --host mx.example", "x --password <hidden> --host mx.example"),
        ("x --password=S --host mx.example", "x --password=<hidden> --host mx.example"),
        ("sshpass -p S ssh -p 22 mx.example", "sshpass -p <hidden> ssh -p 22 mx.example"),
        ("sshpass -pS mysql -h db.example -pS", "sshpass -p<hidden> mysql -h db.example -p<hidden>"),
        ("sh -c \"mysql -h db.example -pS\"", "sh -c \"mysql -h db.example -p<hidden>"),
        ("swaks -ap S --server mx.example", "swaks -ap <hidden> --server mx.example"),
        // Another command's, and no program's.
        ("mysql -e x | mail -paper mx.example", "mysql -e x | mail -paper mx.example"),
        ("mysql -e x && ssh -p22 -a mx.example", "mysql -e x && ssh -p22 -a mx.example"),
        ("redis-cli ping; x -a mx.example", "redis-cli ping; x -a mx.example"),
        ("ping -a mx.example -w 5 -p22", "ping -a mx.example -w 5 -p22"),
        ("x mysql.example.com -port ldap.example -w 5", "x mysql.example.com -port ldap.example -w 5"),
    ] {
        let of_exim = |text: &str| format!("  helo_data = ${{run{{{text}}}{{$value}}{{mail.example.com}}}}");
        let of_postfix = |text: &str| format!("a unix - n n - - pipe user=nobody argv={text}");
        for (path, text, expected, syntax) in [
            ("/etc/exim.conf", of_exim(command), of_exim(expected), Syntax::Exim),
            ("/etc/postfix/master.cf", of_postfix(command), of_postfix(expected), Syntax::Postfix),
        ] {
            assert_eq!(shown(path, &text, syntax), expected);
            assert_eq!(mask(&text), expected);
        }
        assert_eq!(mask(command), expected);
    }
}

#[test]
fn files_of_secrets_are_hidden_whole() {
    assert_eq!(shown("/etc/exim4/passwd.client", "# x\nh:u:S\n*:v:T\n", Syntax::Exim), "# x\n<hidden>");
    assert_eq!(
        shown("/etc/mailips", "secret.example.com: 192.0.2.1\n", Syntax::Plain),
        "secret.example.com: 192.0.2.1\n"
    );
    let key = "a\n-----BEGIN RSA PRIVATE KEY-----\nS\n-----END RSA PRIVATE KEY-----\nb";
    assert_eq!(shown("/etc/x", key, Syntax::Plain), "a\n<hidden>\nb");
    assert_eq!(mask("-----BEGIN CERTIFICATE-----\nx"), "-----BEGIN CERTIFICATE-----\nx");
}

#[test]
fn what_was_read_is_repeated_nowhere() {
    let known = Known::new(["static:user:S3cret!", "mail", "a"]);
    assert_eq!(known.mask("refused: `static:user:S3cret!`"), "refused: `<hidden>`");
    assert_eq!(known.mask("bad S3cret! there"), "bad <hidden> there");
    assert_eq!(known.mask("mail for a goes on, x=mail"), "mail for a goes on, x=<hidden>");
    assert_eq!(known.mask("pass=other x"), "pass=<hidden> x");
    assert_eq!(Known::default().mask("mail"), "mail");
}

#[test]
fn of_many_long_secrets_the_starts_are_looked_for() {
    let secrets: Vec<String> = (0..1_000).map(|n| format!("{n:04}{}", "kw7".repeat(300))).collect();
    let known = Known::new(secrets.iter().map(String::as_str));
    let masked = known.mask(&format!("bad {} there", secrets[999])).into_owned();
    assert!(masked.starts_with("bad <hidden>") && !masked.contains("0999"), "{masked}");
}

#[test]
fn values_by_name() {
    assert_eq!(value("smtp_sasl_password_maps", "static:u:S"), HIDDEN);
    assert_eq!(value("relayhost", "[u:S@h]"), "[<hidden>@h]");
    assert_eq!(value("tls_privatekey", "${if exists{/etc/a.key}{/etc/a.key}}"), "${if exists{/etc/a.key}{/etc/a.key}}");
    assert_eq!(value("myhostname", "mail.example.com"), "mail.example.com");
}

#[test]
fn work_is_bounded() {
    let before = processor_time();
    for part in [
        "key=${/ ",
        "{",
        "{auth ",
        "{hello 3 ",
        "mysql{",
        "redis;auth x ",
        ",servers=",
        "{hmac{",
        "a:b@",
        "inline:{",
        "pass={",
        "-----BEGIN PRIVATE KEY",
        "-----BEGIN ",
        "= ",
        "\\\n",
    ] {
        let text = format!("x = {}", part.repeat((1 << 16) / part.len()));
        for syntax in [Syntax::Postfix, Syntax::Exim] {
            scan("/etc/x", &text, syntax, &BTreeSet::new());
        }
    }
    let taken = processor_time() - before;
    assert!(taken.as_secs() < 10, "{taken:?}");
}

proptest! {
    #[test]
    fn hiding_twice_changes_nothing(parts in proptest::collection::vec(prop_oneof![
        Just("password = ".to_owned()), Just("hide ".into()), Just("user:pw@h".into()), Just("{".into()), Just("}".into()),
        Just("\n".into()), Just("\n ".into()), Just("\\\n".into()), Just("\"".into()), Just("[".into()), Just("://".into()),
        Just("hmac{md5}{".into()), Just("=".into()), Just("$x".into()), Just(" ".into()), "[a-z@:]{1,4}",
    ], 0..20)) {
        let text = parts.concat();
        for syntax in [Syntax::Postfix, Syntax::Exim, Syntax::Plain] {
            let once = shown("/etc/x", &text, syntax);
            prop_assert_eq!(&shown("/etc/x", &once, syntax), &once, "{:?}", text);
        }
        let once = mask(&text).into_owned();
        prop_assert_eq!(mask(&once), once.as_str());
    }
}

proptest! {
    #[test]
    fn a_range_is_added_as_if_all_were_joined(all in proptest::collection::vec((0..40usize, 0..8usize), 0..30)) {
        let ranges: Vec<Range<usize>> = all.into_iter().map(|(start, length)| start..start + length).collect();
        let mut added = Vec::new();
        ranges.iter().for_each(|range| join(&mut added, range.clone()));
        prop_assert_eq!(added, joined(ranges));
    }
}
