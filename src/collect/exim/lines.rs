//! From physical to logical lines: continuation, comments, conditionals, includes, macros (Exim specification, chapter 6).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Refused;
use super::hidden::{self, Uses};
use super::macros::Macros;
use super::space::is_space;
use super::syntax;
use crate::collect::root::{ReadError, Root};
use crate::secret::Syntax;
use crate::source::{SourceFile, Span};

/// Conditionals that may be open at once, as Exim has it.
pub(in crate::collect) const CONDITION_DEPTH: usize = 10;
/// Files that may be open at once. Exim has no limit of its own: a loop ends when the system refuses one more.
pub(in crate::collect) const INCLUDE_DEPTH: usize = 100;
/// Builtin macros that are remembered.
const BUILD_LIMIT: usize = 1000;
/// Bytes that may be touched in all: lines and files as they are read, and each time that macros are looked for in a line.
/// Files that include each other twice, and macros of macros, can make a small configuration endless; the largest real ones
/// have a megabyte and touch some ten times that.
const WORK_LIMIT: usize = 64 << 20;
/// What a line costs beside its bytes.
const LINE_COST: usize = 16;
/// What an included file costs beside its lines.
const INCLUDE_COST: usize = 512;
/// What one line may hold after macros, in bytes.
const LINE_LIMIT: usize = 4 << 20;

/// One logical line, with the places that it was put together from.
#[derive(Debug, Clone)]
pub struct Logical {
    /// Its text: macros replaced, joined, blanks at both ends gone.
    pub text: String,
    pieces: Vec<Piece>,
}

/// What one physical line gave to a logical one.
#[derive(Debug, Clone)]
struct Piece {
    /// Where in the logical line it begins.
    at: usize,
    file: Arc<SourceFile>,
    /// Its place in the file, blanks at its start apart.
    start: usize,
    end: usize,
    /// Macros replaced in it, by their place among all; none: offsets agree.
    macros: Vec<usize>,
}

