//! The formats of `helolint domains`: one object for each domain, and what all of them come to.

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
pub use view::{DomainView, GapView, gaps, is_about, view};

use serde::Serialize;

use crate::escape;
use crate::report::model::{SCHEMA, Tool};

/// One line of JSON.
pub fn json_line(view: &DomainView) -> String {
    escape::json(view, false).map_or_else(|_| String::new(), |text| format!("{}\n", text.trim_end()))
}

/// All domains as one JSON document, with what files do not decide.
pub fn json(views: &[DomainView], gaps: &[GapView]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema: u32,
        tool: Tool,
        domains: &'a [DomainView],
        open: &'a [GapView],
    }
    let document = Document { schema: SCHEMA, tool: Tool::this(), domains: views, open: gaps };
    escape::json(&document, true).map_or_else(|_| String::new(), |text| format!("{}\n", text.trim_end()))
}
