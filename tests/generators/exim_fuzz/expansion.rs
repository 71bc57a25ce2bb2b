//! Random expansions.

use std::fmt::Write as _;

use crate::conditions::{LISTS, condition, pattern};
use crate::random::Random;
use crate::tables::{MAPS, NAMES};

/// Domains that keys, senders and comparisons are made of.
pub const DOMAINS: [&str; 8] = [
    "a.example",
    "b.example",
    "sub.a.example",
    "x.y.b.example",
    "Mixed.Example",
    "example",
    "c-1.example",
    "nowhere.invalid",
];

const WORDS: [&str; 34] = [
    "mail.example.com",
    "a.example",
    "192.0.2.4",
    "2001:db8::4",
    "<; 192.0.2.1 ; 2001:db8::1",
    "a:b: c ::d",
    "user@b.example",
    "Alice <alice@a.example>",
    "\"Alice, x\" <alice@a.example> (c)",
    "a. b @ c . d",
    "<@x.example:a@b.example>",
    "a@b_c.example",
    "a@[192.0.2.1]",
    "x",
    " ",
    "",
    "0",
    "17",
    "yes",
    "no",
    "a=1 b=\"x y\" C=three",
    "k=v",
    "10K",
    "-3",
    "one two three",
    "\\t",
    "\\x41\\101",
    "\\N$x{}\\N",
    "=",
    "\\\\",
    "\\}\\{",
    "(5+3)*2",
    "0x1F|7",
    "a-b_c/d",
];
const VARIABLES: [&str; 20] = [
    "$primary_hostname",
    "${primary_hostname}",
    "$sender_address_domain",
    "${sender_address}",
    "$sender_address_local_part",
    "$sender_host_address",
    "$sender_host_name",
    "$qualify_domain",
    "$qualify_recipient",
    "$value",
    "$item",
    "$1",
    "${2}",
    "$config_file",
    "$domain",
    "$acl_m_none",
    "$spool_directory",
    "$h_subject:",
    "$config_dir",
    "$smtp_active_hostname",
];
const OPERATORS: [&str; 46] = [
    "lc",
    "uc",
    "domain",
    "local_part",
    "address",
    "length_3",
    "l_5",
    "l_0",
    "length",
    "substr_1_2",
    "substr_-3",
    "substr_-30_29",
    "s_0_4",
    "s_2",
    "substr_-2_1",
    "strlen",
    "mask",
    "quote",
    "rxquote",
    "reverse_ip",
    "ipv6norm",
    "ipv6denorm",
    "escape",
    "expand",
    "eval",
    "eval10",
    "listcount",
    "listnamed",
    "listnamed_d",
    "listnamed_h",
    "md5",
    "sha1",
    "base64",
    "hash_5",
    "hash_3_10",
    "hash_99",
    "h_4_62",
    "nhash_9",
    "nhash_8_63",
    "nh_100",
    "str2b64",
    "escape8bit",
    "quote_local_part",
    "utf8clean",
    "sha256",
    "time_interval",
];
/// Arguments that some operators are made for.
const MADE_FOR: [(&str, &[&str]); 9] = [
    ("mask", &["192.0.2.77/26", "2001:db8::7/33", "192.0.2.7/0", "x/8", "192.0.2.7", "192.0.2.7/33"]),
    ("reverse_ip", &["192.0.2.4", "2001:db8::4", "x", "::ffff:192.0.2.1"]),
    ("ipv6norm", &["2001:DB8:0:0::4", "192.0.2.4", "::", "x", "::ffff:192.0.2.1"]),
    ("ipv6denorm", &["2001:db8::4", "192.0.2.4", "::", "1::2::3"]),
    (
        "eval",
        &["1+2*3", "(1+2)*3", "0x10|3", "010+1", "7/2%2", "1<<4>>1", "~5&7^1", "-(-3)", "5/0", "2K", "1+", "--3", "08"],
    ),
    ("eval10", &["010+1", "9-09", "0x10", "2*(3"]),
    ("listnamed", &["named", "hosts", "people", "nothing", "a_d"]),
    ("listcount", &["a:b:c", "<; a;b", "", " ", "::", "a::b"]),
    ("expand", &["\\$primary_hostname", "\\${lc:ABC\\}", "\\$", "\\${if eq{a\\}{a\\}{1\\}{2\\}\\}"]),
];
const LOOKUPS: [&str; 24] = [
    "lsearch",
    "lsearch",
    "lsearch*",
    "lsearch*",
    "lsearch*@",
    "partial-lsearch",
    "partial1-lsearch*",
    "partial0-lsearch",
    "partial3-lsearch*@",
    "partial(.)lsearch",
    "partial1()lsearch",
    "partial(x.)lsearch*",
    "wildlsearch",
    "nwildlsearch",
    "nwildlsearch*",
    "iplsearch",
    "iplsearch*",
    "lsearch,ret=key",
    "lsearch*,ret=full",
    "partial2-nwildlsearch",
    "partial-wildlsearch",
    "dsearch",
    "dsearch",
    "nosuch",
];