impl Logical {
    /// The place of bytes `start..end` of the line. Where a macro was replaced, the whole physical line.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let index = self.pieces.partition_point(|piece| piece.at <= start).saturating_sub(1);
        let piece = &self.pieces[index.min(self.pieces.len() - 1)];
        if piece.macros.is_empty() {
            let from = (piece.start + (start - piece.at.min(start))).min(piece.end);
            return piece.file.span(from, (from + end.saturating_sub(start)).min(piece.end));
        }
        piece.file.span(piece.start, piece.end)
    }

    /// The place of its last physical line, which is the one that Exim names in errors.
    pub fn last(&self) -> Span {
        // A logical line has at least one piece: it is made when the first is appended.
        let piece = &self.pieces[self.pieces.len() - 1];
        piece.file.span(piece.start, piece.end)
    }

    /// The one macro that was replaced in the physical line that holds byte `at`, where it was one alone.
    pub fn only_macro(&self, at: usize) -> Option<usize> {
        let index = self.pieces.partition_point(|piece| piece.at <= at).saturating_sub(1);
        match self.pieces.get(index)?.macros.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

impl Logical {
    fn uses(&self, macros: &Macros) -> Option<Uses> {
        let used: Vec<usize> = self.pieces.iter().flat_map(|piece| &piece.macros).copied().collect();
        if used.is_empty() {
            return None;
        }
        let secret = hidden::in_secrets(&self.text, &used, macros);
        let places = self.pieces.iter().map(|piece| piece.file.span(piece.start, piece.end)).collect();
        let defines = syntax::macro_definition(&self.text).map(|found| found.name.to_owned());
        Some(Uses { macros: used, secret, defines, places })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Lines count.
    Active,
    /// Lines are dropped until a branch is true.
    Searching,
    /// A branch has been taken: lines are dropped until `.endif`.
    Done,
}

/// What Exim has in its buffer of a line that it dropped.
enum Left {
    /// This, macros replaced.
    Replaced(String),
    /// The line here, whose macros were not replaced, with that many bytes of blanks at its start.
    AsWritten(Span, usize),
}

struct Frame {
    file: Arc<SourceFile>,
    at: usize,
}

/// Reads logical lines one after the other.
pub(crate) struct Lines<'r> {
    root: &'r Root,
    frames: Vec<Frame>,
    outer: Vec<State>,
    state: State,
    /// Macros known so far.
    pub macros: Macros,
    /// Files read, the first is the configuration itself.
    pub files: Vec<Arc<SourceFile>>,
    /// The last physical line read, for errors.
    last: Option<Span>,
    /// Bytes that may still be touched.
    left: usize,
    first: bool,
    /// Builtin macros that conditionals ask for and that not every build has.
    pub build: BTreeSet<String>,
    /// Lines in which macros were replaced.
    pub uses: Vec<Uses>,
}

const DIRECTIVES: [&str; 6] = ["ifdef", "ifndef", "elifdef", "elifndef", "else", "endif"];

impl<'r> Lines<'r> {
    /// The lines of `file`, with the macros that the command line defines.
    pub(crate) fn new(root: &'r Root, file: Arc<SourceFile>, macros: Macros) -> Lines<'r> {
        file.read_as(Syntax::Exim, BTreeSet::new());
        let frames = vec![Frame { file: Arc::clone(&file), at: 0 }];
        Lines {
            root,
            frames,
            outer: Vec::new(),
            state: State::Active,
            macros,
            files: vec![file],
            last: None,
            left: WORK_LIMIT,
            first: true,
            build: BTreeSet::new(),
            uses: Vec::new(),
        }
    }

    /// The next logical line; `None` at the end.
    ///
    /// # Errors
    /// What makes Exim refuse the file at this level.
    pub(crate) fn next_line(&mut self) -> Result<Option<Logical>, Refused> {
        let mut line = Logical { text: String::new(), pieces: Vec::new() };
        // What was dropped last stays in Exim's buffer: at the end of the file it is taken as part of an unfinished line.
        let mut left: Option<Left> = None;
        loop {
            let Some((file, start, end)) = self.physical() else {
                if self.state != State::Active || !self.outer.is_empty() {
                    // Named is the end of the first file, also where an included one was read last.
                    self.last = self.files.first().map(|file| {
                        let text = file.text();
                        let end = text.trim_end_matches('\n').len().max(text.len().saturating_sub(1));
                        let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
                        file.span(start, text.len())
                    });
                    return Err(self.refused("Unexpected end of configuration file: .endif missing"));
                }
                if line.text.is_empty() {
                    return Ok(None);
                }
                if let (Some(last), Some(left)) = (self.last.clone(), left) {
                    let (file, place) = (Arc::clone(last.file()), last.range());
                    let (at, macros) = (line.text.len(), Vec::new());
                    line.pieces.push(Piece { at, file, start: place.start, end: place.end, macros });
                    line.text.push_str(&match left {
                        Left::Replaced(text) => text,
                        Left::AsWritten(span, lead) => {
                            let (blanks, rest) = span.text().split_at(lead);
                            format!("{blanks}{}", self.replaced(rest, false)?.0)
                        }
                    });
                }
                self.uses.extend(line.uses(&self.macros));
                return Ok(Some(line));
            };
            let span = file.span(start, end);
            self.last = Some(span.clone());
            self.spend(end - start + LINE_COST)?;
            let raw = &file.text()[start..end];
            if std::mem::take(&mut self.first) && raw.starts_with('\u{feff}') {
                return Err(self.refused("found unexpected BOM (Byte Order Mark)"));
            }
            let lead = raw.len() - raw.trim_start_matches(is_space).len();
            // A comment stays one whatever its macros are; so does what is dropped, unless it is a directive or can become one.
            let first = raw[lead..].chars().next().unwrap_or(' ');
            let may_direct = first == '.' || first == '_' || first.is_ascii_uppercase();
            if first == '#' || (self.state != State::Active && !may_direct) {
                left = (!line.text.is_empty()).then_some(Left::AsWritten(span, lead));
                continue;
            }
            let (replaced, used) = self.replaced(&raw[lead..], line.text.is_empty())?;
            let text = replaced.trim_start_matches(is_space);
            left = (!line.text.is_empty()).then(|| Left::Replaced(format!("{}{replaced}", &raw[..lead])));
            if text.starts_with('#') {
                continue;
            }
            if let Some(rest) = text.strip_prefix('.')
                && let Some(which) = DIRECTIVES.iter().position(|name| rest.starts_with(name))
            {
                // Exim's own quirk: the letter `t` where a tab was meant. Anything else: the line is dropped.
                if matches!(rest.as_bytes().get(DIRECTIVES[which].len()), None | Some(b' ' | b't' | b'\n')) {
                    if self.build.len() < BUILD_LIMIT {
                        self.build.extend(builtins(raw));
                    }
                    self.directive(which, !used.is_empty())?;
                }
                continue;
            }
            if self.state != State::Active {
                continue;
            }
            if let Some((path, optional)) = include(text) {
                self.include(&file, path, optional)?;
                continue;
            }
            if line.text.len() + text.len() > LINE_LIMIT {
                return Err(self.bounded("a line grows longer than helolint follows"));
            }
            let lead = if used.is_empty() { raw.len() - text.len() } else { lead };
            let end = start + raw.trim_end_matches(is_space).len().max(lead);
            left = None;
            // A blank line is named by its own place, not by the next line's.
            let lead = lead.min(raw.trim_end_matches('\n').len());
            let end = end.min(start + raw.len()).max(start + lead);
            line.pieces.push(Piece { at: line.text.len(), file, start: start + lead, end, macros: used });
            line.text.push_str(text);
            line.text.truncate(line.text.trim_end_matches(is_space).len());
            if line.text.ends_with('\\') {
                line.text.pop();
                if line.text.is_empty() {
                    line.pieces.clear();
                }
            } else if line.text.is_empty() {
                line.pieces.clear();
            } else {
                self.uses.extend(line.uses(&self.macros));
                return Ok(Some(line));
            }
        }
    }

    /// The next physical line, its end included.
    fn physical(&mut self) -> Option<(Arc<SourceFile>, usize, usize)> {
        while let Some(frame) = self.frames.last_mut() {
            let text = frame.file.text();
            if frame.at < text.len() {
                let start = frame.at;
                frame.at = text[start..].find('\n').map_or(text.len(), |at| start + at + 1);
                return Some((Arc::clone(&frame.file), start, frame.at));
            }
            self.frames.pop();
        }
        None
    }

    fn directive(&mut self, which: usize, found: bool) -> Result<(), Refused> {
        let name = DIRECTIVES[which];
        let truth = found != name.ends_with("ndef");
        if which < 2 {
            if self.outer.len() >= CONDITION_DEPTH {
                return Err(self.refused(format!(".{name} nested too deeply")));
            }
            self.outer.push(self.state);
            self.state = match self.state {
                State::Active if truth => State::Active,
                State::Active => State::Searching,
                _ => State::Done,
            };
            return Ok(());
        }
        let Some(outer) = self.outer.last().copied() else {
            return Err(self.refused(format!(".{name} without matching .ifdef")));
        };
        self.state = match (name, self.state) {
            ("endif", _) => {
                self.outer.pop();
                outer
            }
            (_, State::Active | State::Done) => State::Done,
            ("else", State::Searching) => State::Active,
            (_, State::Searching) if truth => State::Active,
            (_, State::Searching) => State::Searching,
        };
        Ok(())
    }

    fn include(&mut self, from: &Arc<SourceFile>, path: &str, optional: bool) -> Result<(), Refused> {
        self.spend(INCLUDE_COST + self.files.len())?;
        let path = if path.starts_with('/') {
            path.to_owned()
        } else if optional {
            return Err(self.refused(format!(".include specifies a non-absolute path \"{path}\"")));
        } else {
            let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{path}")
        };
        if optional && !self.root.exists(&path) {
            return Ok(());
        }
        if self.frames.len() >= INCLUDE_DEPTH {
            let mut refused = self.refused(format!("failed to open included configuration file {path}"));
            refused.note =
                Some("files include each other in a circle, until the system refuses to open one more".into());
            return Err(refused);
        }
        // A folder can be opened, and has no lines.
        if self.root.status(&path).is_some_and(|status| status.is_dir) {
            return Ok(());
        }
        match self.root.read(&path) {
            Ok(file) => {
                file.read_as(Syntax::Exim, BTreeSet::new());
                if !self.files.iter().any(|known| Arc::ptr_eq(known, &file)) {
                    self.files.push(Arc::clone(&file));
                }
                self.frames.push(Frame { file, at: 0 });
                Ok(())
            }
            Err(error) if error.is_bound() => Err(self.bounded(&format!("{path}, which is included here, {error}"))),
            Err(ReadError::Denied) => {
                let message = format!("{path}, which is included here, may not be read");
                Err(Refused { file: Some(path), ..self.bounded(&message) })
            }
            Err(error) => {
                let mut refused = self.refused(format!("failed to open included configuration file {path}"));
                refused.note = (error != ReadError::NotFound).then(|| error.to_string());
                refused.file = Some(path);
                Err(refused)
            }
        }
    }

    /// A line with its macros replaced, and these.
    fn replaced(&mut self, line: &str, fresh: bool) -> Result<(String, Vec<usize>), Refused> {
        match self.macros.substitute(line, fresh, LINE_LIMIT, &mut self.left) {
            (Some(text), used) => Ok((text, used)),
            (None, _) => Err(self.bounded("its macros take more work, or grow longer, than helolint follows")),
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Refused> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.bounded("the configuration, with all that it includes, has more than helolint reads")),
        }
    }

    /// The end of reading at the last physical line read, which is not Exim's.
    fn bounded(&self, message: &str) -> Refused {
        Refused { bounded: true, ..self.refused(message) }
    }

    /// A refusal at the last physical line read.
    pub(crate) fn refused(&self, message: impl Into<String>) -> Refused {
        let at = self.last.clone().or_else(|| self.files.first().map(|file| file.span(0, 0)));
        Refused { message: message.into(), at, file: None, note: None, unknown: false, of_build: false, bounded: false }
    }
}

/// Builtin macros in a line, apart from those that every distribution's build has.
fn builtins(line: &str) -> impl Iterator<Item = String> + '_ {
    const EVERYWHERE: [&str; 4] =
        ["_HAVE_IPV6", "_HAVE_TLS", "_OPT_MAIN_DISABLE_IPV6", "_OPT_TRANSPORT_SMTP_HELO_DATA"];
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let builtin = |word: &&str| {
        ["_HAVE_", "_OPT_", "_DRIVER_", "_LOG_", "_ACL_", "_EXP_"].iter().any(|prefix| word.starts_with(prefix))
            && !EVERYWHERE.contains(word)
    };
    words.filter(builtin).map(str::to_owned)
}

/// The path of an include line, and whether the file may be missing.
fn include(text: &str) -> Option<(&str, bool)> {
    let rest = text.strip_prefix(".include")?;
    let (rest, optional) = match rest.strip_prefix("_if_exists") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if !rest.starts_with(is_space) {
        return None;
    }
    let path = rest.trim_matches(is_space);
    let inner = path.strip_prefix('"').and_then(|path| path.strip_suffix('"'));
    Some((inner.unwrap_or(path), optional))
}
