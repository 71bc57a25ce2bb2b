//! Expansion of `$name` (postconf(5)): references, conditions, comparisons, within Postfix's own limits and some of our own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pest::Parser;
use pest::iterators::Pair;

use super::by_name::ByName;
use super::compare;
pub use super::fault::Fault;
use super::grammar::{MainCfGrammar, Rule, nests_too_deep};
use crate::facts::Origin;

/// References within each other beyond which Postfix gives up (mac_expand(3)).
const DEPTH_LIMIT: usize = 100;
/// Comparisons within each other that are still followed. Postfix counts references anew in each, and has no limit.
const COMPARISON_LIMIT: usize = 8;
/// Pieces of text and references that one value may cost: far more than any real one.
const VALUE_WORK_LIMIT: usize = 10_000;
/// The same for all values of a configuration together.
const WORK_LIMIT: usize = 500_000;
/// Bytes that one value may grow to.
const TEXT_LIMIT: usize = 1 << 20;
/// Bytes that are taken apart for all values of a configuration together: a hundred times a large main.cf, as each service
/// reads it anew.
const PARSE_LIMIT: usize = 8 << 20;
/// What is said where one of these limits ends it.
const TOO_MUCH: &str = "the configuration's references take more work than helolint spends";

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing sets it: for Postfix an empty text.
    Undefined,
    /// Unexpanded text, and where it stands.
    Text(String, Origin),
    /// Files cannot decide it.
    Undecided(String),
}

/// Where names are looked up.
pub trait Scope {
    /// The unexpanded value of `name`.
    fn lookup(&self, name: &str) -> Found;
}

/// Expands values in a scope; counts the work over all of them.
#[derive(Debug, Default)]
pub struct Expander {
    work: Cell<usize>,
    all_work: Cell<usize>,
    undefined: RefCell<Vec<(String, Option<Origin>)>>,
    names: RefCell<Vec<String>>,
    /// Values that were taken apart, by their text: services share most of them.
    parts: RefCell<ByName<String, Rc<[Part]>>>,
    /// The same from earlier readings.
    kept: Rc<Values>,
    parsed: Cell<usize>,
    bounded: Cell<Option<&'static str>>,
}

/// Values that were taken apart, by their text.
#[derive(Debug, Default)]
pub struct Values(RefCell<ByName<String, Rc<[Part]>>>);

/// A part of a value.
#[derive(Debug)]
enum Part {
    /// Text.
    Literal(String),
    /// A reference, by its rule, and what stands in it.
    Reference(Rule, String),
}

/// Where in an expansion one stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    scope: &'a dyn Scope,
    depth: usize,
    comparisons: usize,
    origin: Option<&'a Origin>,
}

impl Expander {
    /// One that takes apart what is not among `kept`, and adds it there.
    pub fn keeping(kept: Rc<Values>) -> Expander {
        Expander { kept, ..Expander::default() }
    }

    /// The value of `text`, which stands at `origin`.
    ///
    /// # Errors
    /// Where Postfix refuses it, or it cannot be decided.
    pub fn expand(&self, scope: &dyn Scope, text: &str, origin: Option<&Origin>) -> Result<String, Fault> {
        if !text.contains('$') {
            return Ok(text.to_owned());
        }
        let mut out = String::new();
        self.work.set(0);
        let result = self.parse(Place { scope, depth: 0, comparisons: 0, origin }, text, &mut out);
        self.all_work.set(self.all_work.get() + self.work.get());
        result.map(|()| out)
    }