/// One expansion.
pub fn text(random: &mut Random) -> String {
    let mut out = String::new();
    value(random, 0, &mut out);
    out
}

fn value(random: &mut Random, depth: usize, out: &mut String) {
    for _ in 0..1 + random.below(2) {
        match random.below(if depth > 4 { 5 } else { 16 }) {
            0 | 1 => out.push_str(random.pick(&WORDS)),
            2..=4 => {
                out.push_str(random.pick(&VARIABLES));
                if random.one_in(4) {
                    out.push('.');
                }
            }
            5 | 6 => {
                let (name, made) = MADE_FOR[random.below(MADE_FOR.len())];
                if random.one_in(3) {
                    let _ = write!(out, "${{{name}:{}}}", random.pick(made));
                } else {
                    let _ = write!(out, "${{{}:", random.pick(&OPERATORS));
                    value(random, depth + 1, out);
                    out.push('}');
                }
            }
            7..=9 => lookup(random, depth, out),
            10 | 11 => {
                out.push_str("${if");
                blanks(random, out);
                condition(random, depth, out);
                tail(random, depth, out);
                out.push('}');
            }
            12 | 13 => item(random, depth, out),
            14 => list_item(random, depth, out),
            _ if random.one_in(12) => out.push_str(random.pick(&[
                "$",
                "${",
                "${lc:",
                "$unknown_name",
                "${nothing:x}",
                "${if",
                "\\",
                "}",
                "{x}",
            ])),
            _ => out.push_str(random.pick(&DOMAINS)),
        }
    }
}

/// What stands between two words.
pub fn blanks(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&[" ", " ", "  ", "\t"]));
}

/// An argument with a value in it.
pub fn argument(random: &mut Random, depth: usize, out: &mut String) {
    out.push('{');
    value(random, depth + 1, out);
    out.push('}');
    if random.one_in(6) {
        out.push(' ');
    }
}

/// An argument of this text.
pub fn fixed(text: &str, out: &mut String) {
    let _ = write!(out, "{{{text}}}");
}

fn tail(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(6) {
        0 => {}
        1 => fixed("$value", out),
        2 => argument(random, depth, out),
        3 => {
            argument(random, depth, out);
            out.push_str("fail");
        }
        4 => {
            fixed("$value", out);
            argument(random, depth, out);
        }
        _ => {
            argument(random, depth, out);
            argument(random, depth, out);
        }
    }
}

fn key(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(4) {
        0 => fixed("$sender_address_domain", out),
        1 => fixed("${lc:$sender_address_domain}", out),
        2 => fixed(
            random.pick(&[
                "192.0.2.4",
                "2001:db8::4",
                "user@b.example",
                "*",
                "",
                "MIXED.example",
                "$sender_address",
                ".",
                "a b",
            ]),
            out,
        ),
        _ => argument(random, depth, out),
    }
}

fn lookup(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str("${lookup");
    key(random, depth, out);
    out.push(' ');
    let kind = random.pick(&LOOKUPS);
    out.push_str(kind);
    blanks(random, out);
    let file = match random.below(12) {
        0 => random.pick(&["/etc/none", "relative", "/etc/empty", "/etc"]).to_owned(),
        _ if kind.starts_with("ipl") => "/etc/nets".to_owned(),
        _ if kind == "dsearch" => "/etc/names.d".to_owned(),
        _ => format!("/etc/{}", MAPS[random.below(MAPS.len())]),
    };
    fixed(&file, out);
    tail(random, depth, out);
    out.push('}');
}

