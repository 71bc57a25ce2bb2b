//! Exim's configuration, read as Exim 4.96 reads it, and what follows from it for mail that leaves the host.

mod arithmetic;
mod builtin;
mod checks;
pub(crate) mod config;
mod debian;
mod depend;
mod describe;
mod did_you_mean;
mod domain_lists;
mod driver;
pub mod expand;
mod exposed;
mod faults;
mod hidden;
mod hops;
pub mod hostname;
mod lines;
pub(crate) mod lists;
pub(crate) mod live;
mod local;
pub(crate) mod macros;
mod options;
mod parsed;
mod preconditions;
mod routed;
mod routes;
mod sections;
mod selection;
mod senders;
mod signing;
mod space;
mod stand_in;
mod starters;
mod sums;
mod syntax;
mod tables;
pub(crate) mod users;
mod version;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::collect::daemon::Daemon;
use crate::collect::reading;
use crate::collect::root::{ReadError, Root};
use crate::facts::{self, Cpanel, Fact, Host, Mta, Origin, Problem, ProblemKind, Refusal, Sender};
use crate::source::Span;
use config::Config;
pub(crate) use debian::GENERATED;
pub(crate) use did_you_mean::did_you_mean;
pub(crate) use domain_lists::{domain_lists, is_name};
use expand::Tables;
use hostname::Names;
use lines::Logical;
pub(crate) use local::{BUILT, smarthost};
use macros::Macros;
use parsed::Asked;
pub use parsed::Parsed;
pub(crate) use signing::{Key, Signs, signing};
use users::Users;

/// What makes Exim refuse its configuration.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Exim's message.
    pub message: String,
    /// The place that it names, or that leads there.
    pub at: Option<Span>,
    /// A file that could not be read, where that is the reason.
    pub file: Option<String>,
    /// What Exim's message leaves out.
    pub note: Option<String>,
    /// Whether it is a name that no release listed here knows: another one, or a vendor's build, might.
    pub unknown: bool,
    /// Whether it is refused by Debian's build, and taken by others.
    pub of_build: bool,
    /// Whether Exim may well take it, and it is helolint that reads no further.
    pub bounded: bool,
}

impl Refused {
    /// A refusal of a line, which is named by its end.
    pub fn at(line: &Logical, message: impl Into<String>) -> Refused {
        let message = hidden::without_words(&message.into(), &line.text);
        Refused {
            message,
            at: Some(line.last()),
            file: None,
            note: None,
            unknown: false,
            of_build: false,
            bounded: false,
        }
    }
}

/// One configuration to be read.
pub struct Request<'a> {
    /// Where files are.
    pub root: &'a Root,
    /// The file that Exim reads first.
    pub file: &'a str,
    /// `-D` macros of the daemon's command line.
    pub defines: &'a [(String, String)],
    /// What the host is called.
    pub names: Names<'a>,
    /// Whether the build is known to be Debian's.
    pub debian: bool,
    /// Whether the logical lines are wanted.
    pub keep_lines: bool,
    /// Whether names that no listed release knows are passed over: the installed Exim may know them.
    pub lenient: bool,
    /// What was parsed before, where it is kept.
    pub parsed: Option<&'a Parsed>,
}

impl<'a> Request<'a> {
    /// The live configuration of a host, as the daemon reads it.
    fn for_live(root: &'a Root, host: &'a Host, live: &'a live::Live) -> Request<'a> {
        Request {
            root,
            file: &live.file,
            defines: &live.defines,
            names: Names { node_name: host.node_name.as_ref(), hosts: &host.hosts, fqdn: &host.fqdn },
            debian: live.debian,
            keep_lines: false,
            lenient: false,
            parsed: None,
        }
    }
}

/// A configuration that was read.
pub struct Read {
    /// As the snapshot shows it.
    pub facts: facts::Exim,
    /// What Exim holds of it; up to the refusal, where there is one.
    pub config: Config,
    /// `primary_hostname`, or why it is undecided.
    pub primary_hostname: Result<Fact<String>, String>,
    /// What makes Exim refuse it.
    pub refused: Option<Refused>,
}

/// What Exim's files say.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// The live configuration, where there is one.
    pub configurations: Vec<facts::Exim>,
    /// Ways in which mail leaves the host.
    pub senders: Vec<Sender>,
    /// What could not be read, is refused, or keeps mail from leaving.
    pub problems: Vec<Problem>,
    /// Files that make up the configuration, the one read first before those that it includes.
    pub files: Vec<String>,
    /// `primary_hostname` with its default, where files decide it.
    pub primary_hostname: Option<Fact<String>>,
}

