//! Trials: the host as it would be after changes, collected, resolved and judged again. Nothing is written and nobody is asked; what a
//! trial would have to ask and nobody has answered is noted.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::collect::exim::GENERATED;
use crate::collect::kernel::KernelFacts;
use crate::collect::memory::Memory;
use crate::collect::processes::Found;
use crate::collect::root::{Changed, Root};
use crate::collect::{collect_again, system};
use crate::facts::{AddressFlag, Expectations, Facts, InterfaceAddress};
use crate::findings::{Finding, Severity, Verdict};
use crate::identity;
use crate::observe::change::{RecordChange, RecordChanges};
use crate::observe::{Observations, Question};
use crate::receivers;
use crate::remedy::edit::Edit;
use crate::source::SourceFile;

/// When a trial's changes are made, in seconds since 1970: later than any file on the host.
const LATER: i64 = 1 << 40;
/// Time for all trials of one plan: a host whose files are that large, or that many, gets the best plan found until then. Without
/// optimization everything takes ten times as long.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 2 });
/// Rules whose errors keep mail from leaving.
const BLOCKING: [&str; 8] = ["CFG001", "CFG004", "CFG017", "CFG018", "CPL001", "NET001", "NET007", "NET008"];
/// The one of them that keeps a whole MTA from starting.
const WHOLE: &str = "CFG001";
/// Maps that cPanel writes itself, unless the administrator has said by a flag that they are his.
const CPANEL_MAPS: [(&str, &str); 2] =
    [("/etc/mailips", "/var/cpanel/custom_mailips"), ("/etc/mailhelo", "/var/cpanel/custom_mailhelo")];
/// Rounds in which answers may bring further questions in one trial.
const ROUNDS: usize = 6;
/// The compiled forms of tables, by the type that makes each.
pub const COMPILED: [(&str, &str); 5] =
    [("hash", ".db"), ("btree", ".db"), ("lmdb", ".lmdb"), ("cdb", ".cdb"), ("dbm", ".dir")];

/// One change of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A file's content.
    Edit {
        /// The file, as the host sees it.
        file: String,
        /// What becomes of it.
        edit: Edit,
    },
    /// A file goes.
    Remove {
        /// The file.
        file: String,
    },
    /// A program that writes files from others.
    Generate {
        /// The program and its arguments.
        command: Vec<String>,
        /// The file that it reads, and that must have been changed for the program to write anything else than before; `None` where it
        /// goes by what the host is.
        from: Option<String>,
        /// The file that it writes.
        file: String,
        /// What becomes of that.
        edit: Edit,
    },
    /// A record.
    Record(RecordChange),
    /// Node name and `/etc/hostname`.
    HostName(String),
    /// An address on an interface.
    Address {
        /// The address.
        address: IpAddr,
        /// The interface.
        interface: String,
    },
    /// A route for public destinations.
    Route {
        /// The family.
        family: Family,
        /// The source that the kernel chooses then.
        source: IpAddr,
    },
    /// The compiled form of a table, `type:path`.
    Compile {
        /// The table.
        table: String,
    },
    /// Daemons read their configuration anew.
    Reload,
    /// Something that a person does in a panel, with what it brings about.
    ByHand {
        /// What.
        text: String,
        /// A command that does the same, where there is one.
        command: Option<String>,
        /// What it brings about.
        effect: Vec<Op>,
    },
}

/// What is known before anything is changed.
pub struct Ground<'a> {
    /// The files; `None` where there are none (a snapshot).
    pub root: Option<&'a Root>,
    /// What the kernel says.
    pub kernel: Option<KernelFacts>,
    /// Daemons that run.
    pub running: &'a Found,
    /// The facts that were judged.
    pub facts: &'a Facts,
    /// The answers that were judged.
    pub dns: &'a Observations,
    /// Answers questions without asking anybody outside; `None` where only the network could.
    pub answer: Option<&'a Answerer<'a>>,
    /// Questions that were asked for the plan alone.
    pub extra: BTreeSet<Question>,
    /// Judges.
    pub judge: &'a dyn Fn(&Facts, &Observations) -> Vec<Finding>,
}