    /// The limit that ended an expansion, where one did.
    pub fn bounded(&self) -> Option<&'static str> {
        self.bounded.get()
    }

    fn end<T>(&self, limit: &'static str) -> Result<T, Fault> {
        self.bounded.set(Some(limit));
        Err(Fault::Undecided(limit.into()))
    }

    /// Counts bytes that are taken apart.
    fn spend(&self, bytes: usize) -> Result<(), Fault> {
        self.parsed.set(self.parsed.get().saturating_add(bytes));
        if self.parsed.get() > PARSE_LIMIT { self.end(TOO_MUCH) } else { Ok(()) }
    }

    /// Names without value that were referred to since the last call, each with the place of the reference.
    pub fn take_undefined(&self) -> Vec<(String, Option<Origin>)> {
        self.undefined.take()
    }

    /// Names that were looked up since the last call.
    pub fn take_names(&self) -> Vec<String> {
        self.names.take()
    }

    fn parse(&self, place: Place<'_>, text: &str, out: &mut String) -> Result<(), Fault> {
        if !text.contains('$') {
            return if text.is_empty() { Ok(()) } else { self.literal(place, text, out) };
        }
        for part in self.parts(text)?.iter() {
            match part {
                Part::Literal(literal) => self.literal(place, literal, out)?,
                Part::Reference(rule, inner) => self.reference(place, text, *rule, inner, out)?,
            }
        }
        Ok(())
    }

    /// The parts of a value.
    fn parts(&self, text: &str) -> Result<Rc<[Part]>, Fault> {
        if let Some(known) = self.parts.borrow().get(text) {
            return Ok(Rc::clone(known));
        }
        // It counts once in each reading, so that a trial comes to its limits where the check did.
        self.spend(text.len())?;
        let kept = self.kept.0.borrow().get(text).map(Rc::clone);
        let parts = kept.map_or_else(|| self.taken_apart(text), Ok)?;
        self.parts.borrow_mut().insert(text.to_owned(), Rc::clone(&parts));
        Ok(parts)
    }

    fn taken_apart(&self, text: &str) -> Result<Rc<[Part]>, Fault> {
        if nests_too_deep(text) {
            return self.end("braces nest deeper than helolint reads");
        }
        let parsed = MainCfGrammar::parse(Rule::value, text).ok().and_then(|mut pairs| pairs.next());
        let Some(value) = parsed else {
            return Err(Fault::Undecided("the value does not follow the grammar of references".into()));
        };
        let mut parts: Vec<Part> = Vec::new();
        let mut pending = String::new();
        for part in value.into_inner() {
            match part.as_rule() {
                Rule::dollar => pending.push('$'),
                Rule::literal => pending.push_str(part.as_str()),
                Rule::EOI => {}
                rule => {
                    if !pending.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut pending)));
                    }
                    let inner = part.into_inner().next().map_or("", |inner| inner.as_str());
                    parts.push(Part::Reference(rule, inner.to_owned()));
                }
            }
        }
        if !pending.is_empty() {
            parts.push(Part::Literal(pending));
        }
        let parts: Rc<[Part]> = parts.into();
        self.kept.0.borrow_mut().insert(text.to_owned(), Rc::clone(&parts));
        Ok(parts)
    }

    fn enter(&self, place: Place<'_>, text: &str) -> Result<(), Fault> {
        self.work.set(self.work.get() + 1);
        if self.work.get() > VALUE_WORK_LIMIT || self.all_work.get() > WORK_LIMIT {
            return self.end(TOO_MUCH);
        }
        if place.depth > DEPTH_LIMIT {
            return Err(Fault::Syntax(format!("unreasonable macro call nesting: \"{text}\"")));
        }
        Ok(())
    }

    fn literal(&self, place: Place<'_>, text: &str, out: &mut String) -> Result<(), Fault> {
        self.enter(place, text)?;
        if out.len() + text.len() > TEXT_LIMIT {
            return self.end(TOO_MUCH);
        }
        out.push_str(text);
        Ok(())
    }

    fn reference(&self, place: Place<'_>, whole: &str, rule: Rule, inner: &str, out: &mut String) -> Result<(), Fault> {
        match rule {
            Rule::unclosed => return Err(Fault::Syntax(format!("truncated macro reference: \"{whole}\""))),
            _ if inner.is_empty() => return Err(Fault::Syntax(format!("empty macro name: \"{whole}\""))),
            _ => self.enter(place, inner)?,
        }
        if rule == Rule::bare_reference {
            return self.plain(place, inner, out);
        }
        self.spend(inner.len())?;
        let parsed = MainCfGrammar::parse(Rule::body, inner).ok().and_then(|mut pairs| pairs.next());
        let Some(body) = parsed else { return Err(Fault::Syntax(compare::diagnose(inner))) };
        let mut pieces = body.into_inner().filter(|piece| piece.as_rule() != Rule::EOI);
        let Some(subject) = pieces.next() else { return Err(Fault::Syntax(compare::diagnose(inner))) };
        let choice = pieces.next();
        if subject.as_rule() == Rule::subject && choice.is_none() {
            return self.plain(place, subject.as_str(), out);
        }
        let truth = self.truth(place, &subject)?;
        let deeper = Place { depth: place.depth + 1, ..place };
        match choice {
            None if truth => self.literal(deeper, "true", out),
            None => Ok(()),
            Some(choice) => match chosen(&choice, truth) {
                Some(text) => self.parse(deeper, text, out),
                None => Ok(()),
            },
        }
    }

    /// The value of one name, in place.
    fn plain(&self, place: Place<'_>, name: &str, out: &mut String) -> Result<(), Fault> {
        self.names.borrow_mut().push(name.to_owned());
        match place.scope.lookup(name) {
            Found::Undecided(why) => Err(Fault::Undecided(why)),
            Found::Undefined => {
                self.undefined.borrow_mut().push((name.to_owned(), place.origin.cloned()));
                Ok(())
            }
            Found::Text(text, origin) => {
                let deeper = Place { depth: place.depth + 1, origin: Some(&origin), ..place };
                self.parse(deeper, &text, out)
            }
        }
    }

    /// Whether a name is set to something (unexpanded), or a comparison holds.
    fn truth(&self, place: Place<'_>, subject: &Pair<'_, Rule>) -> Result<bool, Fault> {
        if subject.as_rule() == Rule::subject {
            self.names.borrow_mut().push(subject.as_str().to_owned());
            return match place.scope.lookup(subject.as_str()) {
                Found::Undefined => Ok(false),
                Found::Text(text, _) => Ok(!text.is_empty()),
                Found::Undecided(why) => Err(Fault::Undecided(why)),
            };
        }
        if place.comparisons >= COMPARISON_LIMIT {
            return self.end("comparisons nest deeper than helolint follows");
        }
        // The operator is looked at before either side is expanded.
        let of = |rule: Rule| subject.clone().into_inner().find(|piece| piece.as_rule() == rule);
        let operator = of(Rule::operator).map_or("", |piece| piece.as_str());
        let suffix = of(Rule::suffix).map_or("", |piece| piece.as_str());
        compare::check_suffix(operator, suffix)?;
        let mut sides = Vec::new();
        for piece in subject.clone().into_inner() {
            match piece.as_rule() {
                Rule::operator | Rule::suffix => {}
                _ => {
                    let text = piece.into_inner().next().map_or("", |text| text.as_str());
                    let mut out = String::new();
                    self.parse(Place { depth: 0, comparisons: place.comparisons + 1, ..place }, text, &mut out)?;
                    sides.push(out);
                }
            }
        }
        let [left, right] = &sides[..] else { return Err(Fault::Undecided("a comparison without sides".into())) };
        compare::compare(left, operator, suffix, right)
    }
}

