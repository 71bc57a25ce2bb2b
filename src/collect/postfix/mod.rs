//! Postfix, as its own programs read its files: main.cf and master.cf of every instance, and the tables that route mail.
//!
//! Logical lines are built in `lines`, split by the grammars of `grammar/main_cf.pest` and `grammar/master_cf.pest`,
//! expanded by [`expand`] in the scope of one program ([`process`]), and turned into ways of sending by `senders`.

mod absent;
mod by_name;
mod by_sender;
pub(crate) mod check;
mod choices;
mod compare;
mod compiled;
pub mod defaults;
pub mod environment;
pub mod expand;
mod fault;
mod grammar;
mod guess;
mod idle;
mod instance;
pub(crate) mod lines;
mod listen;
pub mod main_cf;
mod maps;
pub mod master_cf;
mod next_hop;
mod parsed;
pub(crate) mod ports;
pub mod postconf;
mod problems;
pub mod process;
mod routes;
mod senders;
mod services;
mod trivial_rewrite;
mod typed;
mod version;

use std::net::IpAddr;
use std::sync::Arc;

use crate::collect::confidential::OwnFiles;
use crate::collect::daemon::Daemon;
use crate::collect::reading;
use crate::collect::root::{ReadError, Root};
use crate::facts::{Fact, Host, ListedDomain, Origin, Postfix, Problem, ProblemKind, Refusal, Sender};
use crate::source::SourceFile;
use environment::Environment;
use instance::{Files, Instance};
pub(crate) use parsed::Parsed;

/// The configuration directories that Postfix is built with: Linux and macOS, FreeBSD, NetBSD.
pub const DIRECTORIES: [&str; 3] = ["/etc/postfix", "/usr/local/etc/postfix", "/usr/pkg/etc/postfix"];
/// Where panels and appliances have Postfix instead of these, before and after them: Zimbra and Carbonio bring their own; below a mailcow's
/// folder stand the files of its container, beside which the host may have a Postfix for itself.
const BEFORE: [&str; 2] = ["/opt/zimbra/common/conf", "/opt/zextras/common/conf"];
const BEHIND: [&str; 2] = ["/opt/mailcow-dockerized/data/conf/postfix", "/usr/pbi/postfix-amd64/etc/postfix"];
/// Instances that are read.
const INSTANCE_LIMIT: usize = 64;

/// What Postfix's files say.
#[derive(Debug, Clone, Default)]
pub struct Collected {
    /// Its instances, the default one first.
    pub instances: Vec<Postfix>,
    /// Every way in which they send.
    pub senders: Vec<Sender>,
    /// What is wrong with the files.
    pub problems: Vec<Problem>,
    /// Addresses of `proxy_interfaces`: what the outside sees of this host.
    pub proxy_interfaces: Vec<Fact<IpAddr>>,
    /// Domains in the lists of what is delivered here or passed on.
    pub listed_domains: Vec<ListedDomain>,
}

/// Reads Postfix's files; nothing where there are none. `running` holds the daemons of the live system: the folder that a master
/// was given by `MAIL_CONFIG` is read too.
pub fn collect(root: &Root, host: &Host, running: &[Daemon]) -> Collected {
    collect_keeping(root, host, running, &Parsed::default())
}

/// As [`collect`]; what is in `parsed` is not parsed again.
pub(crate) fn collect_keeping(root: &Root, host: &Host, running: &[Daemon], parsed: &Parsed) -> Collected {
    let mut collected = Collected::default();
    let given = match root.named().postfix {
        Some(_) => Vec::new(),
        None => running_directories(root, running),
    };
    let named = root.named().postfix.as_deref();
    let usual = BEFORE.into_iter().chain(DIRECTORIES).chain(BEHIND);
    let built_in = named.or_else(|| usual.into_iter().find(|directory| has_files(root, directory)));
    let runs = |directory: &str| given.iter().any(|other| root.canonical(other) == root.canonical(directory));
    // Where masters run, but none on the built-in folder, nothing is sent by what stands there.
    let default = match (built_in, given.first()) {
        (Some(built_in), Some(other)) if named.is_none() && !runs(built_in) => other.clone(),
        (Some(built_in), _) => built_in.to_owned(),
        (None, Some(other)) => other.clone(),
        (None, None) => return collected,
    };
    let own = OwnFiles::of_postfix(root, given.iter().chain([&default]).map(String::as_str));
    let read = |path: &str| own.read(path);
    let users = root
        .read("/etc/passwd")
        .ok()
        .map(|file| file.text().lines().filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect());
    let mut env = Environment::read(host, users, is_debian(root), &read);
    env.version = version::installed(root);
    let mut directories = vec![Directory { path: default.clone(), named_by: None, by_wrapper: false }];
    let (mut at, mut more) = (0, false);
    while let Some(directory) = directories.get(at).cloned() {
        at += 1;
        let Some(instance) = read_instance(root, &directory, at == 1, (&env, parsed), &mut collected) else { continue };
        if at == 1 {
            let given = given.iter().map(|path| Directory { path: path.clone(), named_by: None, by_wrapper: false });
            for named in instance.named.iter().cloned().chain(beside(root, &default, &instance.named)).chain(given) {
                let place = root.canonical(&named.path);
                let known = place.is_some() && directories.iter().any(|other| root.canonical(&other.path) == place);
                match known {
                    true => {}
                    false if directories.len() < INSTANCE_LIMIT => directories.push(named),
                    false => more = true,
                }
            }
        }
        collected.instances.push(instance.facts);
        collected.senders.extend(instance.senders);
        collected.problems.extend(instance.problems);
        collected.proxy_interfaces.extend(instance.proxy_interfaces);
        collected.listed_domains.extend(instance.listed_domains);
    }
    if more {
        let message = format!(
            "there are more than the {INSTANCE_LIMIT} instances that helolint reads: how the others send is not known"
        );
        collected.problems.push(Problem::of_file(ProblemKind::Bounded, &format!("{default}/main.cf"), None, message));
    }
    collected
}

