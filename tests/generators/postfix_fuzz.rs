//! Writes random Postfix configurations, for comparison with the real postconf(1):
//!
//!     cargo run --example postfix_fuzz -- SEED COUNT FOLDER
//!
//! puts COUNT cases `fN.cf`, `fN.master.cf` into FOLDER. The kit that records the answers of the real programs then writes
//! `fN.expected.json` beside them, and `HELOLINT_POSTFIX_CASES=FOLDER cargo test --test postfix_oracle` compares.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, process};

#[path = "random/mod.rs"]
mod random;

use random::Random;

const PARAMETERS: [&str; 16] = [
    "relayhost",
    "smtp_helo_name",
    "lmtp_lhlo_name",
    "smtpd_banner",
    "proxy_interfaces",
    "default_transport",
    "relay_transport",
    "smtp_bind_address",
    "smtp_bind_address6",
    "mydestination",
    "transport_maps",
    "sender_dependent_relayhost_maps",
    "smtpd_tls_cert_file",
    "smtp_tls_security_level",
    "myorigin",
    "relayhost",
];
const VARIABLES: [&str; 8] = ["a", "b", "c", "v_1", "V", "x9", "7", "empty"];
const BUILT_IN: [&str; 10] = [
    "myhostname",
    "mydomain",
    "mail_name",
    "default_transport",
    "inet_protocols",
    "smtp_helo_name",
    "queue_directory",
    "relayhost",
    "process_name",
    "config_directory",
];
const WORDS: [&str; 22] = [
    "mail.example.com",
    "a",
    "10",
    "9",
    "007",
    "x y",
    "[192.0.2.1]:587",
    ",",
    ".",
    "-",
    "yes",
    "a  b",
    "\u{e9}",
    "#x",
    "\"q\"",
    "3.6",
    "3.10",
    "=",
    "[smtp.example]587",
    "smtp.example:submision",
    "2001:db8::25",
    "[127.0.0.1]",
];

/// Parameters that take no text but a number, a time, `yes` or `no`, or must not be empty.
const TYPED: [&str; 26] = [
    "message_size_limit",
    "default_process_limit",
    "line_length_limit",
    "header_size_limit",
    "max_use",
    "soft_bounce",
    "smtputf8_enable",
    "disable_dns_lookups",
    "ipc_timeout",
    "max_idle",
    "in_flow_delay",
    "daemon_timeout",
    "hash_queue_names",
    "syslog_name",
    "smtp_connect_timeout",
    "smtp_helo_timeout",
    "smtp_mx_address_limit",
    "smtp_skip_5xx_greeting",
    "smtp_bind_address_enforce",
    "smtp_use_tls",
    "smtp_sasl_type",
    "lmtp_connect_timeout",
    "lmtp_bind_address_enforce",
    "smtpd_recipient_limit",
    "smtpd_timeout",
    "smtpd_helo_required",
];
const TYPED_VALUES: [&str; 24] = [
    "50M",
    "10",
    "0",
    "-1",
    "5m",
    "30",
    "1h",
    "5 m",
    "1M",
    "yes",
    "no",
    "true",
    "YES",
    "",
    "99999999999",
    "$x9",
    "${empty?{1}:{2}}",
    "10 ",
    "+7",
    "0x10",
    "1.5",
    "h",
    "5min",
    "$7s",
];
/// Values that decide whether each program starts.
const DECISIVE: [&str; 33] = [
    "inet_interfaces = #",
    "inet_interfaces = 192.0.2.25/24",
    "inet_interfaces = \"192.0.2.25\"",
    "inet_interfaces = 192.0.2.25;127.0.0.1",
    "inet_interfaces = all, 192.0.2.25",
    "inet_interfaces = ALL",
    "inet_interfaces = All 127.0.0.1",
    "inet_interfaces = loopback-only, 192.0.2.25",
    "inet_interfaces = ipv4",
    "inet_interfaces = 0.0.0.0",
    "inet_interfaces = ::",
    "inet_interfaces = eth0",
    "inet_interfaces = $myhostname",
    "inet_interfaces =",
    "inet_interfaces = 192.0.2.25, # 127.0.0.1",
    "inet_interfaces = [192.0.2.25]",
    "inet_interfaces = 192.0.2.25:25",
    "inet_protocols = IPv4",
    "inet_protocols = ipv4,ipv6",
    "inet_protocols = all, ipv4",
    "inet_protocols = 4",
    "inet_protocols =",
    "myorigin = /etc/nosuchfile",
    "myorigin = $config_directory",
    "myorigin = $mydomain $myhostname",
    "myorigin =",
    "mydomain = localhost",
    "mydomain = .example.com",
    "mydomain = example.com.",
    "myhostname = -x.example",
    "myhostname = 192.0.2.25",
    "myhostname = [192.0.2.25]",
    "relayhost = $myhostname",
];

fn name<'a>(random: &mut Random) -> &'a str {
    match random.below(6) {
        0 => random.pick(&BUILT_IN),
        1 => "undefined_name",
        _ => random.pick(&VARIABLES),
    }
}

