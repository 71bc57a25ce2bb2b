//! What targets share: a host of `testdata/hosts` of which some files are replaced in memory, and what must hold of anything that is
//! made of it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use crate::collect::kernel::{self, KernelFacts};
use crate::collect::processes::Found;
use crate::collect::root::{Changed, Root};
use crate::facts::{Facts, Overrides};
use crate::observe::plan::{FollowUps, Plan};
use crate::observe::recorded::Zones;
use crate::observe::source::{Answers, Source};
use crate::observe::{Observations, Question};
use crate::remedy::{self, Ground};
use crate::report::{self, Format, Report, Style};
use crate::rules::{self, Selection};
use crate::{collect, escape, identity, snapshot};

/// Runs after which a host is opened anew: it remembers every path that it was asked for.
const RUNS: usize = 2_000;

/// A recorded host.
pub(super) struct World {
    root: Root,
    kernel: KernelFacts,
    zones: Zones,
    runs: usize,
}

thread_local!(static WORLDS: RefCell<HashMap<&'static str, World>> = RefCell::default());

/// The recorded hosts.
pub(super) fn hosts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts")
}

/// Does `work` with the host `name` of `testdata/hosts`.
pub(super) fn with_host<T>(name: &'static str, work: impl FnOnce(&World) -> T) -> T {
    let known = WORLDS.with_borrow_mut(|worlds| worlds.remove(name));
    let mut world = known.filter(|world| world.runs < RUNS).unwrap_or_else(|| World::new(name));
    world.runs += 1;
    let made = work(&world);
    WORLDS.with_borrow_mut(|worlds| worlds.insert(name, world));
    made
}

impl World {
    fn new(name: &str) -> World {
        let dir = hosts().join(name);
        let recorded = fs::read_to_string(dir.join("kernel")).expect("the host's kernel file can be read");
        let zones = fs::read_dir(dir.join("zones")).expect("the host has zones");
        let zones = zones.flatten().map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("the zone can be read");
            (entry.path().display().to_string(), text)
        });
        World {
            root: Root::open(&dir.join("root")).expect("the host's files can be read"),
            kernel: kernel::from_file(&recorded).expect("the host's kernel file is one"),
            zones: Zones::load(zones).expect("the zones can be read"),
            runs: 0,
        }
    }

    /// What the host says of itself where `files` hold these texts.
    pub(super) fn facts(&self, files: &[(&str, &str)]) -> Facts {
        let changed = |text: &str| Some(Changed { text: text.into(), modified: 1 });
        self.root.set_trial(files.iter().map(|(path, text)| (self.root.place(path), changed(text))).collect());
        let mut facts = collect::collect_beside(&self.root, Some(self.kernel.clone()), &Found::default());
        self.root.set_trial(BTreeMap::new());
        identity::apply(&mut facts, Overrides { mta: None, nat: Vec::new() });
        facts
    }

    /// Collects and judges, and looks at all that is written of it.
    ///
    /// # Panics
    /// Where a promise is broken.
    pub(super) fn check(&self, files: &[(&str, &str)]) {
        let facts = self.facts(files);
        let dns = Observations::offline();
        look_at(&facts, &dns);
        let text = snapshot::write(&facts, &dns, jiff::Timestamp::UNIX_EPOCH).expect("a snapshot can be written");
        snapshot::read(&text).expect("a snapshot that was written can be read");
    }

    /// Makes a plan, and looks at how it is written.
    ///
    /// # Panics
    /// Where a promise is broken.
    pub(super) fn plan(&self, files: &[(&str, &str)]) {
        self.with_ground(files, |ground| {
            let plan = remedy::search(ground).plan;
            let metas = rules::all().map(|rule| &rule.meta);
            let mut report = Report::new(ground.facts, ground.dns, ground.findings.to_vec(), metas, &[]);
            report.set_plan(plan);
            written(&report);
        });
    }

    /// Does `work` with what a plan is made from, where `files` hold these texts.
    pub(super) fn with_ground<T>(&self, files: &[(&str, &str)], work: impl FnOnce(&Ground<'_>) -> T) -> T {
        for (path, text) in files {
            self.root.hold(path, text);
        }
        let facts = self.facts(&[]);
        let dns = Source::new(Answers::Zones(self.zones.clone())).answer(&Plan::new(&facts), Observations::default());
        let judge = |facts: &Facts, dns: &Observations| rules::judge(facts, dns, &Selection::default()).findings;
        let answer = |questions: &BTreeSet<Question>, facts: &Facts, dns: Observations| {
            self.zones.answer_more(questions, &FollowUps::new(facts), dns)
        };
        let findings = judge(&facts, &dns);
        work(&Ground {
            root: Some(&self.root),
            kernel: Some(self.kernel.clone()),
            running: &Found::default(),
            facts: &facts,
            dns: &dns,
            answer: Some(&answer),
            extra: BTreeSet::new(),
            findings: &findings,
            judge: &judge,
        })
    }
}

/// Judges, and looks at the reports.
///
/// # Panics
/// Where a promise is broken.
pub(super) fn look_at(facts: &Facts, dns: &Observations) {
    let outcome = rules::judge(facts, dns, &Selection::default());
    let metas = rules::all().map(|rule| &rule.meta);
    written(&Report::new(facts, dns, outcome.findings, metas, &outcome.not_checked));
}

/// Writes reports: no character that controls a terminal, or turns a text around, is in them.
fn written(report: &Report) {
    let json = write_as(Format::Json, report);
    serde_json::from_str::<IgnoredAny>(&json).expect("it is JSON");
    write_as(Format::Human, report);
    // One of all, chosen by what it is about: the same input gives the same.
    write_as(Format::ALL[json.len() % Format::ALL.len()], report);
}

fn write_as(format: Format, report: &Report) -> String {
    let text = report::render(format, Cow::Borrowed(report), &Style::plain());
    let bad = text.chars().find(|c| escape::is_harmful(*c) && *c != '\n');
    assert_eq!(bad, None, "{format:?}");
    text
}

/// The text of a file with these octets, as helolint reads it.
pub(super) fn text(octets: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(octets)
}