/// Answers these questions as well as what was answered before.
pub type Answerer<'a> = dyn Fn(&BTreeSet<Question>, &Facts, Observations) -> Observations + 'a;

/// The host after changes.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Changed files by canonical path; `None`: removed.
    files: BTreeMap<String, Option<Changed>>,
    kernel: Option<KernelFacts>,
    records: RecordChanges,
    reloaded: bool,
    /// Changes so far, for the times of files.
    count: i64,
}

/// How bad things stand: the better, the smaller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// Errors for which mail does not leave at all; what a whole MTA refuses counts for more than all others. What they hide cannot be judged
    /// before they are gone.
    pub blocked: usize,
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Pairs of a path and a receiver that refuses it.
    pub refusing: usize,
}

/// What a trial came to.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The facts.
    pub facts: Facts,
    /// The answers.
    pub dns: Observations,
    /// Errors and warnings.
    pub findings: Vec<Finding>,
    /// How bad they are.
    pub score: Score,
    /// Which services send by which family.
    pub ways: BTreeSet<(Arc<str>, Family)>,
}

impl Trial {
    /// The errors and warnings by code and subject.
    pub fn keys(&self) -> BTreeSet<(&'static str, String)> {
        self.findings.iter().map(|finding| (finding.meta.code, finding.subject.clone())).collect()
    }

    /// The errors by code and subject.
    pub fn errors(&self) -> BTreeSet<(&'static str, String)> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| (finding.meta.code, finding.subject.clone())).collect()
    }
}

/// Tries changes, and keeps what all trials share.
pub struct Lab<'a> {
    /// What is known before.
    pub ground: &'a Ground<'a>,
    /// Answers to every question so far, of the world as it is.
    known: RefCell<Observations>,
    /// The questions that a run on some trial's host asks.
    asked: RefCell<BTreeSet<Question>>,
    /// Questions that trials brought and nobody has answered.
    missing: RefCell<BTreeSet<Question>>,
    /// What was read for trials; and the secrets, which no edit may show.
    memory: Memory,
    /// Trials so far.
    pub trials: Cell<usize>,
    /// When trying began.
    started: Instant,
}

