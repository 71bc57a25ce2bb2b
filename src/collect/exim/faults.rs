//! What keeps mail from leaving.

use std::collections::HashMap;

use super::expand::Failure;
use crate::facts::{Fact, Mta, Origin, Problem, ProblemKind, SenderDomains};

/// The origin of what no file sets.
pub(crate) const EXIM: Origin = Origin::default_of("Exim specification");

/// Outcomes that keep mail from leaving: by the setting and the message.
pub(crate) type Faults = HashMap<(String, Failure), Fault>;

/// What keeps mail from leaving.
pub(crate) struct Fault {
    /// The setting.
    pub fact: Fact<String>,
    /// Whose mail.
    pub affected: SenderDomains,
    /// What Exim does then.
    pub then: &'static str,
}

/// What Exim does where a setting of a transport fails.
pub(crate) const DEFERS: &str = "Exim defers the mail";

/// Reports what keeps mail from leaving.
pub(crate) fn report(faults: Faults, cpanel: bool, problems: &mut Vec<Problem>) {
    let mut faults: Vec<_> = faults.into_iter().collect();
    faults.sort_by(|a, b| a.0.cmp(&b.0));
    // Of the problems so far, by their files: made where one may be joined.
    let mut by_file: Option<HashMap<String, Vec<usize>>> = None;
    for ((setting, why), fault) in faults {
        let what = format!("{setting} fails: {}; {}{}", why.message, fault.then, affected_senders(&fault.affected));
        let fact = fault.fact;
        let missing = why.file.as_ref().map(|file| file.path.as_str());
        let problem = match missing {
            Some(path) if cpanel || matches!(path, "/etc/mailips" | "/etc/mailhelo") => {
                Problem::of_file(ProblemKind::MapMissing, path, Some(fact.origin), what)
            }
            Some(path) => Problem::of_file(ProblemKind::Unreadable { undecided: false }, path, Some(fact.origin), what),
            None => Problem::at(ProblemKind::Syntax { mta: Mta::Exim, whole: false }, fact.origin, what),
        };
        if missing.is_none() {
            problems.push(problem);
            continue;
        }
        let by_file = by_file.get_or_insert_with(|| {
            let mut all: HashMap<String, Vec<usize>> = HashMap::new();
            problems.iter().enumerate().for_each(|(at, known)| all.entry(known.file.clone()).or_default().push(at));
            all
        });
        let here = by_file.entry(problem.file.clone()).or_default();
        match here.iter().find(|at| problems.get(**at).is_some_and(|known| known.kind == problem.kind)).copied() {
            Some(at) => problems[at].related.extend(problem.origin.map(|origin| (origin, problem.message))),
            None => {
                here.push(problems.len());
                problems.push(problem);
            }
        }
    }
}

/// Whose mail it is, where that is not everyone's.
fn affected_senders(affected: &SenderDomains) -> String {
    const NAMED: usize = 5;
    let SenderDomains::Only { domains, others } = affected else { return String::new() };
    let mut names: Vec<String> = domains.iter().take(NAMED).map(ToString::to_string).collect();
    match (domains.len().saturating_sub(NAMED), others) {
        (0, false) => {}
        (0, true) => names.push("domains that no file names".into()),
        (more, false) => names.push(format!("{more} more")),
        (more, true) => names.push(format!("{more} more, and domains that no file names")),
    }
    if names.is_empty() { String::new() } else { format!(" of {}", names.join(", ")) }
}
