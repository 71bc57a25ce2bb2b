//! Reads the host, yields facts. Two doors open to the outside here: files ([`root`]) and the kernel
//! ([`kernel`], and `processes` for what runs).

pub(crate) mod certificates;
pub(crate) mod confidential;
pub(crate) mod cpanel;
pub(crate) mod daemon;
#[doc(hidden)] // For the tests against recorded answers.
pub mod exim;
pub mod kernel;
pub(crate) mod key_pairs;
mod left_behind;
pub(crate) mod listeners;
pub(crate) mod live;
pub(crate) mod logs;
#[doc(hidden)] // For the tests against recorded answers.
pub mod lsearch;
pub mod machine;
mod mail_domains;
pub mod managers;
pub(crate) mod memory;
mod panels;
pub mod postfix;
pub(crate) mod processes;
pub(crate) mod reading;
pub mod root;
#[doc(hidden)] // For the tests against recorded answers.
pub mod system;

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::facts::{
    ConfigFile, Cpanel, Facts, Host, Mta, PanelMap, Postfix, Problem, ProblemKind, RunningDaemon, bound_problems,
};

pub(crate) use cpanel::{read_zones, removed_records};
pub use left_behind::left_behind;
pub use mail_domains::mail_domains;
#[cfg(any(test, fuzzing))]
pub(crate) use mail_domains::read_signers;

use kernel::KernelFacts;
use memory::Memory;
use root::{ReadError, Root};

/// Where the processes of the live system are seen (proc(5)).
const PROC: &str = "/proc";

/// Everything that the host below `root` says about itself. `kernel` is `None` where there is none to ask.
///
/// Never fails: what cannot be read is among the facts' problems, and the rest goes on.
/// What follows for outbound paths is not among them: that is `identity`.
pub fn collect(root: &Root, kernel: Option<KernelFacts>) -> Facts {
    let running = running(root);
    collect_beside(root, kernel, &running)
}

/// The mail servers' daemons that run on the live system; none below another root.
pub fn running(root: &Root) -> processes::Found {
    if root.is_live() { live_daemons(root) } else { processes::Found::default() }
}

/// As [`collect`], beside daemons that are known already.
pub fn collect_beside(root: &Root, kernel: Option<KernelFacts>, found: &processes::Found) -> Facts {
    let (host, mut problems) = system::collect(root, kernel);
    let cpanel = cpanel::collect(root).map(|(cpanel, found)| {
        problems.extend(found);
        Arc::new(cpanel)
    });
    let postfix = postfix::collect(root, &host, &found.daemons);
    let exim = exim::collect(root, &exim::seen_of(&host), cpanel.as_deref(), &found.daemons);
    // After what decides about mail: these may be large, and customers write some of them.
    let (panel_maps, large) = panels::collect(root);
    problems.extend(large);
    let mut facts = assemble(root, found, Parts { host, problems, cpanel, panel_maps, postfix, exim });
    facts.machine = machine::collect(root);
    facts.managers = managers::recognise(root);
    facts.certificates = certificates::collect(root, &facts.postfix, &facts.exim, facts.cpanel.as_deref());
    facts.conceal(&root.secrets());
    facts
}

/// As [`collect_beside`] after a change: parts that the change does not bear on are remembered, what no change of a configuration bears on
/// is taken from the facts before.
pub(crate) fn collect_again(
    root: &Root,
    kernel: Option<KernelFacts>,
    found: &processes::Found,
    before: &Facts,
    memory: &Memory,
) -> Facts {
    let (host, mut problems) = system::collect_by(root, kernel, &|file| memory.hosts(file));
    let own = memory.cpanel(root, &host);
    let postfix = memory.postfix(root, &host, &found.daemons).as_ref().clone();
    let exim = memory.exim(root, &host, &own, &found.daemons).as_ref().clone();
    let cpanel = own.as_ref().clone().map(|(cpanel, found)| {
        problems.extend(found);
        cpanel
    });
    let (panel_maps, large) = memory.panels(root).as_ref().clone();
    problems.extend(large);
    let mut facts = assemble(root, found, Parts { host, problems, cpanel, panel_maps, postfix, exim });
    facts.machine = before.machine.clone();
    facts.managers = before.managers.clone();
    facts.certificates = before.certificates.clone();
    facts
}

