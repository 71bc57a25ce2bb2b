//! On what of the message an expansion depends, and for which domains it has to be evaluated one by one.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::expand::lookups::Type;
use super::expand::parse::{Condition, Expr, Kind, Node, Test};
use super::expand::{Evaluator, NamedLists};
use super::lists;
use crate::name::lower_case;

/// Perl functions of cPanel's configuration that give the sender's domain, or a name in its place.
pub(crate) const SENDER_FUNCTIONS: [&str; 2] = ["get_message_sender_domain", "get_sender_from_uid"];
/// Named lists within named lists that are followed.
const DEPTH_LIMIT: usize = 20;

/// What it costs to note an item of a list, in octets of an evaluator's work.
pub(crate) const ITEM_COST: usize = 128;
/// What it costs to list an entry of a table, in octets of an evaluator's work.
const ENTRY_COST: usize = 64;
/// Names in a folder that are looked at.
const FOLDER_LIMIT: usize = 20_000;

/// What one or several expansions depend on.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// The sender's domain.
    pub sender: bool,
    /// The recipient's domain.
    pub recipient: bool,
    /// cPanel's Perl functions.
    pub perl: bool,
    /// It uses one of them in a way that listing domains does not cover.
    pub opaque: bool,
    /// Files whose keys are such domains.
    pub files: BTreeSet<String>,
    /// Folders with files or folders of such names: the path before the domain, and what may follow it in the name.
    pub folders: BTreeSet<(String, String)>,
    /// Domains, and patterns `*.domain`, that it compares with.
    pub names: BTreeSet<String>,
}

/// Whether a part gives a domain of the message as it stands (`Pure`), something made of it, or nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    Pure,
    Mixed,
}

