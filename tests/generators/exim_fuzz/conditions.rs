//! Random conditions, and the patterns, lists and numbers that they compare.

use std::fmt::Write as _;

use crate::expansion::{argument, blanks, fixed};
use crate::random::Random;

/// Numbers, and what is none or nearly one.
const NUMBERS: [&str; 16] = [
    "5",
    "7",
    "0x10",
    "16",
    "1K",
    "1024",
    " 3 ",
    "3",
    "-3",
    "",
    "x",
    "007",
    "1 k",
    "2M",
    "+4",
    "${strlen:$sender_address}",
];
const COMPARISONS: [&str; 6] = ["<", "<=", "=", "==", ">", ">="];
const WORD_COMPARISONS: [&str; 12] =
    ["eq", "eqi", "lt", "lti", "le", "lei", "gt", "gti", "ge", "gei", "inlist", "inlisti"];
const DOMAIN_LISTS: [&str; 15] = [
    "a.example : *.b.example",
    "!b.example : *",
    "+named",
    "! +named : *.example",
    "lsearch;/etc/mailips",
    "partial-lsearch;/etc/wild",
    "wildlsearch;/etc/wild : x",
    "nwildlsearch;/etc/wild",
    "dsearch;/etc/names.d",
    "@",
    "^.*x$",
    "$qualify_domain",
    "^\\N[a-c][.]example\\N",
    "<; a.example ; *example",
    "",
];
const ADDRESS_LISTS: [&str; 9] = [
    "*@a.example",
    "alice@*",
    "a.example : *@+named",
    "*@*.example",
    "!Bob@b.example : *",
    "^alice@.*[.]example",
    "*ce@a.example : *.y@*",
    "<; x ; bob@sub.a.example",
    "alice@+named : !*@*.invalid : nowhere.invalid",
];
const HOST_LISTS: [&str; 8] = [
    "192.0.2.0/24",
    "<; 2001:db8::/32 ; 198.51.100.2",
    "*",
    "!192.0.2.7 : 0.0.0.0/0",
    "+hosts",
    "<; ! 2001:db8::7 ; 2001:db8::/64 ; 192.0.2.7",
    "",
    "2001::db8::::/32 : 192.0.2.6/31",
];
const LOCAL_LISTS: [&str; 5] = ["alice : bob", "!x.y : *", "^[ab]", "*.y", "+people"];

/// What a list may be made of, for `forany`, `listextract` and their kin.
pub const LISTS: [&str; 11] = [
    "a.example:b.example:c",
    "<; 1 ; 2 ; x",
    "<; 1 ; 2::3 ; 4;;5",
    "",
    "$sender_address_domain : x",
    " : a : : b:",
    "3:1:2",
    "<, b,a , c",
    "10K:9:1M:x",
    "a::b : c",
    "x",
];

/// A regular expression, as it stands in an expansion.
pub fn pattern(random: &mut Random) -> String {
    const ATOMS: [&str; 18] = [
        "a",
        "b",
        "x",
        "[.]",
        ".",
        "[a-c]",
        "[^a]",
        "\\d",
        "\\w",
        "\\s",
        "(a|b)",
        "(?:ex|am)",
        "(.)",
        "\\.",
        "[[:alpha:]]",
        "e",
        "(?i)A",
        "@",
    ];
    const SIGNS: [&str; 10] = ["", "", "", "*", "+", "?", "*?", "{2}", "{1,3}", "+?"];
    if random.one_in(3) {
        return random.pick(&["^a", "(.*)\\\\.example", "\\N^(x)\\.(.*)$\\N", "[.]", "b+", "^(.+)@(.+)\\$"]).to_owned();
    }
    let mut text = String::from(if random.one_in(3) { "\\N^" } else { "\\N" });
    for _ in 0..1 + random.below(4) {
        let _ = write!(text, "{}{}", random.pick(&ATOMS), random.pick(&SIGNS));
    }
    if random.one_in(4) {
        text.push_str(random.pick(&["$", "|", "|b", "(", "\\b"]));
    }
    text + "\\N"
}

