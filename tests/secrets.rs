//! Secrets leave in nothing that helolint writes: marks are planted in every place of Postfix's, Exim's and panels' files that may hold
//! one, also in lines that the program refuses, and looked for in the report in every format and in the snapshot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use proptest::prelude::*;

const FORMATS: [&str; 11] =
    ["human", "json", "ndjson", "sarif", "junit", "nagios", "checkmk", "prometheus", "github", "markdown", "html"];

/// Places of main.cf: `@` stands for the mark.
const MAIN_CF: &[&str] = &[
    "smtp_sasl_password_maps = static:user:@",
    "smtp_sasl_password_maps = static:{user:@ x}",
    "smtp_sasl_password_maps = inline:{ {[mx.example] = user:@} }",
    "smtp_sasl_password_maps =\n # a comment\n  inline:{\n   mx.example=user:@\n  }",
    "lmtp_sasl_password_maps static:user:@",
    "login = user:@\nsmtp_sasl_password_maps = static:$login",
    "word = @\nlogin = user:${word}\nsmtp_sasl_password_maps = static:$login",
    "myown = inline:{ a = @ }",
    "transport_maps = mysql:{ {password = @} {user=x} }",
    "transport_maps = pgsql:{ {password = x} {user = @} {hosts = localhost} }",
    "transport_maps = proxy:ldap:{ {bind_dn = cn=@} {bind_pw = y} }",
    "transport_maps = ldap:{ {bind_pw =\n   @ } }",
    "transport_maps = mongodb:{ {uri = mongodb://user:@@db.example/x} }",
    "transport_maps = inline:{ {a.example = smtp:[user:@@mx.example]} }",
    "sender_dependent_relayhost_maps = sqlite:{ {dbpath = /x} {password = @} }",
    "default_transport = smtp:[user:@@mx.example]:587",
    "relayhost = [user:@@mx.example]:587",
    "relayhost = user:@@mx.example:587",
    "relayhost = [user:a,@@mx.example]:587",
    "relayhost = [user:a;@@mx.example]:587",
    "virtual_mailbox_maps = mongodb:{ {uri = mongodb://user:a'@@db.example/x} {collection = x}}",
    "relay_transport = smtp:user:@@mx.example",
    "proxy_interfaces = $missing password=@",
    "table_password = @\ntable_user = x\ntransport_maps = mysql:table",
    "table_bind_pw = @\ntable_bind_dn = @",
    "table_user = @",
    "smtpd_banner = x\n  table_password = @",
    "my_secret = @",
    "imap_pw = @",
    "srs_secret = @",
    "api_token = @",
    "smtpd_tls_key = @",
    "export_environment = TZ LDAP_PASSWORD=@",
    "import_environment = TZ, AWS_SECRET_ACCESS_KEY=@",
    "import_environment TZ, MYSQL_PWD=@",
    "smtpd_banner = -----BEGIN PRIVATE KEY-----\n @\n -----END PRIVATE KEY-----",
];
/// Places of master.cf.
const MASTER_CF: &[&str] = &[
    "a unix - - n - - smtp\n  -o smtp_sasl_password_maps=static:user:@",
    "a unix - - n - - smtp -o { smtp_sasl_password_maps = static:user:@ }",
    "a unix - - n - - smtp -o smtp_sasl_password_maps static:user:@",
    "a unix - - n - - smtp -o relayhost=[user:@@mx.example]",
    "a unix - - n - - smtp -o login=user:@ -o smtp_sasl_password_maps=static:$login",
    "a unix - - n - - smtp -o transport_maps=mysql:{{password=@}}",
    "a unix - - n - - smtp -o { smtp_sasl_password_maps = static:user:@",
    "a unix - - x - - smtp -o smtp_sasl_password_maps=static:user:@",
    "a unix - n n - - pipe user=nobody argv=/bin/x --password=@ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/bin/x --password=@ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/bin/x --password @ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/bin/x -u user:@ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/bin/x -api-token @ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/bin/x smtp://user:@@mx.example ${recipient}",
    "a unix - x n - - pipe user=nobody env=API_TOKEN=@ argv=/bin/x ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/usr/bin/mysql -h db.example -u mail -p@ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/usr/bin/redis-cli -h db.example -a @ get ${recipient}",
    "a unix - x n - - pipe user=nobody env=REDISCLI_AUTH=@ argv=/usr/bin/redis-cli get ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/usr/bin/ldapsearch -D cn=x -w @ ${recipient}",
    "a unix - x n - - pipe user=nobody argv=/usr/bin/sshpass -p @ ssh mx.example ${recipient}",
];
/// Places of Exim's main section.
const EXIM_MAIN: &[&str] = &[
    "hide mysql_servers = localhost/db/user/@",
    "hide mysql_servers = localhost/db/@/word : \\\n  # a comment\n  other/db/user/word",
    "pgsql_servers = localhost/db/user/@",
    "redis_servers = localhost:6379/0/@",
    "hide ldap_default_servers = ldap.example::389/@",
    "hide log_file_path = /var/log/@",
    "hide trusted_users = root : @",
    "hide bounce_message_file = \"@",
    "WORD = @\nhide pgsql_servers = localhost/db/user/WORD",
    "WORD = @\nLOGIN = user/WORD\nhide pgsql_servers = localhost/db/LOGIN",
    "SET = hide pgsql_servers = localhost/db/user/@\nSET",
    "WORD = @\nhide pgsql_servers = localhost/db/user/WORD\nqualify_domain = xWORD",
    "WORD = @\nnonsense = WORD\nhide pgsql_servers = localhost/db/user/WORD",
    ".ifdef NOTHING\nhide pgsql_servers = localhost/db/user/@",
    "srs_secrets = @",
    "PASSWORD = @",
    "DB_PW = @",
    "smtp_banner = ${lookup ldap{user=\"cn=x\" pass=@ ldap://ldap.example/x}}",
    "smtp_banner = ${lookup ldap{user=@ pass=\"x\" ldap://ldap.example/x}}",
    "smtp_banner = ${lookup mysql{servers=localhost/db/user/@; select x}}",
    "smtp_banner = ${lookup pgsql,servers=localhost/db/user/@{select x}}",
    "smtp_banner = ${lookup redis{redis://:@@localhost/x}}",
    "smtp_banner = ${hmac{md5}{@}{x}}",
    "smtp_banner = ${prvs{x@example.com}{@}{1}}",
    "smtp_banner = ${if ldapauth{user=\"x\" pass=@ ldap://l.example/}{a}{b}}",
    "smtp_banner = ${if pam{user:@}{a}{b}}",
    "tls_privatekey = ${if eq{a}{b}{-----BEGIN PRIVATE KEY-----\\n@\\n-----END PRIVATE KEY-----}}",
    "domainlist relays = mysql;servers=localhost/db/user/@; select x",
    "hostlist x = ${lookup sqlite{password=@ select x}}",
    "unknown_option = password=@",
];
/// Places of the transport that sends.
const EXIM_TRANSPORT: &[&str] = &[
    "hosts = smtp.example : user:@@mx.example",
    "helo_data = ${lookup ldap{user=cn=x pass=@ ldap://l.example/x}}",
    "interface = ${lookup mysql{servers=localhost/db/user/@; select x}}",
    "dkim_private_key = @",
    "dkim_private_key = ${lookup redis{AUTH @}{$value}{/etc/keys/k}}",
    "dkim_private_key = ${lookup redis{servers=db.example/0/@; get k}{$value}{/etc/keys/k}}",
    "dkim_private_key = ${lookup mysql{servers=db.example/mail/user/@; select k}{/etc/keys/$value}}",
    "dkim_domain = ${lookup pgsql,servers=db.example/mail/user/@{select d}}",
    "dkim_selector = ${lookup oracle{SERVERS=db.example/user/@; select s}}",
    "interface = ${lookup ibase{servers=db.example/user/@; select a}}",
    "hosts = redis;servers=db.example/0/@ : other.example/0/word; get h",
    "hosts = redis;auth @",
    "helo_data = ${lookup ldap{ldap://l.example/x??sub?(a=b)?!bindname=cn=x,x-bindpw=@}}",
    "helo_data = ${readsocket{inet:db.example:6379}{AUTH @\\nGET h}}",
    "hide dkim_selector = @",
    "hide serialize_hosts = ${lookup{@}",
    "unknown = ${hmac{md5}{@}{x}}",
    "helo_data = ${run{/usr/bin/mysql -u mail -p@ -e x}{$value}{mail.example.com}}",
    "helo_data = ${run{/usr/bin/mysql -h ${lc:DB} -u mail -p@ -e x}}",
    "helo_data = ${run{/usr/bin/redis-cli -h db -a @ get k}}",
    "interface = ${run{/usr/bin/env REDISCLI_AUTH=@ redis-cli get k}}",
    "dkim_domain = ${run{/usr/bin/ldapsearch -D cn=x -w @}}",
    "dkim_selector = ${run{/usr/bin/env PGPASSWORD=@ psql -h db}}",
    "hosts = ${run{/usr/bin/env MYSQL_PWD=@ mysql -e x}}",
    "helo_data = ${run{/usr/bin/psql postgresql://u:@@db.example/mail}}",
    "helo_data = ${run{/usr/bin/curl -s -u u:@ http://db.example/}}",
    "helo_data = ${run{/usr/bin/x --password=@ -e x}}",
    "helo_data = ${run{/usr/bin/x -e x --password @}}",
    "unknown = ${run{/usr/bin/sshpass -p @ ssh mx.example}}",
    "interface = ${lookup mysql{db/mail/user/p=@; SELECT k}}",
    "hosts = ${lookup redis{HELLO  3 AUTH u @}}",
    "hosts = ${lookup redis{HELLO 3 SETNAME x AUTH u @}}",
    "unknown = ${srs_encode {@} {$return_path} {x}}",
    "unknown = ${hmac {md5} {@} {x}}",
    "helo_data = ${if crypteq {$auth2} {@} {a} {b}}",
    "hosts = ${if inbound_srs {$local_part} {@} {a}}",
    "helo_data = ${if pam {user:@} {a}{b}}",
    "helo_data = ${if saslauthd {{user}{@}} {a}{b}}",
    "interface = ${prvs {$sender_address} {@} {1}}",
    "helo_data = ${run{/usr/bin/curl -su u:@ http://x.example}}",
    "helo_data = ${run{/usr/bin/curl -H 'Authorization: Bearer @' http://x.example}}",
    "helo_data = ${run{/usr/bin/curl --oauth2-bearer @ http://x.example}}",
    "helo_data = ${run{/usr/bin/mysql -uroot -BNp@ -e x}}",
    "helo_data = ${run{/usr/bin/mysql -u root --password=a\\ @ -e x}}",
    "helo_data = ${run{/usr/bin/ldapsearch -xw@ -D x}}",
    "helo_data = ${run{/usr/bin/redis-cli auth @}}",
    "helo_data = ${run{/usr/bin/smbclient -U user%@}}",
    "helo_data = ${run{/bin/sh -c 'export DBPASS=@; x'}}",
    "helo_data = ${run{/bin/sh -c 'MYSQLPW=@ x'}}",
    "helo_data = ${run{/usr/bin/openssl dgst -hmac @}}",
    "helo_data = ${readsocket{inet:h:6379}{PING\\nAUTH @\\n}}",
    "helo_data = ${readsocket{inet:h:143}{a LOGIN user @\\n}}",
    "helo_data = ${readsocket{inet:h:80}{GET / HTTP/1.0\\nAuthorization: Basic @\\n\\n}}",
    "helo_data = ${extract json{password}{{\"password\":\"@\"}}}",
    "helo_data = ${extract{password}{password: @}}",
    "helo_data = ${lookup mysql {select PASSWORD('@')}}",
];
/// Places of an authenticator.
const EXIM_AUTHENTICATOR: &[&str] = &[
    "client_send = ^user^@",
    "client_send = : user : @",
    "client_secret = @",
    "client_password = @",
    "server_secret = @",
    "server_condition = ${if eq{$auth3}{@}}",
    "hide client_send = ^user^@\\\n  ^x",
    "client_sendx = ^user^@",
];
/// Places of cPanel's files beside exim.conf: path and text.
const CPANEL: &[(&str, &str)] = &[
    ("/etc/exim.conf.localopts", "smarthost_routelist=* user:@@smtp.example::587\n"),
    ("/etc/exim.conf.localopts", "smarthost_password=@\n"),
    ("/etc/exim.conf.local", "@CONFIG@\nsmtp_banner = x\nhide mysql_servers = localhost/db/user/@\n"),
    ("/etc/exim.conf.local", "@CONFIG@\nsmtp_banner = ${lookup ldap{user=x pass=@ ldap://l.example/x}}\n"),
    ("/etc/mailips", "example.com: https://user:@@192.0.2.1\n"),
    ("/etc/wwwacct.conf", "HOST host.example.com password=@\nMYSQL_PASSWORD @\n"),
];

