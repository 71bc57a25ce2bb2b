//! Evaluates the tree.

use std::cmp::Ordering;

use super::parse::condition::each;
use super::parse::{Condition, Expr, Kind, Node, Tail, Test, condition};
use super::stop::within;
use super::taint::may_be_tainted;
use super::{Evaluator, Scope, Stop, UNSEEN, lookups, matching, operators, skipped, undecided, variables};
use crate::collect::exim::{arithmetic, lists};

/// Undecided conditions within undecided ones, both ways of which are looked at.
const UNSURE_LIMIT: usize = 5;

impl Evaluator<'_> {
    /// The text that an expansion gives.
    pub(crate) fn expand(&self, expr: &Expr, scope: &mut Scope) -> Result<String, Stop> {
        let text = self.raw(expr, scope)?;
        if text.contains(UNSEEN) {
            return undecided("it holds what the file system says of a file".to_owned());
        }
        Ok(text)
    }

    /// The text that an expansion gives, with a mark for each field of `stat` that files do not decide.
    pub(super) fn raw(&self, expr: &Expr, scope: &mut Scope) -> Result<String, Stop> {
        let mut out = String::new();
        for node in &expr.0 {
            self.step()?;
            match &node.kind {
                Kind::Text(text) => out.push_str(text),
                _ if out.is_empty() => out = self.node(node, scope)?,
                _ => out.push_str(&self.node(node, scope)?),
            }
            if out.len() > operators::RESULT_LIMIT {
                return self.end("an expansion grows longer than helolint follows");
            }
        }
        self.spend(out.len())?;
        // A NUL ends a text; what stands behind it has been expanded all the same.
        if out.as_bytes().contains(&0) {
            out.truncate(out.find('\0').unwrap_or(out.len()));
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
            Kind::Header(name) if name == "from" && scope.from.is_some() => Ok(scope.from.clone().unwrap_or_default()),
            Kind::Header(_) if scope.rest_empty => Ok(String::new()),
            Kind::Header(_) => undecided("it depends on a header of the message".to_owned()),
            Kind::Operator(name, argument) if name == "expand" && may_be_tainted(argument) => {
                undecided("Exim expands text once more only where it is not from outside".to_owned())
            }
            Kind::Operator(name, argument) => {
                let text = self.expand(argument, scope)?;
                operators::apply(self, scope, name, text)
            }
            Kind::If(condition, tail) => {
                let captures = scope.captures.clone();
                let truth = match self.holds(condition, scope) {
                    Ok(truth) => truth,
                    Err(stop) => {
                        scope.captures = captures;
                        return self.whatever_holds(tail, stop, scope);
                    }
                };
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
                let captures = scope.captures.clone();
                let found = lookups::find(self, scope, lookup)?;
                if let Some([wild, fixed]) = found.as_ref().and_then(|found| found.parts.clone()) {
                    scope.capture(&[&wild, &fixed]);
                }
                let result = self.tail(&lookup.tail, found.map(|found| found.value), "lookup", true, scope);
                scope.captures = captures;
                result
            }
            Kind::Item(name, arguments, fail) => self.item(name, arguments, *fail, scope),
            Kind::Filter(list, condition) => {
                let list = self.expand(list, scope)?;
                within(self.pass_over_condition(condition, scope), "filter", "item")?;
                let mut kept = Vec::new();
                for item in lists::items(&list) {
                    let hit = self.with_item(&item, scope, |scope| self.holds(condition, scope));
                    if within(hit, "filter", "item")? {
                        kept.push(item);
                    }
                }
                Ok(lists::joined(&list, &kept))
            }
            Kind::Sort(list, comparator, field) => {
                let list = self.expand(list, scope)?;
                self.sorted(&list, comparator, field, scope)
            }
            Kind::Error(message) => Err(Stop::fails(message.clone())),
            Kind::Unclear(why) => undecided((*why).to_owned()),
        }
    }

    /// What comes out of an `${if` whose condition is undecided, where both ways come to the same.
    fn whatever_holds(&self, tail: &Tail, stop: Stop, scope: &mut Scope) -> Result<String, Stop> {
        if !matches!(stop, Stop::Undecided { .. }) || scope.unsure >= UNSURE_LIMIT {
            return Err(stop);
        }
        let way = |value: Option<String>| {
            let mut scope = scope.clone();
            scope.unsure += 1;
            // What the condition leaves behind is as undecided as the condition.
            scope.captures.clear();
            scope.matched_before = true;
            scope.values.remove("value");
            let result = self.tail(tail, value, "if", false, &mut scope);
            (result, scope.free)
        };
        let ((yes, asked), (no, also)) = (way(Some("true".to_owned())), way(None));
        match (yes, no) {
            (Ok(yes), Ok(no)) if yes == no => {
                let tables = [asked, also].into_iter().flatten().flat_map(|free| free.tables);
                if let Some(free) = &mut scope.free {
                    free.tables.extend(tables);
                }
                Ok(yes)
            }
            _ => Err(stop),
        }
    }

    fn variable(&self, name: &str, scope: &Scope) -> Result<String, Stop> {
        if name.starts_with("sender_address") {
            self.asks_sender.set(true);
        }
        match scope.values.get(name).or_else(|| scope.shared.get(name)) {
            Some(value) if value == UNSEEN => {
                return undecided(format!("what Exim leaves in `${name}` here differs between releases"));
            }
            Some(value) => return Ok(value.clone()),
            None => {}
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
    pub(super) fn tail(
        &self,
        tail: &Tail,
        value: Option<String>,
        item: &str,
        is_value: bool,
        scope: &mut Scope,
    ) -> Result<String, Stop> {
        let Some(value) = value else {
            if let Some(yes) = &tail.yes {
                self.pass_over(yes, scope)?;
            }
            return match &tail.no {
                _ if tail.fail => Err(Stop::Forced(format!("\"{item}\" failed and \"fail\" requested"))),
                Some(no) => self.raw(no, scope),
                None => Ok(String::new()),
            };
        };
        let text = match &tail.yes {
            None => value,
            Some(yes) if is_value => self.with("value", value, scope, |scope| self.raw(yes, scope))?,
            Some(yes) => self.raw(yes, scope)?,
        };
        if let Some(no) = &tail.no {
            self.pass_over(no, scope)?;
            if is_value && skipped::leaves_value(no) {
                scope.values.insert("value".into(), UNSEEN.to_owned());
            }
        }
        Ok(text)
    }

    pub(super) fn with<T>(
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

    pub(super) fn with_item<T>(
        &self,
        item: &str,
        scope: &mut Scope,
        inner: impl FnOnce(&mut Scope) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.step()?;
        self.with("item", item.to_owned(), scope, inner)
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
                    if truth {
                        truth = within(self.holds(one, scope), "and{...}", "condition")?;
                    } else {
                        within(self.pass_over_condition(one, scope), "and{...}", "condition")?;
                    }
                }
                truth
            }
            Test::Or(all) => {
                let mut truth = false;
                for one in all {
                    if truth {
                        within(self.pass_over_condition(one, scope), "or{...}", "condition")?;
                    } else {
                        truth = within(self.holds(one, scope), "or{...}", "condition")?;
                    }
                }
                truth
            }
            Test::Each(every, list, inner) => {
                let list = self.expand(list, scope)?;
                let items = lists::items(&list);
                let name = each(*every);
                within(self.pass_over_condition(inner, scope), name, "condition")?;
                // An empty list satisfies neither.
                let mut truth = *every && !items.is_empty();
                for item in items {
                    let hit = self.with_item(&item, scope, |scope| self.holds(inner, scope));
                    let hit = within(hit, name, "condition")?;
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
            arithmetic::integer(text).ok_or_else(|| Stop::fails(format!("integer expected but \"{text}\" found")))
        };
        let caseless = || compared(first, second);
        Ok(match name {
            "eq" => first == second,
            "eqi" => caseless().is_eq(),
            "lt" => first < second,
            "lti" => caseless().is_lt(),
            "le" => first <= second,
            "lei" => caseless().is_le(),
            "gt" => first > second,
            "gti" => caseless().is_gt(),
            "ge" => first >= second,
            "gei" => caseless().is_ge(),
            "=" | "==" => number(first)? == number(second)?,
            "<" => number(first)? < number(second)?,
            "<=" => number(first)? <= number(second)?,
            ">" => number(first)? > number(second)?,
            ">=" => number(first)? >= number(second)?,
            "exists" => self.status(first)?.is_some(),
            "isip" => matching::address(first)?.is_some(),
            "isip4" => matching::address(first)?.is_some_and(|found| found.is_ipv4()),
            "isip6" => matching::address(first)?.is_some_and(|found| found.is_ipv6()),
            "bool" => {
                condition::truth(first).ok_or_else(|| Stop::fails(format!("unrecognised boolean value \"{first}\"")))?
            }
            // A number of one digit counts as with `bool`, a longer one holds whatever it is.
            "bool_lax" => match condition::truth(first) {
                Some(truth) => truth || (condition::is_number(first) && first.trim().len() > 1),
                None => true,
            },
            "inlist" => lists::items(second).iter().any(|item| item == first),
            "inlisti" => lists::items(second).iter().any(|item| item.eq_ignore_ascii_case(first)),
            "match" => {
                let pattern = self.pattern(second, false)?;
                let Some(hit) = self.find(&pattern, first, 0)? else { return Ok(false) };
                scope.captures = hit.groups;
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

/// Two texts without regard to case. Exim takes the shorter one for the greater where it begins the other.
pub(super) fn compared(one: &str, other: &str) -> Ordering {
    let low = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<u8>>();
    let (one, other) = (low(one), low(other));
    if one.len() < other.len() && other.starts_with(&one) { Ordering::Greater } else { one.cmp(&other) }
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
