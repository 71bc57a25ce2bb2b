//! What a move changed, as a document: for people, for programs, for a ticket.

mod human;
mod markdown;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::compare::{Change, Effect, NotCompared, Verdict, What};
use crate::escape::{self, Sanitize, harmless, sanitize_fields};
use crate::facts::{Facts, Moved};
use crate::identity::host_or_node_name;
use crate::remedy::Plan;
use crate::report::{FindingView, OriginView, Report, SCHEMA, Style, Summary, Tool};

/// The formats of `compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonFormat {
    /// For people, in a terminal.
    Human,
    /// One JSON document.
    Json,
    /// For a ticket.
    Markdown,
}

/// Two hosts, and what differs.
#[derive(Debug, Clone)]
pub struct Comparison {
    old: HostAt,
    new: HostAt,
    map: Vec<MapView>,
    changes: Vec<ChangeView>,
    not_compared: Vec<NotComparedView>,
    report: Report,
}

/// What could not be compared.
#[derive(Debug, Clone, Serialize)]
struct NotComparedView {
    what: String,
    why: String,
}

/// A host at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct HostAt {
    /// What `hostname -f` prints, else the node name.
    host: Option<String>,
    /// When its snapshot was taken, or the DNS answered; null where nobody has a clock.
    taken: Option<String>,
}

/// What is meant to become what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MapView {
    old: String,
    new: String,
}

/// One difference.
#[derive(Debug, Clone, Serialize)]
struct ChangeView {
    what: &'static str,
    key: String,
    old: Option<String>,
    new: Option<String>,
    verdict: &'static str,
    because: String,
    origins: Vec<OriginView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<String>,
    /// The place is on the old host.
    #[serde(skip)]
    on_old_host: bool,
}

harmless!(What, Verdict, Effect);
sanitize_fields! {
    HostAt { host, taken }
    MapView { old, new }
    ChangeView { what, key, old, new, verdict, because, origins, domains, on_old_host }
    NotComparedView { what, why }
    Comparison { old, new, map, changes, not_compared, report }
}

/// The document, in the order of the contract.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool,
    old: &'a HostAt,
    new: &'a HostAt,
    map: &'a [MapView],
    changes: &'a [ChangeView],
    not_compared: &'a [NotComparedView],
    findings: &'a [FindingView],
    plan: &'a Option<Plan>,
    summary: Summary,
}

impl Comparison {
    /// Of the host before and after its move. `taken` is the time of the new host's snapshot, where it is one.
    pub fn new(
        moved: &Moved,
        facts: &Facts,
        taken: Option<String>,
        changes: Vec<Change>,
        not_compared: Vec<NotCompared>,
        report: Report,
    ) -> Comparison {
        let name = |facts: &Facts| host_or_node_name(facts).map(|name| name.value.to_string());
        let pair = |(old, new)| MapView { old, new };
        let mut views: Vec<ChangeView> = changes.iter().map(view).collect();
        views.extend(in_files(facts, &views));
        Comparison {
            old: HostAt { host: name(&moved.old), taken: Some(moved.taken.clone()).filter(|taken| !taken.is_empty()) },
            new: HostAt { host: name(facts), taken: taken.or(report.taken.clone()) },
            map: moved.map.iter().map(|mapped| pair(mapped.texts())).collect(),
            changes: views,
            not_compared: not_compared
                .into_iter()
                .map(|NotCompared { what, why }| NotComparedView { what, why })
                .collect(),
            report,
        }
    }

    /// The text in a format, final line end included.
    pub fn render(mut self, format: ComparisonFormat, style: &Style) -> String {
        if format != ComparisonFormat::Json {
            self.sanitize();
        }
        match format {
            ComparisonFormat::Human => human::render(&self, style),
            ComparisonFormat::Markdown => markdown::render(&self),
            ComparisonFormat::Json => {
                let document = Document {
                    schema: SCHEMA,
                    tool: Tool::this(),
                    old: &self.old,
                    new: &self.new,
                    map: &self.map,
                    changes: &self.changes,
                    not_compared: &self.not_compared,
                    findings: &self.report.findings,
                    plan: &self.report.plan,
                    summary: self.report.summary,
                };
                // Neither maps with keys that are no text nor a failing Serialize are in it.
                escape::json(&document, true).unwrap_or_default()
            }
        }
    }

    /// The changes with one verdict.
    fn with(&self, verdict: Verdict) -> Vec<&ChangeView> {
        self.changes.iter().filter(|change| change.verdict == verdict.as_str()).collect()
    }

    /// How many of each there are, in a sentence.
    fn sentence(&self) -> String {
        let count = |verdict| self.with(verdict).len();
        let (drift, left, expected) = (count(Verdict::Drift), count(Verdict::Leftover), count(Verdict::Expected));
        let number = |count: usize, word: &str| super::plural::count(count, word);
        let of = if self.not_compared.is_empty() { "" } else { " of what could be compared" };
        match (drift, left, expected) {
            (0, 0, 0) => format!("nothing changed{of}"),
            (0, 0, expected) => format!("nothing changed{of} but what was expected ({})", number(expected, "change")),
            _ => format!("{}, {}, {} expected", number(drift, "drift"), number(left, "leftover"), expected),
        }
    }
}

fn view(change: &Change) -> ChangeView {
    ChangeView {
        what: change.what.as_str(),
        key: change.key.clone(),
        old: change.old.clone(),
        new: change.new.clone(),
        verdict: change.verdict.as_str(),
        because: change.because.clone(),
        origins: change.origin.iter().map(OriginView::from).collect(),
        domains: change.domains.iter().map(ToString::to_string).collect(),
        on_old_host: change.on_old_host,
    }
}

/// What is left in files, comments apart, at places that no change names.
fn in_files(facts: &Facts, known: &[ChangeView]) -> Vec<ChangeView> {
    let mut told: BTreeSet<String> = known
        .iter()
        .filter(|change| !change.on_old_host)
        .flat_map(|change| &change.origins)
        .map(OriginView::describe)
        .collect();
    let mut all = Vec::new();
    for left in facts.leftovers.iter().filter(|left| !left.in_comment) {
        let origin = OriginView::from(&crate::facts::Origin::File(left.span.clone()));
        let place = origin.describe();
        if !told.insert(place.clone()) {
            continue;
        }
        let value = left.value.to_string();
        all.push(ChangeView {
            what: What::Setting.as_str(),
            key: place,
            old: Some(value.clone()),
            new: Some(value),
            verdict: Verdict::Leftover.as_str(),
            because: "it belongs to the old host".to_owned(),
            origins: vec![origin],
            domains: Vec::new(),
            on_old_host: false,
        });
    }
    all
}
