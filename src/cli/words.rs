//! Values that completions know the words of.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

use crate::report::Format;

/// A parser with a list of words for completions; what is allowed, and what is said of the rest, is up to `parse`.
#[derive(Debug, Clone)]
pub(crate) struct Words<T> {
    /// The value of a text, or what is wrong with it.
    pub parse: fn(&str) -> Result<T, String>,
    /// The words.
    pub known: fn() -> Vec<PossibleValue>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Words<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        TypedValueParser::parse_ref(&self.parse, command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.known)().into_iter()))
    }
}

/// Codes and names of all rules.
pub(crate) fn rules() -> Vec<PossibleValue> {
    let all = crate::catalogue::all();
    let word = |word: &'static str, summary: &str| PossibleValue::new(word).help(summary.replace('`', ""));
    all.flat_map(|meta| [word(meta.code, meta.summary()), word(meta.name, meta.summary())]).collect()
}

/// Those, and the families.
pub(crate) fn rules_and_families() -> Vec<PossibleValue> {
    let mut families: Vec<&'static str> = crate::catalogue::all().map(|meta| meta.family()).collect();
    families.dedup();
    families.into_iter().map(PossibleValue::new).chain(rules()).collect()
}

/// The formats.
pub(crate) fn formats() -> Vec<PossibleValue> {
    Format::ALL.iter().map(|format| PossibleValue::new(format.id())).collect()
}
