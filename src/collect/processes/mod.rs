//! Which MTAs run on the live system, as `/proc` shows them (proc(5)).
//!
//! What a process was started with is believed only where the process can be the host's MTA ([`trust`]): anybody may run a
//! program of that name. Processes of containers are passed over: their mail leaves with another identity. Nothing that is
//! found is run or followed.

mod trust;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

pub(crate) use crate::collect::daemon::Daemon;
use crate::collect::root::Root;
use crate::collect::{exim, postfix};
use crate::facts::{Doubt, Mta, UnseenDaemon};
pub(crate) use trust::{Sources, exim_users, file_id, is_guarded};

/// Entries of `/proc` that are looked at: as many as Linux has process numbers (`PID_MAX_LIMIT`).
const PROCESS_LIMIT: usize = 1 << 22;
/// Bytes read of a process's file, as much as one argument may have (`MAX_ARG_STRLEN`).
const FILE_LIMIT: u64 = 128 << 10;
/// Processes that are named for not being believed: a user may start any number.
const UNSEEN_LIMIT: usize = 16;
/// Clock ticks in a second where the system does not say (`USER_HZ`).
const TICKS: i64 = 100;

/// Where Exim's daemon writes its process number: Debian, others, and the spool folders' default.
const EXIM_PID_FILES: [&str; 5] = [
    "/run/exim4/exim.pid",
    "/run/exim.pid",
    "/run/exim/exim.pid",
    "/var/spool/exim/exim-daemon.pid",
    "/var/spool/exim4/exim-daemon.pid",
];

/// The daemons of the live system.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those that are believed, by process number.
    pub daemons: Vec<Daemon>,
    /// MTAs of which a daemon runs, what it was started with believed or not.
    pub running: Vec<Mta>,
    /// Processes that look like daemons and are not believed.
    pub unseen: Vec<UnseenDaemon>,
}

/// One process of `/proc`.
struct Process {
    pid: u32,
    parent: u32,
    started: Option<i64>,
    /// Real, effective, saved and file system user.
    uids: Option<[u32; 4]>,
    /// The program's path as the kernel has it.
    exe: Option<String>,
    /// The program's path, or its name by its own account.
    program: String,
    arguments: Vec<String>,
}

/// The MTA daemons that `sources` show, and whether they are the host's.
pub(crate) fn daemons(sources: &Sources) -> Found {
    let proc = sources.proc.as_path();
    let boot = boot_time(proc);
    let mut found = Found::default();
    let Ok(entries) = fs::read_dir(proc) else { return found };
    let numbers = entries.take(PROCESS_LIMIT).flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut processes: Vec<Process> = numbers.filter_map(|pid| process(proc, pid, boot)).collect();
    processes.sort_by_key(|process| process.pid);
    // Where even the first process does not show, others' do not.
    if !proc.join("1").exists() {
        found.unseen.push(UnseenDaemon { mta: None, pid: None, why: Doubt::Hidden });
    }

    let mut believed: Vec<(Mta, &Process)> = Vec::new();
    for process in &processes {
        let Some(mta) = mta_of(process) else { continue };
        // A daemon's children run the same program with the same arguments until they are given another.
        if believed.iter().any(|(other, parent)| parent.pid == process.parent && *other == mta) {
            continue;
        }
        match sources.doubt(mta, process) {
            None => believed.push((mta, process)),
            Some(why) => {
                // The host's own program in root's hands, with a view of the files that a service manager gave it.
                if matches!(&why, Doubt::Namespace { of } if of == "mount") {
                    found.running.push(mta);
                }
                if found.unseen.len() < UNSEEN_LIMIT {
                    found.unseen.push(UnseenDaemon { mta: Some(mta), pid: Some(process.pid), why });
                }
            }
        }
    }
    for (mta, process) in believed {
        let daemon = daemon(proc, mta, process, &processes);
        // What was read belongs to the process that was looked at only where its number has not passed to another.
        let still = self::process(proc, process.pid, boot)
            .is_some_and(|now| (now.started, now.uids, &now.exe) == (process.started, process.uids, &process.exe));
        if still {
            found.running.push(mta);
            found.daemons.push(daemon);
        }
    }
    found
}

