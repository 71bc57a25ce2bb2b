//! Random expansions, and the files in which they look things up.

use std::fmt::Write as _;

use crate::random::Random;

/// Files of the lsearch family, below `/etc`.
pub const MAPS: [&str; 3] = ["mailips", "mailhelo", "wild"];
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

const WORDS: [&str; 24] = [
    "mail.example.com",
    "a.example",
    "192.0.2.4",
    "2001:db8::4",
    "<; 192.0.2.1 ; 2001:db8::1",
    "a:b: c ::d",
    "user@b.example",
    "Alice <alice@a.example>",
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
];
const VARIABLES: [&str; 16] = [
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
];
const OPERATORS: [&str; 38] = [
    "lc",
    "uc",
    "domain",
    "local_part",
    "address",
    "length_3",
    "l_5",
    "substr_1_2",
    "substr_-3",
    "s_0_4",
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
    "md5",
    "sha1",
    "base64",
    "hash_5",
    "hash_3_10",
    "nhash_9",
    "str2b64",
    "hex2b64",
    "base62",
    "escape8bit",
    "hexquote",
    "sha256",
    "quote_local_part",
    "time_interval",
    "from_utf8",
];
const LOOKUPS: [&str; 16] = [
    "lsearch",
    "lsearch",
    "lsearch*",
    "lsearch*",
    "lsearch*@",
    "partial-lsearch",
    "partial1-lsearch*",
    "partial0-lsearch",
    "partial(.)lsearch",
    "wildlsearch",
    "nwildlsearch",
    "iplsearch",
    "iplsearch*",
    "lsearch,ret=key",
    "lsearch*,ret=full",
    "partial2-nwildlsearch",
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
                let _ = write!(out, "${{{}:", random.pick(&OPERATORS));
                value(random, depth + 1, out);
                out.push('}');
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

fn blanks(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&[" ", " ", "  ", "\t"]));
}

fn argument(random: &mut Random, depth: usize, out: &mut String) {
    out.push('{');
    value(random, depth + 1, out);
    out.push('}');
    if random.one_in(6) {
        out.push(' ');
    }
}

fn fixed(text: &str, out: &mut String) {
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
        2 => fixed(random.pick(&["192.0.2.4", "2001:db8::4", "user@b.example", "*", "", "MIXED.example"]), out),
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
        _ => format!("/etc/{}", MAPS[random.below(MAPS.len())]),
    };
    fixed(&file, out);
    tail(random, depth, out);
    out.push('}');
}

fn condition(random: &mut Random, depth: usize, out: &mut String) {
    if random.one_in(6) {
        out.push('!');
    }
    match random.below(if depth > 4 { 5 } else { 12 }) {
        0 => fixed_after("exists", random.pick(&["/etc/mailips", "/etc/none", "/etc", "/etc/empty"]), out),
        1 => {
            let name = random.pick(&[
                "sender_address",
                "sender_host_name",
                "value",
                "1",
                "sender_address_domain",
                "nothing_known",
            ]);
            let _ = write!(out, "def:{name}");
            blanks(random, out);
        }
        2 | 3 => {
            let name = random.pick(&[
                "eq",
                "eqi",
                "lt",
                "gt",
                "le",
                "gei",
                "match",
                "match_domain",
                "match_ip",
                "inlist",
                "inlisti",
                "match_address",
            ]);
            out.push_str(name);
            out.push_str(random.pick(&["", " "]));
            match (random.below(3), name) {
                (0, _) => fixed("$sender_address_domain", out),
                (_, "match_ip") => fixed("$sender_host_address", out),
                _ => argument(random, depth, out),
            }
            match name {
                "match" => fixed(random.pick(&["^a", "(.*)\\\\.example", "\\N^(x)\\.(.*)$\\N", "[.]", "b+"]), out),
                "match_domain" => {
                    fixed(
                        random.pick(&[
                            "a.example : *.b.example",
                            "!b.example : *",
                            "+named",
                            "lsearch;/etc/mailips",
                            "@",
                            "^.*x",
                        ]),
                        out,
                    );
                }
                "match_ip" => fixed(
                    random.pick(&["192.0.2.0/24", "<; 2001:db8::/32 ; 198.51.100.2", "*", "!192.0.2.7 : 0.0.0.0/0"]),
                    out,
                ),
                "match_address" => fixed(random.pick(&["*@a.example", "alice@*", "a.example : *@+named"]), out),
                _ => argument(random, depth, out),
            }
        }
        4 => {
            out.push_str(random.pick(&["isip", "isip4", "isip6", "bool", "bool_lax"]));
            argument(random, depth, out);
        }
        5 | 6 => {
            out.push_str(random.pick(&["and", "or"]));
            out.push('{');
            for _ in 0..1 + random.below(3) {
                out.push('{');
                condition(random, depth + 1, out);
                out.push('}');
            }
            out.push('}');
        }
        7 => {
            out.push_str(random.pick(&["<", "<=", "=", "==", ">", ">="]));
            out.push_str(random.pick(&[
                "{5}{7}",
                "{0x10}{16}",
                "{1K}{1024}",
                "{${extract{size}{${stat:/etc/empty}}}}{0}",
                "{ 3 }{3}",
                "{x}{1}",
                "{${strlen:$sender_address}}{14}",
            ]));
        }
        8 => {
            out.push_str(random.pick(&["forany", "forall"]));
            fixed(random.pick(&["a.example:b.example", "<; 1 ; 2 ; x", "", "$sender_address_domain : x"]), out);
            out.push('{');
            out.push_str(random.pick(&[
                "eq{$item}{a.example}",
                "match{$item}{\\\\.}",
                "bool_lax{$item}",
                "isip{$item}",
                "!eq{$item}{$sender_address_domain}",
            ]));
            out.push('}');
        }
        _ => {
            out.push_str(random.pick(&["eq", "eqi"]));
            argument(random, depth, out);
            argument(random, depth, out);
        }
    }
}

