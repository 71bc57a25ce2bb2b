//! What is parsed of the files of Postfix's instances is kept for the next reading; before, what is secret in them is marked.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::defaults;
use super::expand::Values;
use super::master_cf::MasterCf;
use crate::secret::{self, Syntax};
use crate::source::SourceFile;

/// Files that are kept parsed: trials go back and forth between a few.
const KEPT: usize = 8;
/// Settings that feed one another up to a secret one and are followed.
const FEED_DEPTH: usize = 20;

/// What was parsed of the files of instances; a later reading takes what has not changed from there.
#[derive(Default)]
pub(crate) struct Parsed {
    values: Rc<Values>,
    /// Each master.cf with the names of settings that feed secret ones.
    masters: RefCell<Vec<(BTreeSet<String>, Rc<MasterCf>)>>,
    /// Files that were looked through for what feeds secret settings, and whether there is anything.
    feeding: RefCell<Vec<(Arc<SourceFile>, bool)>>,
}

impl Parsed {
    /// What values were split into.
    pub(super) fn values(&self) -> Rc<Values> {
        Rc::clone(&self.values)
    }

    /// A master.cf, parsed; `secret`: what [`Parsed::mark_secrets`] gave for its instance.
    pub(super) fn master(&self, file: &Arc<SourceFile>, secret: &BTreeSet<String>) -> Rc<MasterCf> {
        let mut masters = self.masters.borrow_mut();
        let same = |(names, master): &&(BTreeSet<String>, Rc<MasterCf>)| {
            master.file.path() == file.path() && master.file.text() == file.text() && names == secret
        };
        if let Some((_, known)) = masters.iter().find(same) {
            return Rc::clone(known);
        }
        let master = Rc::new(MasterCf::parse(file));
        masters.truncate(KEPT - 1);
        masters.insert(0, (secret.clone(), Rc::clone(&master)));
        master
    }

    /// Marks what is secret in the files of an instance, and gives the names of the administrator's own settings that feed secret ones
    /// (`smtp_sasl_password_maps = static:$login`): they are secret too, in whichever of the files they stand.
    pub(super) fn mark_secrets(&self, files: &[&Arc<SourceFile>]) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let nothing_feeds = !files.iter().any(|file| self.feeds(file));
        for depth in 0..=FEED_DEPTH {
            if nothing_feeds {
                break;
            }
            let known = names.len();
            if depth == FEED_DEPTH {
                // Deeper than anybody feeds anything: whatever is the administrator's own may be part of it.
                names.extend(own_names(files));
            }
            for file in files {
                let found = secret::scan(file.path(), file.text(), Syntax::Postfix, &names).references;
                names.extend(found.into_iter().filter(|name| !defaults::is_parameter(name)));
            }
            if names.len() == known {
                break;
            }
        }
        files.iter().for_each(|file| file.read_as(Syntax::Postfix, names.clone()));
        names
    }

    /// Whether a setting of the administrator's own feeds a secret one in a file, as far as that file alone says.
    fn feeds(&self, file: &Arc<SourceFile>) -> bool {
        let mut feeding = self.feeding.borrow_mut();
        if let Some((_, known)) = feeding.iter().find(|(known, _)| Arc::ptr_eq(known, file)) {
            return *known;
        }
        let feeds = file.scan(Syntax::Postfix).references.iter().any(|name| !defaults::is_parameter(name));
        feeding.truncate(2 * KEPT - 1);
        feeding.insert(0, (Arc::clone(file), feeds));
        feeds
    }
}

/// Names that something is set for, as a line of main.cf or an option of master.cf has it.
fn own_names<'f>(files: &'f [&Arc<SourceFile>]) -> impl Iterator<Item = String> + 'f {
    let before = files.iter().flat_map(|file| file.text().split('=')).map(str::trim_end);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = before.map(move |text| text.get(text.trim_end_matches(is_part).len()..).unwrap_or_default());
    names.filter(|name| !name.is_empty() && !defaults::is_parameter(name)).map(str::to_owned)
}
