//! What Exim passes over: it looks nothing up, and yet goes through all of it, and refuses what it cannot read in the little
//! text that is there then: what is literal, and what some items make of that.

use super::parse::condition::{self, each};
use super::parse::{Condition, Expr, Kind, Tail, Test, parse};
use super::stop::within;
use super::{Evaluator, Scope, Stop, operators};
use crate::collect::exim::lists;
use crate::collect::exim::space::is_space;

impl Evaluator<'_> {
    /// The text that an expansion has when Exim passes over it.
    ///
    /// # Errors
    /// Where Exim refuses it all the same.
    pub(super) fn pass_over(&self, expr: &Expr, scope: &mut Scope) -> Result<String, Stop> {
        let mut out = String::new();
        for node in &expr.0 {
            self.step()?;
            match &node.kind {
                Kind::Text(text) => out.push_str(text),
                Kind::Operator(_, argument) => drop(self.pass_over(argument, scope)?),
                Kind::If(condition, tail) => {
                    self.pass_over_condition(condition, scope)?;
                    out.push_str(&self.pass_over_tail(tail, scope)?);
                }
                Kind::Lookup(lookup) => {
                    if let Some(key) = &lookup.key {
                        self.pass_over(key, scope)?;
                    }
                    self.pass_over(&lookup.file, scope)?;
                    out.push_str(&self.pass_over_tail(&lookup.tail, scope)?);
                }
                Kind::Item(name, arguments, _) => out.push_str(&self.pass_over_item(name, arguments, scope)?),
                Kind::Filter(list, condition) => {
                    self.pass_over(list, scope)?;
                    self.pass_over_condition(condition, scope)?;
                }
                Kind::Sort(list, comparing, field) => {
                    self.pass_over(list, scope)?;
                    comparator(comparing)?;
                    self.pass_over(field, scope)?;
                }
                Kind::Variable(_) | Kind::Capture(_) | Kind::Header(_) | Kind::Error(_) | Kind::Unclear(_) => {}
            }
        }
        out.truncate(out.find('\0').unwrap_or(out.len()));
        Ok(out)
    }

    /// Of the two strings it is the second that stands there.
    fn pass_over_tail(&self, tail: &Tail, scope: &mut Scope) -> Result<String, Stop> {
        if let Some(yes) = &tail.yes {
            self.pass_over(yes, scope)?;
        }
        tail.no.as_ref().map_or(Ok(String::new()), |no| self.pass_over(no, scope))
    }

    fn pass_over_item(&self, name: &str, arguments: &[Expr], scope: &mut Scope) -> Result<String, Stop> {
        let mut texts =
            arguments.iter().map(|one| self.pass_over(one, scope)).collect::<Result<Vec<String>, Stop>>()?;
        let result = match (name, &texts[..]) {
            ("length" | "substr" | "hash" | "nhash", [sizes @ .., text]) => {
                operators::sized(name, &numbers(sizes, name)?, text)
            }
            ("tr", [text, from, to]) => Ok(operators::translated(text, from, to)),
            ("sg", [text, pattern, replacement]) => self.replaced(text, pattern, &parse(replacement), scope),
            ("listextract", [number, ..]) => {
                list_number(number)?;
                Ok(texts.drain(..).nth(3).unwrap_or_default())
            }
            ("env", _) => Ok(texts.drain(..).nth(2).unwrap_or_default()),
            _ => Ok(String::new()),
        };
        match result {
            Err(Stop::Undecided { .. }) => Ok(String::new()),
            decided => decided,
        }
    }

    /// Passes over a condition.
    ///
    /// # Errors
    /// Where Exim refuses it all the same.
    pub(super) fn pass_over_condition(&self, condition: &Condition, scope: &mut Scope) -> Result<(), Stop> {
        match &condition.test {
            Test::And(all) => {
                all.iter().try_for_each(|one| within(self.pass_over_condition(one, scope), "and{...}", "condition"))
            }
            Test::Or(all) => {
                all.iter().try_for_each(|one| within(self.pass_over_condition(one, scope), "or{...}", "condition"))
            }
            Test::Each(every, list, inner) => {
                let list = self.pass_over(list, scope)?;
                within(self.pass_over_condition(inner, scope), each(*every), "condition")?;
                // Even so it is asked of what items there are.
                for item in lists::items(&list) {
                    let hit = self.with_item(&item, scope, |scope| self.holds(inner, scope));
                    match within(hit, each(*every), "condition") {
                        Ok(hit) if hit == *every => {}
                        Err(stop @ Stop::Fails(_)) => return Err(stop),
                        _ => break,
                    }
                }
                Ok(())
            }
            Test::ListMatch(_, subject, _) => self.pass_over(subject, scope).map(drop),
            Test::Plain(name, arguments) => {
                for argument in arguments {
                    let text = self.pass_over(argument, scope)?;
                    if name == "bool" && condition::truth(&text).is_none() {
                        return Err(Stop::fails(format!("unrecognised boolean value \"{text}\"")));
                    }
                }
                Ok(())
            }
            Test::Defined(_) | Test::HeaderDefined => Ok(()),
        }
    }
}

