//! Whether a router ever runs: what Exim asks before it does (Exim specification, section 3.12), as far as files decide it.

use std::cell::OnceCell;
use std::rc::Rc;

use super::config::{Config, Driver};
use super::depend::{ITEM_COST, Walk};
use super::expand::lookups::{self, Type};
use super::expand::parse::Expr;
use super::expand::{Evaluator, Failure, Scope, Stop};
use super::lists;
use super::selection::{Selection, Takes};

/// Lists within lists that are followed.
const DEPTH_LIMIT: usize = 20;

/// What is asked of one router, sender by sender.
pub(crate) struct Asked<'a> {
    router: &'a Driver,
    selection: &'a Selection<'a>,
    evaluator: &'a Evaluator<'a>,
    scope: &'a Scope,
    /// What does not depend on the sender.
    domains: (Takes, bool),
    local_parts: (Takes, bool),
    conditions: Vec<Condition>,
}

/// An expanded precondition.
struct Condition {
    expr: Rc<Expr>,
    files: bool,
    /// Whether it asks for the sender.
    sender: bool,
    /// Whether it does so in a way that no list of domains covers.
    opaque: bool,
    /// What came of it for everyone, once it was seen that the sender has no say.
    known: OnceCell<Held>,
}

/// Whether a precondition holds, and a failure for which Exim skips the router.
type Held = (Takes, Option<(&'static str, Failure)>);

/// What came of asking.
pub(crate) struct Answer {
    /// Whether it takes the mail.
    pub takes: Takes,
    /// Whether it takes at least some.
    pub sure: bool,
    /// A condition that fails, and why: Exim skips the router.
    pub skipped: Option<(&'static str, Failure)>,
}

impl<'a> Asked<'a> {
    /// What is asked of `router`.
    pub(crate) fn new(
        router: &'a Driver,
        selection: &'a Selection<'a>,
        config: &'a Config,
        evaluator: &'a Evaluator<'a>,
        scope: &'a Scope,
    ) -> Asked<'a> {
        let condition = |name: &str, files| {
            let text = router.get(name)?.value.as_str();
            let mut walk = Walk::new(&config.lists);
            let expr = evaluator.parsed(text);
            walk.add(&expr);
            // Where the work is at its end, no sender is asked for.
            let _ = evaluator.spend(walk.octets);
            let (sender, opaque) = (walk.uses.sender, walk.uses.opaque);
            Some(Condition { expr, files, sender, opaque, known: OnceCell::new() })
        };
        let list = |name, kind| list_takes(router, name, kind, config, evaluator, scope);
        Asked {
            router,
            selection,
            evaluator,
            scope,
            domains: list("domains", "domainlist"),
            local_parts: list("local_parts", "localpartlist"),
            conditions: [condition("require_files", true), condition("condition", false)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }

    /// Whether the router takes the mail of a sender, by its number. The order is Exim's.
    pub(crate) fn sender(&self, sender: usize) -> Answer {
        let mut sure = self.domains.1 && self.local_parts.1;
        let answer = |takes| Answer { takes, sure: false, skipped: None };
        if self.router.is("verify_only", false) {
            return answer(Takes::No);
        }
        let mut takes = Takes::Yes;
        let sends = self.selection.sends(self.router, sender);
        for earlier in [&self.domains.0, &self.local_parts.0, &sends] {
            match weaker(takes, earlier) {
                Ok(weaker) => takes = weaker,
                Err(last) => return answer(last),
            }
        }
        if ["check_local_user", "local_part_prefix", "local_part_suffix"]
            .iter()
            .any(|name| self.router.get(name).is_some())
        {
            takes = if takes == Takes::Yes { Takes::Perhaps } else { takes };
            sure = false;
        }
        for condition in &self.conditions {
            let (own, skipped) = self.holds(condition, sender);
            if own == Takes::No {
                return Answer { takes: own, sure: false, skipped };
            }
            sure &= own == Takes::Yes;
            match weaker(takes, &own) {
                Ok(weaker) => takes = weaker,
                Err(last) => return answer(last),
            }
        }
        Answer { sure: sure && takes != Takes::Unknown, takes, skipped: None }
    }

    fn holds(&self, condition: &Condition, sender: usize) -> Held {
        if let Some(known) = condition.known.get() {
            return known.clone();
        }
        let (held, asks) = self.evaluator.by_sender(|| self.holds_for(condition, sender));
        match asks && !condition.opaque {
            true => held,
            false => condition.known.get_or_init(|| held).clone(),
        }
    }

    fn holds_for(&self, condition: &Condition, sender: usize) -> Held {
        let mut scope = if condition.opaque { self.scope.clone() } else { self.selection.scope_of(sender) };
        match self.evaluator.value(&condition.expr, &mut scope) {
            Ok(text) if condition.files => (self.files(&text), None),
            // Blanks are a text too.
            Ok(text) => match text.to_ascii_lowercase().as_str() {
                "" | "0" | "no" | "false" => (Takes::No, None),
                _ => (Takes::Yes, None),
            },
            Err(Stop::Forced(_)) => (Takes::No, None),
            Err(Stop::Fails(why)) if condition.files => (Takes::Fails("require_files", why), None),
            Err(Stop::Fails(why)) => (Takes::No, Some(("condition", why))),
            // Whose mail it is then is not known.
            Err(Stop::Undecided { .. }) if condition.sender => (Takes::Unknown, None),
            Err(Stop::Undecided { .. }) => (Takes::Perhaps, None),
        }
    }

    /// Whether files are there that must be, and are not that must not. Another user's view of them is not known.
    fn files(&self, list: &str) -> Takes {
        let mut takes = Takes::Yes;
        for item in lists::items(list) {
            let (item, wanted) = match item.strip_prefix('!') {
                Some(rest) => (rest.trim_start(), false),
                None => (item.as_str(), true),
            };
            let path = item.strip_prefix('+').map_or(item, str::trim_start);
            if !path.starts_with('/') {
                continue;
            }
            match self.evaluator.is_there(path) {
                Some(there) if there == wanted => {}
                Some(_) => return Takes::No,
                None => takes = Takes::Perhaps,
            }
        }
        takes
    }
}

/// Both together; an error where it ends here.
fn weaker(so_far: Takes, next: &Takes) -> Result<Takes, Takes> {
    match (so_far, next) {
        (_, Takes::No) => Err(Takes::No),
        // Some of the mail may not come so far.
        (Takes::Yes, Takes::Fails(..)) => Err(next.clone()),
        (so_far, Takes::Fails(..)) => Ok(so_far),
        (Takes::Unknown, _) | (_, Takes::Unknown) => Ok(Takes::Unknown),
        (Takes::Perhaps, _) | (_, Takes::Perhaps) => Ok(Takes::Perhaps),
        (so_far, _) => Ok(so_far),
    }
}

/// What a list of domains or local parts says of mail to others.
fn list_takes(
    router: &Driver,
    option: &'static str,
    kind: &str,
    config: &Config,
    evaluator: &Evaluator,
    scope: &Scope,
) -> (Takes, bool) {
    // An empty list holds nobody.
    let Some(text) = router.get(option).map(|list| list.value.as_str()) else { return (Takes::Yes, true) };
    let list = match evaluator.value(&evaluator.parsed(text), &mut scope.clone()) {
        Ok(list) => list,
        Err(Stop::Forced(_)) => return (Takes::No, true),
        Err(Stop::Fails(why)) => return (Takes::Fails(option, why), true),
        Err(Stop::Undecided { .. }) => return (Takes::Perhaps, false),
    };
    match reach(&list, kind, config, evaluator, 0) {
        Ok(Reach::Nobody) => (Takes::No, true),
        Ok(Reach::Everybody) => (Takes::Yes, true),
        Ok(Reach::Some) => (Takes::Perhaps, true),
        Ok(Reach::Open) => (Takes::Perhaps, false),
        Err(why) => (Takes::Fails(option, why), true),
    }
}

/// How many domains or local parts of others are in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Nobody,
    /// Perhaps some.
    Open,
    Some,
    /// All but a few.
    Everybody,
}

fn reach(list: &str, kind: &str, config: &Config, evaluator: &Evaluator, depth: usize) -> Result<Reach, Failure> {
    let mut otherwise = Reach::Nobody;
    let (mut some, mut open) = (false, false);
    for item in lists::each(list) {
        if evaluator.spend(ITEM_COST).is_err() {
            return Ok(Reach::Open);
        }
        let positive = item.strip_prefix('!').map_or(&*item, str::trim_start);
        let negated = positive.len() < item.len();
        let own = one(positive, kind, config, evaluator, depth)?;
        otherwise = Reach::Nobody;
        match (own, negated) {
            (Reach::Everybody, false) => return Ok(Reach::Everybody),
            (Reach::Everybody, true) => break,
            (Reach::Some, false) => some = true,
            (Reach::Open, false) => open = true,
            (Reach::Some | Reach::Open | Reach::Nobody, true) => otherwise = Reach::Everybody,
            (Reach::Nobody, false) => {}
        }
    }
    Ok(match otherwise {
        Reach::Nobody if some => Reach::Some,
        Reach::Nobody if open => Reach::Open,
        otherwise => otherwise,
    })
}

fn one(item: &str, kind: &str, config: &Config, evaluator: &Evaluator, depth: usize) -> Result<Reach, Failure> {
    if let Some(name) = item.strip_prefix('+') {
        let Some(inner) = config.lists.get(&(kind.to_owned(), name.to_owned())) else {
            let kind = if kind == "domainlist" { "domain" } else { "local part" };
            return Err(Failure::new(format!("unknown named {kind} list \"+{name}\"")));
        };
        if depth >= DEPTH_LIMIT {
            return Ok(Reach::Open);
        }
        return match evaluator.value(&evaluator.parsed(&inner.value), &mut Scope::default()) {
            Ok(inner) => reach(&inner, kind, config, evaluator, depth + 1),
            // Such a list holds nobody.
            Err(Stop::Forced(_)) => Ok(Reach::Nobody),
            Err(_) => Ok(Reach::Open),
        };
    }
    // A file that holds more of the list.
    if item.starts_with('/') && !item.contains(';') {
        return held(evaluator.list_file(item).map(|table| table.entries.is_empty()));
    }
    let by_key = item.split_once(';').map(|(kind, file)| (Type::parse(kind.trim()).name, file.trim()));
    if let Some((name, file)) = by_key
        && matches!(name, "lsearch" | "wildlsearch" | "nwildlsearch")
        && lookups::check(name, true).is_ok()
    {
        return held(evaluator.table(file).map(|table| table.entries.is_empty()));
    }
    if let Some((name, file)) = by_key
        && matches!(name, "dsearch" | "cdb")
        && file.starts_with('/')
        && evaluator.is_there(file) == Some(false)
    {
        let message = format!("failed to open {file} for a {name} lookup: No such file or directory");
        return match Stop::absent(file, message) {
            Stop::Fails(why) => Err(why),
            _ => Ok(Reach::Open),
        };
    }
    // A domain holds neither commas nor blanks.
    let never = kind == "domainlist" && by_key.is_none() && !item.starts_with('^') && item.contains([',', ' ', '\t']);
    Ok(match item {
        "*" => Reach::Everybody,
        "" => Reach::Nobody,
        _ if never => Reach::Nobody,
        _ => Reach::Some,
    })
}

/// What is in a file; `read` says whether that is nothing.
fn held(read: Result<bool, Stop>) -> Result<Reach, Failure> {
    match read {
        Ok(true) => Ok(Reach::Nobody),
        Ok(false) => Ok(Reach::Some),
        Err(Stop::Fails(why)) if why.is_of_absent_file() => Err(why),
        Err(_) => Ok(Reach::Open),
    }
}
