//! The rights that a child gives up, one layer after the other: what one kernel lacks, another layer still holds.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use caps::{CapSet, CapsHashSet};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use nix::sys::prctl::{set_no_new_privs, set_pdeathsig};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Gid, Pid, Uid, alarm, getppid, seteuid, setgroups, setresgid, setresuid};

use super::calls;
use super::task::Task;

/// The user and group that own nothing, by number, since to look up a name is to ask strangers (`overflowuid` of
/// proc_sys_fs(5), `nobody` almost everywhere).
const NOBODY: u32 = 65_534;
/// Address space, in bytes: what a server with 50,000 domains takes is a tenth of it.
const ADDRESS_SPACE: u64 = 4 << 30;
/// How long a child may judge and write once the time for the DNS is up: judging ends by itself long before.
const AFTER_THE_DNS: Duration = Duration::from_secs(60);
/// How much later the kernel ends a child that its parent could not end, because it is gone: where root has no CAP_KILL, its end does not end the
/// child (PR_SET_PDEATHSIG is subject to the same rights).
const LAST_RESORT: Duration = Duration::from_secs(10);
/// Processor time for judging and writing, in seconds; the DNS takes next to none.
const PROCESSOR_TIME: u64 = 60;
/// Processes and threads of the user. One more is needed, for the line that shows how far the questions are, and other programs
/// may run as the same user.
const PROCESSES: u64 = 256;
/// The newest Landlock whose every right is known here.
const LANDLOCK: ABI = ABI::V6;

/// What a child is for.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// What it does.
    pub task: Task,
    /// The time that it has for the DNS, or for what it is handed.
    pub dns_time: Duration,
}

impl Profile {
    /// How long the child may take for all.
    pub(crate) fn patience(&self) -> Duration {
        self.dns_time.saturating_add(AFTER_THE_DNS)
    }
}

/// Where the C library's name services keep what they read: nsswitch.conf(5) and what it names, shared libraries, caches of
/// sssd(8) and nscd(8).
const NAME_SERVICES: [&str; 12] = [
    "/etc",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/run",
    "/var/run",
    "/var/lib/sss",
    "/var/db/nscd",
    "/var/cache/nscd",
    "/dev/urandom",
];

/// A layer that the kernel does not have, or not for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Its name.
    pub layer: &'static str,
    /// What the system said.
    pub why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.why)
    }
}

/// Gives up all that `profile` does not need, and its life with that of the process `parent`. Each layer is tried whatever became of the others; those that failed are told.
pub(crate) fn give_up(profile: &Profile, parent: Pid) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut layer = |name: &'static str, result: Result<(), String>| {
        missing.extend(result.err().map(|why| Missing { layer: name, why }));
    };
    if Uid::effective().is_root() {
        // While there is the right to: no program that is run later could get them back.
        layer("bounding set", without_bounding_set());
        layer("groups", setgroups(&[]).map_err(words));
        let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        layer("group", setresgid(group, group, group).map_err(words));
        layer("user", setresuid(user, user, user).map_err(words));
    }
    layer("capabilities", without_capabilities());
    layer("no_new_privs", set_no_new_privs().map_err(words));
    layer("limits", limits(profile));
    // Not before the user is another: that forgets it (PR_SET_PDEATHSIG(2const)).
    layer("parent", ends_with(parent));
    layer("alarm", ends_in_time(profile));
    layer("Landlock", landlock(&profile.task));
    layer("seccomp", calls::allow_only(&profile.task));
    missing
}

/// Signals as the user that a child of root's has become: who has the child's user number may signal it (kill(2)). The real user stays root,
/// so that nobody may signal this process meanwhile, and it can become root again.
///
/// # Errors
/// The system's, where it cannot become that user, or what `signal` says.
pub(crate) fn as_nobody(signal: impl FnOnce() -> nix::Result<()>) -> nix::Result<()> {
    let own = Uid::effective();
    seteuid(Uid::from_raw(NOBODY))?;
    let signalled = signal();
    // The real or saved user: needs no right.
    if let Err(errno) = seteuid(own) {
        // As if it had panicked: nothing is written by a user that nobody meant.
        let message = format!("cannot become user {own} again after ending a child: {errno}");
        let _ = writeln!(io::stderr(), "helolint: {message}; nothing more is done");
        std::process::abort();
    }
    signalled
}

fn words(error: impl fmt::Display) -> String {
    error.to_string()
}

fn without_bounding_set() -> Result<(), String> {
    for capability in caps::all() {
        // An older kernel does not know the newest.
        if caps::has_cap(None, CapSet::Bounding, capability).unwrap_or(false) {
            caps::drop(None, CapSet::Bounding, capability).map_err(words)?;
        }
    }
    Ok(())
}

fn without_capabilities() -> Result<(), String> {
    // Older than 4.3, a kernel has no ambient set.
    let _ = caps::clear(None, CapSet::Ambient);
    let none = CapsHashSet::new();
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::set(None, set, &none).map_err(words)?;
    }
    Ok(())
}

fn limits(profile: &Profile) -> Result<(), String> {
    let seconds = PROCESSOR_TIME.saturating_add(profile.dns_time.as_secs());
    let wanted = [
        (Resource::RLIMIT_AS, ADDRESS_SPACE),
        (Resource::RLIMIT_CPU, seconds),
        (Resource::RLIMIT_NPROC, PROCESSES),
        (Resource::RLIMIT_CORE, 0),
    ];
    for (resource, wanted) in wanted {
        let (_, most) = getrlimit(resource).map_err(words)?;
        let limit = wanted.min(most);
        setrlimit(resource, limit, limit).map_err(words)?;
    }
    Ok(())
}

fn ends_with(parent: Pid) -> Result<(), String> {
    set_pdeathsig(Signal::SIGKILL).map_err(words)?;
    // It may be gone already: orphans are given to another.
    if getppid() != parent {
        return Err("the process that waits for this one is gone".to_owned());
    }
    Ok(())
}

/// SIGALRM ends the child, whatever its parent may do. That clock cannot be set again: seccomp has none of its calls.
fn ends_in_time(profile: &Profile) -> Result<(), String> {
    let seconds = profile.patience().saturating_add(LAST_RESORT).as_secs();
    alarm::set(u32::try_from(seconds).unwrap_or(u32::MAX));
    SigSet::from(Signal::SIGALRM).thread_unblock().map_err(words)
}

fn landlock(task: &Task) -> Result<(), String> {
    let status = match task {
        Task::Dns(ports) => without_files(ports),
        Task::Reports => without_files(&BTreeSet::new()),
        Task::Names => names_alone(),
    };
    match status.map_err(words)? {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err("the kernel has an older one, which holds in part".to_owned()),
        RulesetStatus::NotEnforced => Err("the kernel has none".to_owned()),
    }
}

/// No file, and TCP to the ports of name servers alone.
fn without_files(ports: &BTreeSet<u16>) -> Result<RulesetStatus, RulesetError> {
    let rules = ports.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp)));
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(rules)?;
    Ok(ruleset.restrict_self()?.ruleset)
}

/// What name services read, and nothing to be written or run.
fn names_alone() -> Result<RulesetStatus, RulesetError> {
    let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(NAME_SERVICES, reading))?;
    Ok(ruleset.restrict_self()?.ruleset)
}
