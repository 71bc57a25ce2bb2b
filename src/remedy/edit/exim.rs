//! Exim's configuration: main options, options of transports, macros.

use std::ops::Range;

use super::{join, split};

/// The physical lines from `at` on that make one logical line: a backslash at the end of one joins the next.
fn extent(lines: &[&str], at: usize) -> Range<usize> {
    let mut end = at + 1;
    while lines.get(end - 1).is_some_and(|line| line.trim_end().ends_with('\\') || (end - 1 > at && is_comment(line)))
        && end < lines.len()
    {
        end += 1;
    }
    at..end
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Whether a line sets `option`, in whatever notation.
fn sets(line: &str, option: &str) -> bool {
    let text = line.trim_start();
    let text = text.strip_prefix("hide ").map_or(text, str::trim_start);
    let bare = ["no_", "not_"].iter().find_map(|no| text.strip_prefix(no)).unwrap_or(text);
    [text, bare].into_iter().any(|text| {
        text.strip_prefix(option).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with('=')
        })
    })
}

/// The section that a line begins.
fn begins(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    (words.next() == Some("begin")).then(|| words.next()).flatten()
}

fn indent_of(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

/// The lines with those of `range` replaced by `new`.
fn replaced(lines: &[&str], range: Range<usize>, new: Option<String>, ended: bool) -> Option<String> {
    let mut out: Vec<String> = lines.get(..range.start)?.iter().map(|line| (*line).to_owned()).collect();
    out.extend(new);
    out.extend(lines.get(range.end..)?.iter().map(|line| (*line).to_owned()));
    Some(join(&out, ended))
}

/// The configuration with a main option, or without it.
pub(crate) fn main(text: &str, option: &str, value: Option<&str>) -> Option<String> {
    let (lines, ended) = split(text);
    let end = lines.iter().position(|line| begins(line).is_some()).unwrap_or(lines.len());
    let mut at = 0;
    while at < end {
        let range = extent(&lines, at);
        let line = lines.get(at)?;
        if !is_comment(line) && sets(line, option) {
            let new = value.map(|value| format!("{}{option} = {value}", indent_of(line)));
            return replaced(&lines, range, new, ended);
        }
        at = range.end;
    }
    let new = format!("{option} = {}", value?);
    let first = lines.iter().take(end).position(|line| !line.trim().is_empty() && !is_comment(line)).unwrap_or(end);
    replaced(&lines, first..first, Some(new), ended)
}

/// The configuration with an option of a transport, or without it.
pub(crate) fn transport(text: &str, name: &str, option: &str, value: Option<&str>) -> Option<String> {
    let (lines, ended) = split(text);
    // An included file may hold nothing but drivers.
    let from = lines.iter().position(|line| begins(line) == Some("transports")).map_or(0, |at| at + 1);
    let heads = |line: &&str| line.trim_end().strip_suffix(':').is_some_and(|head| head.trim() == name);
    let head = from + lines.get(from..)?.iter().position(heads)?;
    let mut at = head + 1;
    let mut last = head;
    let mut indent = "  ";
    while at < lines.len() {
        let line = lines.get(at)?;
        let range = extent(&lines, at);
        if begins(line).is_some() || is_head(line) {
            break;
        }
        if !is_comment(line) && !line.trim().is_empty() && !line.trim_start().starts_with('.') {
            if sets(line, option) {
                let new = value.map(|value| format!("{}{option} = {value}", indent_of(line)));
                return replaced(&lines, range, new, ended);
            }
            indent = indent_of(line);
            last = range.end - 1;
        }
        at = range.end;
    }
    let new = format!("{indent}{option} = {}", value?);
    replaced(&lines, last + 1..last + 1, Some(new), ended)
}

/// Whether a line names a driver.
fn is_head(line: &str) -> bool {
    let text = line.trim();
    text.strip_suffix(':')
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)))
}

/// The configuration with a macro defined so.
pub(crate) fn macro_value(text: &str, name: &str, value: &str) -> Option<String> {
    let (lines, ended) = split(text);
    let defines = |line: &str| {
        let rest = line.trim_start().strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('='))
    };
    let found: Vec<usize> = (0..lines.len()).filter(|at| lines.get(*at).is_some_and(|line| defines(line))).collect();
    let new = |line: &str| {
        let operator = if line.contains("==") && line.find("==") == line.find('=') { "==" } else { "=" };
        format!("{}{name} {operator} {value}", indent_of(line))
    };
    match found.last() {
        Some(at) => replaced(&lines, extent(&lines, *at), Some(new(lines.get(*at)?)), ended),
        None => {
            let first = lines.iter().position(|line| !line.trim().is_empty() && !is_comment(line));
            let at = first.unwrap_or(lines.len());
            replaced(&lines, at..at, Some(format!("{name} = {value}")), ended)
        }
    }
}
