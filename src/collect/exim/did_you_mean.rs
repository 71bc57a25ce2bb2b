//! What was meant by a word that Exim does not know: only where one known name alone is near to it.

use super::tables::{self, Class, Groups};
use super::words;

/// Letters to change to make one word of another.
pub(crate) type Distance = fn(&str, &str) -> usize;

/// Octets of the longest word that is compared: no name is longer.
const LONGEST: usize = 64;
/// Drivers of every class, for their options.
const DRIVERS: [&str; 20] = [
    "accept",
    "appendfile",
    "autoreply",
    "cram_md5",
    "cyrus_sasl",
    "dnslookup",
    "dovecot",
    "external",
    "gsasl",
    "heimdal_gssapi",
    "ipliteral",
    "lmtp",
    "manualroute",
    "pipe",
    "plaintext",
    "queryprogram",
    "redirect",
    "smtp",
    "spa",
    "tls",
];
const SECTIONS: [&str; 6] = ["acl", "authenticators", "retry", "rewrite", "routers", "transports"];

/// The line with its one unknown word mended, in the section with this name (empty: the main options); `apart`
/// counts the letters between two words.
pub(crate) fn did_you_mean(section: &str, line: &str, apart: Distance) -> Option<String> {
    let start = line.len() - line.trim_start().len();
    if let Some(rest) = line[start..].strip_prefix("begin ") {
        return mended(line, line.len() - rest.len(), &SECTIONS, apart);
    }
    let class = match section {
        "acl" => return in_acl(line, start, apart),
        "routers" => Some(Class::Router),
        "transports" => Some(Class::Transport),
        "authenticators" => Some(Class::Authenticator),
        "" => None,
        _ => return None,
    };
    let mut known: Vec<&str> = Vec::new();
    let Some(class) = class else {
        known.extend(names(tables::main()));
        let hidden = line[start..].strip_prefix("hide ").map_or(start, |rest| line.len() - rest.len());
        return mended(line, hidden, &known, apart);
    };
    known.extend(names(tables::generic(class)));
    let private = DRIVERS.iter().filter_map(|driver| tables::private(class, driver));
    known.extend(private.flat_map(names));
    known.push("driver");
    if word(line, start) == "driver" {
        let value = line.find('=').map(|at| at + 1 + line[at + 1..].len() - line[at + 1..].trim_start().len())?;
        return mended(line, value, tables::drivers(class), apart);
    }
    mended(line, start, &known, apart)
}

fn in_acl(line: &str, start: usize, apart: Distance) -> Option<String> {
    let behind = |at: usize| {
        let rest = line[at..].trim_start();
        let rest = rest.strip_prefix('!').unwrap_or(rest);
        line.len() - rest.trim_start().len()
    };
    let first = behind(start);
    let mut known: Vec<&str> = words::all().collect();
    if words::VERBS.contains(&word(line, first)) {
        return mended(line, behind(first + word(line, first).len()), &known, apart);
    }
    known.extend(words::VERBS);
    mended(line, first, &known, apart)
}

fn names(groups: Groups) -> impl Iterator<Item = &'static str> {
    groups.iter().flat_map(|(_, list)| list.split(' ')).filter(|name| !name.is_empty())
}

fn word(line: &str, at: usize) -> &str {
    let rest = line.get(at..).unwrap_or_default();
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..end]
}

/// The line with the word at this place replaced by the one known name that is near; `None` where it is known, or none or several are.
fn mended(line: &str, at: usize, known: &[&str], apart: Distance) -> Option<String> {
    let wrong = word(line, at);
    if wrong.is_empty() || wrong.len() > LONGEST || known.contains(&wrong) {
        return None;
    }
    let limit = if wrong.len() <= 5 { 1 } else { 2 };
    let mut near: Vec<&str> = known.iter().copied().filter(|name| apart(wrong, name) <= limit).collect();
    near.sort_unstable();
    near.dedup();
    let [right] = near.as_slice() else { return None };
    Some(format!("{}{right}{}", &line[..at], &line[at + wrong.len()..]))
}
