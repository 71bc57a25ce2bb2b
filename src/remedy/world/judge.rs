//! The host of a world, collected, resolved and judged.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lab, World};
use crate::collect::collect_again;
use crate::collect::root::Changed;
use crate::facts::{Expectations, Facts};
use crate::findings::{Finding, Severity};
use crate::identity;
use crate::observe::Observations;
use crate::observe::change::RecordChanges;
use crate::remedy::trial::{Key, PathKey, Trial};

/// A finding without its words and its evidence, for which nobody asks a trial.
fn brief(finding: &Finding) -> Finding {
    Finding {
        meta: finding.meta,
        severity: finding.severity,
        verdict: finding.verdict,
        subject: finding.subject.clone(),
        message: String::new(),
        places: finding.places.clone(),
        evidence: Vec::new(),
        fix: finding.fix.clone(),
        paths: finding.paths.clone(),
        open: finding.open.clone(),
    }
}

/// Rounds in which answers may bring further questions in one trial.
const ROUNDS: usize = 6;

impl Lab<'_> {
    /// The host as it was judged.
    pub(super) fn start(&self) -> Trial {
        let ground = self.ground;
        let loud = ground.findings.iter().filter(|finding| finding.severity >= Severity::Warning);
        Trial::new(ground.facts.clone(), ground.dns.clone(), loud.map(brief).collect())
    }

    pub(super) fn judged(&self, world: &World) -> Trial {
        let (facts, dns, mut findings) = self.all(world);
        findings.retain(|finding| finding.severity >= Severity::Warning);
        // Nobody asks a trial for them, and some are kept.
        for finding in &mut findings {
            (finding.message, finding.evidence) = (String::new(), Vec::new());
        }
        Trial::new(facts, dns, findings)
    }

    /// Every finding of the host of a world, by code and subject, also those that are only worth knowing.
    pub(in crate::remedy) fn findings(&self, world: &World) -> BTreeSet<Key> {
        let (.., findings) = self.all(world);
        findings.into_iter().map(|finding| (finding.meta.code, finding.subject)).collect()
    }

    fn all(&self, world: &World) -> (Facts, Observations, Vec<Finding>) {
        let facts = self.facts(world);
        let dns = self.answers(&facts, world);
        let mut findings = (self.ground.judge)(&facts, &dns);
        // A service that is cut away is not missing.
        let cut = self.sample.borrow();
        let is_cut = |finding: &Finding| finding.meta.code == "CFG017" && cut.services.contains(&finding.subject);
        findings.retain(|finding| !is_cut(finding));
        (facts, dns, findings)
    }

    fn facts(&self, world: &World) -> Facts {
        // Records change nothing on the host itself.
        if let Some((_, trial)) = self.kept.borrow().iter().find(|(known, _)| known.is_same_host(world)) {
            return trial.facts.clone();
        }
        let mut facts = self.collected(world);
        let left_out = self.left_out.borrow();
        if !left_out.is_empty() {
            facts.paths.retain(|path| !left_out.contains(&PathKey::of(path)));
        }
        facts
    }

    fn collected(&self, world: &World) -> Facts {
        let ground = self.ground;
        let same_kernel = world.kernel.is_none() || world.kernel == ground.kernel;
        let sample = self.sample.borrow();
        let is_as_read = world.files.is_empty() && same_kernel && sample.files.is_empty();
        let (Some(root), false) = (ground.root, is_as_read) else {
            return self.reloaded(ground.facts.clone(), world);
        };
        let mut files: BTreeMap<String, Option<Changed>> =
            sample.files.iter().map(|(place, cut)| (place.clone(), Some(cut.clone()))).collect();
        files.extend(world.files.clone());
        root.set_trial(files);
        let mut facts = collect_again(root, world.kernel.clone(), ground.running, ground.facts, &self.memory);
        if let Some(moved) = &ground.facts.moved {
            facts.leftovers = self.memory.left_behind(root, &moved.sought);
        }
        root.set_trial(BTreeMap::new());
        facts.expect(Expectations {
            hostname: ground.facts.expected_hostname.clone(),
            helo: ground.facts.expected_helo.clone(),
            old_addresses: ground.facts.old_addresses.clone(),
            block_lists: ground.facts.block_lists.clone(),
            log: ground.facts.log.clone(),
            cutover: ground.facts.cutover.clone(),
            moved: ground.facts.moved.clone(),
        });
        identity::apply(&mut facts, ground.facts.overrides.clone());
        if ground.kernel.is_none() {
            facts.host.fqdn = ground.facts.host.fqdn.clone();
        }
        self.reloaded(facts, world)
    }

    fn reloaded(&self, mut facts: Facts, world: &World) -> Facts {
        // What daemons have not yet read is no fault of a change: a plan that changes files ends with a reload.
        if world.reloaded || !world.files.is_empty() {
            for daemon in &mut facts.daemons {
                (daemon.started, daemon.loaded) = (Some(i64::MAX), Some(i64::MAX));
            }
        }
        facts
    }

    fn answers(&self, facts: &Facts, world: &World) -> Observations {
        if self.ground.dns.offline {
            return self.ground.dns.clone();
        }
        let mut wanted = self.known.borrow().questions_of(facts, &world.records);
        for _ in 0..ROUNDS {
            let open = self.open(&wanted);
            if open.is_empty() || !self.learn(&open, facts) {
                break;
            }
            let mut asked = self.asked.borrow_mut();
            asked.extend(open);
            asked.extend(self.known.borrow().questions_of(facts, &RecordChanges::default()));
            drop(asked);
            wanted = self.known.borrow().questions_of(facts, &world.records);
        }
        self.known.borrow().after(&world.records, &self.asked.borrow(), &wanted)
    }
}