fn item(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(11) {
        0 => {
            out.push_str("${extract");
            fixed(random.pick(&["1", "2", "-1", "0", " 3 ", "9", "$1", "-2", "-9", "+1"]), out);
            fixed(random.pick(&[":", ".", "@", " :", ".@"]), out);
            argument(random, depth, out);
            tail(random, depth, out);
        }
        1 => {
            out.push_str("${extract");
            fixed(random.pick(&["a", "B", "c", "none", " b ", "x y"]), out);
            argument(random, depth, out);
            tail(random, depth, out);
        }
        2 => {
            out.push_str("${sg");
            argument(random, depth, out);
            fixed(
                &match random.below(2) {
                    0 => pattern(random),
                    _ => random.pick(&["a", "\\\\.", "^(.)(.)", "[a-c]+", "x*", "(?i)MAIL", "$", "", "a|"]).to_owned(),
                },
                out,
            );
            fixed(random.pick(&["", "-", "\\$1", "<\\$2\\$1>", "$sender_address_domain", "\\$0\\$0"]), out);
        }
        3 => {
            out.push_str("${tr");
            argument(random, depth, out);
            out.push_str(random.pick(&["{abc}{xyz}", "{.@}{_}", "{a}{}", "{}{x}", "{A-Z}{a-z}", "{aab}{xyz}"]));
        }
        4 => {
            out.push_str("${substr");
            out.push_str(random.pick(&[
                "{0}{4}",
                "{-3}",
                "{2}{100}",
                "{-8}{3}",
                "{x}",
                "{1 }{2}",
                "{+1}{2}",
                "{$value}{1}",
            ]));
            argument(random, depth, out);
        }
        5 => {
            out.push_str("${length");
            fixed(random.pick(&["3", "0", "99", "-1", ""]), out);
            argument(random, depth, out);
        }
        6 => {
            out.push_str("${listextract");
            fixed(random.pick(&["1", "2", "-1", "7", "0", " 2 ", "x$1", "-9"]), out);
            fixed(random.pick(&LISTS), out);
            tail(random, depth, out);
        }
        7 => {
            out.push_str(random.pick(&["${hash{4}", "${hash{3}{6}", "${nhash{9}", "${nhash{8}{63}", "${hash{4}{0}"]));
            argument(random, depth, out);
        }
        8 => {
            let (name, _) = NAMES[random.below(NAMES.len())];
            let _ = write!(out, "${{readfile{{/etc/names.d/{name}}}{}", random.pick(&["", "{:}", "{}", "{ ; }"]));
        }
        9 => {
            let (field, file) =
                (random.pick(&["size", "mode", "smode", "uid"]), random.pick(&["mailips", "none", "empty"]));
            let _ = write!(out, "${{extract{{{field}}}{{${{stat:/etc/{file}}}}}");
            tail(random, depth, out);
        }
        _ => {
            out.push_str("${extract{size}{${stat:");
            out.push_str(random.pick(&["/etc/empty", "/etc/none"]));
            out.push_str("}}");
        }
    }
    out.push('}');
}

fn list_item(random: &mut Random, depth: usize, out: &mut String) {
    let list = random.pick(&LISTS);
    match random.below(4) {
        0 => {
            let _ = write!(out, "${{map{{{list}}}{{<$item>");
            value(random, depth + 2, out);
            out.push_str("}}");
        }
        1 => {
            let _ = write!(out, "${{filter{{{list}}}{{");
            match random.below(3) {
                0 => condition(random, depth + 2, out),
                _ => out.push_str(random.pick(&[
                    "eq{$item}{b.example}",
                    ">{$item}{1}",
                    "match{$item}{\\\\.}",
                    "def:item",
                ])),
            }
            out.push_str("}}");
        }
        2 => {
            let _ = write!(out, "${{reduce{{{list}}}{{{}}}{{$value+$item}}}}", random.pick(&["", "0", "s"]));
        }
        _ => {
            let comparator = random.pick(&["lt", "gt", "<", ">=", "lei", "gei", "eq"]);
            let field = random.pick(&["$item", "$item", "x$item", "${length_1:$item}", "${strlen:$item}"]);
            let _ = write!(out, "${{sort{{{list}}}{{{comparator}}}{{{field}}}}}");
        }
    }
}
