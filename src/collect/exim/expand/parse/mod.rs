//! From the text of an expansion to its tree.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pest::Parser as _;
use pest_derive::Parser;

pub(crate) mod condition;

use super::{lookup_type, operator_names, variables};
use crate::collect::exim::options::{escaped, numbered};
use crate::collect::exim::space::is_space;
pub use condition::{Condition, Test};

#[derive(Parser)]
#[grammar = "grammar/exim_expand.pest"]
struct Grammar;

/// Levels of nesting that are followed.
pub(in crate::collect) const DEPTH_LIMIT: usize = 60;
/// Octets of an expansion that are looked at.
pub(in crate::collect) const LENGTH_LIMIT: usize = 256 << 10;
/// What a tree deeper than that is called.
const TOO_DEEP: &str = "the expansion is nested too deeply or too long to be followed";

/// A parsed expansion.
#[derive(Debug, Clone, Default)]
pub struct Expr(pub Vec<Node>);

/// One piece of an expansion, with its place in the text.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset behind its last.
    pub end: usize,
}

/// What a piece is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Text, escapes resolved.
    Text(String),
    /// A variable.
    Variable(String),
    /// `$1`.
    Capture(usize),
    /// A header of the message, by its name in lower case.
    Header(String),
    /// `${name:argument}`, arguments behind an underscore included in the name.
    Operator(String, Expr),
    /// `${if ...}`.
    If(Box<Condition>, Tail),
    /// `${lookup ...}`.
    Lookup(Box<Lookup>),
    /// `${name{argument}...}`, and whether the word `fail` ends it.
    Item(String, Vec<Expr>, bool),
    /// `${filter{list}{condition}}`.
    Filter(Expr, Box<Condition>),
    /// `${sort{list}{comparator}{field}}`.
    Sort(Expr, String, Expr),
    /// From here on Exim refuses the string, with this message.
    Error(String),
    /// Files do not decide it, for this reason: it is deeper or longer than is followed, or of an unclear form.
    Unclear(&'static str),
}

/// A lookup.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The key, in the single-key style.
    pub key: Option<Expr>,
    /// Type, with its affixes and options.
    pub kind: String,
    /// File, or query.
    pub file: Expr,
    /// What follows.
    pub tail: Tail,
}

/// The two strings behind a condition or lookup.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    /// The first.
    pub yes: Option<Expr>,
    /// The second.
    pub no: Option<Expr>,
    /// The word `fail` in place of the second.
    pub fail: bool,
}

/// Octets of texts whose trees are kept, as trials read the same ones again; a longer text than the second is not.
const KEPT: usize = 64 << 10;
const KEPT_EACH: usize = 8 << 10;

thread_local!(static TREES: RefCell<(usize, HashMap<String, Rc<Expr>>)> = RefCell::default());

/// Parses an expansion. An error stands in the tree, behind what Exim has expanded when it meets it.
pub fn parse(text: &str) -> Rc<Expr> {
    if let Some(known) = TREES.with_borrow(|(_, trees)| trees.get(text).map(Rc::clone)) {
        return known;
    }
    let tree = Rc::new(parsed(text));
    if text.len() <= KEPT_EACH {
        TREES.with_borrow_mut(|(octets, trees)| {
            if *octets + text.len() > KEPT {
                trees.clear();
                *octets = 0;
            }
            *octets += text.len();
            trees.insert(text.to_owned(), Rc::clone(&tree));
        });
    }
    tree
}

