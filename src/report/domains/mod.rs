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
use std::io;

use serde::Serialize;

use crate::domains::zones::ZoneKeeper;
use crate::escape;
use crate::name::DomainName;
use crate::report::model::{SCHEMA, Tool};

/// One line of JSON.
pub fn json_line(view: &DomainView) -> String {
    escape::json(view, false).unwrap_or_default()
}

/// Octets of a JSON document that are told together.
const PIECE: usize = 32 << 10;

/// All domains as one JSON document, with what files do not decide, and the edits of master files on this host that the records come to. It is
/// told in pieces: of twenty thousand domains it has 66 MB.
pub fn json(
    views: &[DomainView],
    gaps: &[GapView],
    kept: &BTreeMap<DomainName, ZoneKeeper>,
    tell: &mut dyn FnMut(&str),
) {
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
    let mut pieces = Pieces { text: Vec::with_capacity(2 * PIECE), tell };
    // Text and numbers alone: this cannot fail.
    let _ = escape::json_to(&document, true, &mut pieces);
    pieces.text.push(b'\n');
    pieces.tell();
}

/// What is told in pieces.
struct Pieces<'t> {
    text: Vec<u8>,
    tell: &'t mut dyn FnMut(&str),
}

impl Pieces<'_> {
    fn tell(&mut self) {
        (self.tell)(&String::from_utf8_lossy(&self.text));
        self.text.clear();
    }
}

impl io::Write for Pieces<'_> {
    /// Each part is a text in itself: no character is parted.
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(part);
        if self.text.len() >= PIECE {
            self.tell();
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