/// Whether Exim, having passed over an expansion, has another `$value` than before: `reduce` does not put it back.
pub(super) fn leaves_value(expr: &Expr) -> bool {
    expr.0.iter().any(|node| match &node.kind {
        Kind::Operator(_, argument) => leaves_value(argument),
        Kind::If(condition, tail) => {
            condition_leaves_value(condition) || tail.yes.iter().chain(&tail.no).any(leaves_value)
        }
        Kind::Lookup(lookup) => {
            let asked = lookup.key.iter().chain([&lookup.file]);
            asked.chain(&lookup.tail.yes).chain(&lookup.tail.no).any(leaves_value)
        }
        Kind::Item(name, arguments, _) => name == "reduce" || arguments.iter().any(leaves_value),
        Kind::Filter(list, condition) => leaves_value(list) || condition_leaves_value(condition),
        Kind::Sort(list, _, field) => leaves_value(list) || leaves_value(field),
        _ => false,
    })
}

fn condition_leaves_value(condition: &Condition) -> bool {
    match &condition.test {
        Test::And(all) | Test::Or(all) => all.iter().any(condition_leaves_value),
        Test::Each(_, list, inner) => leaves_value(list) || condition_leaves_value(inner),
        Test::ListMatch(_, subject, _) => leaves_value(subject),
        Test::Plain(_, arguments) => arguments.iter().any(leaves_value),
        Test::Defined(_) | Test::HeaderDefined => false,
    }
}

/// The numbers that the arguments of `substr` and its kin are, read as strtol(3) does. The second, a length, is not negative.
pub(super) fn numbers(texts: &[String], item: &str) -> Result<Vec<i64>, Stop> {
    let length_at = usize::from(item != "length");
    let number = |(at, text): (usize, &String)| {
        let (digits, positive) = (text.trim_start_matches(is_space), at == length_at);
        let value = if digits.is_empty() { Some(0) } else { digits.parse::<i64>().ok() };
        let kind = if positive { "positive number" } else { "number" };
        let wrong = || Stop::fails(format!("\"{text}\" is not a {kind} (in \"{item}\" expansion)"));
        value.filter(|value| !positive || *value >= 0).ok_or_else(wrong)
    };
    texts.iter().enumerate().map(number).collect()
}

/// Whether `sort` takes a condition to compare with.
pub(super) fn comparator(name: &str) -> Result<(), Stop> {
    const TAKEN: [&str; 12] = ["lt", "lti", "le", "lei", "gt", "gti", "ge", "gei", "<", "<=", ">", ">="];
    if TAKEN.contains(&name) { Ok(()) } else { Err(Stop::fails("comparator not handled for sort")) }
}

/// The number that the first argument of `listextract` is.
pub(super) fn list_number(text: &str) -> Result<i64, Stop> {
    let trimmed = text.trim_matches(is_space);
    let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Stop::fails("first argument of \"listextract\" must be numeric"));
    }
    Ok(if digits.is_empty() { 0 } else { trimmed.parse().unwrap_or(i64::MAX) })
}
