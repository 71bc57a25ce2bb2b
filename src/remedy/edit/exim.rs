//! Exim's configuration: main options, options of transports, macros.

use std::ops::Range;

use super::postfix::name_of;
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

/// Whether a setting became part of the value above it, by a backslash too many: it is not for an edit to lose it.
fn swallows(lines: &[&str], range: &Range<usize>) -> bool {
    let more = lines.get(range.clone()).unwrap_or_default().iter().skip(1);
    more.filter(|line| !is_comment(line)).any(|line| name_of(line).is_some())
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

/// The macro that a line defines.
fn macro_of(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    let (name, rest) = text.split_at(end);
    (name.starts_with(|c: char| c.is_ascii_uppercase()) && rest.trim_start().starts_with('=')).then_some(name)
}

/// Whether Exim reads a line, as far as the text decides: what it is within conditionals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    /// Outside of them, or where their macros are defined above.
    Yes,
    /// Macros may come from another file.
    Perhaps,
    /// It does not.
    No,
}

/// Of each line, whether it is read, and how many conditionals it is within (`.ifdef` and the like: spec, "Conditional skips").
fn conditionals(lines: &[&str]) -> Vec<(Read, usize)> {
    // Without sections it is a part of a configuration: the rest may define what this one asks for.
    let mut is_part = !lines.iter().any(|line| begins(line).is_some());
    let mut macros: Vec<&str> = Vec::new();
    // Of each conditional: what its branches before came to, and what this one does.
    let mut within: Vec<(Read, Read)> = Vec::new();
    let mut all = Vec::with_capacity(lines.len());
    for line in lines {
        let now = within.iter().map(|(_, now)| *now).max().unwrap_or(Read::Yes);
        let (word, condition) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let holds = |wanted: bool| {
            let defined = macros.iter().any(|name| condition.contains(name));
            // Built-in macros say what Exim was built with.
            let unknown = !defined && (is_part || condition.trim_start().starts_with('_'));
            match defined == wanted {
                _ if unknown => Read::Perhaps,
                true => Read::Yes,
                false => Read::No,
            }
        };
        let other = |before: Read, holds: Read| match before {
            Read::Yes => Read::No,
            Read::Perhaps => holds.max(Read::Perhaps),
            Read::No => holds,
        };
        match word {
            ".ifdef" | ".ifndef" => {
                let holds = holds(word == ".ifdef");
                within.push((holds, holds));
            }
            ".elifdef" | ".elifndef" | ".else" => {
                let holds = if word == ".else" { Read::Yes } else { holds(word == ".elifdef") };
                if let Some((before, now)) = within.last_mut() {
                    *now = other(*before, holds);
                    *before = (*before).min(*now);
                }
            }
            ".endif" => drop(within.pop()),
            ".include" | ".include_if_exists" if now < Read::No => is_part = true,
            _ if now == Read::Yes => macros.extend(macro_of(line)),
            _ => {}
        }
        all.push((now, within.len()));
    }
    all
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
    let within = conditionals(&lines);
    let mut at = 0;
    let mut found: Option<(Read, Range<usize>)> = None;
    while at < end {
        let range = extent(&lines, at);
        let (line, (read, _)) = (lines.get(at)?, *within.get(at)?);
        let better = read < found.as_ref().map_or(Read::No, |(known, _)| *known);
        if better && !is_comment(line) && sets(line, option) {
            found = Some((read, range.clone()));
        }
        at = range.end;
    }
    if let Some((_, range)) = found {
        if swallows(&lines, &range) {
            return None;
        }
        let new = value.map(|value| {
            format!("{}{option} = {value}", indent_of(lines.get(range.start).copied().unwrap_or_default()))
        });
        return replaced(&lines, range, new, ended);
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
    let within = conditionals(&lines);
    let depth = within.get(head)?.1;
    let mut found: Option<(Read, Range<usize>)> = None;
    while at < lines.len() {
        let line = lines.get(at)?;
        let range = extent(&lines, at);
        if begins(line).is_some() || is_head(line) || macro_of(line).is_some() {
            break;
        }
        let (read, deep) = *within.get(at)?;
        if !is_comment(line) && !line.trim().is_empty() && !line.trim_start().starts_with('.') {
            if sets(line, option) && read < found.as_ref().map_or(Read::No, |(known, _)| *known) {
                found = Some((read, range.clone()));
            }
            // Not into a conditional, which may not hold.
            if deep == depth {
                indent = indent_of(line);
                last = range.end - 1;
            }
        }
        at = range.end;
    }
    if let Some((_, range)) = found {
        if swallows(&lines, &range) {
            return None;
        }
        let new = value.map(|value| {
            format!("{}{option} = {value}", indent_of(lines.get(range.start).copied().unwrap_or_default()))
        });
        return replaced(&lines, range, new, ended);
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
    let within = conditionals(&lines);
    let found = (0..lines.len()).rev().filter(|at| lines.get(*at).is_some_and(|line| defines(line)));
    let read = |at: &usize| within.get(*at).map_or(Read::No, |(read, _)| *read);
    // Of several that are read the last; where none is, it is defined before all that asks for it.
    let found = found.filter(|at| read(at) < Read::No).min_by_key(read);
    let new = |line: &str| {
        let operator = if line.contains("==") && line.find("==") == line.find('=') { "==" } else { "=" };
        format!("{}{name} {operator} {value}", indent_of(line))
    };
    match found {
        Some(at) if swallows(&lines, &extent(&lines, at)) => None,
        Some(at) => replaced(&lines, extent(&lines, at), Some(new(lines.get(at)?)), ended),
        None => {
            let first = lines.iter().position(|line| !line.trim().is_empty() && !is_comment(line));
            let at = first.unwrap_or(lines.len());
            replaced(&lines, at..at, Some(format!("{name} = {value}")), ended)
        }
    }
}
