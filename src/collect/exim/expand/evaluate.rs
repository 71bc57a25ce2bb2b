//! Evaluates the tree.

use super::condition::{Condition, Test};
use super::parse::{Expr, Kind, Node, Tail, is_literal};
use super::taint::may_be_tainted;
use super::{Evaluator, Scope, Stop, UNSEEN, lookups, matching, operators, undecided, variables};
use crate::collect::exim::lines::is_space;
use crate::collect::exim::{arithmetic, lists};
use crate::collect::lsearch;

impl Evaluator<'_> {
    /// The text that an expansion gives.
    pub(crate) fn expand(&self, expr: &Expr, scope: &mut Scope) -> Result<String, Stop> {
        let mut out = String::new();
        for node in &expr.0 {
            self.step()?;
            match &node.kind {
                Kind::Text(text) => out.push_str(text),
                _ if out.is_empty() => out = self.node(node, scope)?,
                _ => out.push_str(&self.node(node, scope)?),
            }
            if out.len() > operators::RESULT_LIMIT {
                return undecided("the result is too long to be followed".to_owned());
            }
        }
        Ok(out)
    }

    fn node(&self, node: &Node, scope: &mut Scope) -> Result<String, Stop> {
        match &node.kind {
            Kind::Text(text) => Ok(text.clone()),
            Kind::Variable(name) => self.variable(name, scope),
            Kind::Capture(number) if scope.captures.is_empty() && (scope.matched_before || !scope.rest_empty) => {
                undecided(format!("what `${number}` holds depends on what Exim matched before"))
            }
            Kind::Capture(number) => Ok(scope.captures.get(*number).cloned().unwrap_or_default()),
            Kind::Header if scope.rest_empty => Ok(String::new()),
            Kind::Header => undecided("it depends on a header of the message".to_owned()),
            Kind::Operator(name, argument) if name == "expand" && may_be_tainted(argument) => {
                undecided("Exim expands text once more only where it is not from outside".to_owned())
            }
            Kind::Operator(name, argument) => {
                let text = self.expand(argument, scope)?;
                operators::apply(self, scope, name, text)
            }
            Kind::If(condition, tail) => {
                let captures = scope.captures.clone();
                let truth = self.holds(condition, scope)?;
                // Exim sets `$value` to the item that matched; which text that is differs between releases.
                let sets = truth && sets_value(condition);
                let value = if sets { scope.values.remove("value") } else { None };
                if sets && scope.rest_empty {
                    scope.values.insert("value".into(), UNSEEN.to_owned());
                }
                let result = self.tail(tail, truth.then(|| "true".to_owned()), "if", false, scope);
                scope.captures = captures;
                if sets {
                    scope.values.remove("value");
                }
                scope.values.extend(value.map(|value| ("value".into(), value)));
                result
            }
            Kind::Lookup(lookup) => {
                let found = lookups::find(self, scope, lookup)?;
                let captures = scope.captures.clone();
                if let Some([wild, fixed]) = found.as_ref().and_then(|found| found.parts.clone()) {
                    scope.captures = vec![String::new(), wild, fixed];
                }
                let result = self.tail(&lookup.tail, found.map(|found| found.value), "lookup", true, scope);
                scope.captures = captures;
                result
            }
            Kind::Item(name, arguments, fail) => self.item(name, arguments, *fail, scope),
            Kind::Filter(list, condition) => {
                let list = self.expand(list, scope)?;
                let mut kept = Vec::new();
                for item in lists::items(&list) {
                    if self.with_item(&item, scope, |scope| self.holds(condition, scope))? {
                        kept.push(item);
                    }
                }
                Ok(lists::joined(&list, &kept))
            }
            Kind::Error(message) => Err(Stop::Fails(message.clone())),
            Kind::Unclear(why) => undecided((*why).to_owned()),
        }
    }

    fn variable(&self, name: &str, scope: &Scope) -> Result<String, Stop> {
        if let Some(value) = scope.values.get(name) {
            return Ok(value.clone());
        }
        if scope.rest_empty {
            return Ok(String::new());
        }
        let why = match name {
            _ if variables::is_acl(name) => "an ACL may set it for each message".to_owned(),
            _ if name.starts_with("tod_") => "it is the time of day".to_owned(),
            _ => "it is known only when the mail is sent".to_owned(),
        };
        Err(Stop::Undecided { why, construct: format!("${name}") })
    }

    /// The yes or the no string; `value`: what was found, where something was.
    fn tail(
        &self,
        tail: &Tail,
        value: Option<String>,
        item: &str,
        is_value: bool,
        scope: &mut Scope,
    ) -> Result<String, Stop> {
        match (value, &tail.yes) {
            (Some(value), None) => Ok(value),
            (Some(value), Some(yes)) if is_value => self.with("value", value, scope, |scope| self.expand(yes, scope)),
            (Some(_), Some(yes)) => self.expand(yes, scope),
            (None, _) if tail.fail => Err(Stop::Forced(format!("\"{item}\" failed and \"fail\" requested"))),
            (None, _) => tail.no.as_ref().map_or(Ok(String::new()), |no| self.expand(no, scope)),
        }
    }

    fn with<T>(
        &self,
        name: &'static str,
        value: String,
        scope: &mut Scope,
        inner: impl FnOnce(&mut Scope) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let earlier = scope.values.insert(name.into(), value);
        let result = inner(scope);
        match earlier {
            Some(earlier) => scope.values.insert(name.into(), earlier),
            None => scope.values.remove(name),
        };
        result
    }

    fn with_item<T>(
        &self,
        item: &str,
        scope: &mut Scope,
        inner: impl FnOnce(&mut Scope) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.step()?;
        self.with("item", item.to_owned(), scope, inner)
    }

    fn item(&self, name: &str, arguments: &[Expr], fail: bool, scope: &mut Scope) -> Result<String, Stop> {
        let need = |count: usize| match arguments.len() >= count {
            true => Ok(()),
            false => Err(Stop::Fails(format!("Not enough arguments for '{name}' (min is {count})"))),
        };
        let tail = |from: usize| Tail { yes: arguments.get(from).cloned(), no: arguments.get(from + 1).cloned(), fail };
        match name {
            "extract" => {
                need(2)?;
                let key = self.expand(&arguments[0], scope)?;
                let key = key.trim_matches(is_space);
                if key.is_empty() {
                    return Err(Stop::Fails("first argument of \"extract\" must not be empty".into()));
                }
                let number = key.parse::<i64>().ok();
                let value = match number {
                    Some(number) => {
                        need(3)?;
                        let separators = self.expand(&arguments[1], scope)?;
                        let text = self.expand(&arguments[2], scope)?;
                        if text.is_empty() && !is_literal(&arguments[2]) {
                            return undecided("whether empty text has a field is left to Exim".to_owned());
                        }
                        field(number, &separators, &text)
                    }
                    None => keyed(key, &self.expand(&arguments[1], scope)?),
                };
                if value.as_ref().is_some_and(|value| value.contains(UNSEEN)) {
                    return undecided(format!("`{key}` of a file is known to the running host alone"));
                }
                self.tail(&tail(if number.is_some() { 3 } else { 2 }), value, name, true, scope)
            }
            "listextract" => {
                need(2)?;
                let number = self.expand(&arguments[0], scope)?;
                let Ok(number) = number.trim().parse::<i64>() else {
                    return Err(Stop::Fails("first argument of \"listextract\" is not a number".into()));
                };
                let mut items = lists::items(&self.expand(&arguments[1], scope)?);
                if number < 0 {
                    items.reverse();
                }
                let at = usize::try_from(number.unsigned_abs()).unwrap_or(0);
                let value = at.checked_sub(1).and_then(|at| items.get(at).cloned());
                self.tail(&tail(2), value, name, true, scope)
            }
            "length" | "substr" | "hash" | "nhash" => {
                need(1)?;
                let mut texts = Vec::new();
                for argument in arguments {
                    texts.push(self.expand(argument, scope)?);
                }
                let subject = texts.pop().unwrap_or_default();
                let numbers: Vec<&str> = texts.iter().map(|text| text.trim()).collect();
                operators::sized(name, &numbers, &subject)
            }
            "tr" => {
                need(3)?;
                let subject = self.expand(&arguments[0], scope)?;
                let from: Vec<char> = self.expand(&arguments[1], scope)?.chars().collect();
                let to: Vec<char> = self.expand(&arguments[2], scope)?.chars().collect();
                let change = |c: char| match (from.iter().rposition(|known| *known == c), to.last()) {
                    (Some(at), Some(last)) => *to.get(at).unwrap_or(last),
                    _ => c,
                };
                Ok(subject.chars().map(change).collect())
            }
            "sg" => {
                need(3)?;
                let subject = self.expand(&arguments[0], scope)?;
                let pattern = self.expand(&arguments[1], scope)?;
                let regex = self.regex(&pattern, false)?;
                let replacement = super::parse::parse(&self.expand(&arguments[2], scope)?);
                let mut out = String::new();
                let mut from = 0;
                for hit in regex.captures_iter(&subject) {
                    self.step()?;
                    let Some(whole) = hit.get(0) else { continue };
                    // After an empty match Exim looks for another at the same place, as Perl does: the crate does not.
                    let next = regex.find_at(&subject, whole.end()).filter(|next| next.start() == whole.end());
                    let open =
                        if whole.is_empty() { whole.end() < subject.len() } else { next.is_some_and(|m| m.is_empty()) };
                    if open {
                        return undecided("`sg` with a pattern that matches nothing is not followed".to_owned());
                    }
                    out.push_str(&subject[from..whole.start()]);
                    let groups = hit.iter().map(|group| group.map_or_else(String::new, |m| m.as_str().to_owned()));
                    let captures = std::mem::replace(&mut scope.captures, groups.collect());
                    let text = scope.deeper(|scope| self.expand(&replacement, scope));
                    scope.captures = captures;
                    out.push_str(&text?);
                    from = whole.end();
                }
                Ok(out + &subject[from..])
            }
            "map" => {
                need(2)?;
                let list = self.expand(&arguments[0], scope)?;
                let mut mapped = Vec::new();
                for item in lists::items(&list) {
                    mapped.push(self.with_item(&item, scope, |scope| self.expand(&arguments[1], scope))?);
                }
                Ok(lists::joined(&list, &mapped))
            }
            "reduce" => {
                need(3)?;
                let list = self.expand(&arguments[0], scope)?;
                let mut value = self.expand(&arguments[1], scope)?;
                for item in lists::items(&list) {
                    value = self.with("value", value, scope, |scope| {
                        self.with_item(&item, scope, |scope| self.expand(&arguments[2], scope))
                    })?;
                }
                Ok(value)
            }
            "readfile" => {
                need(1)?;
                let path = self.expand(&arguments[0], scope)?;
                let Ok(file) = self.root.read(&path) else {
                    return Err(Stop::Fails(format!("failed to open {path}: No such file or directory")));
                };
                match arguments.get(1) {
                    None => Ok(file.text().to_owned()),
                    Some(end) => {
                        let end = self.expand(end, scope)?;
                        Ok(file.text().replace('\n', &end))
                    }
                }
            }
            "perl" => {
                need(1)?;
                let function = self.expand(&arguments[0], scope)?;
                let known = scope.perl.get(function.trim()).filter(|_| arguments.len() == 1).cloned();
                known.ok_or_else(|| Stop::Undecided {
                    why: "a Perl function computes it".into(),
                    construct: format!("${{perl{{{function}}}}}"),
                })
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

    /// Whether a condition holds.
    pub(super) fn holds(&self, condition: &Condition, scope: &mut Scope) -> Result<bool, Stop> {
        self.step()?;
        let truth = match &condition.test {
            Test::Defined(name) => !self.variable(name, scope)?.is_empty(),
            Test::HeaderDefined if scope.rest_empty => false,
            Test::HeaderDefined => return undecided("it depends on a header of the message".to_owned()),
            Test::And(all) => {
                let mut truth = true;
                for one in all {
                    truth = truth && self.holds(one, scope)?;
                }
                truth
            }
            Test::Or(all) => {
                let mut truth = false;
                for one in all {
                    truth = truth || self.holds(one, scope)?;
                }
                truth
            }
            Test::Each(every, list, inner) => {
                let list = self.expand(list, scope)?;
                let items = lists::items(&list);
                // An empty list satisfies neither.
                let mut truth = *every && !items.is_empty();
                for item in items {
                    let hit = self.with_item(&item, scope, |scope| self.holds(inner, scope))?;
                    if hit != *every {
                        truth = hit;
                        break;
                    }
                }
                truth
            }
            Test::ListMatch(name, subject, list) => {
                let subject = self.expand(subject, scope)?;
                self.in_list(scope, name, &subject, list, 0)?
            }
            Test::Plain(name, arguments) => self.plain(name, arguments, scope)?,
        };
        Ok(truth != condition.negated)
    }

    fn plain(&self, name: &str, arguments: &[Expr], scope: &mut Scope) -> Result<bool, Stop> {
        let mut texts = Vec::with_capacity(2);
        for argument in arguments {
            texts.push(self.expand(argument, scope)?);
        }
        let first = texts.first().map_or("", String::as_str);
        let second = texts.get(1).map_or("", String::as_str);
        let number = |text: &str| {
            arithmetic::integer(text).ok_or_else(|| Stop::Fails(format!("integer expected but \"{text}\" found")))
        };
        let (low, high) = (first.to_ascii_lowercase(), second.to_ascii_lowercase());
        Ok(match name {
            "eq" => first == second,
            "eqi" => low == high,
            "lt" => first < second,
            "lti" => low < high,
            "le" => first <= second,
            "lei" => low <= high,
            "gt" => first > second,
            "gti" => low > high,
            "ge" => first >= second,
            "gei" => low >= high,
            "=" | "==" => number(first)? == number(second)?,
            "<" => number(first)? < number(second)?,
            "<=" => number(first)? <= number(second)?,
            ">" => number(first)? > number(second)?,
            ">=" => number(first)? >= number(second)?,
            "exists" => self.status(first).is_some(),
            "isip" => matching::address(first)?.is_some(),
            "isip4" => matching::address(first)?.is_some_and(|found| found.is_ipv4()),
            "isip6" => matching::address(first)?.is_some_and(|found| found.is_ipv6()),
            "bool" => match low.trim() {
                "" | "no" | "false" => false,
                "yes" | "true" => true,
                text if text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) => {
                    text.bytes().any(|b| (b'1'..=b'9').contains(&b))
                }
                _ => return Err(Stop::Fails(format!("unrecognised boolean value \"{first}\""))),
            },
            "bool_lax" => !matches!(low.trim(), "" | "0" | "no" | "false"),
            "inlist" => lists::items(second).iter().any(|item| item == first),
            "inlisti" => lists::items(second).iter().any(|item| item.eq_ignore_ascii_case(first)),
            "match" => {
                let regex = self.regex(second, false)?;
                let Some(hit) = regex.captures(first) else { return Ok(false) };
                scope.captures =
                    hit.iter().map(|group| group.map_or_else(String::new, |m| m.as_str().to_owned())).collect();
                true
            }
            "first_delivery" if scope.rest_empty => false,
            "queue_running" if scope.rest_empty => false,
            _ => {
                let construct = format!("condition `{name}`");
                return Err(Stop::Undecided { why: "it is known only when the mail is sent".into(), construct });
            }
        })
    }
}

/// Whether the condition leaves the matched item in `$value`.
fn sets_value(condition: &Condition) -> bool {
    match &condition.test {
        Test::ListMatch(..) => true,
        Test::Plain(name, _) => name.starts_with("inlist"),
        Test::And(all) | Test::Or(all) => all.iter().any(sets_value),
        Test::Each(_, _, inner) => sets_value(inner),
        Test::Defined(_) | Test::HeaderDefined => false,
    }
}

/// The field with this number, from 1; from the end where it is negative; 0 is the whole.
fn field(number: i64, separators: &str, text: &str) -> Option<String> {
    if number == 0 {
        return Some(text.to_owned());
    }
    if text.is_empty() {
        return None;
    }
    let fields: Vec<&str> = text.split(|c| separators.contains(c)).collect();
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
