//! Edits of master files on this host: one for each zone, with all that its domains are to publish.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::view::{DomainView, edit_of};
use crate::domains::zones::{ZoneEdit, ZoneFile, ZoneKeeper, kept_zone};
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
    /// The names of the records that it puts there.
    #[serde(skip)]
    pub(super) names: BTreeSet<DomainName>,
}

/// The edits that the records of these domains come to, by zone.
pub(super) fn edits(views: &[DomainView], kept: &BTreeMap<DomainName, ZoneKeeper>) -> Vec<EditView> {
    // Two domains may want one record of a name above both, and not the same: the first is asked for.
    let mut all: BTreeMap<&DomainName, (&ZoneFile, BTreeMap<DomainName, ZoneEdit>)> = BTreeMap::new();
    for record in views.iter().flat_map(|view| &view.records) {
        let name = DomainName::new(&record.name);
        let Some((zone, ZoneKeeper::Bind(file))) = kept_zone(kept, &name) else { continue };
        if record.file.as_ref() == Some(&file.path) {
            let (_, edits) = all.entry(zone).or_insert_with(|| (file, BTreeMap::new()));
            edits.entry(name).or_insert_with(|| edit_of(record));
        }
    }
    all.into_iter().filter_map(|(zone, (file, edits))| edit(zone, file, edits)).collect()
}

fn edit(zone: &DomainName, file: &ZoneFile, edits: BTreeMap<DomainName, ZoneEdit>) -> Option<EditView> {
    let edits: Vec<ZoneEdit> = edits.into_values().collect();
    let edited = file.edited(zone, &edits)?;
    let diff = diff::unified(file.text(), &edited.text);
    let (file, command) = (file.path.clone(), edited.command);
    Some(EditView { zone: zone.clone(), r#do: "edit", file, diff, command, names: edited.names })
}