/// Files with keys and passwords that are read for what stands beside them: path, and text, where `CERTIFICATE` stands for one.
const BESIDE: &[(&str, &str)] = &[
    (CHAIN, "-----BEGIN PRIVATE KEY-----\n@\n-----END PRIVATE KEY-----\nCERTIFICATE"),
    (
        CHAIN,
        "CERTIFICATE\n-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n@\n-----END RSA PRIVATE KEY-----\n",
    ),
    (
        CHAIN,
        "-----BEGIN CERTIFICATE-----\n@\n-----BEGIN EC PRIVATE KEY-----\n@\n-----END EC PRIVATE KEY-----\nCERTIFICATE",
    ),
    (CHAIN, "-----BEGIN CERTIFICATE-----\n@\n-----END CERTIFICATE-----\nCERTIFICATE"),
    (CHAIN, "password @\nCERTIFICATE\n# @\n"),
    (CHAIN, "-----BEGIN PRIVATE KEY-----\n@"),
    (RELAY, "host: smtp.relay.example\nport: 587\nuser: u\npass: @\n"),
    (RELAY, "pass:@\nhost:smtp.relay.example\n"),
    (RELAY, "host: smtp.relay.example\npass @\n @\n"),
    (RELAY, "host:\nport: @\npass: @\n"),
    (RELAY, "host: u:@@smtp.relay.example\n"),
    ("/etc/exim4/domains/news.example.com/ip", "pass=@\n"),
];
const CHAIN: &str = "/etc/postfix/chain.pem";
const RELAY: &str = "/etc/exim4/domains/news.example.com/smtp_relay.conf";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of a scenario.
struct Host(tempfile::TempDir);

