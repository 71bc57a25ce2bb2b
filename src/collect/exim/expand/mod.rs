//! Exim's expansion language, as far as files decide it (Exim specification, chapter 11).

pub(in crate::collect::exim) mod address;
mod digest;
mod evaluate;
mod fold;
mod items;
mod lookup_type;
pub(crate) mod lookups;
mod matching;
mod network;
mod operator_names;
pub(in crate::collect::exim) mod operators;
pub mod parse;
mod pattern;
mod skipped;
mod stop;
pub(crate) mod table;
mod taint;
mod variables;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::collect::confidential::OwnFiles;
use crate::collect::exim::{lists, version};
use crate::collect::root::{FileStatus, ReadError, Root};
use crate::facts::Fact;
use crate::source::SourceFile;
use parse::Expr;
use pattern::Pattern;
use table::Table;

pub(crate) use stop::undecided;
pub use stop::{Failure, Stop, Unopened};

/// Octets that all evaluations together may touch, so that no file can keep the program busy: 50,000 sender domains with a
/// lookup each take a fifth of it.
const WORK_LIMIT: u64 = 1 << 30;
/// What a step costs, in octets.
const STEP_COST: u64 = 32;
/// What it costs to ask one thing for one of many senders, in octets: about three steps' time.
const SENDER_COST: usize = 96;
/// Work after which nothing is asked for one sender after the other.
const SENDERS_LIMIT: u64 = WORK_LIMIT / 4 * 3;
/// What an octet costs that is parsed.
pub(crate) const PARSING: usize = 8;
/// What it costs to look at a file, and to open one, in octets.
const STATUS_COST: usize = 2048;
const READING_COST: usize = 4096;
/// Files that could not be read, and of which that is kept.
const UNREAD_LIMIT: usize = 1000;
/// Octets of texts that are kept as trees.
const PARSED_LIMIT: usize = 1 << 20;
/// Regular expressions that are kept. Each may take [`pattern::SIZE_LIMIT`] octets, and as many again while it is used.
const PATTERN_LIMIT: usize = 256;
/// Expansions within expansions.
const DEPTH_LIMIT: usize = 12;
/// Stands for what stat(2) says and files do not decide; as `$value`, for text that Exim leaves there and that is not followed.
pub(crate) const UNSEEN: &str = "\u{f8ff}unseen";

/// Stands for a PTR name of the sending address.
pub const PTR_NAME: &str = "\u{f8ff}ptr";
/// Stands for another one.
pub const PTR_OTHER: &str = "\u{f8ff}other-ptr";

/// What a DNS lookup for the PTR record of the sending address is assumed to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ptr {
    /// [`PTR_NAME`].
    Found,
    /// [`PTR_NAME`] and [`PTR_OTHER`].
    Several,
    /// Nothing.
    Missing,
}

/// What is assumed of keys that files do not decide: any entry of the table may be the one.
#[derive(Debug, Clone, Default)]
pub struct Free {
    /// The entry's key; none: no entry fits.
    pub key: Option<String>,
    /// The tables that were asked.
    pub tables: BTreeSet<String>,
}

/// What an expansion sees.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Variables by name.
    pub values: HashMap<Cow<'static, str>, String>,
    /// Those that many scopes have in common; what [`Scope::values`] has goes before.
    shared: Rc<HashMap<Cow<'static, str>, String>>,
    /// What Perl functions give, by name.
    pub perl: HashMap<&'static str, String>,
    /// What a DNS lookup for the PTR record of the sending address is assumed to find.
    pub ptr: Option<Ptr>,
    /// What a key is that files do not decide, and what was looked up with such a key.
    pub free: Option<Free>,
    /// The header `From:`; else what files do not decide.
    pub from: Option<String>,
    /// Whether variables that are not named are empty; else they are undecided.
    pub rest_empty: bool,
    captures: Vec<String>,
    /// Undecided conditions around, both ways of which are looked at.
    unsure: usize,
    /// Whether Exim has matched something earlier, so that `$1` holds text that is not known, even where the rest is empty.
    pub matched_before: bool,
    depth: usize,
}

impl Scope {
    /// A scope in which every variable is empty, as with `exim -be`.
    pub fn empty() -> Scope {
        Scope { rest_empty: true, ..Scope::default() }
    }

    /// The same, so that copies share the variables that it has now.
    pub(crate) fn to_be_shared(&self) -> Scope {
        let mut scope = self.clone();
        let mut all = HashMap::clone(&scope.shared);
        all.extend(std::mem::take(&mut scope.values));
        scope.shared = Rc::new(all);
        scope
    }

