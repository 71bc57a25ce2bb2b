//! What is said of a run, as it goes and at its end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli::{DomainsArgs, DomainsFormat};
use crate::commands::gather::Done;
use crate::domains::zones::ZoneKeeper;
use crate::error::Error;
use crate::exit;
use crate::findings::{Severity, Verdict};
use crate::name::DomainName;
use crate::report::domains::{self as report, DomainView, GapView};

/// What a told text begins with: for standard output, to be kept.
pub(super) const FOR_STDOUT: char = 'O';
pub(super) const TO_KEEP: char = 'K';
/// The same, for people beside the output.
pub(super) const FOR_STDERR: char = 'E';

/// Octets that are told together.
const TOGETHER: usize = 32 << 10;
/// How long anything is held back for others to be told with it.
const HELD_BACK: Duration = Duration::from_millis(100);

/// What is said of a run.
pub(super) struct Told<'a> {
    args: &'a DomainsArgs,
    /// For the formats that show all together.
    views: Vec<DomainView>,
    /// What files do not decide.
    gaps: Vec<GapView>,
    /// Zones that this host keeps.
    zones: &'a BTreeMap<DomainName, ZoneKeeper>,
    worst: u8,
    /// Domains so far.
    count: usize,
    /// Domains of which something is undetermined and that were done after a resolver was given up.
    left: usize,
    /// What is told soon: for standard output, and to be kept.
    output: String,
    kept: String,
    since: Instant,
    tell: &'a mut dyn FnMut(&str),
}

