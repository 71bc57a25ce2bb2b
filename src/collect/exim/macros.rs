//! Macros: definitions and their replacement, which is by plain text, in the order of definition.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::builtin;
use super::space::is_space;
use crate::source::Span;

/// Longest name, in octets.
pub(in crate::collect) const NAME_LIMIT: usize = 63;
/// What `-D` keeps of a name, in octets.
const COMMAND_LINE_NAME: usize = 23;
/// Macros that are kept; Exim has no limit. Debian's configuration has two hundred.
pub(in crate::collect) const COUNT_LIMIT: usize = 100_000;
/// Octets that the values of all of them may come to; those of Debian's have ten thousand. A macro of one that was defined before is as long as
/// both, which a hundred thousand lines make gigabytes of.
pub(in crate::collect) const VALUES_LIMIT: usize = 8 << 20;
/// What is said of more.
pub(crate) const TOO_MANY: &str = "there are more macros, or longer ones, than helolint keeps";
/// Octets of a name that the index looks at.
const PREFIX: usize = 4;

/// A macro.
#[derive(Debug, Clone)]
pub struct Macro {
    /// Its name.
    pub name: String,
    /// What stands for it.
    pub value: String,
    /// The place of its value; none for `-D` and builtin ones.
    pub at: Option<Span>,
    command_line: bool,
}

/// All macros known at one point: the builtin ones, those of the command line, those of the files, in this order. Copies share what neither
/// adds.
#[derive(Debug, Clone, Default)]
pub struct Macros {
    all: Arc<Vec<Macro>>,
    /// How many of them are builtin.
    builtin: usize,
    /// Octets of the values of those that files define.
    octets: usize,
    by_name: Arc<HashMap<String, usize>>,
    /// Lengths of the names that begin with these octets, for names at least that long; and the lengths of shorter ones. There
    /// are [`NAME_LIMIT`] of them at most, however many macros there are.
    by_prefix: Arc<HashMap<[u8; PREFIX], Vec<usize>>>,
    short: Vec<usize>,
}

impl Macros {
    /// The builtin macros, and those that `-D` defines, in order. `otherwise`: builtin macros to be taken the other way round.
    pub fn new(defines: &[(String, String)], otherwise: &BTreeSet<String>) -> Macros {
        static USUAL: OnceLock<Macros> = OnceLock::new();
        let mut macros = match otherwise.is_empty() {
            true => USUAL.get_or_init(|| Macros::built_in(otherwise)).clone(),
            false => Macros::built_in(otherwise),
        };
        for (name, value) in defines {
            let name: String = name.chars().take(COMMAND_LINE_NAME).collect();
            if !macros.by_name.contains_key(&name) {
                macros.add(name, value.clone(), None, true);
            }
        }
        macros
    }

    fn built_in(otherwise: &BTreeSet<String>) -> Macros {
        let mut macros = Macros::default();
        let known = builtin::macros();
        let added = otherwise.iter().filter(|name| !known.contains(name));
        for name in known.iter().filter(|name| !otherwise.contains(*name)).chain(added) {
            macros.add(name.clone(), "y".into(), None, false);
        }
        macros.builtin = macros.all.len();
        macros
    }

    /// The macros that files and the command line define, in order.
    pub fn user(&self) -> &[Macro] {
        &self.all[self.builtin..]
    }

    /// The macro with this place among all.
    pub fn get(&self, index: usize) -> Option<&Macro> {
        self.all.get(index)
    }