impl Host {
    fn new(scenario: &str) -> Host {
        let dir = tempfile::tempdir().unwrap();
        copy(&root().join(scenario), dir.path());
        Host(dir)
    }

    fn file(&self, path: &str) -> PathBuf {
        self.0.path().join(format!("root{path}"))
    }

    fn append(&self, path: &str, text: &str) {
        let old = fs::read_to_string(self.file(path)).unwrap_or_default();
        fs::write(self.file(path), format!("{old}{text}\n")).unwrap();
    }

    /// Puts `text` behind the first line that holds `behind`; in front of everything where that is empty.
    fn insert(&self, path: &str, behind: &str, text: &str) {
        let old = fs::read_to_string(self.file(path)).unwrap();
        let at = match behind {
            "" => 0,
            _ => old.find(behind).map(|at| at + old[at..].find('\n').unwrap() + 1).unwrap(),
        };
        fs::write(self.file(path), format!("{}{text}\n{}", &old[..at], &old[at..])).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
        command.current_dir(self.0.path()).args(args).args(["--root", "root", "--kernel", "kernel"]);
        command.output().unwrap()
    }

    /// All that helolint writes of the host, each under a name.
    fn written(&self) -> Vec<(String, String)> {
        let mut args = vec!["check".to_owned(), "-v".into(), "--zones".into(), "zones".into()];
        for format in FORMATS {
            args.extend(["--format".to_owned(), format!("{format}=out.{format}")]);
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut all = Vec::new();
        let mut add = |name: &str, output: Output| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{name}: {}", text(&output.stderr));
            all.push((format!("{name}, standard output"), text(&output.stdout)));
            all.push((format!("{name}, standard error"), text(&output.stderr)));
        };
        add("check", self.run(&args));
        add("snapshot", self.run(&["snapshot", "--offline"]));
        for format in FORMATS {
            let text = fs::read_to_string(self.0.path().join(format!("out.{format}"))).unwrap();
            all.push((format.to_owned(), text));
        }
        all
    }