/// What the parts of a host say.
struct Parts {
    host: Host,
    problems: Vec<Problem>,
    cpanel: Option<Arc<Cpanel>>,
    panel_maps: Option<Vec<PanelMap>>,
    postfix: postfix::Collected,
    exim: exim::Collected,
}

fn assemble(root: &Root, found: &processes::Found, parts: Parts) -> Facts {
    let Parts { host, mut problems, cpanel, panel_maps, postfix, exim } = parts;
    let running = &found.daemons;
    let configured = live::Configured {
        postfix: !postfix.instances.is_empty(),
        exim: !exim.configurations.is_empty(),
        cpanel: cpanel.is_some(),
    };
    let mut mtas = live::choose(root, configured, found);
    mtas.unseen.clone_from(&found.unseen);

    problems.extend(of_mta(Mta::Postfix, postfix.problems));
    problems.extend(of_mta(Mta::Exim, exim.problems));

    let daemons = running.iter().map(|daemon| running_daemon(root, daemon, &postfix.instances, &exim.files)).collect();

    if root.is_spent() {
        let message = format!("files of this host: what is not found {}", ReadError::TooLong);
        problems.push(Problem::of_file(ProblemKind::Bounded, "/", None, message));
    }
    problems.extend(root.cut_lists().iter().map(|folder| {
        let message = format!("below {folder} stand more files than helolint lists: what is not listed is not known");
        Problem::of_file(ProblemKind::Bounded, folder, None, message)
    }));

    bound_problems(&mut problems);

    let mut facts = Facts::new(host);
    facts.postfix = postfix.instances;
    facts.exim = exim.configurations;
    facts.cpanel = cpanel;
    facts.panel_maps = panel_maps;
    facts.mtas = mtas;
    let mut senders = postfix.senders;
    senders.extend(exim.senders);
    facts.senders = Some(senders);
    facts.proxy_interfaces = postfix.proxy_interfaces;
    facts.listed_domains = postfix.listed_domains;
    facts.problems = problems;
    facts.daemons = daemons;
    facts
}

/// Problems of one MTA's files.
fn of_mta(mta: Mta, problems: Vec<Problem>) -> impl Iterator<Item = Problem> {
    problems.into_iter().map(move |problem| Problem { mta: Some(mta), ..problem })
}

/// The daemons of the live system.
fn live_daemons(root: &Root) -> processes::Found {
    let sources = processes::Sources {
        proc: Path::new(PROC).to_owned(),
        file_id: &processes::file_id,
        exim_users: processes::exim_users(root),
    };
    processes::daemons(&sources).guarded(&|path| processes::is_guarded(root, path))
}

