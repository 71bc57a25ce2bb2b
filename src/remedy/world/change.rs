//! Changes of a world.

use crate::addr::Family;
use crate::collect::exim::{BUILT, GENERATED};
use crate::collect::root::Changed;
use crate::facts::{AddressFlag, HostsEntry, InterfaceAddress, ProblemKind};
use crate::remedy::edit::{Edit, Entries, Refused, difference};
use crate::remedy::loopback;
use crate::remedy::op::Op;

use super::{Lab, World};

/// When a trial's changes are made, in seconds since 1970: later than any file on the host.
const LATER: i64 = 1 << 40;
/// Seconds between what is made from other files and changes after that: it is seen to be older than they are then.
pub(super) const APART: i64 = 120;
/// Configurations that are made from others, and are older than those of them that are changed later.
const MADE: [&str; 2] = [BUILT, GENERATED];
/// Maps that cPanel writes itself, unless the administrator has said by a flag that they are his.
const CPANEL_MAPS: [(&str, &str); 2] =
    [("/etc/mailips", "/var/cpanel/custom_mailips"), ("/etc/mailhelo", "/var/cpanel/custom_mailhelo")];
/// Where names stand that go before the DNS.
const HOSTS: &str = "/etc/hosts";
/// The compiled forms of tables, by the type that makes each.
pub const COMPILED: [(&str, &str); 5] =
    [("hash", ".db"), ("btree", ".db"), ("lmdb", ".lmdb"), ("cdb", ".cdb"), ("dbm", ".dir")];
/// Octets of a file that is edited which take as long as a unit of work.
pub(super) const OCTETS: usize = 2_048;

