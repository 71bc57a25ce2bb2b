//! How the human report looks: width, colour, signs, how much.

use std::io::IsTerminal;

/// Columns where no terminal says another number.
const DEFAULT_WIDTH: usize = 100;
/// Fewer columns than these are taken for these.
const LEAST_WIDTH: usize = 40;
/// More columns than these are hard to read in one line.
const MOST_WIDTH: usize = 200;

/// How much the human report says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// The verdict and a line for each finding.
    Quiet,
    /// Everything that somebody has to act on.
    #[default]
    Normal,
    /// All paths, all evidence.
    Verbose,
}

/// How the human report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of a line.
    pub width: usize,
    /// Whether terminal escapes for colour are written.
    pub color: bool,
    /// Whether signs outside ASCII are written.
    pub unicode: bool,
    /// How much is said.
    pub verbosity: Verbosity,
}

impl Style {
    /// Without colour, 100 columns wide, in ASCII: the same everywhere.
    pub const fn plain() -> Style {
        Style { width: DEFAULT_WIDTH, color: false, unicode: false, verbosity: Verbosity::Normal }
    }

    /// What fits standard output: the terminal's width (COLUMNS comes first; 100 without a terminal), colour as `choice` and
    /// NO_COLOR say, and signs as the locale allows.
    pub fn for_stdout(choice: anstream::ColorChoice, verbosity: Verbosity) -> Style {
        let color = match choice {
            anstream::ColorChoice::Auto => {
                anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
            }
            other => other != anstream::ColorChoice::Never,
        };
        let variable = |name: &str| std::env::var(name).ok();
        let terminal = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
        Style {
            width: width(variable("COLUMNS").as_deref(), terminal.map(|(width, _)| width.0.into())),
            color,
            unicode: utf8_locale(variable),
            verbosity,
        }
    }

    /// For a file: as here, without colour.
    pub fn for_file(self) -> Style {
        Style { color: false, ..self }
    }
}

fn width(columns: Option<&str>, terminal: Option<usize>) -> usize {
    let asked = columns.and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
    asked.or(terminal).unwrap_or(DEFAULT_WIDTH).clamp(LEAST_WIDTH, MOST_WIDTH)
}

/// Whether the locale's character set is UTF-8: the first of these that is set and not empty decides (locale(7)).
fn utf8_locale(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_comes_from_columns_then_the_terminal_within_bounds() {
        assert_eq!(width(Some("80"), Some(132)), 80);
        assert_eq!(width(Some("wide"), Some(132)), 132);
        assert_eq!(width(None, None), 100);
        assert_eq!(width(Some("10"), None), 40);
        assert_eq!(width(Some("9999"), None), 200);
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let with = |all: &'static [(&str, &str)]| {
            move |name: &str| all.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        };
        assert!(utf8_locale(with(&[("LANG", "de_DE.UTF-8")])));
        assert!(!utf8_locale(with(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")])));
        assert!(utf8_locale(with(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")])));
        assert!(!utf8_locale(with(&[])));
    }
}
