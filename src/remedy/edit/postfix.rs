//! main.cf and master.cf.

use std::collections::BTreeSet;

use super::{appended, join, split};

/// A logical line: the physical lines that it is made of, by index; comments between them apart.
pub(crate) struct Logical {
    pub(crate) lines: Vec<usize>,
}

/// The logical lines of a text (postconf(5), "DESCRIPTION").
pub(crate) fn logical(lines: &[&str]) -> Vec<Logical> {
    let mut all: Vec<Logical> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match all.last_mut() {
            Some(open) if trimmed.len() < line.len() => open.lines.push(index),
            _ => all.push(Logical { lines: vec![index] }),
        }
    }
    all
}

/// The name that a line of main.cf sets, or seems to set.
pub(crate) fn name_of(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// main.cf with `parameter` set to `value`, or without it.
pub(crate) fn main_cf(text: &str, parameter: &str, value: Option<&str>) -> Option<String> {
    let (lines, ended) = split(text);
    let all = logical(&lines);
    let line = |index: &usize| lines.get(*index).copied().unwrap_or_default();
    // What is indented with nothing before it sets nothing.
    let head = |entry: &Logical| entry.lines.first().map(line).filter(|text| !text.starts_with(char::is_whitespace));
    let own: Vec<&Logical> = all.iter().filter(|entry| head(entry).and_then(name_of) == Some(parameter)).collect();
    // An indented setting within the value is somebody's mistake: it is not for this edit to lose it.
    if own.iter().flat_map(|entry| entry.lines.iter().skip(1)).any(|index| name_of(line(index)).is_some()) {
        return None;
    }
    let last = own.last().and_then(|entry| entry.lines.first());
    let (first, value) = match (last, value) {
        (None, None) => return None,
        (None, Some(value)) => return Some(appended(text, &[format!("{parameter} = {value}")])),
        (Some(first), value) => (*first, value),
    };
    let mut out: Vec<String> = Vec::new();
    let gone: BTreeSet<usize> = own.iter().flat_map(|entry| entry.lines.iter().copied()).collect();
    for (index, old) in lines.iter().enumerate() {
        match value {
            Some(value) if index == first => {
                let (name, rest) = old.split_once('=').unwrap_or((old, ""));
                let blank = if rest.starts_with(' ') || name.ends_with(' ') { " " } else { "" };
                out.push(format!("{name}={blank}{value}"));
            }
            _ if gone.contains(&index) => {}
            _ => out.push((*old).to_owned()),
        }
    }
    Some(join(&out, ended))
}

/// master.cf with a `-o` setting of a client service, or without it.
pub(crate) fn master_cf(text: &str, service: &str, parameter: &str, value: Option<&str>) -> Option<String> {
    let (lines, ended) = split(text);
    let all = logical(&lines);
    let line = |index: &usize| lines.get(*index).copied().unwrap_or_default();
    let is_own = |entry: &&Logical| {
        let mut fields = entry.lines.first().map(line).unwrap_or_default().split_whitespace();
        fields.next() == Some(service) && fields.next() == Some("unix")
    };
    let entry = all.iter().rfind(is_own)?;
    let found = entry.lines.iter().rev().find_map(|index| Some((*index, options(line(index), parameter).pop()?)));
    let mut out: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match (found, value) {
        (None, None) => return None,
        (Some((index, place)), Some(value)) => {
            let old = line(&index);
            *out.get_mut(index)? = format!("{}{value}{}", old.get(..place.value.0)?, old.get(place.value.1..)?);
        }
        // Set several times, it goes as often.
        (Some(_), None) => {
            let mut gone = BTreeSet::new();
            for index in &entry.lines {
                let (old, places) = (line(index), options(line(index), parameter));
                if places.is_empty() {
                    continue;
                }
                let (mut left, mut from) = (String::new(), 0);
                for place in places {
                    left.push_str(old.get(from..place.whole.0)?.trim_end());
                    from = place.whole.1;
                }
                left.push_str(old.get(from..)?);
                if left.trim().is_empty() {
                    gone.insert(*index);
                }
                *out.get_mut(*index)? = left;
            }
            let kept = out.into_iter().enumerate().filter(|(index, _)| !gone.contains(index));
            out = kept.map(|(_, line)| line).collect();
        }
        (None, Some(value)) => {
            let last = *entry.lines.last()?;
            let indent: String = match entry.lines.get(1).map(line) {
                Some(line) => line.chars().take_while(|c| c.is_whitespace()).collect(),
                None => "  ".to_owned(),
            };
            let setting = match value.contains(char::is_whitespace) {
                true => format!("{{ {parameter} = {value} }}"),
                false => format!("{parameter}={value}"),
            };
            out.insert(last + 1, format!("{indent}-o {setting}"));
        }
    }
    Some(join(&out, ended))
}

/// Where a `-o` setting stands in a line: the whole option, and its value, as byte ranges.
struct Place {
    whole: (usize, usize),
    value: (usize, usize),
}

/// Those of a line, in order: the last one counts.
fn options(line: &str, parameter: &str) -> Vec<Place> {
    let mut from = 0;
    let mut found = Vec::new();
    while let Some(at) = line.get(from..).and_then(|rest| rest.find("-o")).map(|at| from + at) {
        from = at + 2;
        if at > 0 && !line[..at].ends_with(char::is_whitespace) {
            continue;
        }
        let rest = &line[at + 2..];
        let start = at + 2 + (rest.len() - rest.trim_start().len());
        let rest = &line[start..];
        let (inner, braced) = match rest.strip_prefix('{') {
            Some(inner) => (inner.trim_start(), true),
            None => (rest, false),
        };
        let Some(after) = inner.strip_prefix(parameter) else { continue };
        let Some(value) = after.trim_start().strip_prefix('=') else { continue };
        if !braced && !after.starts_with('=') {
            continue;
        }
        let value_text = if braced { value.trim_start() } else { value };
        let value_start = line.len() - value_text.len();
        let (value_end, end) = match braced {
            true => {
                // Without its end it is an option of nothing.
                let Some(close) = value_text.find('}').map(|close| value_start + close) else { break };
                (value_start + line[value_start..close].trim_end().len(), close + 1)
            }
            false => {
                let end = value_start + value_text.find(char::is_whitespace).unwrap_or(value_text.len());
                (end, end)
            }
        };
        found.push(Place { whole: (at, end), value: (value_start, value_end) });
        from = end;
    }
    found
}