/// What Exim looks at of a host: all else may change, and what [`collect`] gives is the same.
pub(crate) fn seen_of(host: &Host) -> Host {
    let mut seen = Host {
        node_name: host.node_name.clone(),
        addresses: host.addresses.clone(),
        source: host.source,
        ..Host::unknown("Exim does not ask")
    };
    // A name with a dot is taken as it is.
    if host.node_name.as_ref().is_some_and(|name| !name.value.contains('.')) {
        (seen.hosts, seen.fqdn) = (host.hosts.clone(), host.fqdn.clone());
    }
    seen
}

/// Collects what Exim's files say. Without configuration: nothing. `running` holds the daemons of the live system.
pub fn collect(root: &Root, host: &Host, cpanel: Option<&Cpanel>, running: &[Daemon]) -> Collected {
    collect_keeping(root, host, cpanel, running, None)
}

/// The same; what is parsed is kept in `parsed`, and taken from there where nothing of it has changed.
pub(crate) fn collect_keeping(
    root: &Root,
    host: &Host,
    cpanel: Option<&Cpanel>,
    running: &[Daemon],
    parsed: Option<&Parsed>,
) -> Collected {
    let mut collected = Collected::default();
    let find = || live::find(root, cpanel.is_some(), running);
    let found = match parsed {
        Some(parsed) => parsed.live(root, cpanel.is_some(), find),
        None => find(),
    };
    let Some(live) = found else { return collected };
    let request = Request { parsed, ..Request::for_live(root, host, &live) };
    let mut read = match read(&request) {
        Ok(read) => read,
        Err(error) => {
            let message = format!("{} cannot be read: {error}", live.file);
            // What the system keeps from helolint, Exim may well read.
            let undecided = matches!(error, ReadError::Io(_));
            let kind = reading::kind_of(&error, undecided);
            // It is configured all the same: nobody may take the host for one without Exim.
            let error = Some(Refusal { message: message.clone(), origin: Origin::default_of("Exim") });
            collected.configurations.push(facts::Exim { file: live.file.clone(), error, ..facts::Exim::default() });
            collected.problems.push(Problem::of_file(kind, &live.file, None, message));
            return collected;
        }
    };
    // A name that the installed Exim may know refuses nothing: the rest is judged as if it did.
    let unknown = read.refused.clone().filter(|refused| refused.unknown || refused.of_build);
    let lenient = Request { lenient: true, ..request };
    let mut request = &request;
    if let Some(refused) = unknown
        && let Some(certain) = unknown_name(root, &read, &live, running, refused.of_build)
        && let Ok(again) = self::read(&lenient)
    {
        if let Certain::Undecided = certain {
            collected.problems.push(undecided_name(&refused, &live.file));
        }
        (read, request) = (again, &lenient);
    }
    // Where conditionals ask what Exim was built with, only what holds either way is certain.
    let build = read.config.build.clone();
    let other = if build.is_empty() { None } else { read_as_built(request, &build).ok() };
    let mut other = other.filter(|other| other.refused.is_none());
    if read.refused.is_some() {
        read = other.take().unwrap_or(read);
    }
    collected.files = read.config.files.iter().map(|file| file.path().to_owned()).collect();
    if let (true, None, Some(status)) = (root.is_live(), &read.refused, root.status(&live.file))
        && let Some(refused) = live::refused(&live.file, status, &Users::read(root))
    {
        read.facts.error = Some(Refusal { message: refused.message.clone(), origin: Origin::default_of("Exim") });
        read.refused = Some(refused);
    }
    debian::stale(root, &live.file, cpanel.is_some(), &mut collected.problems);
    match &read.refused {
        // What the system keeps from helolint, Exim may well read.
        Some(refused) if refused.bounded && refused.file.is_some() => {
            let file = refused.file.as_deref().unwrap_or_default();
            let message = format!("{file} cannot be read: permission denied; no path of Exim is judged");
            let at = refused.at.clone().map(Origin::File);
            collected.problems.push(Problem::of_file(ProblemKind::Denied, file, at, message));
        }
        Some(refused) if refused.bounded => {
            let message =
                format!("{}: what follows in it is not known, and no path of Exim is judged", refused.message);
            let at = refused.at.clone().map(Origin::File);
            collected.problems.push(Problem::of_file(ProblemKind::Bounded, &live.file, at, message));
        }
        Some(refused) => {
            let note = refused.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            let message = format!("{}{note}", refused.message);
            let kind = ProblemKind::Syntax { mta: Mta::Exim, whole: true };
            collected.problems.push(match refused.at.clone() {
                Some(at) => Problem::at(kind, Origin::File(at), message.clone()),
                None => Problem::of_file(kind, &live.file, None, message.clone()),
            });
            if let Some(file) = &refused.file {
                let kind = ProblemKind::Unreadable { undecided: false };
                let at = refused.at.clone().map(Origin::File);
                collected.problems.push(Problem::of_file(kind, file, at, message));
            }
        }
        None => {
            if let Some(cpanel) = cpanel {
                local::not_built(root, &read, cpanel, &mut collected.problems);
            }
            let tables = Tables::default();
            exposed::expand(root, &mut read, &tables);
            let before = collected.problems.len();
            let leaving = senders::collect(root, host, &read, &tables, cpanel.is_some(), &mut collected.problems);
            (collected.senders, read.facts.handed) = (leaving.senders, leaving.handed);
            let idle = collected.senders.iter().all(|sender| sender.unused) && read.facts.handed.is_empty();
            read.facts.sends_nothing = idle && collected.problems.len() == before;
            if let Some(other) = &other {
                let other = senders::collect(root, host, other, &Tables::default(), cpanel.is_some(), &mut Vec::new());
                sums::mark_build_dependent(&mut collected.senders, &other.senders, &build);
            }
            collected.primary_hostname = read.primary_hostname.ok();
        }
    }
    collected.configurations.push(read.facts);
    collected
}

