//! Lines of cPanel's maps that the panel's own format does not allow, or that Exim and WHM do not read alike (CPL006).
//!
//! Exim searches a map by `lsearch`: the key ends at the first colon or blank, is compared without case, and a line that begins
//! with a blank belongs to the one above. WHM parts each line at a colon with one blank behind it, compares with case, and
//! passes over lines that have a `#`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::complaints::{Complaints, excerpt};
use crate::collect::lsearch::{Contents, Indented};
use crate::collect::reading::lines;
use crate::facts::{MapEntry, Problem};
use crate::name::lower_case;
use crate::source::{SourceFile, Span};

/// What the values of a map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Source addresses, parted by semicolons (`/etc/mailips`).
    Addresses,
    /// A HELO name (`/etc/mailhelo`).
    HeloName,
    /// What belongs to an account (`/etc/userdomains`, `/etc/userips`).
    Account,
}

/// Checks the lines of a map.
pub(super) fn map(file: &Arc<SourceFile>, found: &Contents, kind: Kind, problems: &mut Vec<Problem>) {
    let mut complaints = Complaints::new(problems);
    whole_file(file, &mut complaints);
    let all_text = is_all_text(file.text());
    let mut first: HashMap<Cow<'_, str>, &MapEntry> = HashMap::with_capacity(found.entries.len());
    let mut indented = found.indented.iter().peekable();
    for (at, entry) in found.entries.iter().enumerate() {
        if let Some((span, message)) = fault(entry, kind, all_text) {
            complaints.add(&span, message);
        }
        if kind != Kind::Account {
            let known = *first.entry(lower_case(&entry.key)).or_insert(entry);
            if !std::ptr::eq(known, entry) && *known.value != *entry.value {
                let line = known.key.span().position().line;
                let message = format!(
                    "`{}` has another value in line {line} already: Exim takes the first, and this line has no effect. \
                     Keep the one that is meant",
                    excerpt(&entry.key)
                );
                let above = (known.key.origin(), "the entry that counts".to_owned());
                complaints.add_related(entry.key.span(), message, vec![above]);
            }
        }
        while let Some(line) = indented.next_if(|line| line.entry == at) {
            below(entry, line, &mut complaints);
        }
    }
}

/// Checks the lines of a list of domains.
pub(super) fn list(file: &Arc<SourceFile>, found: &Contents, problems: &mut Vec<Problem>) {
    let mut complaints = Complaints::new(problems);
    whole_file(file, &mut complaints);
    let all_text = is_all_text(file.text());
    let mut indented = found.indented.iter().peekable();
    for (at, entry) in found.entries.iter().enumerate() {
        let (key, end) = (entry.key.span(), entry.value.span().range().end);
        if entry.is_quoted() || end != key.range().end {
            let line = file.span(key.range().start, end);
            let message = format!(
                "a line of this list is one domain; of `{}` Exim reads `{}` alone, and WHM the whole line",
                excerpt(line.text()),
                excerpt(&entry.key)
            );
            complaints.add(&line, message);
        } else if let Some(fault) = upper_case(entry).or_else(|| not_text(entry, all_text)) {
            complaints.add(key, fault);
        }
        while let Some(line) = indented.next_if(|line| line.entry == at) {
            below(entry, line, &mut complaints);
        }
    }
}

/// What is said once for a file: lines that end in CR LF, lines that begin with a blank before there is any entry.
fn whole_file(file: &Arc<SourceFile>, complaints: &mut Complaints) {
    let text = file.text();
    // A CR is soon sought, and where there is none that is all.
    if let Some((at, _)) = text.match_indices('\r').find(|(at, _)| text[at + 1..].starts_with('\n')) {
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let message = "lines end in CR and LF: Exim drops the CR, for WHM it is part of the value. \
                       Save the file with LF alone";
        complaints.add(&file.span(start, at), message);
    }
    for (at, line) in lines(file.text()) {
        let text = line.trim();
        if text.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            break;
        }
        let start = at + line.len() - line.trim_start().len();
        let message = format!(
            "`{}` begins with a blank and no entry stands above it: Exim passes over the line. Remove the blank",
            excerpt(text)
        );
        complaints.add(&file.span(start, start + text.len()), message);
    }
}

/// Complains of a line below an entry that begins with a blank.
fn below(entry: &MapEntry, line: &Indented, complaints: &mut Complaints) {
    if line.glued {
        let message = format!(
            "a line that begins with a blank belongs to the entry above for Exim, whose value for `{}` becomes `{}`; \
             WHM reads it as an entry. Remove the blank",
            excerpt(&entry.key),
            excerpt(&entry.value)
        );
        let above = (entry.key.origin(), "the entry that swallows it".to_owned());
        complaints.add_related(&line.span, message, vec![above]);
    } else {
        let message = format!(
            "`{}` begins with a blank, and a comment or an empty line parts it from the entry above: Exim passes over the \
             line. Remove the blank",
            excerpt(line.span.text())
        );
        complaints.add(&line.span, message);
    }
}