impl Found {
    /// Leaves out daemons that were started with a configuration that only they name and that others than root can change:
    /// `guarded` says whether nobody can.
    pub fn guarded(mut self, guarded: &dyn Fn(&str) -> bool) -> Found {
        for daemon in std::mem::take(&mut self.daemons) {
            match named_by_it_alone(&daemon).into_iter().find(|path| !guarded(path)) {
                None => self.daemons.push(daemon),
                Some(path) => self.unseen.push(UnseenDaemon {
                    mta: Some(daemon.mta),
                    pid: Some(daemon.pid),
                    why: Doubt::Configuration { path },
                }),
            }
        }
        self
    }
}

/// Files that a daemon was started with and that are neither compiled into the MTA nor a panel's.
fn named_by_it_alone(daemon: &Daemon) -> Vec<String> {
    let lists = daemon.config_files.iter().flat_map(|list| list.split(':')).map(str::trim);
    let files = lists.filter(|path| !exim::live::is_compiled_in(path)).map(str::to_owned);
    let folder = daemon.config_directory.iter().map(|path| path.trim_end_matches('/'));
    let folder = folder.filter(|path| !postfix::DIRECTORIES.contains(path));
    let parts = folder.flat_map(|path| ["", "/main.cf", "/master.cf"].map(|name| format!("{path}{name}")));
    files.chain(parts).filter(|path| path.starts_with('/')).collect()
}

fn process(proc: &Path, pid: u32, boot: Option<i64>) -> Option<Process> {
    let folder = proc.join(pid.to_string());
    let exe = fs::read_link(folder.join("exe")).ok().map(|path| path.to_string_lossy().into_owned());
    let arguments = strings(&folder.join("cmdline"));
    // Of a program replaced by an update the kernel says so behind its name.
    let program = exe.as_deref().map(|path| path.trim_end_matches(" (deleted)").to_owned());
    let program = program.or_else(|| arguments.first().cloned())?;
    let name = program.rsplit('/').next().unwrap_or_default();
    if name != "master" && name != "qmgr" && name != "nqmgr" && !is_exim(name) {
        return None;
    }
    let stat = text(&folder.join("stat"))?;
    // The second field is the command in parentheses, which may hold parentheses itself.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let ticks: Option<i64> = fields.get(19).and_then(|field| field.parse().ok());
    let started = ticks.zip(boot).map(|(ticks, boot)| boot.saturating_add(ticks / ticks_per_second()));
    let uids = text(&folder.join("status")).and_then(|status| users(&status));
    Some(Process { pid, parent, started, uids, exe, program, arguments })
}

/// The four user numbers of `/proc/PID/status`.
fn users(status: &str) -> Option<[u32; 4]> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let all: Vec<u32> = line.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
    all.try_into().ok()
}

fn ticks_per_second() -> i64 {
    sysconf(SysconfVar::CLK_TCK).ok().flatten().filter(|ticks| *ticks > 0).unwrap_or(TICKS)
}

fn is_exim(name: &str) -> bool {
    name.strip_prefix("exim")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
}

/// Whose daemon a process is: Postfix's master, or an Exim that listens or runs the queue again and again.
fn mta_of(process: &Process) -> Option<Mta> {
    let name = process.program.rsplit('/').next().unwrap_or_default();
    if name == "master" {
        return process.program.contains("postfix").then_some(Mta::Postfix);
    }
    (is_exim(name) && EximOptions::parse(&process.arguments).daemon).then_some(Mta::Exim)
}

/// The options of an Exim daemon.
#[derive(Debug, Default)]
struct EximOptions {
    /// It listens, or runs the queue again and again.
    daemon: bool,
    /// The argument of `-C`.
    config_files: Option<String>,
    /// The arguments of `-D`.
    macros: Vec<String>,
}

impl EximOptions {
    /// Options that a daemon may be started with and that say nothing here: how it is seen in `ps`, Perl, TLS at once, the way of
    /// delivery, debugging.
    const SILENT: [&str; 9] = ["-ps", "-pd", "-tls-on-connect", "-v", "-odb", "-odf", "-odi", "-odq", "-odqs"];
    /// Such options with an argument behind them: ports, the file of the process number, how it is called in logs.
    const SILENT_WITH_ARGUMENT: [&str; 3] = ["-oX", "-oP", "-L"];

