//! Every file that the command line names is opened here, before anything is sent: those that are read, and by [`Output`] those
//! that are written.

mod given;
mod handed;
mod log;
mod reports;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{DnsArgs, FactArgs, OutputArgs};
use crate::collect::postfix;
use crate::collect::root::{Named, ReadError, Root};
use crate::error::Error;
use crate::output::{Output, Readers};
use crate::report::Format;
use crate::settings;
use crate::source::SourceFile;
pub(crate) use handed::{HandedFiles, hand_over};
pub(crate) use log::LogInput;
pub(crate) use reports::ReportFile;

/// Largest file of the command line that is read (snapshots, zone files, kernel facts), in bytes.
const INPUT_LIMIT: u64 = 256 << 20;

/// A file that an option names, read.
#[derive(Debug)]
pub(crate) struct Input {
    option: &'static str,
    path: PathBuf,
    text: String,
}

impl Input {
    /// The text of the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn read(option: &'static str, path: &Path) -> Result<Input, Error> {
        match read_given(path, INPUT_LIMIT + 1) {
            Ok(bytes) if bytes.len() as u64 > INPUT_LIMIT => {
                let problem = format!("it has more than the {INPUT_LIMIT} bytes that are read");
                Err(unusable(option, path, problem))
            }
            Ok(bytes) => Ok(Input { option, path: path.to_owned(), text: text_of(bytes) }),
            Err(error) => Err(unusable(option, path, error.to_string())),
        }
    }

    /// The text of the file at `path`, which helolint obeys: where `guarded`, nobody but root and who runs helolint may have written it.
    ///
    /// # Errors
    /// Where it cannot be read, or somebody else could have written it.
    pub(crate) fn read_obeyed(option: &'static str, path: &Path, guarded: bool) -> Result<Input, Error> {
        let bytes = read_own(path, INPUT_LIMIT, guarded).map_err(|error| unusable(option, path, error.to_string()))?;
        Ok(Input { option, path: path.to_owned(), text: text_of(bytes) })
    }

    /// A text that the program brings along, as if the option named it.
    pub(crate) fn held(option: &'static str, name: &str, text: String) -> Input {
        Input { option, path: PathBuf::from(name), text }
    }

    /// What is in it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The file, as the command line names it.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The error that ends the run where it is not what it should be.
    pub(crate) fn refused(&self, problem: impl ToString) -> Error {
        unusable(self.option, &self.path, problem.to_string())
    }
}

/// The text of a file; what is no UTF-8 in it is replaced, and only then it is copied.
pub(crate) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Zone files.
#[derive(Debug)]
pub(crate) struct ZoneInputs {
    dir: PathBuf,
    /// Every file `ORIGIN.zone` of the folder.
    pub files: Vec<Input>,
}

impl ZoneInputs {
    /// The zones in the folder of `--zones`.
    ///
    /// # Errors
    /// Where there are none, or one cannot be read.
    pub(crate) fn read(dir: &Path) -> Result<ZoneInputs, Error> {
        let entries = fs::read_dir(dir).map_err(|error| unusable("--zones", dir, error.to_string()))?;
        let is_zone = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "zone");
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_zone).collect();
        paths.sort();
        if paths.is_empty() {
            let problem = "there is no file ORIGIN.zone in it, such as example.com.zone";
            return Err(unusable("--zones", dir, problem.to_owned()));
        }
        let files = paths.iter().map(|path| Input::read("--zones", path)).collect::<Result<_, _>>()?;
        Ok(ZoneInputs { dir: dir.to_owned(), files })
    }

    /// Zones that the program brings along, each with the name that its file would have.
    pub(crate) fn held(dir: &str, files: impl IntoIterator<Item = (&'static str, String)>) -> ZoneInputs {
        let files = files.into_iter().map(|(name, text)| Input::held("--zones", name, text)).collect();
        ZoneInputs { dir: PathBuf::from(dir), files }
    }

    /// The error that ends the run where they are not what they should be.
    pub(crate) fn refused(&self, problem: String) -> Error {
        unusable("--zones", &self.dir, problem)
    }
}

/// What is looked at.
// There is one for each run.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum Host {
    /// A host's files.
    Files(Root),
    /// A snapshot (`--from`).
    Snapshot(Input),
}

impl Host {
    /// The host that the command line names: the running system where it names none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn open(args: &FactArgs) -> Result<Host, Error> {
        if let Some(path) = &args.from {
            return Input::read("--from", path).map(Host::Snapshot);
        }
        let dir = args.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        let root = Root::open(&dir).map_err(|source| Error::Root { path: dir, source })?;
        let missing = |option, place: &str, what: &str| {
            Err(unusable(option, Path::new(place), format!("there is no {what} on the host that is looked at")))
        };
        match (&args.postfix_dir, &args.exim_config) {
            (Some(folder), _) if !postfix::has_files(&root, folder) => {
                missing("--postfix-dir", folder, "main.cf or master.cf in it")
            }
            (_, Some(file)) if !root.exists(file) => missing("--exim-config", file, "such file"),
            (folder, file) => Ok(Host::Files(root.with(Named { postfix: folder.clone(), exim: file.clone() }))),
        }
    }

    /// Whether it is the running system.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Host::Files(root) if root.is_live())
    }

    /// The settings: the file of `--config`, else that of the host that is looked at, where it has one.
    ///
    /// # Errors
    /// Where there should be one and it cannot be read, or somebody else could have written it.
    pub(crate) fn settings(&self, args: &FactArgs) -> Result<Option<Arc<SourceFile>>, Error> {
        let bad = |place: String, problem: String| Error::Settings { place, problem };
        let live = self.is_live();
        let (path, shown) = match (&args.config, live) {
            (Some(path), _) => (path.clone(), path.display().to_string()),
            (None, true) => (PathBuf::from(settings::DEFAULT_FILE), settings::DEFAULT_FILE.to_owned()),
            (None, false) => {
                let Host::Files(root) = self else { return Ok(None) };
                return match root.read(settings::DEFAULT_FILE) {
                    Ok(file) => Ok(Some(file)),
                    Err(ReadError::NotFound) => Ok(None),
                    Err(error) => Err(bad(settings::DEFAULT_FILE.to_owned(), error.to_string())),
                };
            }
        };
        match read_own(&path, settings::SIZE_LIMIT, live) {
            Ok(bytes) => Ok(Some(SourceFile::new(shown, bytes))),
            Err(OwnError::Io(error)) if args.config.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(bad(shown, error.to_string())),
        }
    }
}