/// The live configuration as it was read for `facts`; names that no listed release knows are passed over. `None` where there is none.
pub(crate) fn read_again(root: &Root, facts: &facts::Facts, running: &[Daemon]) -> Option<Read> {
    let live = live::find(root, facts.cpanel.is_some(), running)?;
    let request = Request { lenient: true, ..Request::for_live(root, &facts.host, &live) };
    let read = read(&request).ok()?;
    match read.refused {
        Some(_) => {
            read_as_built(&request, &read.config.build).ok().filter(|other| other.refused.is_none()).or(Some(read))
        }
        None => Some(read),
    }
}

/// What is certain of a name that no listed release knows, where it is not that Exim refuses it.
enum Certain {
    /// That the installed Exim takes it: the daemon was started with it.
    Taken,
    /// Nothing.
    Undecided,
}

/// Whether the installed Exim may know a name that no listed release does.
fn unknown_name(root: &Root, read: &Read, live: &live::Live, running: &[Daemon], of_build: bool) -> Option<Certain> {
    let changed = read.config.files.iter().map(|file| root.modified(file.path())).max().flatten();
    let started = running.iter().filter(|daemon| daemon.mta == Mta::Exim).filter_map(|daemon| daemon.loaded).max();
    if started.zip(changed).is_some_and(|(started, changed)| started > changed) {
        return Some(Certain::Taken);
    }
    let listed = !of_build && version::is_listed(root, read.facts.version_hint.as_deref(), live.debian);
    (!listed).then_some(Certain::Undecided)
}

