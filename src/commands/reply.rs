//! `helolint explain --reply`: what a reply says, held against what this host is like now.

use std::collections::BTreeSet;
use std::io::Read;

use crate::catalogue::{self, Present};
use crate::facts::Facts;
use crate::observe::Observations;
use crate::report::Style;
use crate::rules::{self, Selection};

/// Octets of standard input that are read: a bounce with its headers, or a page of a log.
const LIMIT: u64 = 1 << 20;

/// The text of `--reply`: the argument, or standard input where that is `-`.
///
/// # Errors
/// Where standard input cannot be read.
pub(crate) fn text(argument: &str) -> std::io::Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the text says and, of a host that was looked at, which of its findings explain it. What the settings ignore may explain it too.
pub(crate) fn explain(text: &str, host: Option<(&Facts, &Observations)>, style: &Style) -> String {
    let Some((facts, dns)) = host else { return catalogue::reply(text, None, style) };
    let findings = rules::judge(facts, dns, &Selection::default()).findings;
    let sending: BTreeSet<_> =
        facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|address| address.value).collect();
    catalogue::reply(text, Some(&Present { findings: &findings, sending: &sending }), style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{dns, healthy};

    #[test]
    fn the_findings_of_now_explain_a_reply() {
        let reply = "550 5.7.25 [192.0.2.10] The IP address sending this message does not have a PTR record setup";
        let gone = dns(&[("192.0.2.10 PTR", &["NXDOMAIN"])]);
        let text = explain(reply, Some((&healthy(), &gone)), &Style::plain());
        assert!(text.contains("error[PTR001]: "), "{text}");
        let cured = explain(reply, Some((&healthy(), &dns(&[]))), &Style::plain());
        assert!(cured.contains("No present finding explains it"), "{cured}");
        assert!(!explain(reply, None, &Style::plain()).contains("On this host"));
    }
}
