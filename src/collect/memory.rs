//! Parts of a host, kept as they were read: where a trial changes nothing that a part was read from, it is not read again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::collect::processes::Daemon;
use crate::collect::root::{Root, Touched};
use crate::collect::{cpanel, exim, left_behind, panels, postfix, system};
use crate::facts::{Concealed, Cpanel, Fact, Facts, Host, HostsEntry, Leftover, PanelMap, Problem, Sender, Sought};
use crate::secret::Known;
use crate::source::SourceFile;

/// States of one part that are kept: trials go back and forth between a few.
const KEPT: usize = 16;
/// Octets that the states of a part may have been read from which are kept, the latest apart: what was made of them takes a multiple of it.
const KEPT_OCTETS: usize = 4 << 20;

/// cPanel's files, where there are any.
type CpanelPart = Option<(Arc<Cpanel>, Vec<Problem>)>;
/// What Exim's part goes by of those: whether there are any, and where WHM has all mail go.
type SeenOfCpanel = Option<Option<Fact<String>>>;

/// What was read for trials of one host, secrets taken out.
pub(crate) struct Memory {
    secrets: Known,
    concealed: Concealed,
    cpanel: Part<(), CpanelPart>,
    panels: Part<(), (Option<Vec<PanelMap>>, Vec<Problem>)>,
    postfix: Part<Host, postfix::Collected>,
    exim: Part<(Host, SeenOfCpanel), exim::Collected>,
    /// Postfix's files of which a part was read that has changed since.
    parsed: postfix::Parsed,
    /// The same of Exim's.
    exim_parsed: exim::Parsed,
    hosts: ByFile<HostsEntry>,
    left: ByFile<Leftover>,
    /// The same of the files as they are, with their canonical paths, by path; how many were read then.
    left_as_is: RefCell<(usize, Vec<LeftIn>)>,
}

/// A file, its canonical path, and what of an old host stands in it.
type LeftIn = (Arc<SourceFile>, Arc<str>, Vec<Leftover>);

/// What was worked out of single files, by path: of the last states of each, the latest first.
struct ByFile<T>(RefCell<HashMap<String, Vec<State<T>>>>);

/// What was worked out of one state of a file.
type State<T> = (Arc<SourceFile>, Vec<T>);

impl<T> Default for ByFile<T> {
    fn default() -> ByFile<T> {
        ByFile(RefCell::default())
    }
}

impl<T: Clone> ByFile<T> {
    fn once(&self, file: &Arc<SourceFile>, make: impl FnOnce() -> Vec<T>) -> Vec<T> {
        let mut all = self.0.borrow_mut();
        if let Some(states) = all.get(file.path())
            && let Some((_, known)) = states.iter().find(|(of, _)| Arc::ptr_eq(of, file))
        {
            return known.clone();
        }
        let made = make();
        let states = all.entry(file.path().to_owned()).or_default();
        states.truncate(KEPT - 1);
        states.insert(0, (Arc::clone(file), made.clone()));
        made
    }
}

/// A part of a host in its last states, the latest first: what it was worked out from, what was asked of the files, and what it is.
struct Part<K, T>(RefCell<Vec<(K, Touched, Rc<T>)>>);

impl<K, T> Default for Part<K, T> {
    fn default() -> Part<K, T> {
        Part(RefCell::default())
    }
}

impl<K, T> Part<K, T> {
    fn once(&self, root: &Root, same: impl Fn(&K) -> bool, key: impl FnOnce() -> K, read: impl FnOnce() -> T) -> Rc<T> {
        let mut kept = self.0.borrow_mut();
        if let Some(at) = kept.iter().position(|(known, touched, _)| root.is_as_touched(touched) && same(known)) {
            let found = kept.remove(at);
            let part = Rc::clone(&found.2);
            kept.insert(0, found);
            return part;
        }
        let (part, touched) = root.noting(read);
        let part = Rc::new(part);
        let mut octets = touched.octets();
        let room = kept.iter().take(KEPT - 1).take_while(|(_, touched, _)| {
            octets += touched.octets();
            octets <= KEPT_OCTETS
        });
        let room = room.count();
        kept.truncate(room);
        kept.insert(0, (key(), touched, Rc::clone(&part)));
        part
    }
}

impl Memory {
    /// Nothing has been read yet. `secrets` are those of every file of the host.
    pub(crate) fn new(secrets: Known) -> Memory {
        Memory {
            secrets,
            concealed: Concealed::default(),
            cpanel: Part::default(),
            panels: Part::default(),
            postfix: Part::default(),
            exim: Part::default(),
            parsed: Default::default(),
            exim_parsed: Default::default(),
            hosts: ByFile::default(),
            left: ByFile::default(),
            left_as_is: RefCell::default(),
        }
    }

    /// The secrets in all files.
    pub(crate) fn secrets(&self) -> &Known {
        &self.secrets
    }

