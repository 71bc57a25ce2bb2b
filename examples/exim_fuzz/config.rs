//! Random configurations: lines, macros, conditionals, includes, options, drivers.

use std::fmt::Write as _;

use crate::expansion;
use crate::random::Random;

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

const MACROS: [&str; 9] = ["FLAG", "HELONAME", "HELO", "IFACE", "Xy_2", "DOMAIN", "A_LONG_NAME_1", "HELONAMES", "Zz"];
const MACRO_VALUES: [&str; 11] = [
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
const BROKEN: [&str; 20] = [
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
        random.pick(&["a.example", "a.example : *.b.example", "lsearch;/etc/mailips", "@ : x"])
    ));
    if random.one_in(14) {
        let at = random.below(lines.len() + 1);
        lines.insert(at, random.pick(&BROKEN).to_owned());
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
        let begin = random.pick(&["begin ", "begin ", "BEGIN ", "begin   ", "  begin "]);
        let _ = writeln!(text, "{begin}{}", section_name(random, section));
        let mut lines = Vec::new();
        for number in 0..count {
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
        text.push_str("begin acl\ncheck:\n  accept\n  hosts = X\nbegin retry\n* * F,1h,5m\n");
    }
    if random.one_in(8) {
        text.pop();
    }
    if random.one_in(25) {
        text = text.replace('\n', "\r\n");
    }
    let defines = match random.below(5) {
        0 => vec![(
            random.pick(&["FLAG", "HELONAME", "Cmd"]).to_owned(),
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
        lines.push(format!("  condition = {}", random.pick(&["${if eq{a}{b}}", "true", "\"$value\""])));
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
    random.pick(&["FLAG", "HELONAME", "HELO IFACE", "Xy_2", "xFLAGx", "nothing", "", "Undefined_1", "DOMAIN or Zz"])
}