    /// The place among all of the macro `name`.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn add(&mut self, name: String, value: String, at: Option<Span>, command_line: bool) {
        let index = self.all.len();
        let lengths = match name.as_bytes().first_chunk::<PREFIX>() {
            Some(prefix) => Arc::make_mut(&mut self.by_prefix).entry(*prefix).or_default(),
            None => &mut self.short,
        };
        if !lengths.contains(&name.len()) {
            lengths.push(name.len());
        }
        Arc::make_mut(&mut self.by_name).insert(name.clone(), index);
        Arc::make_mut(&mut self.all).push(Macro { name, value, at, command_line });
    }

    /// Takes up a definition.
    ///
    /// # Errors
    /// Exim's message where it refuses it.
    pub fn define(&mut self, name: &str, value: &str, redefine: bool, at: Span) -> Result<(), String> {
        if name.len() > NAME_LIMIT {
            return Err(format!("macro name too long (maximum is {NAME_LIMIT} characters)"));
        }
        let known = self.by_name.get(name).copied();
        // Exim walks the list in order and stops at the name itself; earlier ones must not be part of it.
        let end = known.unwrap_or(self.all.len());
        if let Some(part) = self.parts_of(name).into_iter().filter(|index| *index < end).min() {
            let part = &self.all[part].name;
            return Err(format!(
                "\"{name}\" cannot be defined as a macro because previously defined macro \"{part}\" is a substring"
            ));
        }
        match known {
            Some(index) if self.all[index].command_line => Ok(()),
            Some(_) if !redefine => {
                Err(format!("macro \"{name}\" is already defined (use \"==\" if you want to redefine it)"))
            }
            Some(_) if self.octets + value.len() > VALUES_LIMIT => Err(TOO_MANY.into()),
            Some(index) => {
                let known = &mut Arc::make_mut(&mut self.all)[index];
                self.octets += value.len();
                self.octets -= known.value.len();
                (known.value, known.at) = (value.to_owned(), Some(at));
                Ok(())
            }
            None if redefine => Err(format!("can't redefine an undefined macro \"{name}\"")),
            None if self.all.len() >= COUNT_LIMIT || self.octets + value.len() > VALUES_LIMIT => Err(TOO_MANY.into()),
            None => {
                self.octets += value.len();
                self.add(name.to_owned(), value.to_owned(), Some(at), false);
                Ok(())
            }
        }
    }

    /// Macros whose names stand somewhere in `name` and are shorter.
    fn parts_of(&self, name: &str) -> Vec<usize> {
        let mut parts = Vec::new();
        for at in 0..name.len() {
            parts.extend(self.starting(name, at).filter(|index| self.all[*index].name.len() < name.len()));
        }
        parts
    }

    /// Macros whose names stand at octet `at` of `text`.
    fn starting<'a>(&'a self, text: &'a str, at: usize) -> impl Iterator<Item = usize> + 'a {
        let long = text.as_bytes()[at..].first_chunk::<PREFIX>().and_then(|prefix| self.by_prefix.get(prefix));
        let lengths = self.short.iter().chain(long.into_iter().flatten());
        lengths.filter_map(move |length| self.by_name.get(text.get(at..at + length)?).copied())
    }

    /// Replaces every macro in a physical line, whose leading blanks are gone. `fresh`: it begins a logical line.
    /// Gives the text (`None`: over `limit` octets, or more work than is `left`) and the macros replaced.
    pub fn substitute(&self, line: &str, fresh: bool, limit: usize, left: &mut usize) -> (Option<String>, Vec<usize>) {
        let mut from = 0;
        if fresh && line.starts_with(|c: char| c.is_ascii_uppercase()) {
            let after = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let after = after.trim_start_matches(is_space);
            if after.starts_with('=') {
                from = line.len() - after.len();
            }
        }
        let mut used = Vec::new();
        let Some(first) = candidate(line, from) else { return (Some(line.to_owned()), used) };
        from = first;
        // Builtin macros are looked for only where the first candidate is an underscore: Exim's own shortcut.
        let mut next = if line.as_bytes()[from] == b'_' { 0 } else { self.builtin };
        let mut text = line.to_owned();
        loop {
            // Looked through once for names, once for the one that is replaced.
            let Some(rest) = left.checked_sub(2 * (text.len() - from)) else { return (None, used) };
            *left = rest;
            let Some(index) = self.first_in(&text[from..], next) else { break };
            let found = &self.all[index];
            let hits = text[from..].matches(&found.name).count();
            if text.len() + hits * found.value.len() > limit {
                return (None, used);
            }
            let tail = text[from..].replace(&found.name, &found.value);
            text.truncate(from);
            text.push_str(&tail);
            used.push(index);
            next = index + 1;
            match candidate(&text, from) {
                Some(at) => from = at,
                None => break,
            }
        }
        (Some(text), used)
    }

    /// The earliest defined macro, at or behind `next`, that stands in `text`.
    fn first_in(&self, text: &str, next: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut best: Option<usize> = None;
        for (at, byte) in bytes.iter().enumerate() {
            // Names begin with a capital letter, those of builtin macros with an underscore.
            if byte.is_ascii_uppercase() || *byte == b'_' {
                let found = self.starting(text, at).filter(|index| *index >= next).min();
                best = best.into_iter().chain(found).min();
            }
        }
        best
    }
}

/// The first place from `from` on where a macro's name may begin.
fn candidate(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let may = |at: &usize| {
        bytes[*at].is_ascii_uppercase()
            || bytes[*at] == b'_' && bytes.get(at + 1).is_some_and(|next| next.is_ascii_uppercase())
    };
    (from..bytes.len()).find(may)
}