/// Whether the host is Debian's or a descendant's, whose Postfix reads `myorigin` from a file where it is told to. A copy of a host may hold
/// neither file that says so: then only what speaks against it counts.
fn is_debian(root: &Root) -> bool {
    if root.exists("/etc/debian_version") {
        return true;
    }
    match root.read("/etc/os-release") {
        Ok(file) => {
            let mut lines = file.text().lines().filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE="));
            lines.any(|line| line.contains("debian") || line.contains("ubuntu"))
        }
        Err(_) => {
            let others =
                ["/etc/redhat-release", "/etc/alpine-release", "/usr/local/etc/postfix", "/usr/pkg/etc/postfix"];
            !others.iter().any(|path| root.exists(path))
        }
    }
}

/// A configuration directory.
#[derive(Debug, Clone)]
struct Directory {
    path: String,
    /// The place that names it; `None` for the default one.
    named_by: Option<Origin>,
    /// Whether `multi_instance_directories` names it: then postmulti(1) starts it, where it is enabled.
    by_wrapper: bool,
}

/// The configuration directories of running masters (`MAIL_CONFIG`, which `postfix -c` and postmulti(1) set).
fn running_directories(root: &Root, running: &[Daemon]) -> Vec<String> {
    let given = running.iter().filter_map(|daemon| daemon.config_directory.as_deref());
    let absolute = given.filter(|path| path.starts_with('/')).map(|path| path.trim_end_matches('/'));
    absolute.filter(|path| has_files(root, path)).map(str::to_owned).collect()
}

/// Folders beside the default one that hold a main.cf and that a name, in whatever notation, leads to.
fn beside(root: &Root, default: &str, named: &[Directory]) -> Vec<Directory> {
    let parent = default.rsplit_once('/').map_or("/", |(parent, _)| parent);
    let found = root.files_below(parent, 2).into_iter().filter_map(|path| {
        let folder = path.strip_suffix("/main.cf")?;
        let by = named.iter().find(|known| root.canonical(&known.path).as_deref() == Some(folder))?;
        folder.rsplit('/').next()?.starts_with("postfix-").then(|| Directory { path: folder.to_owned(), ..by.clone() })
    });
    found.collect()
}

/// Whether a folder holds a configuration of Postfix.
pub fn has_files(root: &Root, directory: &str) -> bool {
    ["main.cf", "master.cf"].iter().any(|name| root.exists(&format!("{directory}/{name}")))
}

fn read_instance(
    root: &Root,
    directory: &Directory,
    is_default: bool,
    (env, parsed): (&Environment<'_>, &Parsed),
    collected: &mut Collected,
) -> Option<Instance> {
    let Directory { path: directory, named_by, by_wrapper } = directory;
    let mut refused = None;
    let mut file = |name: &str| -> Option<Arc<SourceFile>> {
        let path = format!("{directory}/{name}");
        let error = match root.read(&path) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let undecided = error.is_bound() || matches!(error, ReadError::Denied | ReadError::Io(_) | ReadError::Changing);
        let then = match (undecided, name) {
            (true, _) => "what Postfix does cannot be said",
            (false, "main.cf") => "every Postfix program ends when it starts",
            (false, _) => "the master ends when it starts",
        };
        let message = format!("{path}: {error}: {then}");
        let origin = Origin::File(SourceFile::new(path.clone(), b"").span(0, 0));
        refused.get_or_insert_with(|| Refusal { message: message.clone(), origin });
        let kind = reading::kind_of(&error, undecided);
        collected.problems.push(Problem::of_file(kind, &path, named_by.clone(), message));
        None
    };
    let (main, master) = (file("main.cf"), file("master.cf"));
    if main.is_none() && master.is_none() {
        return None;
    }
    Some(instance::read(
        &Files { directory, main, master, refused, is_default, by_wrapper: *by_wrapper },
        root,
        env,
        parsed,
    ))
}

#[cfg(test)]
mod bounded_tests;
#[cfg(test)]
mod by_sender_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals_tests;
#[cfg(test)]
mod tests;