/// A daemon with the files that it reads when it is started: main.cf and master.cf of its instance, or Exim's configuration with
/// all that it includes.
fn running_daemon(root: &Root, daemon: &processes::Daemon, postfix: &[Postfix], exim: &[String]) -> RunningDaemon {
    let config: Vec<String> = match daemon.mta {
        Mta::Exim => exim.to_vec(),
        Mta::Postfix => {
            let is_its = |instance: &&Postfix| match &daemon.config_directory {
                Some(directory) => root.canonical(directory) == root.canonical(&instance.config_directory),
                None => true,
            };
            let directory = postfix.iter().find(is_its).map(|instance| instance.config_directory.as_str());
            let files = |directory| ["main.cf", "master.cf"].map(|name| format!("{directory}/{name}"));
            directory.map(files).into_iter().flatten().collect()
        }
    };
    let loaded = match daemon.mta {
        Mta::Exim => daemon.loaded.max(processes::exim_restarted(root, daemon.pid)),
        Mta::Postfix => daemon.loaded,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(i64::MAX, |since| since.as_secs() as i64);
    let known = config.into_iter().filter_map(|path| {
        let status = root.opened(&path)?;
        // A time to come (a copy from a host whose clock is ahead) would be newer than each reload: what counts is when it got here.
        let modified = if status.modified > now { status.changed.min(status.modified) } else { status.modified };
        Some(ConfigFile { modified, path })
    });
    RunningDaemon { mta: daemon.mta, pid: daemon.pid, started: daemon.started, loaded, config: known.collect() }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    const STARTED: i64 = 1_000_000;

    fn write(dir: &Path, path: &str, text: &str, modified: u64) {
        let place = testing::put(dir, path, text);
        File::options()
            .write(true)
            .open(&place)
            .unwrap()
            .set_modified(UNIX_EPOCH + Duration::from_secs(modified))
            .unwrap();
    }

    fn daemon(mta: Mta) -> processes::Daemon {
        processes::Daemon {
            mta,
            pid: 77,
            started: Some(STARTED),
            loaded: Some(STARTED),
            config_directory: None,
            config_files: None,
            macros: Vec::new(),
        }
    }

    #[test]
    fn a_daemon_stands_beside_the_files_that_it_read() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "/etc/exim.conf", ".include /etc/more.conf\nprimary_hostname = a.example.com\n", 5);
        write(dir.path(), "/etc/more.conf", "", 6);
        write(dir.path(), "/etc/postfix/main.cf", "myhostname = a.example.com\n", 7);
        write(dir.path(), "/etc/postfix/master.cf", "smtp unix - - n - - smtp\n", 8);
        let root = Root::open(dir.path()).unwrap();
        let facts = collect(&root, None);
        assert!(facts.daemons.is_empty(), "what runs cannot be seen below another root");
        let exim = exim::collect(&root, &facts.host, None, &[]);
        let told = |daemon: RunningDaemon| {
            daemon.config.into_iter().map(|file| (file.path, file.modified)).collect::<Vec<_>>()
        };
        let of = |mta| told(running_daemon(&root, &daemon(mta), &facts.postfix, &exim.files));
        assert_eq!(of(Mta::Exim), [("/etc/exim.conf".to_owned(), 5), ("/etc/more.conf".to_owned(), 6)]);
        assert_eq!(
            of(Mta::Postfix),
            [("/etc/postfix/main.cf".to_owned(), 7), ("/etc/postfix/master.cf".to_owned(), 8)]
        );
        let elsewhere = processes::Daemon { config_directory: Some("/srv/out".into()), ..daemon(Mta::Postfix) };
        assert_eq!(told(running_daemon(&root, &elsewhere, &facts.postfix, &[])), []);
    }

    #[test]
    fn a_file_from_the_future_is_as_old_as_its_coming() {
        let dir = tempfile::tempdir().unwrap();
        let ahead = 9_000_000_000;
        write(dir.path(), "/etc/postfix/main.cf", "myhostname = a.example.com\n", ahead);
        write(dir.path(), "/etc/postfix/master.cf", "", 8);
        let root = Root::open(dir.path()).unwrap();
        let facts = collect(&root, None);
        let read = running_daemon(&root, &daemon(Mta::Postfix), &facts.postfix, &[]).config;
        assert!(read[0].modified < ahead as i64 && read[0].modified > 1_000_000_000, "{}", read[0].modified);
        assert_eq!(read[1].modified, 8);
    }

    #[test]
    fn an_exim_that_ran_itself_anew_wrote_its_number_again() {
        let dir = tempfile::tempdir().unwrap();
        let loaded = |root: &Root| running_daemon(root, &daemon(Mta::Exim), &[], &[]).loaded;
        assert_eq!(loaded(&Root::open(dir.path()).unwrap()), Some(STARTED));
        write(dir.path(), "/run/exim4/exim.pid", "77\n", 2_000_000);
        assert_eq!(loaded(&Root::open(dir.path()).unwrap()), Some(2_000_000));
        write(dir.path(), "/run/exim4/exim.pid", "78\n", 2_000_000);
        assert_eq!(loaded(&Root::open(dir.path()).unwrap()), Some(STARTED), "another daemon's number");
    }
}