/// One condition.
pub fn condition(random: &mut Random, depth: usize, out: &mut String) {
    if random.one_in(6) {
        out.push('!');
        out.push_str(random.pick(&["", "", " ", "!"]));
    }
    match random.below(if depth > 4 { 7 } else { 15 }) {
        0 => {
            out.push_str("exists");
            fixed(
                random.pick(&[
                    "/etc/mailips",
                    "/etc/none",
                    "/etc",
                    "/etc/empty",
                    "/etc/names.d/x",
                    "/etc/names.d/none",
                ]),
                out,
            );
        }
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
        2 => {
            out.push_str(random.pick(&["isip", "isip4", "isip6"]));
            match random.below(3) {
                0 => argument(random, depth, out),
                _ => fixed(
                    random.pick(&[
                        "192.0.2.7",
                        "$sender_host_address",
                        "2001:db8::7",
                        "x",
                        "",
                        "192.0.2",
                        "::",
                        "192.0.2.7/24",
                    ]),
                    out,
                ),
            }
        }
        3 => {
            out.push_str(random.pick(&["bool", "bool_lax"]));
            match random.below(3) {
                0 => argument(random, depth, out),
                _ => fixed(
                    random.pick(&["yes", " No ", "TRUE", "0", "00", "-", "-1", "7", "x", "", "1$value", "4294967296"]),
                    out,
                ),
            }
        }
        4 => {
            out.push_str(random.pick(&COMPARISONS));
            fixed(random.pick(&NUMBERS), out);
            fixed(random.pick(&NUMBERS), out);
        }
        5 => out.push_str(random.pick(&["first_delivery", "queue_running"])),
        6 => {
            out.push_str(random.pick(&COMPARISONS));
            out.push_str(random.pick(&["{${extract{size}{${stat:/etc/empty}}}}{0}", "{${eval:1+1}}{2}", "{x}{1}"]));
        }
        7 | 8 => matched(random, depth, out),
        9 | 10 => {
            out.push_str(random.pick(&["and", "or"]));
            out.push_str(random.pick(&["{", " {"]));
            for _ in 0..random.below(4) {
                out.push_str(random.pick(&["{", " {"]));
                condition(random, depth + 1, out);
                out.push('}');
            }
            out.push('}');
        }
        11 => {
            out.push_str(random.pick(&["forany", "forall"]));
            fixed(random.pick(&LISTS), out);
            out.push('{');
            match random.below(3) {
                0 => condition(random, depth + 2, out),
                _ => out.push_str(random.pick(&[
                    "eq{$item}{a.example}",
                    "match{$item}{\\\\.}",
                    "bool_lax{$item}",
                    "isip{$item}",
                    "!eq{$item}{$sender_address_domain}",
                    "<{$item}{3}",
                ])),
            }
            out.push('}');
        }
        _ => {
            out.push_str(random.pick(&WORD_COMPARISONS));
            out.push_str(random.pick(&["", " "]));
            match random.below(3) {
                0 => fixed("$sender_address_domain", out),
                _ => argument(random, depth, out),
            }
            match random.below(4) {
                0 => fixed(random.pick(&LISTS), out),
                1 => fixed(random.pick(&["a.example", "$qualify_domain", "A.EXAMPLE"]), out),
                _ => argument(random, depth, out),
            }
        }
    }
}

/// A subject against a pattern or a list.
fn matched(random: &mut Random, depth: usize, out: &mut String) {
    let (name, lists): (&str, &[&str]) = match random.below(6) {
        0 | 1 => ("match", &[]),
        2 => ("match_domain", &DOMAIN_LISTS),
        3 => ("match_ip", &HOST_LISTS),
        4 => ("match_address", &ADDRESS_LISTS),
        _ => ("match_local_part", &LOCAL_LISTS),
    };
    out.push_str(name);
    match (random.below(3), name) {
        (0 | 1, "match_ip") => fixed("$sender_host_address", out),
        (0 | 1, "match_address") => fixed("$sender_address", out),
        (0 | 1, "match_local_part") => fixed("$sender_address_local_part", out),
        (0, _) => fixed("$sender_address_domain", out),
        _ => argument(random, depth, out),
    }
    if lists.is_empty() {
        fixed(&pattern(random), out);
    } else {
        fixed(random.pick(lists), out);
    }
}