fn undecided_name(refused: &Refused, file: &str) -> Problem {
    let by_build = format!(
        "{}, where Exim is built as Debian's packages are; others take it, and what the installed one is built with is not known \
         (`exim -bV` tells)",
        refused.message
    );
    let message = if refused.of_build { by_build } else { by_release(refused) };
    let kind = ProblemKind::UnknownName { mta: Mta::Exim };
    match refused.at.clone() {
        Some(at) => Problem::at(kind, Origin::File(at), message),
        None => Problem::of_file(kind, file, None, message),
    }
}

fn by_release(refused: &Refused) -> String {
    format!(
        "{}, as far as Exim 4.92 to 4.99 is concerned; which version is installed here is not known, and it may know the \
         name (`exim -bV` tells)",
        refused.message
    )
}

/// Reads one configuration.
///
/// # Errors
/// Where its first file cannot be read.
pub fn read(request: &Request) -> Result<Read, ReadError> {
    read_as_built(request, &BTreeSet::new())
}

/// Reads one configuration, some builtin macros taken the other way round.
fn read_as_built(request: &Request, otherwise: &BTreeSet<String>) -> Result<Read, ReadError> {
    let file = request.root.read(request.file)?;
    let parse = || {
        // Once more, so that it is noted what the configuration rests on.
        let file = request.root.read(request.file).unwrap_or_else(|_| Arc::clone(&file));
        let users = Users::read(request.root);
        let how = config::Reading {
            root: request.root,
            users: &users,
            debian: request.debian,
            keep_lines: request.keep_lines,
            lenient: request.lenient,
        };
        config::read(&how, file, Macros::new(request.defines, otherwise))
    };
    let made = match request.parsed {
        Some(parsed) => {
            let of = Asked {
                file: request.file.to_owned(),
                defines: request.defines.to_vec(),
                otherwise: otherwise.clone(),
                debian: request.debian,
                keep_lines: request.keep_lines,
                lenient: request.lenient,
            };
            parsed.once(request.root, of, parse)
        }
        None => parse(),
    };
    let (mut config, refused) = match made {
        Ok(config) => (config, None),
        Err(both) => {
            let (refused, config) = *both;
            (config, Some(refused))
        }
    };
    if request.file == local::BUILT {
        local::trace(request.root, &mut config);
    }
    let primary_hostname = primary_hostname(request, &config);
    let error = refused.as_ref().filter(|refused| !refused.bounded).map(|refused| Refusal {
        message: refused.message.clone(),
        origin: refused.at.clone().map_or(Origin::default_of("Exim"), Origin::File),
    });
    let mut facts = facts::Exim {
        file: request.file.to_owned(),
        version_hint: version::named(&config.macros),
        error,
        ..facts::Exim::default()
    };
    if refused.is_none() {
        facts.main = describe::main(&config, &primary_hostname);
        let transports = config.transports.iter();
        facts.transports =
            Arc::new(transports.map(|driver| describe::driver(driver, tables::Class::Transport)).collect());
        let routers = config.routers.iter();
        facts.routers = Arc::new(routers.map(|driver| describe::driver(driver, tables::Class::Router)).collect());
    }
    Ok(Read { facts, config, primary_hostname, refused })
}

fn primary_hostname(request: &Request, config: &Config) -> Result<Fact<String>, String> {
    if let Some(set) = config.main.get("primary_hostname") {
        return Ok(set.clone());
    }
    let disabled = config.main.get("disable_ipv6").is_some_and(|set| set.value == "true");
    let lookup = config.main.get("dns_ipv4_lookup").map_or("", |set| set.value.as_str());
    let evaluator = config.evaluator(request.root);
    hostname::default(request.root, request.names, &evaluator, disabled, lookup)
}

#[cfg(test)]
mod tests;