    /// The lines written that hold the mark.
    fn leaks(&self, mark: &str) -> Vec<String> {
        let all = self.written().into_iter();
        let lines =
            all.filter_map(|(name, text)| Some(format!("{name}: {}", text.lines().find(|l| l.contains(mark))?)));
        lines.collect()
    }
}

/// The text with the mark for `@`; `@@` is the mark and an at sign.
fn marked(text: &str, mark: &str) -> String {
    let text = text.replace("@CONFIG@", "\u{1}").replace("@@", "\u{2}").replace('@', mark);
    text.replace('\u{1}', "@CONFIG@").replace('\u{2}', &format!("{mark}@"))
}

/// A host with the mark in one place.
fn planted(kind: usize, place: usize, mark: &str) -> (Host, String) {
    let config = |text: &str| marked(text, mark);
    match kind {
        0 => {
            let text = config(MAIN_CF[place]);
            let host = Host::new("postfix-plain");
            host.append("/etc/postfix/main.cf", &text);
            (host, text)
        }
        1 => {
            let text = config(MASTER_CF[place]);
            let host = Host::new("postfix-plain");
            host.append("/etc/postfix/master.cf", &text);
            (host, text)
        }
        2 => {
            let text = config(&EXIM_MAIN[place].replace("x@example.com", "x"));
            let host = Host::new("exim-almalinux");
            host.insert("/etc/exim/exim.conf", "", &text);
            (host, text)
        }
        3 => {
            let text = config(EXIM_TRANSPORT[place]);
            let host = Host::new("exim-almalinux");
            host.insert("/etc/exim/exim.conf", "driver = smtp", &format!("  {text}"));
            (host, text)
        }
        4 => {
            let text = config(EXIM_AUTHENTICATOR[place]);
            let host = Host::new("exim-almalinux");
            let section =
                format!("\nbegin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n  {text}\n");
            host.append("/etc/exim/exim.conf", &section);
            (host, text)
        }
        5 => {
            let (path, text) = BESIDE[place];
            let text = config(text);
            let scenario = if path == CHAIN { "postfix-plain" } else { "hestia-two-addresses" };
            let host = Host::new(scenario);
            let certificate = fs::read_to_string(root().join("../certificates/mail.pem")).unwrap();
            let of_line = |line| if line == "CERTIFICATE" { certificate.trim_end() } else { line };
            fs::write(host.file(path), text.split('\n').map(of_line).collect::<Vec<_>>().join("\n")).unwrap();
            fs::set_permissions(host.file(path), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            if path == CHAIN {
                host.append("/etc/postfix/main.cf", "smtpd_tls_chain_files = /etc/postfix/chain.pem");
            }
            (host, text)
        }
        _ => {
            let (path, text) = CPANEL[place];
            let text = config(text);
            let host = Host::new("cpanel-plain");
            host.append(path, &text);
            (host, text)
        }
    }
}

const COUNTS: [usize; 7] = [
    MAIN_CF.len(),
    MASTER_CF.len(),
    EXIM_MAIN.len(),
    EXIM_TRANSPORT.len(),
    EXIM_AUTHENTICATOR.len(),
    BESIDE.len(),
    CPANEL.len(),
];

#[test]
fn no_place_gives_its_secret_away() {
    let mut leaks = Vec::new();
    for (kind, count) in COUNTS.into_iter().enumerate() {
        for place in 0..count {
            let (host, text) = planted(kind, place, "Zq7marked");
            leaks.extend(host.leaks("Zq7marked").into_iter().map(|line| format!("{text}\n    {line}")));
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn a_mark_where_it_is_public_is_seen() {
    // The test looks where it should: what is no secret is found.
    let host = Host::new("postfix-plain");
    host.append("/etc/postfix/main.cf", "myhostname = zq7marked\nmyhostname = zq7marked.example.com");
    let found: Vec<String> =
        host.written().into_iter().filter(|(_, text)| text.contains("zq7marked")).map(|(name, _)| name).collect();
    assert!(FORMATS.iter().filter(|format| found.contains(&(**format).to_owned())).count() >= 8, "{found:?}");
    assert!(found.contains(&"snapshot, standard output".to_owned()));
}

#[test]
fn names_of_a_certificate_beside_its_key_are_in_snapshots() {
    let (host, _) = planted(5, 0, "Zq7marked");
    let snapshot = host.run(&["snapshot", "--offline"]);
    let snapshot: serde_json::Value = serde_json::from_slice(&snapshot.stdout).unwrap();
    assert_eq!(snapshot["facts"]["certificates"][0]["names"], serde_json::json!(["mail.example.com"]));
}

#[test]
fn a_setting_made_twice_quotes_neither_value() {
    let mut leaks = Vec::new();
    for place in MAIN_CF {
        let host = Host::new("postfix-plain");
        host.append("/etc/postfix/main.cf", &[marked(place, "Zq7first"), marked(place, "Zq7second")].join("\n"));
        leaks.extend(host.leaks("Zq7"));
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// A diff shows a last line without end as another one once something is written behind it.
#[test]
fn a_last_line_without_end_is_shown_in_no_diff() {
    for ended in [true, false] {
        let host = Host::new("helo-short");
        let main = host.file("/etc/postfix/main.cf");
        let text = fs::read_to_string(&main).unwrap();
        let secret = "smtp_sasl_password_maps = inline:{ { [mx.example]=joe:Zq7marked } }";
        fs::write(&main, format!("{text}{secret}{}", if ended { "\n" } else { "" })).unwrap();
        let fix = host.run(&["fix", "--unsafe", "--zones", "zones"]);
        let fix = String::from_utf8_lossy(&fix.stdout).into_owned();
        // The host has a plan, which writes behind that line where it may.
        assert_eq!(fix.contains("+smtp_helo_name = "), ended, "{fix}");
        assert!(!fix.contains("Zq7marked"), "{fix}");
        assert_eq!(host.leaks("Zq7marked"), Vec::<String>::new());
    }
}

#[test]
fn a_link_to_passwords_is_no_configuration() {
    use std::os::unix::fs::PermissionsExt;
    for line in [".include /etc/exim/more.conf", ".include /etc/shadow"] {
        let host = Host::new("exim-almalinux");
        fs::write(host.file("/etc/shadow"), "root:$6$Zq7marked$Zq7marked:19000:0:99999:7:::\n").unwrap();
        fs::set_permissions(host.file("/etc/shadow"), fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("/etc/shadow", host.file("/etc/exim/more.conf")).unwrap();
        host.insert("/etc/exim/exim.conf", "", line);
        assert_eq!(host.leaks("Zq7marked"), Vec::<String>::new(), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn no_mark_of_any_form_is_seen(
        mark in "[A-Z][A-Za-z0-9]{4,14}[0-9]([!#%*+^_~.-][A-Za-z0-9]{2,5})?", kind in 0..7usize, place in 0..1000usize,
        again in any::<bool>(),
    ) {
        let place = place % COUNTS[kind];
        let (host, text) = planted(kind, place, &mark);
        if again && kind == 0 {
            host.append("/etc/postfix/main.cf", "no equals sign here");
        }
        let leaks = host.leaks(&mark);
        prop_assert!(leaks.is_empty(), "{text}\n{}", leaks.join("\n"));
    }
}
