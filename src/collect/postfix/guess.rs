//! What was meant by a value that Postfix refuses: the usual slips, each undone only where Postfix takes what comes of it.

use std::net::{IpAddr, Ipv6Addr};

/// Quotes that people put around values; to Postfix they are part of them.
const QUOTES: [char; 7] = ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];

/// The next hop that was meant; `takes` says whether the client takes a text.
pub(crate) fn next_hop(text: &str, takes: impl Fn(&str) -> bool) -> Option<String> {
    let bare = undressed(text);
    let (scheme, rest) = match bare.split_once("://") {
        Some((scheme, rest)) => (scheme, rest.trim_end_matches('/')),
        None => ("", bare),
    };
    let port = match scheme.to_ascii_lowercase().as_str() {
        "submission" => ":submission",
        "smtps" | "submissions" => ":465",
        _ => "",
    };
    // A transport's name belongs elsewhere.
    let rest = ["smtp:", "relay:", "lmtp:"].iter().find_map(|name| rest.strip_prefix(name)).unwrap_or(rest);
    let candidates = [rest.to_owned(), format!("{rest}{port}"), closed(rest), bracketed(rest)];
    candidates.into_iter().find(|candidate| candidate != text && !candidate.is_empty() && takes(candidate))
}

/// The list of interfaces that was meant; `takes` says whether Postfix takes a text.
pub(crate) fn interfaces(text: &str, takes: impl Fn(&str) -> bool) -> Option<String> {
    let bare = undressed(text);
    let words = bare.split([' ', '\t', '\r', '\n', ',', ';']).map(|word| word.trim_matches(QUOTES));
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    for known in ["all", "loopback-only"] {
        if words.iter().any(|word| word.eq_ignore_ascii_case(known)) {
            words = vec![known];
        }
    }
    let single = |word: &&str| word.split_once('/').map_or(*word, |(address, _)| address).to_owned();
    let candidate = words.iter().map(single).collect::<Vec<_>>().join(", ");
    (candidate != text && !candidate.is_empty() && takes(&candidate)).then_some(candidate)
}

/// The text without a comment behind it, quotes around it and marks at its end.
fn undressed(text: &str) -> &str {
    let bare = [" #", "\t#", " //"].iter().find_map(|mark| text.split_once(mark)).map_or(text, |(value, _)| value);
    bare.trim_matches(|c: char| c.is_ascii_whitespace() || QUOTES.contains(&c) || matches!(c, ';' | ','))
        .trim_end_matches('.')
}

/// With what is missing at the bracket: itself, or the colon behind it.
fn closed(text: &str) -> String {
    let Some(inner) = text.strip_prefix('[') else { return text.to_owned() };
    match inner.split_once(']') {
        Some((host, port)) => format!("[{host}]:{}", port.trim_start_matches([':', ';', '.', ','])),
        None if inner.parse::<Ipv6Addr>().is_ok() => format!("[{inner}]"),
        None => match inner.rsplit_once(':') {
            Some((host, port)) => format!("[{host}]:{port}"),
            None => format!("[{inner}]"),
        },
    }
}

/// An address in brackets.
fn bracketed(text: &str) -> String {
    match text.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_in_next_hops() {
        // What a client takes, roughly.
        let takes = |text: &str| {
            let text = text.replace("2001:db8::25", "v6");
            let (host, port) = text.rsplit_once(':').unwrap_or((&text, "25"));
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') && !text.is_empty();
            is_name(host) && is_name(port) && !text.contains("v6") | text.contains("[v6]")
        };
        for (text, expected) in [
            ("[smtp.example]587", Some("[smtp.example]:587")),
            ("[smtp.example:587", Some("[smtp.example]:587")),
            ("[smtp.example", Some("[smtp.example]")),
            ("\"[smtp.example]:587\"", Some("[smtp.example]:587")),
            ("[smtp.example]:587 # mine", Some("[smtp.example]:587")),
            ("smtp://smtp.example:587/", Some("smtp.example:587")),
            ("smtp:[smtp.example]:587", Some("[smtp.example]:587")),
            ("[smtp.example]:587;", Some("[smtp.example]:587")),
            ("smtp.example.", Some("smtp.example")),
            ("2001:db8::25", Some("[2001:db8::25]")),
            ("[2001:db8::25", Some("[2001:db8::25]")),
            ("{{ relay }}", None),
        ] {
            assert_eq!(next_hop(text, takes).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn slips_in_interfaces() {
        let takes = |text: &str| {
            matches!(text, "all" | "loopback-only") || text.split(", ").all(|word| word.parse::<IpAddr>().is_ok())
        };
        for (text, expected) in [
            ("127.0.0.1/8, 192.0.2.1", Some("127.0.0.1, 192.0.2.1")),
            ("127.0.0.1; 192.0.2.1", Some("127.0.0.1, 192.0.2.1")),
            ("\"192.0.2.1\"", Some("192.0.2.1")),
            ("192.0.2.1 # public", Some("192.0.2.1")),
            ("ALL", Some("all")),
            ("all, 192.0.2.1", Some("all")),
            ("eth0", None),
        ] {
            assert_eq!(interfaces(text, takes).as_deref(), expected, "{text}");
        }
    }
}