/// Collects what expansions depend on.
pub(crate) struct Walk<'a> {
    /// What was found.
    pub uses: Uses,
    /// Named lists.
    pub lists: &'a NamedLists,
    /// Octets of the lists that were gone through: what is counted as work.
    pub octets: usize,
    in_key: bool,
    /// Lists that were gone through.
    gone_through: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    /// Nothing found yet.
    pub(crate) fn new(lists: &'a NamedLists) -> Walk<'a> {
        Walk { uses: Uses::default(), lists, octets: 0, in_key: false, gone_through: BTreeSet::new() }
    }

    /// Whether the list of this name is gone through for the first time.
    pub(crate) fn goes_through(&mut self, name: &str) -> bool {
        self.gone_through.insert(name.to_owned())
    }

    /// Takes an expansion into account.
    pub(crate) fn add(&mut self, expr: &Expr) {
        // What comes out of it may differ for each domain: the evaluation sees that by itself.
        self.expr(expr);
    }

    /// Takes a list of domains into account that the sender's is compared with.
    pub(crate) fn domain_list(&mut self, list: &str) {
        self.list(list, 0);
    }

    fn expr(&mut self, expr: &Expr) -> Part {
        let parts: Vec<Part> = expr.0.iter().filter(|node| !blank(node)).map(|node| self.node(node)).collect();
        match parts[..] {
            [one] => one,
            _ if parts.iter().all(|part| *part == Part::None) => Part::None,
            _ => Part::Mixed,
        }
    }

    fn node(&mut self, node: &Node) -> Part {
        match &node.kind {
            Kind::Variable(name) => match name.as_str() {
                "sender_address_domain" => {
                    self.uses.sender = true;
                    Part::Pure
                }
                "domain" | "original_domain" => {
                    self.uses.recipient = true;
                    Part::Pure
                }
                "sender_address" | "sender_address_local_part" | "return_path" => {
                    self.uses.sender = true;
                    Part::Mixed
                }
                "local_part" | "original_local_part" | "parent_domain" | "parent_local_part" => {
                    self.uses.recipient = true;
                    Part::Mixed
                }
                _ => Part::None,
            },
            Kind::Operator(name, argument) if name == "stat" && self.path(argument) => Part::None,
            Kind::Operator(name, argument) => {
                let sender = matches!(&argument.0[..], [Node { kind: Kind::Variable(v), .. }] if v == "sender_address");
                if name == "domain" && sender {
                    self.uses.sender = true;
                    return Part::Pure;
                }
                match self.expr(argument) {
                    Part::Pure if name == "lc" => Part::Pure,
                    Part::None => Part::None,
                    _ => {
                        self.uses.opaque = true;
                        Part::Mixed
                    }
                }
            }
            Kind::If(condition, tail) => self.choice(condition, [&tail.yes, &tail.no]),
            Kind::Lookup(lookup) => {
                let names = self.table_names(&lookup.file);
                if names.is_none() && self.expr(&lookup.file) != Part::None {
                    self.uses.opaque = true;
                }
                if let Some(key) = &lookup.key {
                    let outer = std::mem::replace(&mut self.in_key, true);
                    let key = self.expr(key);
                    self.in_key = outer;
                    match names {
                        Some(names) => names.into_iter().for_each(|file| self.table(key, &lookup.kind, &Some(file))),
                        None => self.table(key, &lookup.kind, &None),
                    }
                }
                self.either([&lookup.tail.yes, &lookup.tail.no])
            }
            Kind::Item(name, arguments, _) if name == "perl" => {
                let function = arguments.first().map(constant).unwrap_or_default().unwrap_or_default();
                if SENDER_FUNCTIONS.contains(&function.trim()) && arguments.len() == 1 {
                    self.uses.sender = true;
                    self.uses.perl = true;
                    return Part::Pure;
                }
                Part::None
            }
            Kind::Item(name, arguments, _) if name == "readfile" => {
                for (at, argument) in arguments.iter().enumerate() {
                    if at > 0 || !self.path(argument) {
                        self.opaque(argument);
                    }
                }
                Part::None
            }
            Kind::Item(_, arguments, _) => {
                for argument in arguments {
                    self.opaque(argument);
                }
                Part::None
            }
            Kind::Filter(list, condition) => {
                self.opaque(list);
                self.condition(condition);
                Part::None
            }
            Kind::Sort(list, _, field) => {
                self.opaque(list);
                self.opaque(field);
                Part::None
            }
            Kind::Text(_) | Kind::Capture(_) | Kind::Header(_) | Kind::Error(_) | Kind::Unclear(_) => Part::None,
        }
    }

    /// A choice between domains of the message, or between one and nothing, is such a domain. As a key it is found in the table
    /// whatever decides the choice.
    fn choice(&mut self, condition: &Condition, branches: [&Option<Expr>; 2]) -> Part {
        let around = (self.uses.files.clone(), self.uses.folders.clone(), self.uses.names.clone());
        self.condition(condition);
        let texts = branches.map(|branch| branch.as_ref().map_or(Some(String::new()), constant));
        let own: Vec<Part> =
            branches.into_iter().flatten().filter(|b| constant(b).is_none()).map(|b| self.expr(b)).collect();
        if own.is_empty() || own.iter().any(|part| *part != Part::Pure) {
            return if own.iter().all(|part| *part == Part::None) { Part::None } else { Part::Mixed };
        }
        if self.in_key && texts.iter().flatten().all(|text| text.trim().is_empty()) {
            (self.uses.files, self.uses.folders, self.uses.names) = around;
        }
        Part::Pure
    }

    fn either(&mut self, branches: [&Option<Expr>; 2]) -> Part {
        let parts: Vec<Part> = branches.into_iter().flatten().map(|branch| self.expr(branch)).collect();
        if parts.iter().all(|part| *part == Part::None) { Part::None } else { Part::Mixed }
    }

    /// Takes the name of a table into account; `None` where it may be one that cannot be listed. Of those that do not depend on a domain
    /// each is given.
    fn table_names(&mut self, expr: &Expr) -> Option<Vec<String>> {
        if let Some(file) = constant(expr) {
            return Some(vec![file]);
        }
        let mut nodes = expr.0.iter().filter(|node| !blank(node));
        if let (Some(Node { kind: Kind::If(condition, tail), .. }), None) = (nodes.next(), nodes.next()) {
            self.condition(condition);
            let branches: Vec<&Expr> = tail.yes.iter().chain(&tail.no).collect();
            let names: Option<Vec<Vec<String>>> = branches.into_iter().map(|branch| self.table_names(branch)).collect();
            return names.map(|names| names.concat());
        }
        // The domain's own table has its key.
        if self.path(expr) { Some(Vec::new()) } else { None }
    }

    /// Takes the path of a file into account where it holds a domain as it stands, once, in a folder that is always the same.
    fn path(&mut self, expr: &Expr) -> bool {
        let mut around = [String::new(), String::new()];
        let mut domains = 0;
        for node in &expr.0 {
            match &node.kind {
                Kind::Text(text) => around[domains.min(1)].push_str(text),
                _ if self.node(node) == Part::Pure => domains += 1,
                _ => return false,
            }
        }
        let [before, after] = around;
        if domains != 1 || !before.starts_with('/') {
            return false;
        }
        let suffix = after.split('/').next().unwrap_or_default().to_owned();
        self.uses.folders.insert((before, suffix));
        true
    }

    fn opaque(&mut self, expr: &Expr) {
        if self.expr(expr) != Part::None {
            self.uses.opaque = true;
        }
    }

    fn table(&mut self, key: Part, kind: &str, file: &Option<String>) {
        let kind = Type::parse(kind);
        match (key, file) {
            (Part::None, _) => {}
            (Part::Pure, Some(file)) if matches!(kind.name, "lsearch" | "nwildlsearch") => {
                self.uses.files.insert(file.trim().to_owned());
            }
            (Part::Pure, Some(folder)) if kind.name == "dsearch" => {
                self.uses.folders.insert((format!("{}/", folder.trim().trim_end_matches('/')), String::new()));
            }
            _ => self.uses.opaque = true,
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match &condition.test {
            Test::And(all) | Test::Or(all) => all.iter().for_each(|one| self.condition(one)),
            Test::Each(_, list, inner) => {
                self.opaque(list);
                self.condition(inner);
            }
            // An empty sender is evaluated apart from all domains.
            Test::Defined(name) if name.starts_with("sender_address") => self.uses.sender = true,
            Test::Defined(_) | Test::HeaderDefined => {}
            Test::ListMatch(name, subject, list) => match (self.expr(subject), name.as_str()) {
                (Part::None, _) => {}
                (Part::Mixed, "match_address") if is_sender_address(subject) => self.address_list(list, 0),
                (Part::Pure, "match_domain") => self.list(list, 0),
                _ => self.uses.opaque = true,
            },
            Test::Plain(name, arguments) if name == "exists" && arguments.iter().all(|path| self.path(path)) => {}
            Test::Plain(name, arguments) => {
                let parts: Vec<Part> = arguments.iter().map(|argument| self.expr(argument)).collect();
                match (name.as_str(), &parts[..], arguments.as_slice()) {
                    ("eq" | "eqi", [Part::Pure, Part::None], [_, other])
                    | ("eq" | "eqi", [Part::None, Part::Pure], [other, _]) => self.name(constant(other)),
                    ("inlist" | "inlisti", [Part::Pure, Part::None], [_, list]) => match constant(list) {
                        Some(list) => lists::items(&list).into_iter().for_each(|item| self.name(Some(item))),
                        None => self.uses.opaque = true,
                    },
                    // Whether there is a sender at all.
                    ("eq" | "eqi", [Part::Mixed, Part::None], [_, other]) if constant(other).as_deref() == Some("") => {
                    }
                    _ if parts.iter().all(|part| *part == Part::None) => {}
                    _ => self.uses.opaque = true,
                }
            }
        }
    }

    fn name(&mut self, name: Option<String>) {
        match name {
            Some(name) if !name.is_empty() => {
                self.uses.names.insert(name.to_ascii_lowercase());
            }
            Some(_) => {}
            None => self.uses.opaque = true,
        }
    }

    /// A list of addresses that the sender's is compared with: patterns of whole domains can be listed.
    fn address_list(&mut self, list: &str, depth: usize) {
        if depth > DEPTH_LIMIT || list.contains(['$', '\\']) {
            self.uses.opaque = true;
            return;
        }
        self.octets += list.len();
        for item in lists::each(list) {
            self.octets += ITEM_COST;
            let item = item.trim_start_matches('!').trim_start();
            if let Some(name) = item.strip_prefix('+') {
                match self.lists.get(&("addresslist".to_owned(), name.to_owned())) {
                    // What was gone through once names nothing new.
                    Some(_) if !self.goes_through(&format!("@{name}")) => {}
                    Some(inner) => self.address_list(&inner.value, depth + 1),
                    None => self.uses.opaque = true,
                }
                continue;
            }
            match item.strip_prefix("*@").unwrap_or(item) {
                "" => {}
                domain if domain.contains([';', '@', '/']) || domain.starts_with('^') => self.uses.opaque = true,
                domain => self.list(&format!("<\u{1f}{domain}"), 0),
            }
        }
    }

    fn list(&mut self, list: &str, depth: usize) {
        if depth > DEPTH_LIMIT || (depth > 0 && list.contains(['$', '\\'])) {
            self.uses.opaque = true;
            return;
        }
        self.octets += list.len();
        for item in lists::each(list) {
            self.octets += ITEM_COST;
            let item = item.trim_start_matches('!').trim_start();
            if let Some(name) = item.strip_prefix('+') {
                match self.lists.get(&("domainlist".to_owned(), name.to_owned())) {
                    // What was gone through once names nothing new.
                    Some(_) if !self.goes_through(name) => {}
                    Some(inner) => self.list(&inner.value, depth + 1),
                    None => self.uses.opaque = true,
                }
            } else if item.starts_with('/') && !item.contains(';') {
                self.table(Part::Pure, "lsearch", &Some(item.to_owned()));
            } else if let Some((kind, file)) = item.split_once(';') {
                self.table(Part::Pure, kind.trim(), &Some(file.to_owned()));
            } else if item.starts_with("*.") || !item.starts_with(['*', '^', '@']) {
                self.uses.names.insert(item.to_ascii_lowercase());
            } else if item != "*" && item != "@" {
                self.uses.opaque = true;
            }
        }
    }
}

/// Whether an expansion is the sender's address as it stands.
fn is_sender_address(expr: &Expr) -> bool {
    let mut nodes = expr.0.iter().filter(|node| !blank(node));
    let first = nodes.next().is_some_and(|node| matches!(&node.kind, Kind::Variable(name) if name == "sender_address"));
    first && nodes.next().is_none()
}

fn blank(node: &Node) -> bool {
    matches!(&node.kind, Kind::Text(text) if text.trim().is_empty())
}

/// The text of an expansion that is text alone.
pub(crate) fn constant(expr: &Expr) -> Option<String> {
    let texts = expr.0.iter().map(|node| match &node.kind {
        Kind::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The domains, and patterns, that have to be evaluated one by one, each once and sorted; `None` where they cannot be listed.
pub(crate) fn domains(uses: &Uses, evaluator: &Evaluator) -> Option<Vec<String>> {
    if uses.opaque {
        return None;
    }
    // A file that cannot be read shows itself when the expansion is evaluated.
    let tables: Vec<_> = uses.files.iter().filter_map(|file| evaluator.table(file).ok()).collect();
    evaluator.spend(tables.iter().map(|table| table.entries.len()).sum::<usize>().saturating_mul(ENTRY_COST)).ok()?;
    let mut all: Vec<Cow<'_, str>> = uses.names.iter().map(Cow::from).collect();
    for entry in tables.iter().flat_map(|table| &table.entries) {
        if entry.key.starts_with('^') || (entry.key.starts_with('*') && !entry.key.starts_with("*.")) {
            if &*entry.key != "*" {
                return None;
            }
        } else if !entry.key.contains('@') && !entry.key.is_empty() {
            all.push(lower_case(&entry.key));
        }
    }
    for (before, suffix) in &uses.folders {
        let (folder, prefix) = before.rsplit_once('/')?;
        for name in evaluator.names_in(&format!("{folder}/"), FOLDER_LIMIT)? {
            let domain = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix.as_str()));
            let shaped =
                |domain: &&str| domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            all.extend(
                domain.filter(|domain| !domain.is_empty()).filter(shaped).map(|domain| Cow::Owned(domain.to_owned())),
            );
        }
    }
    all.sort();
    all.dedup();
    Some(all.into_iter().map(Cow::into_owned).collect())
}

/// The file that an expansion looks something up in, where it is such a lookup and nothing else.
pub(crate) fn table_of(expr: &Expr) -> Option<String> {
    let mut nodes = expr.0.iter().filter(|node| !blank(node));
    match (nodes.next().map(|node| &node.kind), nodes.next()) {
        (Some(Kind::Lookup(lookup)), None) => {
            let kind = Type::parse(&lookup.kind);
            let plain =
                lookup.tail.yes.as_ref().is_none_or(
                    |yes| matches!(&yes.0[..], [Node { kind: Kind::Variable(name), .. }] if name == "value"),
                );
            let text = matches!(kind.name, "lsearch" | "nwildlsearch" | "wildlsearch" | "iplsearch");
            constant(&lookup.file).filter(|_| plain && text && lookup.key.is_some()).map(|file| file.trim().to_owned())
        }
        _ => None,
    }
}