fn parsed(text: &str) -> Expr {
    if text.len() > LENGTH_LIMIT {
        return Expr(vec![Node { kind: Kind::Unclear(TOO_DEEP), start: 0, end: text.len() }]);
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let mut nodes = Vec::new();
    while parser.at < text.len() {
        let start = parser.at;
        let kind = match parser.piece() {
            Ok(Some(kind)) => kind,
            // A closing brace that closes nothing is text.
            Ok(None) => {
                parser.at += 1;
                Kind::Text("}".into())
            }
            Err(message) => {
                parser.at = text.len();
                // What stands around it may have added words of its own.
                if message.contains(TOO_DEEP) { Kind::Unclear(TOO_DEEP) } else { Kind::Error(message) }
            }
        };
        nodes.push(Node { kind, start, end: parser.at });
    }
    Expr(nodes)
}

/// The place in an expansion that is being parsed.
pub struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

/// Items that end with a yes and a no string, or take a list of arguments.
const ITEMS: &[&str] = &[
    "acl",
    "authresults",
    "certextract",
    "dlfunc",
    "env",
    "extract",
    "hash",
    "hmac",
    "imapfolder",
    "length",
    "listextract",
    "listquote",
    "map",
    "nhash",
    "perl",
    "prvs",
    "prvscheck",
    "readfile",
    "readsocket",
    "reduce",
    "run",
    "sg",
    "srs_encode",
    "substr",
    "tr",
];

/// Whether an item may have so many arguments; Exim asks even where it passes over it.
fn counted(item: &str, count: usize) -> Result<(), String> {
    let (least, most) = match item {
        "sg" | "tr" | "reduce" => (3, 3),
        "map" | "length" => (2, 2),
        "substr" | "hash" | "nhash" => (2, 3),
        "readfile" => (1, 2),
        "extract" => (2, 5),
        "listextract" => (2, 4),
        "hmac" => (3, 3),
        "perl" => (1, usize::MAX),
        _ => return Ok(()),
    };
    match count {
        _ if count < least => Err(format!("Not enough arguments for '{item}' (min is {least})")),
        _ if count > most => Err(format!("Too many arguments for '{item}' (max is {most})")),
        _ => Ok(()),
    }
}

impl<'t> Parser<'t> {
    /// What is left.
    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Steps over blanks.
    pub fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(is_space).len();
    }

    /// Steps over `what`, where it comes next.
    pub fn take(&mut self, what: char) -> bool {
        let here = self.rest().starts_with(what);
        if here {
            self.at += what.len_utf8();
        }
        here
    }

    /// Steps over the longest run of characters that fit.
    pub fn run(&mut self, fits: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Goes one level deeper with `inner`.
    pub fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= DEPTH_LIMIT {
            return Err(TOO_DEEP.into());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// The argument whose opening brace has been passed, its closing brace included.
    pub fn argument(&mut self) -> Result<Expr, String> {
        self.deeper(|parser| {
            let mut nodes = Vec::new();
            loop {
                if parser.at >= parser.text.len() {
                    return Err("missing } at end of string".into());
                }
                let start = parser.at;
                match parser.piece()? {
                    Some(kind) => nodes.push(Node { kind, start, end: parser.at }),
                    None => break,
                }
            }
            parser.at += 1;
            Ok(Expr(nodes))
        })
    }

    /// The argument whose opening brace has been passed, in which `$` means nothing.
    pub fn plain_argument(&mut self) -> Result<String, String> {
        let mut text = String::new();
        loop {
            match self.rest().chars().next() {
                None => return Err("missing } at end of string".into()),
                Some('}') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some('\\') => {
                    if let Some(Kind::Text(piece)) = self.piece()? {
                        text.push_str(&piece);
                    }
                }
                Some(c) => {
                    self.at += c.len_utf8();
                    text.push(c);
                }
            }
        }
    }

    /// The next piece; `None` before a closing brace.
    fn piece(&mut self) -> Result<Option<Kind>, String> {
        let rest = self.rest();
        if rest.starts_with('}') {
            return Ok(None);
        }
        let Some(piece) = Grammar::parse(Rule::piece, rest).ok().and_then(|mut pairs| pairs.next()) else {
            return Err(match rest.strip_prefix('$') {
                None => "\\ at end of string".into(),
                Some(rest) if rest.starts_with('{') => "letter or digit expected after ${".into(),
                Some(_) => "$ not followed by letter, digit, or {".into(),
            });
        };
        self.at += piece.as_span().end();
        let Some(inner) = piece.into_inner().next() else { return Ok(Some(Kind::Text(String::new()))) };
        let rule = inner.as_rule();
        let whole = inner.as_str();
        let child = inner.into_inner().next();
        let child_text = child.as_ref().map_or("", |pair| pair.as_str());
        Ok(Some(match rule {
            Rule::text => Kind::Text(whole.to_owned()),
            Rule::protected => Kind::Text(child_text.to_owned()),
            Rule::escape => Kind::Text(
                match child.as_ref().map(|pair| pair.as_rule()) {
                    Some(Rule::octal) => numbered(child_text, 8),
                    Some(Rule::hexadecimal) => numbered(&child_text[1..], 16),
                    _ => escaped(child_text.chars().next().unwrap_or('\\')),
                }
                .to_string(),
            ),
            Rule::capture => Kind::Capture(child_text.parse().unwrap_or(usize::MAX)),
            Rule::header => {
                let name = whole.split_once('_').map_or("", |(_, name)| name);
                Kind::Header(name.trim_end_matches(['}', ':']).to_ascii_lowercase())
            }
            Rule::variable if variables::is_known(child_text) => Kind::Variable(child_text.to_owned()),
            Rule::variable => return Err(format!("unknown variable name \"{child_text}\"")),
            _ => {
                let word = child_text.to_owned();
                self.deeper(|parser| parser.opened(word)).map(Some)?.unwrap_or(Kind::Unclear(TOO_DEEP))
            }
        }))
    }

    /// What `${word` begins.
    fn opened(&mut self, word: String) -> Result<Kind, String> {
        match word.as_str() {
            "if" => {
                let condition = condition::parse(self)?;
                return Ok(Kind::If(Box::new(condition), self.tail("if")?));
            }
            "lookup" => return self.lookup(),
            "filter" => {
                self.blanks();
                if !self.take('{') {
                    return Err(format!("missing '{{' for first arg of {word}"));
                }
                let list = self.argument()?;
                self.blanks();
                if !self.take('{') {
                    return Err(format!("missing '{{' for second arg of {word}"));
                }
                let condition = condition::parse(self)?;
                self.blanks();
                if !self.take('}') {
                    return Err(format!("missing '}}' closing second arg of {word}"));
                }
                self.close(&word)?;
                return Ok(Kind::Filter(list, Box::new(condition)));
            }
            "sort" if !self.rest().starts_with('}') => return self.sort(),
            _ if ITEMS.contains(&word.as_str()) && !self.rest().starts_with('}') => {
                if self.rest().starts_with(':') {
                    return Err(format!("Not enough arguments for '{word}'"));
                }
                if self.rest().starts_with(',') {
                    self.run(|c| c != '{' && c != '}');
                }
                let (arguments, fail) = self.arguments(&word)?;
                counted(&word, arguments.len())?;
                return Ok(Kind::Item(word, arguments, fail));
            }
            _ => {}
        }
        if self.take(':') {
            let argument = self.argument()?;
            return match operator_names::is_known(&word) {
                true => Ok(Kind::Operator(word, argument)),
                false => {
                    let name = word.split('_').next().unwrap_or_default();
                    Err(format!("unknown expansion operator \"{name}\""))
                }
            };
        }
        if !self.take('}') {
            return Err(format!("\"${{{word}\" is not a known operator (or a }} is missing in a variable reference)"));
        }
        match variables::is_known(&word) {
            true => Ok(Kind::Variable(word)),
            false => Err(format!("unknown variable in \"${{{word}}}\"")),
        }
    }

    fn sort(&mut self) -> Result<Kind, String> {
        let open = |parser: &mut Self| {
            parser.blanks();
            if parser.take('{') { Ok(()) } else { Err("missing '{' for arg of sort".to_owned()) }
        };
        open(self)?;
        let list = self.argument()?;
        open(self)?;
        let comparator = self.plain_argument()?;
        if !condition::is_name(&comparator) {
            return Err(format!("unknown condition \"{comparator}\""));
        }
        open(self)?;
        let field = self.argument()?;
        self.close("sort")?;
        Ok(Kind::Sort(list, comparator, field))
    }

    /// Arguments up to the item's closing brace.
    fn arguments(&mut self, name: &str) -> Result<(Vec<Expr>, bool), String> {
        let mut arguments = Vec::new();
        let mut fail = false;
        self.blanks();
        while self.take('{') {
            arguments.push(self.argument()?);
            self.blanks();
        }
        if self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            if self.run(|c| c.is_ascii_alphanumeric() || c == '_') != "fail" {
                return Err(format!("syntax error in \"{name}\" item - \"fail\" expected"));
            }
            fail = true;
        }
        self.close(name)?;
        Ok((arguments, fail))
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        self.blanks();
        if self.take('}') { Ok(()) } else { Err(format!("missing '}}' after '{name}'")) }
    }

    fn lookup(&mut self) -> Result<Kind, String> {
        self.blanks();
        let mut key = None;
        if self.take('{') {
            key = Some(self.argument()?);
            self.blanks();
        }
        if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("missing lookup type".into());
        }
        let kind = self.run(|c| c != '{' && !is_space(c)).to_owned();
        self.blanks();
        lookup_type::check(&kind, key.is_some())?;
        if !self.take('{') {
            return Err("missing '{' for lookup file-or-query arg".into());
        }
        let file = self.argument()?;
        Ok(Kind::Lookup(Box::new(Lookup { key, kind, file, tail: self.tail("lookup")? })))
    }

    /// The yes and no strings, and the item's closing brace.
    fn tail(&mut self, item: &str) -> Result<Tail, String> {
        let mut tail = Tail::default();
        let problem = |parser: &Self, what: &str| {
            let rest = parser.rest();
            Err(format!("curly-bracket problem in conditional yes/no parsing: {what}\n remaining string is '{rest}'"))
        };
        self.blanks();
        if self.take('}') {
            return Ok(tail);
        }
        if !self.take('{') {
            return problem(self, "'yes' part did not start with '{'");
        }
        tail.yes = Some(self.argument()?);
        self.blanks();
        if self.take('{') {
            tail.no = Some(self.argument()?);
        } else if !self.rest().is_empty() && !self.rest().starts_with('}') {
            if self.run(|c| c.is_ascii_alphanumeric() || c == '_') != "fail" {
                return Err(format!("syntax error in \"{item}\" item - \"fail\" expected"));
            }
            tail.fail = true;
        }
        self.blanks();
        match self.take('}') {
            true => Ok(tail),
            false => problem(self, "did not close with '}'"),
        }
    }
}
