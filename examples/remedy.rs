//! What is to be done, as data: a plan that was carried out on a copy in memory, for a recorded host with its kernel's facts and zone files.
//!
//!     cargo run --example remedy -- testdata/hosts/postfix-old-ptr

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use helolint::collect::kernel;
use helolint::collect::{self, root::Root};
use helolint::facts::{Facts, Overrides};
use helolint::observe::plan::{FollowUps, Plan};
use helolint::observe::recorded::Zones;
use helolint::observe::source::{Answers, Source};
use helolint::observe::{Observations, Question};
use helolint::rules::{self, Selection};
use helolint::{identity, remedy};

/// The plan for a folder with `root`, `kernel` and `zones`.
///
/// # Errors
/// Where something of it cannot be read.
pub fn told(mut args: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let host = args.next().ok_or("a folder with root, kernel and zones is wanted")?;
    let host = Path::new(&host);
    let root = Root::open(&host.join("root"))?;
    let kernel = kernel::from_file(&fs::read_to_string(host.join("kernel"))?)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(host.join("zones"))? {
        let path = entry?.path();
        files.push((path.display().to_string(), fs::read_to_string(path)?));
    }
    let zones = Zones::load(files).map_err(|errors| errors[0].to_string())?;

    let running = collect::running(&root);
    let mut facts = collect::collect_beside(&root, Some(kernel.clone()), &running);
    identity::apply(&mut facts, Overrides::default());
    let source = Source::new(Answers::Zones(zones.clone()));
    let dns = source.answer(&Plan::new(&facts), Observations::default());
    let judge = |facts: &Facts, dns: &Observations| rules::judge(facts, dns, &Selection::default()).findings;
    let findings = judge(&facts, &dns);

    // A trial may bring questions of its own, such as of the name that a host could go by.
    let answer = |questions: &BTreeSet<Question>, facts: &Facts, dns: Observations| {
        zones.answer_more(questions, &FollowUps::new(facts), dns)
    };
    let ground = remedy::Ground {
        root: Some(&root),
        kernel: Some(kernel),
        running: &running,
        facts: &facts,
        dns: &dns,
        answer: Some(&answer),
        extra: BTreeSet::new(),
        findings: &findings,
        judge: &judge,
    };
    let plan = remedy::search(&ground).plan;

    let mut out = String::new();
    for step in &plan.steps {
        let settles: Vec<&str> = step.settles.iter().map(|settled| settled.code.as_str()).collect();
        writeln!(out, "step {} settles {}", step.number, settles.join(", "))?;
        for action in &step.actions {
            writeln!(out, "  {}", serde_json::to_string(action)?)?;
        }
    }
    for left in &plan.remains {
        writeln!(out, "left: {} {}", left.code, left.subject)?;
    }
    Ok(out)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", told(std::env::args().skip(1))?);
    Ok(())
}