fn fixed_after(name: &str, text: &str, out: &mut String) {
    out.push_str(name);
    fixed(text, out);
}

fn item(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(9) {
        0 => {
            out.push_str("${extract");
            fixed(random.pick(&["1", "2", "-1", "0", " 3 ", "9", "$1"]), out);
            fixed(random.pick(&[":", ".", "@", " :", ".@"]), out);
            argument(random, depth, out);
            tail(random, depth, out);
        }
        1 => {
            out.push_str("${extract");
            fixed(random.pick(&["a", "B", "c", "none"]), out);
            argument(random, depth, out);
            tail(random, depth, out);
        }
        2 => {
            out.push_str("${sg");
            argument(random, depth, out);
            fixed(random.pick(&["a", "\\\\.", "^(.)(.)", "[a-c]+", "x*", "(?i)MAIL", "$"]), out);
            fixed(random.pick(&["", "-", "\\$1", "<\\$2\\$1>", "$sender_address_domain"]), out);
        }
        3 => {
            out.push_str("${tr");
            argument(random, depth, out);
            out.push_str(random.pick(&["{abc}{xyz}", "{.@}{_}", "{a}{}", "{}{x}", "{A-Z}{a-z}"]));
        }
        4 => {
            out.push_str("${substr");
            out.push_str(random.pick(&["{0}{4}", "{-3}", "{2}{100}", "{-8}{3}", "{x}"]));
            argument(random, depth, out);
        }
        5 => {
            out.push_str("${length");
            fixed(random.pick(&["3", "0", "99"]), out);
            argument(random, depth, out);
        }
        6 => {
            out.push_str("${listextract");
            fixed(random.pick(&["1", "2", "-1", "7"]), out);
            fixed(random.pick(&["a:b:c", "<; 1 ; 2::3", "x : : y", "$sender_address_domain : z"]), out);
            tail(random, depth, out);
        }
        7 => {
            out.push_str("${hash");
            out.push_str(random.pick(&["{4}", "{3}{6}"]));
            argument(random, depth, out);
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
    let list = random.pick(&["a.example:b.example:c", "<; 1 ; 2 ; 3", "3:1:2", "x"]);
    match random.below(4) {
        0 => {
            let _ = write!(out, "${{map{{{list}}}{{<$item>");
            value(random, depth + 2, out);
            out.push_str("}}");
        }
        1 => {
            let test = random.pick(&["eq{$item}{b.example}", ">{$item}{1}", "match{$item}{\\\\.}"]);
            let _ = write!(out, "${{filter{{{list}}}{{{test}}}}}");
        }
        2 => {
            let _ = write!(out, "${{reduce{{{list}}}{{{}}}{{$value+$item}}}}", random.pick(&["", "0", "s"]));
        }
        _ => {
            let _ = write!(out, "${{sort{{{list}}}{{{}}}{{$item}}}}", random.pick(&["lt", "gt", "<"]));
        }
    }
}

/// A file that `lsearch` reads, sloppy now and then.
pub fn map(random: &mut Random) -> String {
    let mut out = String::new();
    for _ in 0..random.below(12) {
        match random.below(14) {
            0 => out.push_str(random.pick(&["# comment\n", "#\n", "\n", "   \n", "\t\n"])),
            1 => {
                let _ = writeln!(
                    out,
                    "{}{}",
                    random.pick(&[" ", "\t", "    "]),
                    random.pick(&["more", "a.example: x", "# c", "x\ty  "])
                );
            }
            2 => {
                out.push_str(random.pick(&["*: 192.0.2.1\n", "*:host.example.com\n", "*@b.example: y\n", "\"*\": z\n"]))
            }
            3 => {
                let _ = writeln!(
                    out,
                    "{}: w",
                    random.pick(&["*.b.example", "*.example", ".a.example", "^x\\\\..*", "*", "^a$", "*a.example"])
                );
            }
            4 => out.push_str(random.pick(&[
                "2001:db8::4: v6\n",
                "\"2001:db8::4\": v6\n",
                "192.0.2.4: v4\n",
                "user@b.example u\n",
            ])),
            _ => {
                let separator = random.pick(&[": ", ": ", ": ", ":", " ", "\t:  ", "", " : : "]);
                let data = random.pick(&[
                    "192.0.2.10",
                    "192.0.2.4;2001:db8::4",
                    "mx.a.example",
                    "",
                    "v # note",
                    "\"q\"  ",
                    "\\x41 $value",
                    "x\r",
                    "a=1 b=2",
                ]);
                let _ = writeln!(out, "{}{separator}{data}", random.pick(&DOMAINS));
            }
        }
    }
    if random.one_in(4) {
        out.pop();
    }
    out
}

/// A file that `iplsearch` reads.
pub fn nets(random: &mut Random) -> String {
    let mut out = String::new();
    for _ in 0..random.below(6) {
        out.push_str(random.pick(&[
            "192.0.2.0/24: net\n",
            "192.0.2.4: one\n",
            "\"2001:db8::/32\": six\n",
            "*: any\n",
            "# c\n",
            "198.51.100.0/30 four\n",
            "  more\n",
        ]));
    }
    out
}