fn blanks<'a>(random: &mut Random) -> &'a str {
    if random.one_in(3) { random.pick(&[" ", "  ", "\t", "\n ", "\n\t", "\n# c\n  "]) } else { "" }
}

/// Text with references, now and then a broken one.
fn value(random: &mut Random, depth: usize, out: &mut String) {
    for _ in 0..=random.below(3) {
        match random.below(if depth > 3 { 4 } else { 12 }) {
            0..=2 => out.push_str(random.pick(&WORDS)),
            3 => out.push_str("$$"),
            4 | 5 => {
                let _ = write!(out, "${}", name(random));
                if random.one_in(2) {
                    out.push('.');
                }
            }
            6 => {
                let form = random.pick(&["${@}", "$(@)", "${ @ }", "$( @\t)"]);
                out.push_str(&form.replace('@', name(random)));
            }
            7 | 8 => conditional(random, depth, out),
            9 => comparison(random, depth, out),
            10 if random.one_in(20) => {
                out.push_str(random.pick(&[
                    "$",
                    "${",
                    "${a",
                    "$(b",
                    "${}",
                    "$()",
                    "${a-b}",
                    "${a?{x}y}",
                    "${a:{x}y}",
                    "$ x",
                ]));
            }
            10 => out.push_str(random.pick(&["(x)", "{y}", ":", "?"])),
            _ => out.push_str(blanks(random)),
        }
    }
}

fn operand(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str(blanks(random));
    out.push('{');
    value(random, depth + 1, out);
    out.push('}');
    out.push_str(blanks(random));
}

fn choice(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(5) {
        0 => {
            out.push('?');
            operand(random, depth, out);
        }
        1 => {
            out.push('?');
            operand(random, depth, out);
            out.push(':');
            operand(random, depth, out);
        }
        2 => {
            out.push(':');
            operand(random, depth, out);
        }
        3 => {
            out.push_str(random.pick(&["?", ":", "? ", "?x:y", ":?", ": z"]));
            out.push_str(random.pick(&["w", "b c", "${a}", "$V", ""]));
        }
        _ => {
            out.push('?');
            operand(random, depth, out);
            out.push_str(":no");
        }
    }
}

fn conditional(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str("${");
    out.push_str(blanks(random));
    out.push_str(name(random));
    out.push_str(blanks(random));
    choice(random, depth, out);
    out.push('}');
}

fn comparison(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str("${");
    let numbers = random.one_in(2);
    let side = |random: &mut Random, out: &mut String| {
        if numbers {
            let _ = write!(out, "{{{}}}", random.pick(&["1", "2", "10", "010", "3.6", "3.10", "$7", "$x9"]));
        } else {
            operand(random, depth, out);
        }
    };
    side(random, out);
    out.push_str(random.pick(&["==", "!=", "<", "<=", ">=", ">", " == ", " < "]));
    if random.one_in(40) {
        out.push_str(random.pick(&["level", "x"]));
    }
    side(random, out);
    if !random.one_in(4) {
        choice(random, depth, out);
    }
    out.push('}');
}

fn main_cf(random: &mut Random) -> String {
    // Users and groups that every host has, whether Postfix is installed or not.
    let mut text = String::from("mail_owner = daemon\nsetgid_group = uucp\n");
    if !random.one_in(5) {
        text.push_str("compatibility_level = 3.6\n");
    }
    for _ in 0..3 + random.below(10) {
        if random.one_in(12) {
            let _ = writeln!(text, "{} = {}", random.pick(&TYPED), random.pick(&TYPED_VALUES));
            continue;
        }
        if random.one_in(30) {
            text.push_str(random.pick(&DECISIVE));
            text.push('\n');
            continue;
        }
        let mut setting = String::new();
        let name = if random.one_in(2) { random.pick(&PARAMETERS) } else { random.pick(&VARIABLES) };
        match random.below(24) {
            0 => setting.push_str(random.pick(&["# a comment", "  # indented comment", "", " \t", "#x = y"])),
            1 => setting.push_str(random.pick(&[
                "inet_interfaces = 192.0.2.25",
                "inet_interfaces = all",
                "inet_interfaces = loopback-only",
                "inet_interfaces = 203.0.113.99",
                "inet_interfaces = $myhostname, localhost",
                "inet_interfaces = 192.0.2.25 192.0.2.26",
                "inet_protocols = ipv4",
                "inet_protocols = ipv6, ipv4",
                "mynetworks = 127.0.0.0/8",
                "inet_interfaces = [2001:db8::25]",
                "inet_interfaces = 127.0.0.1/8, 192.0.2.25",
                "inet_interfaces = all, 192.0.2.25",
                "inet_interfaces = ALL",
                "inet_interfaces = 192.0.2.25 # public",
                "inet_interfaces = \"192.0.2.25\"",
                "inet_interfaces = 192.0.2.25; 127.0.0.1",
                "inet_interfaces = 127.1",
                "inet_interfaces = 192.0.2.490",
                "inet_interfaces = lo",
                "relay_domains = branch.example",
                "default_transport = error:nothing leaves",
                "relay_transport = error",
                "transport_maps = /etc/postfix/transport",
                "transport_maps = hsah:/etc/postfix/transport",
                "transport_maps = inline:{*=out:[smtp.example]587}",
                "sender_dependent_default_transport_maps = inline:{@a.example=outt:}",
                "smtp_fallback_relay = [smtp.example",
                "master_service_disable = !s0/unix unix",
                "mail_version = 3.5.25",
                "use_srv_lookup = submission",
            ])),
            2 => setting.push_str(random.pick(&[
                "myhostname = mail.example.net",
                "mydomain = example.org",
                "myhostname = vm",
                "myhostname = mail.$mydomain",
                "myhostname = a_b.example",
                "myhostname = x..y",
                "mydomain = $myhostname",
                "myhostname = $a.example.com",
            ])),
            3 if random.one_in(6) => {
                setting.push_str(random.pick(&["no equals sign", "= x", "process_name = x", "; x = y"]))
            }
            _ => {
                let _ = write!(setting, "{name}{}=", random.pick(&["", " ", " ", "\t", "  ", "\n "]));
                setting.push_str(random.pick(&["", " ", " ", "\n  "]));
                value(random, 0, &mut setting);
                if name == "empty" && random.one_in(2) {
                    setting = "empty =".into();
                }
            }
        }
        text.push_str(&setting);
        text.push_str(random.pick(&["\n", "\n", "\n", "\n\n", " \n", "\r\n", "\n# between\n"]));
    }
    text
}

