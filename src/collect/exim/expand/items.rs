//! Items: `${name{argument}...}`.

use std::collections::HashSet;

use super::evaluate::compared;
use super::parse::{Expr, Tail};
use super::stop::within;
use super::{Evaluator, Scope, Stop, UNSEEN, operators, skipped, undecided};
use crate::collect::exim::space::is_space;
use crate::collect::exim::{arithmetic, lists};
use crate::collect::lsearch;
use crate::collect::root::ReadError;

impl Evaluator<'_> {
    /// What an item gives; `fail`: the word that ends it.
    pub(super) fn item(&self, name: &str, arguments: &[Expr], fail: bool, scope: &mut Scope) -> Result<String, Stop> {
        let tail = |from: usize| Tail { yes: arguments.get(from).cloned(), no: arguments.get(from + 1).cloned(), fail };
        match name {
            "extract" => {
                let key = self.expand(&arguments[0], scope)?;
                let key = key.trim_matches(is_space);
                if key.is_empty() {
                    return Err(Stop::fails("first argument of \"extract\" must not be empty"));
                }
                let number = skipped::list_number(key).ok();
                if arguments.len() > if number.is_some() { 5 } else { 4 } {
                    return Err(Stop::fails("curly-bracket problem in conditional yes/no parsing"));
                }
                let value = match number {
                    Some(_) if arguments.len() < 3 => {
                        return Err(Stop::fails("missing '{' for arg 3 of extract"));
                    }
                    Some(number) => {
                        let separators = self.expand(&arguments[1], scope)?;
                        let text = self.expand(&arguments[2], scope)?;
                        field(number, &separators, &text)
                    }
                    None => keyed(key, &self.raw(&arguments[1], scope)?),
                };
                if value.as_ref().is_some_and(|value| value.contains(UNSEEN)) {
                    return undecided(format!("`{key}` of a file is known to the running host alone"));
                }
                self.tail(&tail(if number.is_some() { 3 } else { 2 }), value, name, true, scope)
            }
            "listextract" => {
                let number = self.expand(&arguments[0], scope)?;
                if number.trim().is_empty() {
                    return Err(Stop::fails("first argument of \"listextract\" must not be empty"));
                }
                let number = skipped::list_number(&number)?;
                let items = lists::items(&self.expand(&arguments[1], scope)?);
                // From the end; further back than the first is the first, yet one place before it there is nothing.
                let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let number = if number < 0 { number.saturating_add(1).saturating_add(count) } else { number };
                let at = usize::try_from(number.max(if number == 0 { 0 } else { 1 })).unwrap_or(usize::MAX);
                let value = at.checked_sub(1).and_then(|at| items.get(at).cloned());
                self.tail(&tail(2), value, name, true, scope)
            }
            "length" | "substr" | "hash" | "nhash" => {
                let mut texts = Vec::new();
                for argument in arguments {
                    texts.push(self.expand(argument, scope)?);
                }
                let subject = texts.pop().unwrap_or_default();
                let numbers = skipped::numbers(&texts, name)?;
                operators::sized(name, &numbers, &subject)
            }
            "tr" => {
                let subject = self.expand(&arguments[0], scope)?;
                let from = self.expand(&arguments[1], scope)?;
                Ok(operators::translated(&subject, &from, &self.expand(&arguments[2], scope)?))
            }
            "sg" => {
                let subject = self.expand(&arguments[0], scope)?;
                let pattern = self.expand(&arguments[1], scope)?;
                let replacement = super::parse::parse(&self.expand(&arguments[2], scope)?);
                self.replaced(&subject, &pattern, &replacement, scope)
            }
            "map" => {
                let list = self.expand(&arguments[0], scope)?;
                within(self.pass_over(&arguments[1], scope), name, "item")?;
                // Going through it once, Exim has lost what was there.
                if skipped::leaves_value(&arguments[1]) {
                    scope.values.insert("value".into(), UNSEEN.to_owned());
                }
                let mut mapped = Vec::new();
                for item in lists::items(&list) {
                    let text = self.with_item(&item, scope, |scope| self.expand(&arguments[1], scope));
                    mapped.push(within(text, name, "item")?);
                }
                Ok(lists::joined(&list, &mapped))
            }
            "reduce" => {
                let list = self.expand(&arguments[0], scope)?;
                let mut value = self.expand(&arguments[1], scope)?;
                within(self.pass_over(&arguments[2], scope), name, "item")?;
                for item in lists::items(&list) {
                    let text = self.with("value", value, scope, |scope| {
                        self.with_item(&item, scope, |scope| self.expand(&arguments[2], scope))
                    });
                    value = within(text, name, "item")?;
                }
                Ok(value)
            }
            "readfile" => {
                self.may_open(&arguments[0], scope)?;
                let path = self.expand(&arguments[0], scope)?;
                let end = arguments.get(1).map(|end| self.expand(end, scope)).transpose()?;
                let file = match self.own.read(&path) {
                    Ok(file) if file.text().len() <= operators::RESULT_LIMIT => file,
                    Err(ReadError::NotFound) => {
                        let message = format!("failed to open {path}: No such file or directory");
                        return Err(Stop::absent(&path, message));
                    }
                    Ok(_) => return self.end("a file that is read into an expansion is longer than helolint follows"),
                    Err(error @ ReadError::Confidential) => return undecided(format!("{path} is read, and {error}")),
                    Err(error) => return undecided(format!("{path} cannot be read: {error}")),
                };
                self.files.borrow_mut().insert(path);
                Ok(end.map_or_else(|| file.text().to_owned(), |end| file.text().replace('\n', &end)))
            }
            "perl" => {
                let function = self.expand(&arguments[0], scope)?;
                let known = scope.perl.get(function.trim()).filter(|_| arguments.len() == 1).cloned();
                let construct = format!("${{perl{{{function}}}}}");
                known.ok_or(Stop::Undecided { why: "a Perl function computes it".into(), construct })
            }
            _ => {
                let why = match name {
                    "run" => "a command computes it",
                    "env" => "it depends on the daemon's environment",
                    "dlfunc" => "a loaded function computes it",
                    "acl" => "an ACL computes it",
                    "readsocket" => "a service answers it",
                    _ => "it is not followed",
                };
                Err(Stop::Undecided { why: why.into(), construct: format!("${{{name}...}}") })
            }
        }
    }

    /// What `sg` makes of a text. After an empty match Exim looks for a longer one at the same place, then one character on.
    pub(super) fn replaced(
        &self,
        subject: &str,
        pattern: &str,
        replacement: &Expr,
        scope: &mut Scope,
    ) -> Result<String, Stop> {
        let pattern = self.pattern(pattern, false)?;
        let mut out = String::new();
        let (mut from, mut behind) = (0, 0);
        while let Some(hit) = self.find(&pattern, subject, from + behind)? {
            out.push_str(&subject[from..hit.start]);
            let captures = std::mem::replace(&mut scope.captures, hit.groups);
            let text = scope.deeper(|scope| self.expand(replacement, scope));
            scope.captures = captures;
            out.push_str(&text?);
            if out.len() > operators::RESULT_LIMIT {
                return self.end("an expansion grows longer than helolint follows");
            }
            (from, behind) = (hit.end, 0);
            if hit.start == hit.end {
                if hit.end == subject.len() {
                    break;
                }
                if pattern.may_match_more(subject, hit.end) {
                    return undecided("`sg` with a pattern that also matches nothing is not followed here".to_owned());
                }
                behind = 1;
            }
        }
        Ok(out + &subject[from..])
    }

    /// The list that `sort` gives: each item goes before the first that it may stand before.
    pub(super) fn sorted(&self, list: &str, comparator: &str, field: &Expr, scope: &mut Scope) -> Result<String, Stop> {
        skipped::comparator(comparator)?;
        self.pass_over(field, scope)?;
        let (mut items, mut keys): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for item in lists::items(list) {
            let key = self.with_item(&item, scope, |scope| self.expand(field, scope))?;
            if key.is_empty() {
                return Err(Stop::fails("field-extract in sort gives nothing"));
            }
            if item.is_empty() || key.trim() != key {
                return undecided(
                    "`sort` of an empty item, or by a field with blanks at its end, is not followed".into(),
                );
            }
            let mut at = keys.len();
            self.spend(keys.len())?;
            for (index, known) in keys.iter().enumerate() {
                self.spend(known.len())?;
                if before(comparator, &key, known) {
                    at = index;
                    break;
                }
            }
            items.insert(at, item);
            keys.insert(at, key);
        }
        Ok(lists::joined(list, &items))
    }
}