impl<'a> Lab<'a> {
    /// Nothing is tried yet.
    pub fn new(ground: &'a Ground<'a>) -> Lab<'a> {
        let mut asked = ground.dns.questions_of(ground.facts, &RecordChanges::default());
        asked.extend(ground.extra.iter().cloned());
        Lab {
            ground,
            known: RefCell::new(ground.dns.clone()),
            asked: RefCell::new(asked),
            missing: RefCell::default(),
            memory: Memory::new(ground.root.map(Root::secrets).unwrap_or_default()),
            trials: Cell::new(0),
            started: Instant::now(),
        }
    }

    /// Whether so much has been tried that the best that was found has to do.
    pub fn is_over(&self, budget: usize) -> bool {
        self.trials.get() >= budget || self.started.elapsed() > TIME
    }

    /// The world as it is.
    pub fn world(&self) -> World {
        World { kernel: self.ground.kernel.clone(), ..World::default() }
    }

    /// What trials would have asked.
    pub fn missing(&self) -> BTreeSet<Question> {
        self.missing.borrow().clone()
    }

    /// What is known of a name, also where only trials brought the question.
    pub fn known(&self) -> Observations {
        self.known.borrow().clone()
    }

    /// The content of a file in a world; `None` where there is none, or it cannot be read.
    pub fn text(&self, world: &World, file: &str) -> Option<Arc<str>> {
        let root = self.ground.root?;
        match world.files.get(&root.place(file)) {
            Some(changed) => changed.as_ref().map(|changed| Arc::clone(&changed.text)),
            None => root.read(file).ok().map(|read| Arc::from(read.text())),
        }
    }

    /// The world after one more change; `None` where it cannot be made.
    pub fn apply(&self, world: &World, op: &Op) -> Option<World> {
        match op {
            Op::Edit { file, .. } if !self.lasts(world, file) => None,
            op => self.make(world, op),
        }
    }

    fn exists(&self, world: &World, file: &str) -> bool {
        let Some(root) = self.ground.root else { return false };
        world.files.get(&root.place(file)).map_or_else(|| root.exists(file), Option::is_some)
    }

    /// Whether what is written into a file by hand stays there.
    fn lasts(&self, world: &World, file: &str) -> bool {
        let is_cpanel = self.ground.facts.cpanel.is_some();
        match CPANEL_MAPS.iter().find(|(map, _)| *map == file) {
            Some((_, flag)) if is_cpanel => self.exists(world, flag),
            _ => file != GENERATED,
        }
    }

    /// The world after a change, whoever makes it.
    pub(super) fn make(&self, world: &World, op: &Op) -> Option<World> {
        let mut world = world.clone();
        world.count += 1;
        match op {
            Op::Generate { from: Some(from), .. } if !self.is_changed(&world, from) => return None,
            Op::Edit { file, edit } | Op::Generate { file, edit, .. } => {
                let text = self.text(&world, file);
                let new = match (&text, edit) {
                    // A new file without content.
                    (None, Edit::Whole { text }) if text.is_empty() => String::new(),
                    _ => edit.apply(text.as_deref().unwrap_or_default())?,
                };
                if self.tells_secrets(text.as_deref().unwrap_or_default(), &new) {
                    return None;
                }
                self.put(&mut world, file, Some(new))?;
            }
            Op::Remove { file } => {
                self.text(&world, file)?;
                self.put(&mut world, file, None)?;
            }
            Op::Record(change) => world.records.add(change),
            Op::HostName(name) => {
                self.put(&mut world, "/etc/hostname", Some(format!("{name}\n")))?;
                let hosts = self.hosts(&world);
                if let Some(kernel) = &mut world.kernel {
                    kernel.rename(name, &hosts);
                }
            }
            Op::Address { address, interface } => {
                let addresses = world.kernel.as_mut()?.addresses.as_mut()?;
                match addresses.iter_mut().find(|own| own.address == *address) {
                    Some(own) => own.flags.retain(|flag| *flag != AddressFlag::Down),
                    None => addresses.push(InterfaceAddress {
                        interface: interface.clone(),
                        address: *address,
                        prefix_length: Some(if address.is_ipv4() { 24 } else { 64 }),
                        flags: Vec::new(),
                    }),
                }
            }
            Op::Route { family, source } => {
                let kernel = world.kernel.as_mut()?;
                match family {
                    Family::Ipv4 => kernel.source.ipv4 = Some(*source),
                    Family::Ipv6 => kernel.source.ipv6 = Some(*source),
                }
            }
            Op::Compile { table } => {
                let (kind, path) = table.split_once(':').unwrap_or(("hash", table));
                let root = self.ground.root?;
                let endings =
                    COMPILED.iter().filter(|(of, ending)| *of == kind || root.exists(&format!("{path}{ending}")));
                for (_, ending) in endings {
                    self.put(&mut world, &format!("{path}{ending}"), Some(String::new()))?;
                }
            }
            Op::Reload => world.reloaded = true,
            Op::ByHand { effect, .. } => world = effect.iter().try_fold(world, |world, op| self.make(&world, op))?,
        }
        Some(world)
    }

    /// The files that changes edit.
    pub fn edited(&self, ops: &[Op]) -> BTreeSet<String> {
        let files = ops.iter().filter_map(|op| if let Op::Edit { file, .. } = op { Some(file.clone()) } else { None });
        files.collect()
    }

    fn is_changed(&self, world: &World, file: &str) -> bool {
        self.ground.root.is_some_and(|root| world.files.contains_key(&root.place(file)))
    }

    /// The world after several changes, in order.
    pub fn apply_all<'o>(&self, world: &World, ops: impl IntoIterator<Item = &'o Op>) -> Option<World> {
        ops.into_iter().try_fold(world.clone(), |world, op| self.apply(&world, op))
    }

    /// Whether lines that change hold a secret: such an edit could not be shown.
    fn tells_secrets(&self, old: &str, new: &str) -> bool {
        let same = |(a, b): &(&str, &str)| a == b;
        let start = old.lines().zip(new.lines()).take_while(same).count();
        let end = old.lines().rev().zip(new.lines().rev()).take_while(same).count();
        let tells = |text: &str| {
            let lines = text.lines().count();
            let mut between = text.lines().take(lines.saturating_sub(end)).skip(start);
            between.any(|line| self.memory.secrets().mask(line) != line)
        };
        tells(old) || tells(new)
    }

    fn put(&self, world: &mut World, file: &str, text: Option<String>) -> Option<()> {
        let place = self.ground.root?.place(file);
        let is_hosts = place == self.ground.root?.place("/etc/hosts");
        let changed = text.map(|text| Changed { text: text.into(), modified: LATER + world.count });
        world.files.insert(place, changed);
        if is_hosts {
            let hosts = self.hosts(world);
            if let Some(kernel) = &mut world.kernel {
                kernel.hosts_changed(&hosts);
            }
        }
        Some(())
    }

    fn hosts(&self, world: &World) -> Vec<crate::facts::HostsEntry> {
        let text = self.text(world, "/etc/hosts");
        text.map(|text| system::hosts(&SourceFile::new("/etc/hosts", text.as_bytes()))).unwrap_or_default()
    }

    /// Collects, resolves and judges the host of a world.
    pub fn try_out(&self, world: &World) -> Trial {
        self.trials.set(self.trials.get() + 1);
        let facts = self.facts(world);
        let dns = self.answers(&facts, world);
        let findings: Vec<Finding> =
            (self.ground.judge)(&facts, &dns).into_iter().filter(|f| f.severity >= Severity::Warning).collect();
        let count = |severity: Severity| findings.iter().filter(|f| f.severity == severity).count();
        let used = || facts.paths.iter().filter(|path| !path.unused);
        let refuses = |verdict| matches!(verdict, receivers::Verdict::Reject | receivers::Verdict::Defer);
        let refusing =
            used().flat_map(|path| receivers::opinions(path, &dns)).filter(|opinion| refuses(opinion.verdict)).count();
        let blocks = |finding: &&Finding| {
            finding.severity == Severity::Error
                && finding.verdict == Verdict::Fail
                && BLOCKING.contains(&finding.meta.code)
        };
        let weight = |finding: &Finding| if finding.meta.code == WHOLE { 1000 } else { 1 };
        let blocked = findings.iter().filter(blocks).map(weight).sum();
        let score = Score { blocked, errors: count(Severity::Error), warnings: count(Severity::Warning), refusing };
        let ways = used().flat_map(|path| path.services.iter().map(|service| (Arc::clone(service), path.family)));
        let ways = ways.collect();
        Trial { facts, dns, findings, score, ways }
    }

    fn facts(&self, world: &World) -> Facts {
        let ground = self.ground;
        let same_kernel = world.kernel.is_none() || world.count == 0;
        let (Some(root), false) = (ground.root, world.files.is_empty() && same_kernel) else {
            return self.reloaded(ground.facts.clone(), world);
        };
        root.set_trial(world.files.clone());
        let mut facts = collect_again(root, world.kernel.clone(), ground.running, ground.facts, &self.memory);
        root.set_trial(BTreeMap::new());
        facts.expect(Expectations {
            hostname: ground.facts.expected_hostname.clone(),
            helo: ground.facts.expected_helo.clone(),
            old_addresses: ground.facts.old_addresses.clone(),
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
            let open: BTreeSet<Question> = {
                let known = self.known.borrow();
                wanted.iter().filter(|question| !known.replies.contains_key(*question)).cloned().collect()
            };
            if open.is_empty() {
                break;
            }
            let Some(answer) = self.ground.answer else {
                self.missing.borrow_mut().extend(open);
                break;
            };
            self.asked.borrow_mut().extend(open.iter().cloned());
            let known = std::mem::take(&mut *self.known.borrow_mut());
            let known = answer(&open, facts, known);
            self.asked.borrow_mut().extend(known.questions_of(facts, &RecordChanges::default()));
            *self.known.borrow_mut() = known;
            wanted = self.known.borrow().questions_of(facts, &world.records);
        }
        self.known.borrow().after(&world.records, &self.asked.borrow(), &wanted)
    }
}
