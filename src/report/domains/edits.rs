//! Edits of master files on this host: one for each zone, with all that its domains are to publish.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::view::{DomainView, edit_of};
use crate::domains::zones::{EditKey, ZoneEdit, ZoneFile, ZoneKeeper, kept_zone};
use crate::name::DomainName;
use crate::remedy::diff;

/// The edit of one zone's master file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct EditView {
    /// The zone.
    pub(super) zone: DomainName,
    /// `edit`, as an action of a plan is called.
    r#do: &'static str,
    /// The master file.
    file: String,
    /// The unified diff against the file as it was read.
    diff: String,
    /// The same as a command line, which has BIND read it, too.
    pub(super) command: String,
    /// The records that it puts there.
    #[serde(skip)]
    pub(super) done: BTreeSet<EditKey>,
}

/// The edits that the records of these domains come to, by zone.
pub(super) fn edits(views: &[DomainView], kept: &BTreeMap<DomainName, ZoneKeeper>) -> Vec<EditView> {
    // Two domains may want one record of a name above both, and not the same: the first is asked for.
    let mut all: BTreeMap<&DomainName, (&ZoneFile, BTreeMap<EditKey, ZoneEdit>)> = BTreeMap::new();
    for (of_file, edit) in views.iter().flat_map(in_files) {
        let Some((zone, ZoneKeeper::Bind(file))) = kept_zone(kept, &edit.name) else { continue };
        if of_file == file.path {
            let (_, edits) = all.entry(zone).or_insert_with(|| (file, BTreeMap::new()));
            edits.entry(edit.key()).or_insert(edit);
        }
    }
    all.into_iter().filter_map(|(zone, (file, edits))| edit(zone, file, edits)).collect()
}

/// What the records of a domain are to zones whose files are on this host, each with its file.
fn in_files(view: &DomainView) -> impl Iterator<Item = (&str, ZoneEdit)> {
    let texts = view.records.iter().filter_map(|record| Some((record.file.as_deref()?, edit_of(record))));
    let addresses = view.addresses.iter().filter_map(|record| Some((record.file.as_deref()?, record.edit()?)));
    texts.chain(addresses)
}

fn edit(zone: &DomainName, file: &ZoneFile, edits: BTreeMap<EditKey, ZoneEdit>) -> Option<EditView> {
    let edits: Vec<ZoneEdit> = edits.into_values().collect();
    let edited = file.edited(zone, &edits)?;
    let diff = diff::unified(file.text(), &edited.text);
    let (file, command) = (file.path.clone(), edited.command);
    Some(EditView { zone: zone.clone(), r#do: "edit", file, diff, command, done: edited.done })
}
