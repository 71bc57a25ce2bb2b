//! Files that know each other in a circle can only be understood together: there are none. A module and those within it are one thing here.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::Source;

/// The module that a file holds: `a/b.rs` and `a/b/mod.rs` hold `a::b`.
fn module(below: &str) -> Vec<String> {
    let stem = below.trim_end_matches(".rs");
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if ["lib", "main"].contains(&stem) { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}

/// Modules that know each other in a circle, each circle once, by paths below `src` and what those hold.
pub(crate) fn circles(files: &BTreeMap<&str, &Source>) -> Vec<Vec<String>> {
    let modules: BTreeMap<Vec<String>, &Source> =
        files.iter().map(|(below, source)| (module(below), *source)).filter(|(module, _)| !module.is_empty()).collect();
    let knows: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> = modules
        .iter()
        .map(|(own, source)| (own, source.paths.iter().filter_map(|path| known(&modules, own, path)).collect()))
        .collect();
    let reached: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> = knows
        .keys()
        .map(|start| {
            let (mut seen, mut open) = (BTreeSet::new(), vec![*start]);
            while let Some(next) = open.pop() {
                open.extend(knows[next].iter().filter(|module| seen.insert(**module)));
            }
            (*start, seen)
        })
        .collect();
    let circle = |own: &Vec<String>| {
        let all = reached[own].iter().filter(|other| reached[**other].contains(own));
        all.map(|module| module.join("::")).collect::<Vec<_>>()
    };
    let circles: BTreeSet<Vec<String>> = reached.keys().map(|own| circle(own)).filter(|all| !all.is_empty()).collect();
    circles.into_iter().collect()
}

/// The module that a path leads to, unless it is the own one, one around it or one within it.
fn known<'m>(modules: &'m BTreeMap<Vec<String>, &Source>, own: &[String], path: &[String]) -> Option<&'m Vec<String>> {
    let climbs = path.iter().take_while(|part| *part == "super").count();
    let mut whole: Vec<String> = match (climbs, path.first()?.as_str()) {
        (0, "crate") => path[1..].to_vec(),
        (0, _) => return None,
        _ => own.iter().take(own.len().checked_sub(climbs)?).chain(&path[climbs..]).cloned().collect(),
    };
    while !whole.is_empty() {
        if let Some((module, _)) = modules.get_key_value(&whole) {
            let related = own.starts_with(module) || module.starts_with(own);
            return (!related).then_some(module);
        }
        whole.pop();
    }
    None
}

#[test]
fn a_circle_is_seen() {
    let read = |all: &[(&'static str, &str)]| {
        let sources: BTreeMap<&str, Source> =
            all.iter().map(|(below, text)| (*below, super::reading::read(text))).collect();
        circles(&sources.iter().map(|(below, source)| (*below, source)).collect())
    };
    let two =
        [("a/mod.rs", "mod x;\nmod y;"), ("a/x.rs", "use super::y::Y;"), ("a/y.rs", "fn f() { crate::a::x::f() }")];
    assert_eq!(read(&two), [["a::x", "a::y"]]);
    let three = [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::{c::C};"), ("c.rs", "use super::a;")];
    assert_eq!(read(&three), [["a", "b", "c"]]);
    let none = [("a/mod.rs", "use crate::a::x::X;"), ("a/x.rs", "use super::Y;"), ("b.rs", "use crate::a::Y;")];
    assert_eq!(read(&none), Vec::<Vec<String>>::new());
    let tests = [("a.rs", "use crate::b::B;"), ("b.rs", "#[cfg(test)]\nmod tests { use crate::a; }")];
    assert_eq!(read(&tests), Vec::<Vec<String>>::new());
}
