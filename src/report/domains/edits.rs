//! Edits of master files on this host: one for each zone, with all that its domains are to publish.

use std::collections::BTreeMap;

use serde::Serialize;

use super::view::{DomainView, edit_of};
use crate::domains::zones::{ZoneEdit, ZoneFile, ZoneKeeper};
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
    pub(super) file: String,
    /// The unified diff against the file as it was read.
    diff: String,
    /// The same as commands, with what makes BIND read it.
    #[serde(skip)]
    pub(super) commands: Vec<String>,
}

/// The edits that the records of these domains come to, by zone.
pub(super) fn edits(views: &[DomainView], kept: &BTreeMap<DomainName, ZoneKeeper>) -> Vec<EditView> {
    let mut all: BTreeMap<&DomainName, (&ZoneFile, Vec<ZoneEdit>)> = BTreeMap::new();
    for record in views.iter().flat_map(|view| &view.records) {
        let Some(path) = &record.file else { continue };
        let Some((zone, ZoneKeeper::Bind(file))) = zone_of(&record.name, kept) else { continue };
        let (_, edits) = all.entry(zone).or_insert((file, Vec::new()));
        let edit = edit_of(record);
        // Two domains may want one record of a name above both, and not the same: the first is asked for.
        if file.path == *path && !edits.iter().any(|known| known.name == edit.name) {
            edits.push(edit);
        }
    }
    all.into_iter().filter_map(|(zone, (file, edits))| edit(zone, file, &edits)).collect()
}

/// The zone that a name is in and what keeps it, as [`MailDomains::kept_zone`](crate::domains::MailDomains::kept_zone) tells it.
fn zone_of<'k>(name: &str, kept: &'k BTreeMap<DomainName, ZoneKeeper>) -> Option<(&'k DomainName, &'k ZoneKeeper)> {
    std::iter::successors(Some(DomainName::new(name)), DomainName::parent).find_map(|above| kept.get_key_value(&above))
}

fn edit(zone: &DomainName, file: &ZoneFile, edits: &[ZoneEdit]) -> Option<EditView> {
    let new = file.with(zone, edits)?;
    let mut commands = diff::commands(&file.path, Some(&file.text), &new)?;
    commands.push(file.reload(zone));
    let diff = diff::unified(&file.text, &new);
    Some(EditView { zone: zone.clone(), r#do: "edit", file: file.path.clone(), diff, commands })
}