impl Lab<'_> {
    /// The world after several changes, in order; `None` where one of them cannot be made.
    pub fn apply_all<'o>(&self, world: &World, ops: impl IntoIterator<Item = &'o Op>) -> Option<World> {
        let ops: Vec<&Op> = ops.into_iter().collect();
        let mut world = world.clone();
        for run in runs(&ops) {
            self.apply_run(&mut world, run).into_iter().all(|made| made).then_some(())?;
        }
        Some(world)
    }

    /// The world after those of several changes that can be made, in order, as long as there is work left; and which these are.
    pub fn apply_some(&self, world: &World, ops: &[Op], budget: usize) -> (World, Vec<bool>) {
        let ops: Vec<&Op> = ops.iter().collect();
        let (mut world, mut made) = (world.clone(), Vec::with_capacity(ops.len()));
        for run in runs(&ops) {
            if self.is_over(budget) {
                break;
            }
            made.extend(self.apply_run(&mut world, run));
        }
        made.resize(ops.len(), false);
        (world, made)
    }

    /// Makes those changes of a run that can be made, in files that keep them: whether each was.
    fn apply_run(&self, world: &mut World, run: &[&Op]) -> Vec<bool> {
        match run.first() {
            Some(Op::Edit { file, .. }) if !self.lasts(world, file) => vec![false; run.len()],
            _ => self.make_run(world, run),
        }
    }

    /// The same, whoever makes them.
    fn make_run(&self, world: &mut World, run: &[&Op]) -> Vec<bool> {
        match run {
            [Op::Edit { file, .. }, _, ..] => self.edit_each(world, file, run),
            _ => run.iter().map(|op| self.make(world, op).map(|next| *world = next).is_some()).collect(),
        }
    }

    /// The world after those of several changes that can be made, whoever makes them.
    pub(in crate::remedy) fn make_some(&self, world: &World, ops: &[&Op]) -> World {
        let mut world = world.clone();
        runs(ops).for_each(|run| drop(self.make_run(&mut world, run)));
        world
    }

    /// Makes those of many edits of one file that can be made, in one pass.
    fn edit_each(&self, world: &mut World, file: &str, ops: &[&Op]) -> Vec<bool> {
        let Some(text) = self.text(world, file) else { return vec![false; ops.len()] };
        self.work.set(self.work.get() + text.len() / OCTETS);
        let mut entries = Entries::of(&text);
        let make = |op: &&Op| {
            let Op::Edit { edit, .. } = op else { return false };
            let made = entries.make(edit, |old, new| self.tells_secrets(old, new));
            if let Err(Some(why)) = &made {
                self.refused.borrow_mut().insert(file.to_owned(), *why);
            }
            made.is_ok()
        };
        let made: Vec<bool> = ops.iter().map(make).collect();
        if made.contains(&true) && self.put(world, file, Some(entries.text())).is_none() {
            return vec![false; ops.len()];
        }
        made
    }

    /// The content of a file after an edit.
    fn edited_text(&self, world: &World, file: &str, edit: &Edit) -> Option<String> {
        let text = self.text(world, file);
        if let (None, Edit::Whole { text }) = (&text, edit)
            && text.is_empty()
        {
            // A new file without content.
            return Some(String::new());
        }
        let text = text.as_deref().unwrap_or_default();
        self.work.set(self.work.get() + text.len() / OCTETS);
        let made = edit.make(text).and_then(|new| match () {
            () if file == HOSTS && !loopback::stays(text, &new) => Err(None),
            () if self.tells_secrets(text, &new) => Err(Some(Refused::Secret)),
            () => Ok(new),
        });
        if let Err(Some(why)) = &made {
            self.refused.borrow_mut().insert(file.to_owned(), *why);
        }
        made.ok()
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
            // What is to be generated anew anyway keeps nothing, and is not as its sources for having been edited.
            _ if is_cpanel && file == BUILT => {
                !self.ground.facts.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::NotGenerated))
            }
            _ => file != GENERATED,
        }
    }

    /// The world after a change, whoever makes it.
    fn make(&self, world: &World, op: &Op) -> Option<World> {
        let mut world = world.clone();
        match op {
            Op::Generate { from: Some(from), .. } if !self.is_changed(&world, from) => return None,
            Op::Generate { from: Some(_), file, .. } if file == GENERATED => {
                let text = self.generated_by_debian(&world)?;
                // It may have been generated for a change before this one.
                if *self.text(&world, file)? != *text {
                    let new = self.edited_text(&world, file, &Edit::Whole { text })?;
                    self.put(&mut world, file, Some(new))?;
                }
            }
            Op::Generate { from: Some(from), edit, .. } if !self.is_source_of(&world, from, edit) => return None,
            Op::Edit { file, edit } | Op::Generate { file, edit, .. } => {
                let new = self.edited_text(&world, file, edit)?;
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
                    world.made = false;
                    self.put(&mut world, &format!("{path}{ending}"), Some(String::new()))?;
                    world.made = true;
                }
            }
            Op::Reload => world.reloaded = true,
            Op::ByHand { effect, .. } => world = effect.iter().try_fold(world, |world, op| self.make(&world, op))?,
        }
        Some(world)
    }

    /// Whether a source of what cPanel builds says what an edit of that sets: what others changed in it is no reason for this.
    fn is_source_of(&self, world: &World, from: &str, edit: &Edit) -> bool {
        let (Edit::EximMain { option, value: Some(value) } | Edit::EximTransport { option, value: Some(value), .. }) =
            edit
        else {
            return true;
        };
        let line = format!("{option} = {value}");
        self.text(world, from).is_some_and(|text| text.lines().any(|known| known.trim() == line))
    }

    pub(super) fn is_changed(&self, world: &World, file: &str) -> bool {
        self.ground.root.is_some_and(|root| world.files.contains_key(&root.place(file)))
    }

    /// The world after these files have these contents; `None`: there is none.
    pub fn with_texts(&self, texts: impl IntoIterator<Item = (String, Option<String>)>) -> Option<World> {
        let mut world = self.world();
        for (file, text) in texts {
            self.put(&mut world, &file, text)?;
        }
        Some(world)
    }

    /// Whether lines that change hold a secret: such an edit could not be shown.
    fn tells_secrets(&self, old: &str, new: &str) -> bool {
        let (was, is) = difference(old, new);
        // A diff shows a last line that has no newline as another than the same with one.
        let ends = [old, new].map(|text| text.rsplit('\n').next().unwrap_or_default());
        let ends = ends.into_iter().filter(|_| ends[0] != ends[1]);
        let mut lines = old[was].lines().chain(new[is].lines()).chain(ends);
        lines.any(|line| self.memory.secrets().mask(line) != line)
    }

    fn put(&self, world: &mut World, file: &str, text: Option<String>) -> Option<()> {
        let place = self.ground.root?.place(file);
        let is_hosts = place == self.ground.root?.place(HOSTS);
        let is_made = MADE.contains(&file);
        if world.made && !is_made {
            (world.age, world.made) = (world.age + 1, false);
        }
        world.made |= is_made;
        let changed = text.map(|text| Changed { text: text.into(), modified: LATER + world.age * APART });
        world.files.insert(place, changed);
        if is_hosts {
            let hosts = self.hosts(world);
            if let Some(kernel) = &mut world.kernel {
                kernel.hosts_changed(&hosts);
            }
        }
        Some(())
    }

    fn hosts(&self, world: &World) -> Vec<HostsEntry> {
        let text = self.text(world, HOSTS);
        let root = self.ground.root;
        text.zip(root).map(|(text, root)| self.memory.hosts(&root.put_file(HOSTS, &text))).unwrap_or_default()
    }
}

/// Changes that are made one by one, and those that are made in one pass.
pub(in crate::remedy) fn runs<'o, 'a>(ops: &'o [&'a Op]) -> impl Iterator<Item = &'o [&'a Op]> {
    ops.chunk_by(|one, next| match (one, next) {
        (Op::Edit { file, edit }, Op::Edit { file: other, edit: more }) => file == other && edit.goes_with(more),
        _ => false,
    })
}
