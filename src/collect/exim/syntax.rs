//! One line of a configuration: what kind it is, by the grammar.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;
use pest_derive::Parser;

use super::space::is_space;

#[derive(Parser)]
#[grammar = "grammar/exim_config.pest"]
pub(super) struct Grammar;

/// A macro definition.
pub(crate) struct Definition<'t> {
    /// The macro.
    pub name: &'t str,
    /// Whether it stands with `==`.
    pub redefine: bool,
    /// Where in the line its text stands.
    pub value: Range<usize>,
}

pub(crate) struct NamedList<'t> {
    /// `domainlist`, `hostlist`, `addresslist` or `localpartlist`.
    pub kind: &'t str,
    /// Its name.
    pub name: &'t str,
    /// Where in the line the list stands.
    pub value: Range<usize>,
}

pub(super) fn parse(rule: Rule, text: &str) -> Option<Vec<Pair<'_, Rule>>> {
    let line = Grammar::parse(rule, text).ok()?.next()?;
    Some(line.into_inner().collect())
}

pub(super) fn find<'t, 'p>(pairs: &'p [Pair<'t, Rule>], rule: Rule) -> Option<&'p Pair<'t, Rule>> {
    pairs.iter().find(|pair| pair.as_rule() == rule)
}

/// What stands behind all that was found, to the end of the text.
pub(super) fn range(pairs: &[Pair<Rule>]) -> Range<usize> {
    find(pairs, Rule::rest).map_or(0..0, |rest| rest.as_span().start()..rest.get_input().len())
}

/// The name of the section that the line begins.
pub(crate) fn section(text: &str) -> Option<String> {
    // A cheap look first: this is asked of every line.
    text.get(..6).filter(|start| start.eq_ignore_ascii_case("begin "))?;
    let pairs = parse(Rule::begin, text)?;
    Some(text[range(&pairs)].to_owned())
}

/// The macro definition that the line is.
pub(crate) fn macro_definition(text: &str) -> Option<Definition<'_>> {
    let pairs = parse(Rule::macro_definition, text)?;
    let name = find(&pairs, Rule::macro_name)?.as_str();
    Some(Definition { name, redefine: find(&pairs, Rule::redefine).is_some(), value: range(&pairs) })
}

/// The named list that the line defines.
pub(crate) fn named_list(text: &str) -> Option<NamedList<'_>> {
    let pairs = parse(Rule::named_list, text)?;
    let kind = find(&pairs, Rule::list_kind)?.as_str();
    Some(NamedList { kind, name: find(&pairs, Rule::list_name)?.as_str(), value: range(&pairs) })
}

/// What Exim says of a line that begins as a named list and is none.
pub(crate) fn broken_list(text: &str) -> Option<String> {
    let text = text.strip_prefix("hide").and_then(|rest| rest.strip_prefix(is_space)).unwrap_or(text);
    let kinds = ["domainlist", "hostlist", "addresslist", "localpartlist"];
    let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind))?;
    let rest = rest.strip_prefix("_cache").unwrap_or(rest);
    if !rest.starts_with(is_space) {
        return Some("unrecognized configuration line".into());
    }
    let rest = rest.trim_start_matches(is_space);
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    Some(format!("missing '=' after \"{name}\""))
}

/// The driver that the line begins, and what follows the colon.
pub(crate) fn driver_name(text: &str) -> Option<(&str, &str)> {
    let pairs = parse(Rule::driver, text)?;
    Some((find(&pairs, Rule::name)?.as_str(), &text[range(&pairs)]))
}

/// Exim's message for text that should not be there.
pub(crate) fn extra(rest: &str, behind: &str) -> String {
    let comment = if rest.starts_with('#') { " (# is comment only at line start)" } else { "" };
    format!("extra characters follow {behind}{comment}")
}
