//! Random files that expansions read.

use std::fmt::Write as _;

use crate::expansion::DOMAINS;
use crate::random::Random;

/// Files of the lsearch family, below `/etc`.
pub const MAPS: [&str; 3] = ["mailips", "mailhelo", "wild"];
/// Names that `dsearch` may find in `/etc/names.d`, and what `readfile` finds in them.
pub const NAMES: [(&str, &str); 4] =
    [("a.example", "192.0.2.4\n"), ("b.example", "one\ntwo\n"), ("Mixed.Example", ""), ("x", "$primary_hostname")];

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
                    random.pick(&[
                        "*.b.example",
                        "*.example",
                        ".a.example",
                        "^x\\\\..*",
                        "*",
                        "^a$",
                        "*a.example",
                        "a.*",
                        "$qualify_domain",
                        "\\N^.*[.]example$\\N",
                        "*\\N.example\\N"
                    ])
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