    /// The entries of a hosts file.
    pub(crate) fn hosts(&self, file: &Arc<SourceFile>) -> Vec<HostsEntry> {
        self.hosts.once(file, || system::hosts(file))
    }

    /// Where what is sought, the same each time, stands in the files that were read.
    pub(crate) fn left_behind(&self, root: &Root, sought: &Sought) -> Vec<Leftover> {
        let in_file = |file: &Arc<SourceFile>| self.left.once(file, || left_behind::in_file(file, sought));
        let mut as_is = self.left_as_is.borrow_mut();
        let count = root.count_read();
        if as_is.0 != count {
            let files = root.files_as_they_are().into_iter().filter(|file| !left_behind::is_left_out(file.path()));
            let left = |file: Arc<SourceFile>| (Arc::clone(&file), root.place(file.path()).into(), in_file(&file));
            *as_is = (count, files.map(left).collect());
        }
        let mut all = Vec::new();
        for (file, place, left) in &as_is.1 {
            match root.put_at(place) {
                None => all.extend(left.iter().cloned()),
                Some(None) => {}
                Some(Some(changed)) => all.extend(in_file(&root.put_file(file.path(), &changed.text))),
            }
        }
        all
    }

    /// Takes the secrets out of what was read of an MTA; `back` gets the rest of the facts.
    fn conceal(
        &self,
        mut facts: Facts,
        senders: &mut Vec<Sender>,
        problems: &mut Vec<Problem>,
        back: impl FnOnce(Facts),
    ) {
        facts.senders = Some(std::mem::take(senders));
        facts.problems = std::mem::take(problems);
        facts.conceal_again(&self.secrets, Some(&self.concealed));
        *senders = facts.senders.take().unwrap_or_default();
        *problems = std::mem::take(&mut facts.problems);
        back(facts);
    }

    pub(super) fn cpanel(&self, root: &Root, host: &Host) -> Rc<CpanelPart> {
        let read = || {
            let (cpanel, problems) = cpanel::collect(root)?;
            let mut facts = Facts { cpanel: Some(cpanel.into()), problems, ..Facts::new(host.clone()) };
            facts.conceal_again(&self.secrets, Some(&self.concealed));
            Some((facts.cpanel?, facts.problems))
        };
        self.cpanel.once(root, |()| true, || (), read)
    }

    /// Other panels' maps, which are masked where they are written.
    pub(super) fn panels(&self, root: &Root) -> Rc<(Option<Vec<PanelMap>>, Vec<Problem>)> {
        self.panels.once(root, |()| true, || (), || panels::collect(root))
    }

    pub(super) fn postfix(&self, root: &Root, host: &Host, running: &[Daemon]) -> Rc<postfix::Collected> {
        let read = || {
            let mut part = postfix::collect_keeping(root, host, running, &self.parsed);
            let instances = std::mem::take(&mut part.instances);
            self.conceal(
                Facts { postfix: instances, ..Facts::new(host.clone()) },
                &mut part.senders,
                &mut part.problems,
                |facts| {
                    part.instances = facts.postfix;
                },
            );
            part
        };
        self.postfix.once(root, |known| known == host, || host.clone(), read)
    }

    pub(super) fn exim(
        &self,
        root: &Root,
        host: &Host,
        cpanel: &Rc<CpanelPart>,
        running: &[Daemon],
    ) -> Rc<exim::Collected> {
        let host = &exim::seen_of(host);
        let own = (**cpanel).as_ref().map(|(cpanel, _)| &**cpanel);
        let read = || {
            let mut part = exim::collect_keeping(root, host, own, running, Some(&self.exim_parsed));
            let exim = std::mem::take(&mut part.configurations);
            self.conceal(Facts { exim, ..Facts::new(host.clone()) }, &mut part.senders, &mut part.problems, |facts| {
                part.configurations = facts.exim;
            });
            part
        };
        let seen: SeenOfCpanel = own.map(|cpanel| exim::smarthost(cpanel).cloned());
        self.exim.once(root, |(known, of)| known == host && *of == seen, || (host.clone(), seen.clone()), read)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::collect::root::Changed;

    #[test]
    fn of_a_part_that_was_read_from_much_few_states_are_kept() {
        for (octets, expected) in [(100, KEPT), (KEPT_OCTETS / 3, 3), (2 * KEPT_OCTETS, 1)] {
            let (_dir, root) = crate::collect::testing::root(&[("etc/a", "")]);
            let part: Part<(), usize> = Part::default();
            for number in 0..2 * KEPT {
                let text = format!("{number:02}{}", "x".repeat(octets - 2)).into();
                root.set_trial(BTreeMap::from([("/etc/a".to_owned(), Some(Changed { text, modified: 1 }))]));
                let read = || root.read("/etc/a").map_or(0, |file| file.text().len());
                assert_eq!(*part.once(&root, |()| true, || (), read), octets);
            }
            assert_eq!(part.0.borrow().len(), expected, "{octets}");
        }
    }
}