/// The files, beside the host's, from which facts and answers come.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// What is looked at.
    pub host: Host,
    /// `--kernel`.
    pub kernel: Option<Input>,
    /// `--zones`.
    pub zones: Option<ZoneInputs>,
    /// `--overlay`.
    pub overlay: Option<Input>,
    /// The old host's snapshot.
    pub moved_from: Option<Input>,
    /// `--log`.
    pub log: LogInput,
}

impl Inputs {
    /// Reads what the command line names, the settings apart, which may have been completed from `host` before.
    ///
    /// # Errors
    /// Where one cannot be read.
    pub(crate) fn open(host: Host, facts: &FactArgs, dns: &DnsArgs) -> Result<Inputs, Error> {
        let kernel = facts.kernel.as_deref().map(|path| Input::read("--kernel", path)).transpose()?;
        let zones = match &dns.zones {
            Some(dir) if !dns.offline && !facts.replay => Some(ZoneInputs::read(dir)?),
            _ => None,
        };
        let overlay = dns.overlay.as_deref().map(|path| Input::read("--overlay", path)).transpose()?;
        let moved_from =
            facts.moved.moved_from.as_deref().map(|path| Input::read(facts.moved.name(), path)).transpose()?;
        let log = log::open(facts.log.as_ref(), &host)?;
        Ok(Inputs { host, kernel, zones, overlay, moved_from, log })
    }
}

/// The reports to be written.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// Each format with its place, that of standard output last.
    pub reports: Vec<(Format, Output)>,
    /// `--write-baseline`.
    pub baseline: Option<Output>,
}

impl Outputs {
    /// Opens what the command line names; nothing changes there yet.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub(crate) fn open(args: &OutputArgs) -> Result<Outputs, Error> {
        let open = |path: &Path| Output::open(path, Readers::Usual);
        let baseline = args.write_baseline.as_deref().map(open).transpose()?;
        let mut reports = Vec::new();
        for (format, file) in args.targets() {
            reports.push((format, file.as_deref().map_or_else(|| Ok(Output::stdout()), open)?));
        }
        let all: Vec<&Output> = reports.iter().map(|(_, output)| output).chain(&baseline).collect();
        for (at, one) in all.iter().enumerate() {
            if all.iter().skip(at + 1).any(|other| one.is_same_file(other)) {
                return Err(Error::Usage(format!("two outputs would be written to {}", one.path().display())));
            }
        }
        Ok(Outputs { reports, baseline })
    }

    /// Writes `texts`: those of the reports in their order, then the baseline.
    ///
    /// # Errors
    /// Where there are more or fewer texts, or one cannot be written.
    pub(crate) fn write(self, texts: Vec<String>) -> Result<(), Error> {
        let outputs: Vec<Output> = self.reports.into_iter().map(|(_, output)| output).chain(self.baseline).collect();
        if outputs.len() != texts.len() {
            return Err(Error::Apart(format!("{} reports were wanted and {} made", outputs.len(), texts.len())));
        }
        outputs.into_iter().zip(texts).try_for_each(|(output, text)| output.write(text.as_bytes()))
    }
}

/// The content of a file that the command line names, up to `limit` bytes.
///
/// # Errors
/// See [`given::open`]; a folder among them.
fn read_given(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    given::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file that helolint obeys could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnError {
    /// The system's words.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is larger than helolint reads.
    #[error("it has more than the {0} bytes that are read")]
    TooLarge(u64),
    /// Somebody else owns it.
    #[error(
        "user {0} owns it, and it could hide findings: it must belong to root or to who runs helolint (chown root)"
    )]
    Owner(u32),
    /// Somebody else may write to it.
    #[error("others may write to it (mode {0:04o}), and it could hide findings: take that away (chmod go-w)")]
    Writable(u32),
}

/// The content of a file that helolint obeys, up to `limit` bytes. Where `guarded`, it must belong to root or to the user who
/// runs helolint, and nobody else may write to it; asked of the very file that is read.
///
/// # Errors
/// See [`OwnError`].
pub(crate) fn read_own(path: &Path, limit: u64, guarded: bool) -> Result<Vec<u8>, OwnError> {
    let file = given::open(path)?;
    let meta = file.metadata()?;
    if guarded {
        may_obey(meta.uid(), meta.mode(), nix::unistd::geteuid().as_raw())?;
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(OwnError::TooLarge(limit));
    }
    Ok(bytes)
}

/// Whether user `me` may obey a file of `owner` with the permissions `mode`.
fn may_obey(owner: u32, mode: u32, me: u32) -> Result<(), OwnError> {
    if owner != 0 && owner != me {
        return Err(OwnError::Owner(owner));
    }
    match mode & 0o022 {
        0 => Ok(()),
        _ => Err(OwnError::Writable(mode & 0o7777)),
    }
}

fn unusable(option: &'static str, path: &Path, problem: String) -> Error {
    Error::Input { option, path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests;