    /// From here on `$1` and its kin hold these, and nothing where there are none.
    fn capture(&mut self, groups: &[&str]) {
        self.captures = [""].iter().chain(groups).map(|group| (*group).to_owned()).collect();
    }

    /// Goes one expansion deeper.
    pub(crate) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Scope) -> Result<T, Stop>) -> Result<T, Stop> {
        if self.depth >= DEPTH_LIMIT {
            return undecided("expansions within expansions are nested too deeply".to_owned());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

/// Named lists by kind and name.
pub type NamedLists = HashMap<(String, String), Fact<String>>;

/// A regular expression; none where it is not followed, an error where Exim refuses it.
type Compiled = Result<Option<Rc<Pattern>>, String>;

/// Tables by their files, each read once; evaluators over the same files of one configuration may share them.
pub type Tables = Rc<RefCell<HashMap<String, Rc<Table>>>>;

/// Of which files an expansion may tell that they are there: its value is printed, and may be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Tells {
    /// Those whose text may be told.
    #[default]
    OfReadable,
    /// Those in the MTA's own folders too: keys stand there.
    OfOwn,
    /// All.
    OfAny,
}

/// Evaluates expansions over the files of one host; each file is read once.
pub struct Evaluator<'r> {
    root: &'r Root,
    /// What may be read of them.
    own: OwnFiles<'r>,
    lists: Option<&'r NamedLists>,
    /// `$primary_hostname`, for `@` in lists.
    pub primary_hostname: Option<String>,
    /// `allow_insecure_tainted_data`.
    pub allows_tainted: bool,
    /// The version that the configuration names.
    pub version_hint: Option<String>,
    /// Of which files it may be told that they are there.
    pub tells: Cell<Tells>,
    /// Files of the lsearch family.
    pub tables: Tables,
    stats: RefCell<HashMap<(String, Tells), Option<FileStatus>>>,
    patterns: RefCell<HashMap<(String, bool), Compiled>>,
    /// Files that `readfile` gave.
    files: RefCell<BTreeSet<String>>,
    work: Cell<u64>,
    /// Whether the sender was asked for, since [`Evaluator::by_sender`] began.
    asks_sender: Cell<bool>,
    /// Why files could not be read as tables.
    unread: RefCell<HashMap<String, Stop>>,
    /// Texts that are expanded for one sender after the other, and the octets of those that are kept.
    parsed: RefCell<(HashMap<String, Rc<Expr>>, usize)>,
    /// The limit that ended an evaluation.
    bounded: Cell<Option<&'static str>>,
}