/// What is wrong with an entry on its own line, the gravest thing alone. `all_text`: what [`is_all_text`] says of the file.
fn fault(entry: &MapEntry, kind: Kind, all_text: bool) -> Option<(Span, String)> {
    let key = |message: String| (entry.key.span().clone(), message);
    let value = |message: String| (entry.value.span().clone(), message);
    not_text(entry, all_text)
        .or_else(|| separator(entry))
        .map(key)
        .or_else(|| in_line_comment(entry).map(value))
        .or_else(|| upper_case(entry).map(key))
        .or_else(|| empty(entry, kind).map(key))
        .or_else(|| if kind == Kind::Addresses { addresses(entry).map(value) } else { None })
}

/// Stands for bytes that are no UTF-8.
const NO_TEXT: char = '\u{fffd}';

/// Whether a whole file is text, line ends apart: looked at in one piece, that costs far less than entry by entry.
pub(super) fn is_all_text(text: &str) -> bool {
    let control = |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n');
    !text.bytes().fold(false, |found, byte| found | control(byte)) && !text.contains(NO_TEXT)
}

pub(super) fn not_text(entry: &MapEntry, all_text: bool) -> Option<String> {
    if all_text {
        return None;
    }
    let control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    let odd = |text: &str| text.bytes().any(control) || (!text.is_ascii() && text.contains(NO_TEXT));
    let message = "the line holds bytes that are no text; neither Exim nor WHM finds what was meant";
    (odd(entry.key.span().text()) || odd(&entry.value)).then(|| message.to_owned())
}

/// Quotes, and whatever stands between key and value but a colon and a blank.
fn separator(entry: &MapEntry) -> Option<String> {
    let separator = entry.separator();
    let what = if entry.is_quoted() {
        "the key stands in quotes"
    } else if entry.key.is_empty() {
        "there is no key before the colon"
    } else if !separator.contains(':') {
        "there is no colon behind the key"
    } else if !separator.starts_with(':') {
        "a blank stands before the colon"
    } else if separator.starts_with(": ") || entry.value.span().text().is_empty() {
        return None;
    } else if separator == ":" {
        "no blank follows the colon"
    } else {
        "no blank, but another white space follows the colon"
    };
    let (key, value) = (excerpt(&entry.key), excerpt(entry.value.span().text()));
    Some(format!(
        "{what}: Exim reads the key `{key}` with the value `{value}`; WHM, which parts a line at a colon with one blank \
         behind it and takes quotes as they stand, reads no such entry. Write `{}`",
        if value.is_empty() { "key: value".to_owned() } else { format!("{key}: {value}") }
    ))
}

fn in_line_comment(entry: &MapEntry) -> Option<String> {
    let value = entry.value.span().text();
    if !value.contains('#') {
        return None;
    }
    Some(format!(
        "`#` begins no comment here: for Exim the value is `{}`, and WHM passes over the line. Give the comment a line of \
         its own",
        excerpt(value)
    ))
}

fn upper_case(entry: &MapEntry) -> Option<String> {
    if !entry.key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    Some(format!(
        "`{}` has upper-case letters: Exim finds it all the same, WHM, which compares with case, does not. Write `{}`",
        excerpt(&entry.key),
        excerpt(&entry.key.to_ascii_lowercase())
    ))
}

fn empty(entry: &MapEntry, kind: Kind) -> Option<String> {
    if !entry.value.is_empty() {
        return None;
    }
    let then = match kind {
        Kind::Addresses => "Exim finds the key and binds to no address: the kernel chooses the source",
        Kind::HeloName => "Exim finds the key and sends `EHLO` without a name",
        Kind::Account => "it belongs to no account",
    };
    Some(format!("`{}` has no value: {then}", excerpt(&entry.key)))
}

/// Whether each item of a list of source addresses is one. The value as Exim has it counts, glued lines apart.
fn addresses(entry: &MapEntry) -> Option<String> {
    let list = entry.value.span().text();
    let broken = list.split(';').map(str::trim).find(|item| !item.is_empty() && item.parse::<IpAddr>().is_err())?;
    let hint = if broken.contains(',') { ". Several addresses are parted by semicolons" } else { "" };
    Some(format!(
        "`{}` is no IP address: Exim defers the mail that takes its source from `{}`{hint}",
        excerpt(broken),
        excerpt(&entry.key)
    ))
}
