//! The formats of `helolint domains`: one object for each domain, and what all of them come to.

mod addresses;
mod edits;
mod groups;
mod page;
mod places;
mod refused;
mod table;
mod view;
mod words;

pub use groups::{human, markdown, prometheus};
pub use page::page;
pub use table::{CSV_HEAD, csv};
pub use view::{DomainView, GapView, KeptZone, gaps, is_about, view};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domains::zones::ZoneKeeper;
use crate::escape;
use crate::name::DomainName;
use crate::report::model::{SCHEMA, Tool};

/// One line of JSON.
pub fn json_line(view: &DomainView) -> String {
    escape::json(view, false).unwrap_or_default()
}

/// All domains as one JSON document, with what files do not decide, and the edits of master files on this host that the records come to.
pub fn json(views: &[DomainView], gaps: &[GapView], kept: &BTreeMap<DomainName, ZoneKeeper>) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        tool: Tool,
        domains: &'a [DomainView],
        open: &'a [GapView],
        #[serde(skip_serializing_if = "Vec::is_empty")]
        edits: Vec<edits::EditView>,
    }
    let edits = edits::edits(views, kept);
    let document = Document { schema: SCHEMA, tool: Tool::this(), domains: views, open: gaps, edits };
    escape::json(&document, true).unwrap_or_default()
}
