//! From findings to text: one file and one function for each format of the command line.

mod assemble;
pub mod escape;
mod human;
mod json;
mod model;
#[cfg(test)]
pub(crate) mod sample;
mod style;
#[cfg(test)]
mod tests;

pub(crate) use assemble::host_view;
pub use model::*;
pub use style::{Style, Verbosity};

/// The formats of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people, in a terminal.
    Human,
    /// The whole report as one JSON document.
    Json,
}

impl Format {
    /// Every format, in the order of the help text.
    pub const ALL: &[Format] = &[Format::Human, Format::Json];

    /// As the command line spells it.
    pub fn id(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
        }
    }
}

/// The report in a format, final line end included.
///
/// `style` counts for [`Format::Human`] alone; what goes into a file is best given [`Style::plain`].
pub fn render(format: Format, report: &Report, style: &Style) -> String {
    match format {
        Format::Json => json::render(report),
        Format::Human => human::render(&report.tamed(), style),
    }
}