impl<'a> Told<'a> {
    /// Nothing yet, but the first line of formats that have one.
    pub(super) fn new(
        args: &'a DomainsArgs,
        gaps: Vec<GapView>,
        zones: &'a BTreeMap<DomainName, ZoneKeeper>,
        tell: &'a mut dyn FnMut(&str),
    ) -> Told<'a> {
        let output = if args.format == DomainsFormat::Csv { report::CSV_HEAD.to_owned() } else { String::new() };
        Told {
            args,
            views: Vec::new(),
            gaps,
            zones,
            worst: 0,
            count: 0,
            left: 0,
            output,
            kept: String::new(),
            since: Instant::now(),
            tell,
        }
    }

    /// A domain was done in the run that is resumed.
    pub(super) fn add_earlier(&mut self, view: DomainView) {
        self.add_to(view, false);
    }

    /// A domain is done; `given_up`: after a resolver was given up. What is undetermined of it then is not kept: a run that is resumed looks again.
    pub(super) fn add(&mut self, view: DomainView, given_up: bool) {
        let left = given_up && view.findings.iter().any(|finding| finding.verdict == Verdict::Undetermined);
        self.left += usize::from(left);
        self.add_to(view, self.args.resume.is_some() && !left);
    }

    /// Notes the resolvers that were given up, with the number of questions that left without an answer.
    pub(super) fn gave_up(&mut self, resolvers: &BTreeMap<SocketAddr, usize>) {
        for (resolver, questions) in resolvers {
            let words = format!(
                "the resolver {resolver} was given up, as nothing came from it; questions without an answer: {questions}; undetermined domains: {}",
                self.left
            );
            (self.tell)(&format!("{FOR_STDERR}{words}"));
        }
        if self.left > 0 {
            self.worst = self.worst.max(1);
        }
    }

    fn add_to(&mut self, view: DomainView, keep: bool) {
        self.count += 1;
        let findings = view.findings.iter().chain(&view.host_findings);
        let errors = findings.filter(|finding| finding.severity == Severity::Error);
        for finding in errors {
            let weight = if finding.verdict == Verdict::Fail { 2 } else { 1 };
            self.worst = self.worst.max(weight);
        }
        let line = (keep || self.args.format == DomainsFormat::Ndjson).then(|| report::json_line(&view));
        let line = line.as_deref().unwrap_or_default();
        if keep {
            self.kept.push_str(line);
        }
        match self.args.format {
            DomainsFormat::Ndjson => self.output.push_str(line),
            DomainsFormat::Csv => self.output.push_str(&report::csv(&view)),
            DomainsFormat::Human
            | DomainsFormat::Json
            | DomainsFormat::Markdown
            | DomainsFormat::Html
            | DomainsFormat::Prometheus => self.views.push(view),
        }
        if self.output.len() + self.kept.len() >= TOGETHER {
            self.tell_now();
        } else {
            self.tell_what_waits();
        }
    }

    /// Tells what has waited long enough.
    pub(super) fn tell_what_waits(&mut self) {
        if self.since.elapsed() >= HELD_BACK {
            self.tell_now();
        }
    }

    fn tell_now(&mut self) {
        // What is kept first: where the run is ended in between, a domain may be missing from the output, and is there when it is resumed.
        for (mark, text) in [(TO_KEEP, &mut self.kept), (FOR_STDOUT, &mut self.output)] {
            if !text.is_empty() {
                (self.tell)(&format!("{mark}{text}"));
                text.clear();
            }
        }
        self.since = Instant::now();
    }

    /// What stands in the place of a sum that would say nothing.
    fn instead(&self, looked_in: &[String]) -> Option<String> {
        match self.count {
            0 if looked_in.is_empty() => Some("no domain was found, and no file that names any".to_owned()),
            0 => Some(format!("no domain was found; looked in {}", looked_in.join(", "))),
            count if self.args.dns.offline => {
                let domains = if count == 1 { "1 domain".to_owned() } else { format!("{count} domains") };
                Some(format!("{domains}, not checked: nobody is asked with --offline"))
            }
            _ => None,
        }
    }

    /// The end of the run: the exit status, and the text of formats that show all domains together.
    pub(super) fn finished(mut self, looked_in: &[String]) -> Result<Done, Error> {
        self.tell_now();
        let instead = self.instead(looked_in);
        let instead = instead.as_deref();
        let is_whole = matches!(self.args.format, DomainsFormat::Human | DomainsFormat::Markdown | DomainsFormat::Html);
        if let Some(text) = instead.filter(|_| !is_whole) {
            (self.tell)(&format!("{FOR_STDERR}{text}"));
        }
        self.views.sort_by(|one, other| one.domain.cmp(&other.domain));
        let texts = match self.args.format {
            DomainsFormat::Human => vec![report::human(&self.views, &self.gaps, self.zones, instead)],
            // A file is written whole or not at all.
            DomainsFormat::Json if self.args.output.as_deref().is_some_and(|path| path != Path::new("-")) => {
                let mut text = String::new();
                report::json(&self.views, &self.gaps, self.zones, &mut |piece| text.push_str(piece));
                vec![text]
            }
            DomainsFormat::Json => {
                let tell = &mut |piece: &str| (self.tell)(&format!("{FOR_STDOUT}{piece}"));
                report::json(&self.views, &self.gaps, self.zones, tell);
                Vec::new()
            }
            DomainsFormat::Markdown => vec![report::markdown(&self.views, &self.gaps, self.zones, instead)],
            DomainsFormat::Html => vec![report::page(&self.views, &self.gaps, self.zones, instead)],
            DomainsFormat::Prometheus => vec![report::prometheus(&self.views)],
            DomainsFormat::Ndjson | DomainsFormat::Csv => Vec::new(),
        };
        // The process ends soon: what was told of twenty thousand domains need not be taken apart piece by piece before.
        std::mem::forget(self.views);
        // Where a list could not be read, domains may be missing.
        if self.count == 0 && self.gaps.iter().any(|gap| gap.of == "domains") {
            self.worst = self.worst.max(1);
        }
        let status = match self.worst {
            0 => exit::OK,
            1 => exit::UNDETERMINED,
            _ => exit::FOUND,
        };
        Ok(Done { status, texts })
    }
}