/// Whether `sort` may put one key before another. What is no number stands before nothing.
fn before(comparator: &str, one: &str, other: &str) -> bool {
    let numbers = || arithmetic::integer(one).zip(arithmetic::integer(other));
    let caseless = || compared(one, other);
    match comparator {
        "lt" => one < other,
        "lti" => caseless().is_lt(),
        "le" => one <= other,
        "lei" => caseless().is_le(),
        "gt" => one > other,
        "gti" => caseless().is_gt(),
        "ge" => one >= other,
        "gei" => caseless().is_ge(),
        "<" => numbers().is_some_and(|(one, other)| one < other),
        "<=" => numbers().is_some_and(|(one, other)| one <= other),
        ">" => numbers().is_some_and(|(one, other)| one > other),
        ">=" => numbers().is_some_and(|(one, other)| one >= other),
        _ => false,
    }
}

/// The field with this number, from 1; from the end where it is negative; 0 is the whole.
fn field(number: i64, separators: &str, text: &str) -> Option<String> {
    if number == 0 {
        return Some(text.to_owned());
    }
    let separators: HashSet<char> = separators.chars().collect();
    let fields: Vec<&str> = text.split(|c| separators.contains(&c)).collect();
    let at = usize::try_from(number.unsigned_abs()).ok()?;
    let at = if number > 0 { at.checked_sub(1)? } else { fields.len().checked_sub(at)? };
    fields.get(at).map(|field| (*field).to_owned())
}

/// The value of a key in `key=value key="value"`.
fn keyed(key: &str, text: &str) -> Option<String> {
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = rest.find(|c| c == '=' || is_space(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start_matches(is_space);
        rest = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches(is_space);
        let value = if let Some(quoted) = rest.strip_prefix('"') {
            let (inner, after) = lsearch::quoted(quoted);
            rest = after;
            lsearch::unescaped(inner)
        } else {
            let end = rest.find(is_space).unwrap_or(rest.len());
            let (plain, after) = rest.split_at(end);
            rest = after;
            plain.to_owned()
        };
        if name.eq_ignore_ascii_case(key) {
            return Some(value);
        }
        rest = rest.trim_start_matches(is_space);
    }
    None
}