fn master_cf(random: &mut Random) -> String {
    let mut text = String::new();
    for index in 0..1 + random.below(4) {
        let command = random.pick(&["smtp", "smtp", "lmtp", "smtpd", "/usr/lib/postfix/sbin/smtp"]);
        let gap = random.pick(&[" ", "  ", "\t"]);
        let fields = random.pick(&["- - n - -", "- - y - -", "n - - 60? 1", "- - n 1000? 0", "y y n - 10"]);
        let _ = write!(text, "s{index}{gap}unix{gap}{fields}{gap}{command}");
        for _ in 0..random.below(4) {
            text.push_str(random.pick(&[" ", "\n  ", "\n# note\n  ", "\n\n\t"]));
            if random.one_in(9) {
                let _ = write!(text, "-o {{{}={}}}", random.pick(&TYPED), random.pick(&TYPED_VALUES));
                continue;
            }
            let name = if random.one_in(2) { random.pick(&VARIABLES) } else { random.pick(&PARAMETERS) };
            let simple =
                random.pick(&["x", "$a", "${b?{c d}}", "$service_name.$process_name", "", "$V.example", "1=2"]);
            match random.below(9) {
                0..=3 => {
                    let _ = write!(text, "-o {name}={simple}");
                }
                4 => {
                    let mut inner = String::new();
                    value(random, 2, &mut inner);
                    let _ = write!(text, "-o {{ {name} = {inner} }}");
                }
                5 => {
                    let _ = write!(text, "-o{name}={simple}");
                }
                6 => text.push_str(random.pick(&["-v", "-v -o a=b", "-vo a=b"])),
                7 if random.one_in(3) => {
                    text.push_str(random.pick(&["word", "--", "-o a", "-o a = b", "-o {a=b}c", "-o {a", "{x y}", "#"]));
                }
                _ => {
                    let _ = write!(text, "-o {{{name}={simple}}}");
                }
            }
        }
        text.push_str(random.pick(&["\n", "\n\n", "\n#c\n", "\r\n"]));
    }
    if random.one_in(30) {
        text.push_str(random.pick(&[
            "short unix - -\n",
            "x tcp - - n - - smtp\n",
            "x unix - - z - - smtp\n",
            "x unix - Y n - - smtp\n",
            "x unix - - n 60x - smtp\n",
            "x unix - - n 60? -1 smtp\n",
            "x unix - - n - 1x smtp\n",
            "x unix yes - n - - smtp\n",
            "2525 inet - - n - - smtpd\n",
            "x UNIX - - n - - smtp\n",
            "x unix-dgram - - n - - smtp\n",
            "x unix - - n - - smtp -o {a=b\n",
            "x unix - - n - - smtp -o {a=b}c\n",
        ]));
    }
    text
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [seed, count, folder] = &arguments[..] else {
        eprintln!("usage: postfix_fuzz SEED COUNT FOLDER");
        process::exit(2);
    };
    let (Ok(seed), Ok(count)) = (seed.parse::<u64>(), count.parse::<usize>()) else {
        eprintln!("postfix_fuzz: SEED and COUNT are numbers");
        process::exit(2);
    };
    println!("seed {seed}, {count} cases in {folder}");
    for case in 0..count {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(case as u64));
        let written = fs::write(Path::new(folder).join(format!("f{case:05}.cf")), main_cf(&mut random))
            .and_then(|()| fs::write(Path::new(folder).join(format!("f{case:05}.master.cf")), master_cf(&mut random)));
        if let Err(error) = written {
            eprintln!("postfix_fuzz: {folder}: {error}");
            process::exit(1);
        }
    }
}
