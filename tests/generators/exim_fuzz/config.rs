//! Random configurations: lines, macros, conditionals, includes, options, drivers.

use std::fmt::Write as _;

use crate::expansion;
use crate::random::Random;
use crate::sections;

/// A configuration and what belongs to it.
pub struct Configuration {
    /// The main file.
    pub text: String,
    /// Files beside it, by name.
    pub included: Vec<(&'static str, String)>,
    /// Names of its smtp transports, as far as they are not behind a conditional.
    pub transports: Vec<String>,
    /// Macros of the command line.
    pub defines: Vec<(String, String)>,
}

const MACROS: [&str; 13] = [
    "FLAG",
    "HELONAME",
    "HELO",
    "IFACE",
    "Xy_2",
    "DOMAIN",
    "A_LONG_NAME_1",
    "HELONAMES",
    "Zz",
    "Q",
    "SMTP",
    "T0",
    "A_NAME_OF_SIXTY_THREE_CHARACTERS_WHICH_IS_AS_MANY_AS_EXIM_TAKES",
];
const MACRO_VALUES: [&str; 19] = [
    "mail.example.com",
    "",
    "true",
    "<; 192.0.2.9 ; 2001:db8::9",
    "HELO.example.com",
    "a.example : b.example",
    "\"quoted\"",
    "# not a comment",
    "$primary_hostname",
    "x = y",
    "FLAGS",
    "\\",
    ".endif",
    "  blanks  ",
    "${lookup{$sender_address_domain}lsearch*{/etc/mailhelo}{$value}{x}}",
    "_HAVE_IPV6",
    "smtp",
    "begin",
    "# Q",
];
/// Main options and values that they take.
const MAIN: [(&str, &[&str]); 23] = [
    ("primary_hostname", &["mail.example.com", "HELONAME", "\"mx\\x31.example.com\"", "", "Mixed.Example.", "${lc:X}"]),
    ("qualify_domain", &["a.example", "DOMAIN", "\"a b\""]),
    ("qualify_recipient", &["b.example", "@"]),
    ("smtp_banner", &["$smtp_active_hostname ESMTP", "\"$primary_hostname\\tready\"", "\"a\\\"b\\\\c\"", "x # y"]),
    ("smtp_active_hostname", &["$primary_hostname", "mx.a.example", "${lc:MX.A.EXAMPLE}"]),
    ("local_interfaces", &["<; 127.0.0.1 ; ::1", "192.0.2.1.25", "127.0.0.1 : [192.0.2.1]::587"]),
    ("extra_local_interfaces", &["198.51.100.7", "<; 2001:db8::7"]),
    ("daemon_smtp_ports", &["25 : 465", "smtp"]),
    ("tls_on_connect_ports", &["465"]),
    ("disable_ipv6", &["true", "no", "YES", "true", "False", "1"]),
    ("dns_ipv4_lookup", &["*", "*.example : short"]),
    ("tls_certificate", &["/etc/exim.crt", "${if exists{/etc/c}{/etc/c}{/etc/d}}"]),
    ("tls_advertise_hosts", &["*", ""]),
    ("helo_allow_chars", &["_", "\"_ \""]),
    ("smtp_enforce_sync", &["false", "true"]),
    ("message_size_limit", &["50M", "0x100", "7Q", "${if eq{a}{a}{1M}{2M}}"]),
    ("smtp_accept_max", &["20", "010", "1K", "x"]),
    ("queue_run_max", &["5", "${if eq{a}{b}{5}{6}}"]),
    ("recipients_max", &["50", "0"]),
    ("smtp_accept_max_per_host", &["${if eq{a}{b}{5}{6}}", "10"]),
    ("received_headers_max", &["30", "$x"]),
    ("timeout_frozen_after", &["5d", "1w2d", "4x"]),
    ("spool_directory", &["/var/spool/exim4"]),
];
/// Those of them that Exim refuses.
const REFUSED: [&str; 6] = ["1", "x", "$value", "$x", "4x", "7Q"];
const FLAGS: [&str; 6] = [
    "disable_ipv6",
    "no_disable_ipv6",
    "not_smtp_enforce_sync",
    "no_smtp_enforce_sync",
    "hide no_disable_ipv6",
    "split_spool_directory",
];
/// Lines that Exim refuses, most of them.
const BROKEN: [&str; 36] = [
    "no_such_option = 1",
    "primary_hostname",
    "no_primary_hostname = x",
    "disable_ipv6 = maybe",
    "smtp_banner = \"open",
    "smtp_banner = \"x\" y",
    "=x",
    ".foo bar",
    "begin\tacl",
    "begin nowhere",
    "domainlist named = x\ndomainlist named = y",
    "+x",
    ".endif",
    ".else",
    ".include /etc/exim4/none",
    ".include_if_exists relative",
    "FLAG",
    "Undefined == x",
    "smtp_accept_max = 3X",
    "hide",
    "hide hide qualify_domain = x",
    "Primary_hostname = x",
    "A_NAME_THAT_HAS_SIXTY_FOUR_CHARACTERS_WHICH_IS_ONE_MORE_THAN_LESS = 1",
    "smtp_banner \"x\"",
    "no_such_list = x",
    "hostlist = x",
    "addresslist a b = x",
    "localpartlist_cache l = x",
    "domainlistx = y",
    "begin routers extra",
    "begin",
    ".include",
    ".include /etc/exim4/\"one.inc\"",
    ".ifdef",
    "trusted_users = nosuchuser",
    "smtp_banner = x\n.ifdefx\n.elsewhere",
];
/// Lines of conditionals that change nothing, most of them.
const ODD: [&str; 9] = [
    ".ifdef _HAVE_IPV6\n.endif",
    ".ifdef\tFLAG",
    ".ifdeft FLAG\n.endif",
    ".ifndef FLAG\n.ifdef HELO\ngarbage here\n.else\n.endif\n.endif",
    ".ifdef nothing\ngarbage\n.include /etc/none\nQ == 2\n.endif",
    ".ifdef FLAG\n.elifdef HELONAME\n.elifndef Q\n.else\n.else\ngarbage\n.endif",
    ".else_where",
    ".ifndef nothing\n.ifndef nothing\n.ifdef nothing\nx\n.elifndef nothing\n.endif\n.endif\n.endif",
    ".include_if_exists /etc/exim4/none",
];
/// Named lists.
const NAMED: [&str; 10] = [
    "hostlist hosts = 192.0.2.0/24 : 2001::db8::::/32",
    "hide hostlist hosts = <; 192.0.2.7 ; !198.51.100.0/24 ; *",
    "localpartlist people = alice : b*",
    "localpartlist_cache people = ^[xX]",
    "addresslist senders = *@a.example",
    "domainlist_cache other = +named : c-1.example",
    "domainlist a_d = x",
    "hostlist named = 192.0.2.1",
    "domainlist  spaced   =   a : b  ",
    "addresslist\ttabbed = x",
];
/// Options of smtp transports beside the names.
const SMTP: [&str; 16] = [
    "port = 587",
    "protocol = smtps",
    "no_multi_domain",
    "hosts_randomize",
    "hosts_override = yes",
    "connect_timeout = 5m",
    "connect_timeout = 1h5x",
    "max_rcpt = 0x10",
    "hosts_max_try = 2K",
    "tls_verify_certificates = system,cache",
    "dkim_selector = ${lc:S1}",
    "headers_remove = X-A : X-B",
    "headers_remove = X-C",
    "user = mail",
    "user = ${lookup{x}lsearch{/etc/mailips}}",
    "no_such_option = 1",
];
/// Options of routers, some of which Exim refuses.
const ROUTER: [&str; 27] = [
    "require_files = /etc/mailips : !/etc/none",
    "require_files = \"/etc/a b : +/x\"",
    "local_parts = ^x : a, b",
    "local_part_suffix = +* : -*",
    "local_part_prefix = \"owner-\"",
    "caseful_local_part",
    "check_local_user",
    "no_address_test",
    "errors_to = postmaster@a.example",
    "self = send",
    "self = nosuch",
    "self = reroute: x.example",
    "pass_router = r0",
    "fallback_hosts = a.example : b.example",
    "ignore_target_hosts = 127.0.0.0/8 : ::::1",
    "headers_add = X-R: y",
    "headers_remove = X-R",
    "transport_home_directory = /x",
    "router_home_directory = /x",
    "dnssec_request_domains = *",
    "check_secondary_mx",
    "expn = maybe",
    "initgroups",
    "verify_sender = yes",
    "no_such = x",
    "user = nobody",
    "cannot_route_message = \"a\\n\"",
];
/// Transports of other drivers.
const OTHERS: [&str; 8] = [
    "local:\n driver = appendfile\n file = /var/mail/$local_part\n mode = 0660\n group = mail",
    "local:\n driver = appendfile\n directory = /m\n maildir_format\n no_check_owner\n user = nobody",
    "local:\n driver = pipe\n command = /bin/true\n return_output\n timeout = 1m",
    "local:\n driver = autoreply\n once_repeat = 7d\n user = mail",
    "local:\n driver = lmtp\n socket = /run/lmtp\n batch_max = 20",
    "local:\n driver = nosuch",
    "local:\n driver = pipe\n helo_data = x",
    "local:\n driver = appendfile\n mode = 0689\n file = /x",
];
/// Routers of other drivers.
const OTHER_ROUTERS: [&str; 9] = [
    "last:\n driver = accept\n transport = t0\n local_parts = a : b\n senders = *@a.example",
    "last:\n driver = redirect\n data = :blackhole:\n set = r_x = 1\n set = r_y = 2\n allow_fail",
    "last:\n driver = ipliteral\n transport = t0\n domains = ! +named",
    "last:\n driver = queryprogram\n command = /bin/true\n command_user = mail",
    "last:\n driver = accept",
    "last:\n driver = redirect\n transport = t0",
    "last:\n driver = manualroute\n transport = t0\n route_data = ${lookup{$domain}lsearch{/etc/mailips}}",
    "last:\n driver = manualroute\n transport = t0\n route_list = * a\n route_data = b",
    "last:\n driver = dnslookup\n transport = t0\n no_more\n ignore_target_hosts = 0.0.0.0 : 127.0.0.0/8\n self = pass",
];
/// Other sections.
const SECTIONS: [&str; 8] = [
    "begin acl\ncheck:\n  accept\n  hosts = X\nbegin retry\n* * F,1h,5m\n",
    "begin retry\n* * F,2h,15m; G,16h,1h,1.5\n",
    "begin rewrite\n*@a.example $1@b.example Ff\n",
    "begin authenticators\nplain:\n driver = plaintext\n public_name = PLAIN\n server_prompts = :\n server_condition = true\n",
    "begin acls\ncheck_it:\n deny message = no\n accept\n",
    "begin local_scan\n",
    "begin routers\n",
    "Begin Rewrites\nbegin retries\n",
];

/// Writes one.
pub fn write(random: &mut Random) -> Configuration {
    let mut lines: Vec<String> = Vec::new();
    let mut defined: Vec<&str> = Vec::new();
    for _ in 0..random.below(5) {
        let name = random.pick(&MACROS);
        let again = defined.contains(&name);
        // A name that holds an earlier one is refused: that is tried, not all the time.
        let holds = defined.iter().any(|known| *known != name && name.contains(known));
        if (holds || again) && !random.one_in(25) {
            if again {
                lines.push(format!("{name} == {}", random.pick(&MACRO_VALUES)));
            }
            continue;
        }
        let sign = random.pick(&[" = ", "=", "  =  ", " ="]);
        lines.push(format!("{name}{sign}{}", random.pick(&MACRO_VALUES)));
        defined.push(name);
    }
    let mut used: Vec<&str> = Vec::new();
    for _ in 0..random.below(7) {
        let (name, values) = MAIN[random.below(MAIN.len())];
        if used.contains(&name) && !random.one_in(40) {
            continue;
        }
        used.push(name);
        let hide = if random.one_in(9) { "hide " } else { "" };
        let value = match random.pick(values) {
            bad if REFUSED.contains(&bad) && !random.one_in(10) => values[0],
            value => value,
        };
        let line = format!("{hide}{name}{}{value}", random.pick(&[" = ", "=", " =\t", "= "]));
        lines.push(line);
    }
    if random.one_in(4) {
        let flag = random.pick(&FLAGS);
        let option = flag.trim_start_matches("hide ").trim_start_matches("no_").trim_start_matches("not_");
        if !used.contains(&option) {
            lines.push(flag.to_owned());
        }
    }
    lines.push(format!(
        "domainlist named = {}",
        random.pick(&[
            "a.example",
            "a.example : *.b.example",
            "lsearch;/etc/mailips",
            "@ : x",
            "$qualify_domain : ^x\\\\.y",
            "${lookup{d}lsearch{/etc/mailips}}"
        ])
    ));
    for _ in 0..random.below(3) {
        let line = random.pick(&NAMED);
        let word =
            |line: &str| line.trim_start_matches("hide ").split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        if !lines.iter().any(|known| word(known).replace("_cache", "") == word(line).replace("_cache", "")) {
            lines.push(line.to_owned());
        }
    }
    if random.one_in(18) {
        let at = random.below(lines.len() + 1);
        lines.insert(at, random.pick(&BROKEN).to_owned());
    }
    if random.one_in(5) {
        let at = random.below(lines.len() + 1);
        lines.insert(at, random.pick(&ODD).to_owned());
    }
    let mut included = Vec::new();
    let mut text = laid_out(random, &lines, &mut included, "one.inc");
    let mut transports = Vec::new();
    let sections = match random.below(4) {
        0 => ["transports", "routers"],
        _ => ["routers", "transports"],
    };
    let count = 1 + random.below(3);
    for section in sections {
        if random.one_in(12) {
            text.push_str(random.pick(&SECTIONS));
        }
        let begin = random.pick(&["begin ", "begin ", "BEGIN ", "begin   ", "  begin "]);
        let _ = writeln!(text, "{begin}{}", section_name(random, section));
        let mut lines = Vec::new();
        if random.one_in(8) {
            lines.extend(
                random.pick(if section == "routers" { &OTHER_ROUTERS } else { &OTHERS }).lines().map(str::to_owned),
            );
        }
        for number in 0..count {
            if random.one_in(10) && !defined.contains(&"Late") {
                lines.push(format!("Late = {}", random.pick(&MACRO_VALUES)));
                defined.push("Late");
            }
            match section {
                "routers" => router(random, number, &mut lines),
                _ => transports.push(transport(random, number, &mut lines)),
            }
        }
        text.push_str(&laid_out(
            random,
            &lines,
            &mut included,
            if section == "routers" { "two.inc" } else { "three.inc" },
        ));
    }
    if random.one_in(6) {
        text.push_str(random.pick(&SECTIONS));
    }
    while random.one_in(2) {
        text.push_str(&sections::write(random));
    }
    if random.one_in(8) {
        text.pop();
    }
    if random.one_in(25) {
        text = text.replace('\n', "\r\n");
    }
    let defines = match random.below(5) {
        0 => vec![(
            random.pick(&["FLAG", "HELONAME", "Cmd", "A_LONG_NAME_1", "MAIN_HARDCODE_PRIMARY_HOSTNAME"]).to_owned(),
            random.pick(&["x", "cmd.example.com", ""]).to_owned(),
        )],
        _ => Vec::new(),
    };
    Configuration { text, included, transports, defines }
}

fn section_name(random: &mut Random, section: &str) -> String {
    match random.below(8) {
        0 => section.trim_end_matches('s').to_owned(),
        1 => section.to_uppercase(),
        _ => section.to_owned(),
    }
}

fn router(random: &mut Random, number: usize, lines: &mut Vec<String>) {
    lines.push(format!("r{number}{}", random.pick(&[":", " :", ":  "])));
    let manual = random.one_in(2);
    lines.push(format!("  driver = {}", if manual { "manualroute" } else { "dnslookup" }));
    lines.push(format!("transport = t{}", if random.one_in(20) { 9 } else { 0 }));
    if manual {
        lines.push(format!(
            "  route_list = {}",
            random.pick(&["* smart.example.com", "a.example b.example:25 ; * x", "* <; [2001:db8::1]:25"])
        ));
    }
    if random.one_in(3) {
        lines.push(format!("  domains = {}", random.pick(&["! +named", "*", "+named", "DOMAIN"])));
    }
    for _ in 0..random.below(3) {
        lines.push(format!("  condition = {}", random.pick(&["${if eq{a}{b}}", "true", "\"$value\"", "\"\\$x\\t\""])));
    }
    if random.one_in(4) {
        lines.push(format!("  senders = {}", random.pick(&["*@a.example", "+senders", "IFACE", "\"^a \\\\. b\""])));
    }
    if random.one_in(6) {
        lines.push(
            random.pick(&["  set = r_a = 1\n  set = r_b = $value", "address_data = ${lc:X}", "no_verify"]).to_owned(),
        );
    }
    if random.one_in(3) {
        let option = random.pick(&ROUTER);
        if !manual || !option.contains("check_secondary") {
            lines.push(format!("  {option}"));
        }
    }
    if random.one_in(3) {
        lines.push(random.pick(&["  no_more", "more = false", "unseen"]).to_owned());
    }
}

fn transport(random: &mut Random, number: usize, lines: &mut Vec<String>) -> String {
    let name = format!("t{}", if number > 0 && random.one_in(60) { 0 } else { number });
    lines.push(format!("{name}:"));
    if random.one_in(5) {
        lines.push("  return_path = x@a.example".into());
    }
    if !random.one_in(40) {
        lines.push("  driver = smtp".into());
    }
    for option in ["interface", "helo_data", "dkim_domain", "hosts"] {
        if !random.one_in(2) {
            continue;
        }
        let text = match random.below(3) {
            0 => random.pick(&["IFACE", "HELONAME", "", "<; 192.0.2.1 ; 2001:db8::1", "\"a\\tb\""]).to_owned(),
            _ => one_line(&expansion::text(random)),
        };
        let quoted = random.one_in(4) && !text.contains('"');
        lines.push(if quoted {
            format!("  {option} = \"{}\"", text.replace('\\', "\\\\"))
        } else {
            format!("  {option} = {text}")
        });
    }
    for _ in 0..random.below(3) {
        let option = random.pick(&SMTP);
        let name = |line: &str| line.split(['=', ' ']).find(|word| !word.is_empty()).unwrap_or_default().to_owned();
        let broken = ["1h5x", "2K", "no_such"].iter().any(|part| option.contains(part));
        let again = option.contains("headers_") || !lines.iter().rev().take(8).any(|line| name(line) == name(option));
        if again && (!broken || random.one_in(6)) {
            lines.push(format!("  {option}"));
        }
    }
    if random.one_in(5) {
        lines.push(format!("  headers_add = X-{number}: y"));
        lines.push("  headers_add = Z: $value".into());
    }
    name
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").trim_end_matches('\\').to_owned()
}

/// The lines as a person, or a generator, may have typed them: continued, commented, behind conditionals, in other files.
fn laid_out(
    random: &mut Random,
    lines: &[String],
    included: &mut Vec<(&'static str, String)>,
    file: &'static str,
) -> String {
    let mut text = String::new();
    let apart = random.one_in(3) && lines.len() > 2;
    let (from, to) = if apart {
        let from = random.below(lines.len());
        (from, from + 1 + random.below(lines.len() - from))
    } else {
        (lines.len(), lines.len())
    };
    let mut inner = String::new();
    for (number, line) in lines.iter().enumerate() {
        let inside = (from..to).contains(&number);
        let out = if inside { &mut inner } else { &mut text };
        if random.one_in(10) {
            out.push_str(random.pick(&["\n", "# a comment\n", "  # indented \\\n", "#\n", "   \n"]));
        }
        match random.below(12) {
            0 if random.one_in(if line.ends_with(':') || line.contains("driver") || line.contains("route_") {
                12
            } else {
                1
            }) =>
            {
                conditional(random, line, out);
            }
            1 | 2 => continued(random, line, out),
            _ => {
                let indent = random.pick(&["", "", "  ", "\t"]);
                let _ = writeln!(out, "{indent}{line}{}", random.pick(&["", "", "  ", "\t"]));
            }
        }
        if inside && number + 1 == to {
            let form = random.pick(&[
                ".include /etc/exim4/@",
                ".include \"/etc/exim4/@\"",
                ".include @",
                ".include_if_exists /etc/exim4/@",
            ]);
            let _ = writeln!(text, "{}", form.replace('@', file));
        }
    }
    if apart {
        included.push((file, inner));
    }
    text
}

/// A line in several, comments and blanks between them.
fn continued(random: &mut Random, line: &str, out: &mut String) {
    let mut rest = line;
    while random.one_in(2) && rest.len() > 1 {
        let mut at = 1 + random.below(rest.len() - 1);
        while !rest.is_char_boundary(at) {
            at += 1;
        }
        let (head, more) = rest.split_at(at);
        let _ = write!(out, "{head}\\{}\n{}", random.pick(&["", "", " ", "\t "]), random.pick(&["", "  ", "\t"]));
        if random.one_in(5) {
            // A line that is nothing but a comment, within a line that goes on.
            let _ = writeln!(out, "{}", random.pick(&["# within", "  # within \\", "#"]));
        }
        rest = more;
    }
    out.push_str(rest);
    out.push('\n');
}

fn conditional(random: &mut Random, line: &str, out: &mut String) {
    let indent = random.pick(&["", "  "]);
    let word = random.pick(&[".ifdef ", ".ifndef ", ".ifdef  "]);
    let _ = writeln!(out, "{indent}{word}{}", asked(random));
    let first = if random.one_in(3) { "" } else { line };
    let _ = writeln!(out, "{first}");
    if random.one_in(3) {
        let _ = writeln!(out, "{indent}{}{}", random.pick(&[".elifdef ", ".elifndef "]), asked(random));
        let _ = writeln!(out, "{}", if first.is_empty() { line } else { "# nothing" });
    }
    if random.one_in(2) {
        let _ = writeln!(out, "{indent}.else{}", random.pick(&["", " of it", "  "]));
        let _ = writeln!(out, "{line}");
    }
    if !random.one_in(400) {
        let _ = writeln!(out, "{indent}.endif{}", random.pick(&["", " FLAG", ""]));
    }
}

fn asked(random: &mut Random) -> &'static str {
    random.pick(&[
        "FLAG",
        "HELONAME",
        "HELO IFACE",
        "Xy_2",
        "xFLAGx",
        "nothing",
        "",
        "Undefined_1",
        "DOMAIN or Zz",
        "_HAVE_IPV6",
        "X _HAVE_IPV6",
        "_OPT_MAIN_DISABLE_IPV6 x",
        "Q",
        "Late",
    ])
}