    /// Those in a command line, up to the first that no daemon has. Whoever hands in a message chooses such arguments: recipients,
    /// the sender's name, what stands behind `--`; and Exim goes on under its own user then, with that command line.
    fn parse(arguments: &[String]) -> EximOptions {
        let mut options = EximOptions::default();
        let mut arguments = arguments.iter().skip(1);
        while let Some(argument) = arguments.next() {
            let queue = argument.strip_prefix("-q").map(|rest| rest.trim_start_matches(['q', 'i', 'f', 'l']));
            if argument == "-bd" || argument == "-bdf" {
                options.daemon = true;
            } else if let Some(interval) = queue {
                // A named queue stands behind G, the interval behind a slash.
                let interval = match interval.strip_prefix('G') {
                    Some(named) => named.rsplit_once('/').map_or("", |(_, interval)| interval),
                    None => interval,
                };
                options.daemon |= interval.starts_with(|c: char| c.is_ascii_digit());
            } else if argument == "-C" {
                options.config_files = arguments.next().cloned();
            } else if let Some(files) = argument.strip_prefix("-C") {
                options.config_files = Some(files.to_owned());
            } else if let Some(definition) = argument.strip_prefix("-D") {
                options.macros.push(definition.to_owned());
            } else if argument == "--" || !argument.starts_with('-') {
                // Recipients follow, and options no longer: a daemon that is given any ends at once (tried with Exim 4.96).
                if argument != "--" || arguments.next().is_some() {
                    return EximOptions::default();
                }
            } else if Self::SILENT_WITH_ARGUMENT.contains(&argument.as_str()) {
                arguments.next();
            } else if !Self::SILENT.contains(&argument.as_str()) && !argument.starts_with("-d") {
                break;
            }
        }
        options
    }
}

fn daemon(proc: &Path, mta: Mta, process: &Process, all: &[Process]) -> Daemon {
    let mut daemon = Daemon {
        mta,
        pid: process.pid,
        started: process.started,
        loaded: process.started,
        config_directory: None,
        config_files: None,
        macros: Vec::new(),
    };
    match mta {
        Mta::Postfix => {
            let environment = strings(&proc.join(process.pid.to_string()).join("environ"));
            daemon.config_directory =
                environment.iter().find_map(|entry| entry.strip_prefix("MAIL_CONFIG=")).map(str::to_owned);
            let queue_manager = |other: &&Process| {
                other.parent == process.pid && matches!(other.program.rsplit('/').next(), Some("qmgr" | "nqmgr"))
            };
            let restarted = all.iter().filter(queue_manager).filter_map(|other| other.started).max();
            daemon.loaded = daemon.loaded.max(restarted);
        }
        Mta::Exim => {
            let EximOptions { config_files, macros, .. } = EximOptions::parse(&process.arguments);
            (daemon.config_files, daemon.macros) = (config_files, macros);
        }
    }
    daemon
}

/// When the Exim daemon with this number was last told to read its configuration again (SIGHUP), seconds since 1970: it runs
/// itself anew under the same number then, which `/proc` does not tell from its start, and writes its number into a file.
pub(crate) fn exim_restarted(root: &Root, pid: u32) -> Option<i64> {
    let told = EXIM_PID_FILES
        .into_iter()
        .filter(|path| root.read(path).is_ok_and(|file| file.text().trim().parse() == Ok(pid)));
    told.filter_map(|path| root.modified(path)).max()
}

/// When the system was started, seconds since 1970.
fn boot_time(proc: &Path) -> Option<i64> {
    let stat = text(&proc.join("stat"))?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_LIMIT).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn text(path: &Path) -> Option<String> {
    Some(String::from_utf8_lossy(&bytes(path)?).into_owned())
}

/// The strings of a file that ends each with a NUL byte.
fn strings(path: &Path) -> Vec<String> {
    let bytes = bytes(path).unwrap_or_default();
    let strings = bytes.split(|byte| *byte == 0).filter(|string| !string.is_empty());
    strings.map(|string| String::from_utf8_lossy(string).into_owned()).collect()
}

/// What this thread has taken of processors, however busy the machine is; none where the kernel does not say.
pub(crate) fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests;