/// The text that stands for a reference with `?` or `:`.
fn chosen<'i>(choice: &Pair<'i, Rule>, truth: bool) -> Option<&'i str> {
    let mut text = None;
    let mut other = None;
    for piece in choice.clone().into_inner() {
        match piece.as_rule() {
            Rule::operand => text = piece.into_inner().next().map(|inner| inner.as_str()),
            Rule::rest => text = Some(piece.as_str()),
            Rule::when_empty => other = chosen(&piece, false),
            _ => {}
        }
    }
    match choice.as_rule() {
        Rule::when_set if truth => text,
        Rule::when_set => other,
        _ if truth => None,
        _ => text,
    }
}

/// The name, where `text` is one reference to it and nothing else: `$name`, `${name}`, `$(name)`.
pub fn sole_reference(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    let inner = match rest.as_bytes().first()? {
        b'{' => rest.strip_prefix('{')?.strip_suffix('}')?.trim_matches([' ', '\t', '\r', '\n']),
        b'(' => rest.strip_prefix('(')?.strip_suffix(')')?.trim_matches([' ', '\t', '\r', '\n']),
        _ => rest,
    };
    let is_name = !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::postfix::grammar::NESTING_LIMIT;

    struct Table<'a>(&'a [(&'a str, &'a str)]);

    impl Scope for Table<'_> {
        fn lookup(&self, name: &str) -> Found {
            let found = self.0.iter().find(|(known, _)| *known == name);
            found.map_or(Found::Undefined, |(_, text)| Found::Text((*text).into(), Origin::default_of("test")))
        }
    }

    fn expand(text: &str, table: &[(&str, &str)]) -> Result<String, Fault> {
        Expander::default().expand(&Table(table), text, None)
    }

    #[test]
    fn work_is_bounded_where_values_double() {
        let names: Vec<String> = (0..=90).map(|n| format!("p{n}")).collect();
        let texts: Vec<String> = (0..90).map(|n| format!("$p{}$p{}", n + 1, n + 1)).collect();
        let table: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        assert!(matches!(expand("$p0", &table), Err(Fault::Undecided(_))));
        assert!(matches!(expand("$a", &[("a", "${{$a}=={b}}")]), Err(Fault::Undecided(_))));
    }

    #[test]
    fn loops_end_at_the_limit() {
        assert!(matches!(expand("$a", &[("a", "$b"), ("b", "$a")]), Err(Fault::Syntax(_))));
    }

    #[test]
    fn a_value_that_names_itself_often_is_taken_apart_once() {
        for count in [10, 3000] {
            let text = format!("mail{}", "${a}".repeat(count));
            let expander = Expander::default();
            for _ in 0..200 {
                let found = expander.expand(&Table(&[("a", &text)]), "$a", None);
                assert!(matches!(found, Err(Fault::Syntax(_))), "{count}: {found:?}");
            }
            assert_eq!(expander.bounded(), None, "{count}");
        }
    }

    #[test]
    fn what_is_taken_apart_is_bounded() {
        let expander = Expander::default();
        let value = |number: usize| format!("${{a{number}?{{{}}}}}", "x".repeat(PARSE_LIMIT / 40));
        for number in 0..10 {
            assert!(expander.expand(&Table(&[]), &value(number), None).is_ok());
        }
        assert_eq!(expander.bounded(), None);
        let last = (10..40).map(|number| expander.expand(&Table(&[]), &value(number), None)).last();
        assert!(matches!(last, Some(Err(Fault::Undecided(_)))) && expander.bounded().is_some());
    }

    /// What a value comes to, and whether a limit of helolint's ended it.
    fn ends(text: &str, table: &[(&str, &str)]) -> bool {
        let expander = Expander::default();
        let found = expander.expand(&Table(table), text, None);
        let ends = expander.bounded().is_some();
        assert_eq!(matches!(found, Err(Fault::Undecided(_))), ends, "{found:?}");
        ends
    }

    #[test]
    fn values_are_as_deep_and_as_long_as_the_limits_say() {
        assert!(ends(&format!("${}", "{".repeat(10_000)), &[]));
        let braces = |depth: usize| format!("{}x{}", "${a?{".repeat(depth), "}}".repeat(depth));
        assert!(!ends(&braces(NESTING_LIMIT / 2), &[]));
        assert!(ends(&braces(NESTING_LIMIT / 2 + 1), &[]));
        let compared =
            |depth: usize| (0..depth).fold("x".to_owned(), |inner, _| format!("${{{{{inner}}}=={{x}}?{{x}}:{{y}}}}"));
        assert!(!ends(&compared(COMPARISON_LIMIT), &[]));
        assert!(ends(&compared(COMPARISON_LIMIT + 1), &[]));
        let long = "x".repeat(TEXT_LIMIT / 2);
        assert!(!ends("$a$a", &[("a", &long)]));
        assert!(ends("$a${a}x", &[("a", &long)]));
        // One piece of work for the value itself, for each reference, and for the text of each.
        let many = |count: usize| "$a".repeat(count);
        assert!(!ends(&many(VALUE_WORK_LIMIT / 2 - 1), &[("a", "x")]));
        assert!(ends(&many(VALUE_WORK_LIMIT), &[("a", "x")]));
    }

    #[test]
    fn a_sole_reference_is_recognised() {
        for (text, name) in [
            ("$a", Some("a")),
            ("${ a }", Some("a")),
            ("$(a)", Some("a")),
            ("$a.b", None),
            ("${a?b}", None),
            ("$$a", None),
            ("$", None),
        ] {
            assert_eq!(sole_reference(text), name, "{text}");
        }
    }
}