impl<'r> Evaluator<'r> {
    /// An evaluator over the files of `root` that everyone may read.
    pub fn new(root: &'r Root, lists: Option<&'r NamedLists>) -> Evaluator<'r> {
        Evaluator::over(root, OwnFiles::of_exim(root, []), lists)
    }

    /// An evaluator over the files of `root` that everyone may read, and a configuration's own.
    pub fn over(root: &'r Root, own: OwnFiles<'r>, lists: Option<&'r NamedLists>) -> Evaluator<'r> {
        Evaluator {
            root,
            own,
            lists,
            primary_hostname: None,
            allows_tainted: false,
            version_hint: None,
            tells: Cell::default(),
            tables: Tables::default(),
            stats: RefCell::default(),
            patterns: RefCell::default(),
            files: RefCell::default(),
            work: Cell::new(0),
            asks_sender: Cell::new(false),
            unread: RefCell::default(),
            parsed: RefCell::default(),
            bounded: Cell::new(None),
        }
    }

    /// The value of an expansion.
    ///
    /// # Errors
    /// Where it fails, or files do not decide it.
    pub fn value(&self, expr: &Expr, scope: &mut Scope) -> Result<String, Stop> {
        scope.captures.clear();
        scope.depth = 0;
        self.expand(expr, scope)
    }

    /// What the installed Exim does with text from outside in names of files.
    pub(crate) fn tainted(&self) -> taint::Tainted {
        if self.allows_tainted {
            return taint::Tainted::Taken;
        }
        let version = self.version_hint.clone().or_else(|| version::installed(self.root));
        taint::Tainted::by_version(version.as_deref())
    }

    /// Counts a step.
    pub(crate) fn step(&self) -> Result<(), Stop> {
        self.spend(0)
    }

    /// Counts a step that touches this many octets.
    pub(crate) fn spend(&self, octets: usize) -> Result<(), Stop> {
        let work = self.work.get().saturating_add(STEP_COST + octets as u64);
        self.work.set(work);
        if work > WORK_LIMIT { self.end("expansions take more work than helolint spends") } else { Ok(()) }
    }

    /// Counts what is done for one of many senders, and says whether there is room for more. It ends before evaluation itself does: what is
    /// left is for what comes after, which need not ask for each of them.
    pub(crate) fn spend_on_sender(&self) -> bool {
        self.spend(SENDER_COST).is_ok() && self.work.get() <= SENDERS_LIMIT
    }

    /// What `evaluate` gives, and whether it asked for the sender: what did not is the same for each.
    pub(crate) fn by_sender<T>(&self, evaluate: impl FnOnce() -> T) -> (T, bool) {
        let around = self.asks_sender.replace(false);
        let value = evaluate();
        let asks = self.asks_sender.get();
        self.asks_sender.set(around || asks);
        (value, asks)
    }

    /// The tree of a text that is expanded for one sender after the other.
    pub(crate) fn parsed(&self, text: &str) -> Rc<Expr> {
        if let Some(known) = self.parsed.borrow().0.get(text) {
            return Rc::clone(known);
        }
        // Where the work is at its end, evaluation says so.
        let _ = self.spend(text.len().saturating_mul(PARSING));
        let expr = parse::parse(text);
        let (known, octets) = &mut *self.parsed.borrow_mut();
        if *octets + text.len() <= PARSED_LIMIT {
            *octets += text.len();
            known.insert(text.to_owned(), Rc::clone(&expr));
        }
        expr
    }

    /// Ends an evaluation at a limit of helolint's own.
    pub(crate) fn end<T>(&self, limit: &'static str) -> Result<T, Stop> {
        self.bounded.set(Some(limit));
        undecided(limit.to_owned())
    }

    /// Notes a limit that ended something else than an evaluation.
    pub(crate) fn note(&self, limit: &'static str) {
        self.bounded.set(Some(limit));
    }

    /// The limit that ended an evaluation, where one did.
    pub fn bounded(&self) -> Option<&'static str> {
        self.bounded.get()
    }

    /// The table of a file of the lsearch family, read once.
    ///
    /// # Errors
    /// Exim's failure where there is none: not the no-branch.
    pub fn table(&self, file: &str) -> Result<Rc<Table>, Stop> {
        if let Some(table) = self.tables.borrow().get(file) {
            return Ok(Rc::clone(table));
        }
        if let Some(known) = self.unread.borrow().get(file) {
            return Err(known.clone());
        }
        let table = self.read_table(file);
        if let Err(stop) = &table
            && self.unread.borrow().len() < UNREAD_LIMIT
        {
            self.unread.borrow_mut().insert(file.to_owned(), stop.clone());
        }
        table
    }

    fn read_table(&self, file: &str) -> Result<Rc<Table>, Stop> {
        self.spend(READING_COST)?;
        let read = if file.starts_with('/') { self.own.read(file) } else { Err(ReadError::NotFound) };
        let table = match read {
            Ok(file) => Rc::new(Table::parse(&file)),
            Err(error @ ReadError::Confidential) => return undecided(format!("{file} is read, and {error}")),
            Err(error) if error.is_bound() => return self.end("a map is larger than helolint reads"),
            Err(error) => {
                let why = match error {
                    ReadError::NotFound => "No such file or directory".to_owned(),
                    ref other => other.to_string(),
                };
                let message = format!("failed to open {file} for linear search: {why}");
                let is_absent = error == ReadError::NotFound;
                let file = Some(Unopened { path: file.to_owned(), is_absent });
                return Err(Stop::Fails(Failure { message, file }));
            }
        };
        if table.cut {
            return self.end("a map has more entries than helolint keeps");
        }
        self.tables.borrow_mut().insert(file.to_owned(), Rc::clone(&table));
        Ok(table)
    }

    /// The patterns of a file that is an item of a list, one a line.
    ///
    /// # Errors
    /// As for a table, in the words that Exim has for lists.
    pub fn list_file(&self, file: &str) -> Result<Rc<Table>, Stop> {
        self.table(file).map_err(|stop| match stop {
            Stop::Fails(why) => {
                let message = why.message.replace(" for linear search", ", which is an item of a list");
                Stop::Fails(Failure { message, ..why })
            }
            other => other,
        })
    }

    /// The names of what stands in a folder; none where there are more than `limit`, or they are not to be told.
    pub fn names_in(&self, folder: &str, limit: usize) -> Option<Vec<String>> {
        self.look(folder).ok()?;
        Some(self.root.names_in(folder, limit)).filter(|names| names.len() <= limit)
    }

    /// Whether something stands at a path, as far as that is decided.
    pub fn is_there(&self, path: &str) -> Option<bool> {
        Some(self.status(path).ok()?.is_some())
    }

    /// A file, where it can be read.
    pub fn file(&self, path: &str) -> Option<Arc<SourceFile>> {
        self.own.read(path).ok()
    }

    /// The files that `readfile` has given so far.
    pub fn files_read(&self) -> Vec<String> {
        self.files.borrow().iter().cloned().collect()
    }

    /// Whether it may be told what stands at `path`.
    ///
    /// # Errors
    /// Undecided where it may not.
    fn look(&self, path: &str) -> Result<(), Stop> {
        if self.own.may_look_at(path) {
            return Ok(());
        }
        undecided(format!("{path} is looked at, and {}", ReadError::Confidential))
    }

    fn status(&self, path: &str) -> Result<Option<FileStatus>, Stop> {
        let key = (path.to_owned(), self.tells.get());
        if let Some(known) = self.stats.borrow().get(&key) {
            return Ok(*known);
        }
        match key.1 {
            Tells::OfAny => {}
            Tells::OfOwn if self.own.is_in_own_folder(path) => {}
            Tells::OfOwn | Tells::OfReadable => self.look(path)?,
        }
        self.spend(STATUS_COST)?;
        let status = self.root.status(path);
        self.stats.borrow_mut().insert(key, status);
        Ok(status)
    }

    /// What `${stat:path}` gives; fields that a copy of the file system does not keep are marked.
    pub(crate) fn stat(&self, path: &str) -> Result<String, Stop> {
        self.look(path)?;
        let Some(status) = self.status(path)? else {
            return Err(Stop::absent(path, format!("stat({path}) failed: No such file or directory")));
        };
        let kind = match status.mode & 0o170_000 {
            0o040_000 => 'd',
            0o100_000 => '-',
            _ => '?',
        };
        let bits = (0..9).rev().map(|bit| match status.mode >> bit & 1 {
            0 => '-',
            _ => ['x', 'w', 'r'][bit % 3],
        });
        let symbols: String = std::iter::once(kind).chain(bits).collect();
        Ok(format!(
            "mode={:04o} smode={symbols} inode={UNSEEN} device={UNSEEN} links={UNSEEN} uid={} gid={} size={} \
             atime={UNSEEN} mtime={} ctime={UNSEEN}",
            status.mode & 0o77777,
            status.uid,
            status.gid,
            status.size,
            status.modified,
        ))
    }

    /// What `listnamed` gives: the items of a named list, and of those that it refers to, as a list of colons.
    ///
    /// # Errors
    /// Undecided where there is more than is followed.
    fn named_list(&self, name: &str, kind: Option<&str>, depth: usize) -> Result<Option<String>, Stop> {
        const KINDS: [&str; 4] = ["addresslist", "domainlist", "hostlist", "localpartlist"];
        let found = |kind: &&str| self.lists?.get(&((**kind).to_owned(), name.to_owned()));
        let wanted = |known: &&&str| kind.is_none_or(|kind| known.starts_with(kind));
        let Some((kind, list)) = KINDS.iter().filter(wanted).find_map(|kind| Some((*kind, found(kind)?))) else {
            return Ok(None);
        };
        self.spend(list.value.len())?;
        let list = list.value.as_str();
        let mut out = Vec::new();
        for item in lists::items(list) {
            out.push(match item.strip_prefix('+') {
                Some(_) if depth >= DEPTH_LIMIT => return Ok(None),
                Some(inner) => match self.named_list(inner, kind.get(..1), depth + 1)? {
                    Some(inner) => inner,
                    None => return Ok(None),
                },
                None if lists::separator(list).0 == ':' => item,
                None => item.replace(':', "::"),
            });
        }
        let length = out.iter().map(String::len).sum::<usize>();
        self.spend(length)?;
        if length > operators::RESULT_LIMIT {
            return self.end("a named list grows longer than helolint follows");
        }
        Ok(Some(out.join(" : ")))
    }

    /// A compiled regular expression.
    fn pattern(&self, text: &str, caseless: bool) -> Result<Rc<Pattern>, Stop> {
        let key = (text.to_owned(), caseless);
        self.spend(text.len())?;
        let known = self.patterns.borrow().get(&key).cloned();
        if known.is_none() && self.patterns.borrow().len() >= PATTERN_LIMIT {
            return self.end("there are more regular expressions than helolint follows");
        }
        let compiled = known.unwrap_or_else(|| {
            let built = Pattern::new(text, caseless).map(|pattern| pattern.map(Rc::new));
            self.patterns.borrow_mut().insert(key, built.clone());
            built
        });
        compiled
            .map_err(Stop::fails)?
            .map_or_else(|| undecided(format!("the regular expression `{text}` is not followed")), Ok)
    }
}
