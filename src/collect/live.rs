//! Which of the MTAs that have a configuration here are judged (rules.md, *live*).

use crate::collect::processes::Found;
use crate::collect::root::Root;
use crate::facts::{Mta, MtaChoice};

/// Where other programs look for the MTA (Linux Standard Base).
const SENDMAIL: [&str; 3] = ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/etc/alternatives/mta"];
/// Links followed to the MTA: an alternative and the program's own link, and some to spare.
const LINK_LIMIT: usize = 8;

/// What is known of the MTAs of a host before one is chosen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Configured {
    /// Whether Postfix has a configuration.
    pub postfix: bool,
    /// Whether Exim has one.
    pub exim: bool,
    /// Whether this is a cPanel server.
    pub cpanel: bool,
}

/// Chooses the MTAs to judge. `running` holds what runs on the live system, and nothing for any other root.
pub(crate) fn choose(root: &Root, configured: Configured, running: &Found) -> MtaChoice {
    let mut all = Vec::new();
    all.extend(configured.postfix.then_some(Mta::Postfix));
    all.extend(configured.exim.then_some(Mta::Exim));
    let (live, how) = live(root, &all, configured.cpanel, running);
    MtaChoice { configured: all, live, how, unseen: Vec::new() }
}

fn live(root: &Root, all: &[Mta], cpanel: bool, running: &Found) -> (Vec<Mta>, String) {
    if all.is_empty() {
        return (Vec::new(), "no MTA has a configuration here".into());
    }
    let named = root.named();
    let by_user: Vec<Mta> = [(Mta::Postfix, &named.postfix), (Mta::Exim, &named.exim)]
        .into_iter()
        .filter(|(mta, place)| place.is_some() && all.contains(mta))
        .map(|(mta, _)| mta)
        .collect();
    if !by_user.is_empty() {
        return (by_user, "the command line names its configuration".into());
    }
    let runs = |mta: &&Mta| running.running.contains(mta);
    let with_daemon: Vec<Mta> = all.iter().filter(runs).copied().collect();
    match with_daemon[..] {
        [] => {}
        [one] => return (with_daemon, format!("{one} runs")),
        _ => return (with_daemon, "their daemons run".into()),
    }
    let unseen = match (root.is_live(), running.unseen.is_empty()) {
        (true, true) => "no daemon of theirs runs",
        (true, false) => "no daemon of theirs was seen for certain",
        (false, _) => "running daemons cannot be seen",
    };
    if let [one] = all {
        return (vec![*one], format!("{unseen}, and {one} alone has a configuration"));
    }
    if cpanel && all.contains(&Mta::Exim) {
        return (vec![Mta::Exim], format!("{unseen}, and cPanel's MTA is Exim"));
    }
    for path in SENDMAIL {
        if let Some((mta, program)) = behind(root, path).filter(|(mta, _)| all.contains(mta)) {
            return (vec![mta], format!("{unseen}, and {path} leads to {program}, which is {mta}"));
        }
    }
    (all.to_vec(), format!("{unseen}, and /usr/sbin/sendmail does not tell which one is used"))
}

/// The MTA whose program stands at `path` or behind its links, with the path that tells it. A link may lead to what a copy of
/// the system's files does not hold.
fn behind(root: &Root, path: &str) -> Option<(Mta, String)> {
    let mut path = path.to_owned();
    for _ in 0..LINK_LIMIT {
        if let Some(mta) = named(&path) {
            return Some((mta, path));
        }
        let Some(target) = root.link_target(&path) else { break };
        path = match target.starts_with('/') {
            true => target,
            false => format!("{}/{target}", path.rsplit_once('/').map_or("", |(folder, _)| folder)),
        };
    }
    // Postfix installs a program of that name; Exim is linked to it (hard links are not told apart from copies).
    let is_sendmail = path.ends_with("/sendmail") && root.exists(&path);
    let has = |paths: &[&str]| paths.iter().any(|path| root.exists(path));
    let postfix = has(&["/usr/sbin/postfix", "/usr/lib/postfix", "/usr/libexec/postfix"]);
    let exim = has(&["/usr/sbin/exim", "/usr/sbin/exim4"]);
    match (is_sendmail, postfix, exim) {
        (true, true, false) => Some((Mta::Postfix, path)),
        (true, false, true) => Some((Mta::Exim, path)),
        _ => None,
    }
}

/// The MTA that a program's path names: `/usr/sbin/exim4`, `/usr/sbin/sendmail.postfix`, `/usr/lib/postfix/...`.
fn named(path: &str) -> Option<Mta> {
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.starts_with("exim") || name == "sendmail.exim" {
        Some(Mta::Exim)
    } else if name == "sendmail.postfix" || path.contains("/postfix/") {
        Some(Mta::Postfix)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    const BOTH: Configured = Configured { postfix: true, exim: true, cpanel: false };

    /// A root with these files, and these links.
    fn root(files: &[&str], links: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        let place = |path: &str| {
            let place = dir.path().join(path.trim_start_matches('/'));
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            place
        };
        files.iter().for_each(|path| fs::write(place(path), "").unwrap());
        links.iter().for_each(|(path, target)| symlink(target, place(path)).unwrap());
        let root = Root::open(dir.path()).unwrap();
        (dir, root)
    }

    fn running(mtas: &[Mta]) -> Found {
        Found { running: mtas.to_vec(), ..Found::default() }
    }

    #[test]
    fn what_runs_is_live() {
        let (_dir, root) = root(&[], &[]);
        let cpanel = Configured { cpanel: true, ..BOTH };
        let choice = choose(&root, cpanel, &running(&[Mta::Postfix]));
        assert_eq!(choice.live, [Mta::Postfix]);
        assert_eq!(choice.how, "Postfix runs");
        assert_eq!(choice.configured, [Mta::Postfix, Mta::Exim]);
        let choice = choose(&root, BOTH, &running(&[Mta::Exim, Mta::Postfix, Mta::Exim]));
        assert_eq!(choice.live, [Mta::Postfix, Mta::Exim]);
    }

    #[test]
    fn what_runs_without_a_configuration_cannot_be_judged() {
        let (_dir, root) = root(&[], &[]);
        let exim = Configured { exim: true, ..Configured::default() };
        assert_eq!(choose(&root, exim, &running(&[Mta::Postfix])).live, [Mta::Exim]);
        assert_eq!(choose(&root, Configured::default(), &running(&[Mta::Postfix])).live, []);
    }

    #[test]
    fn on_cpanel_it_is_exim() {
        let (_dir, root) = root(&[], &[("/usr/sbin/sendmail", "/usr/sbin/sendmail.postfix")]);
        let cpanel = Configured { cpanel: true, ..BOTH };
        assert_eq!(choose(&root, cpanel, &running(&[])).live, [Mta::Exim]);
    }

    #[test]
    fn sendmail_tells_which_one_is_used() {
        let mta = "/etc/alternatives/mta";
        type Layout<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a [Mta], &'a str);
        let cases: [Layout; 10] = [
            (&["/usr/sbin/exim4"], &[("/usr/sbin/sendmail", "exim4")], &[Mta::Exim], "Debian's Exim"),
            (&["/usr/sbin/sendmail", "/usr/sbin/postfix"], &[], &[Mta::Postfix], "Debian's Postfix"),
            (&["/usr/sbin/sendmail", "/usr/sbin/exim"], &[], &[Mta::Exim], "Exim, linked hard"),
            (
                &["/usr/sbin/sendmail", "/usr/sbin/exim", "/usr/sbin/postfix"],
                &[],
                &[Mta::Postfix, Mta::Exim],
                "unclear",
            ),
            (
                &["/usr/sbin/sendmail.postfix"],
                &[("/usr/sbin/sendmail", mta), (mta, "/usr/sbin/sendmail.postfix")],
                &[Mta::Postfix],
                "an alternative",
            ),
            (
                &["/usr/sbin/exim"],
                &[("/usr/sbin/sendmail", mta), (mta, "/usr/sbin/sendmail.exim"), ("/usr/sbin/sendmail.exim", "exim")],
                &[Mta::Exim],
                "an alternative that is a link",
            ),
            (&[], &[(mta, "/usr/sbin/sendmail.exim")], &[Mta::Exim], "a copy of /etc alone"),
            (&[], &[("/usr/sbin/sendmail", "/usr/bin/msmtp")], &[Mta::Postfix, Mta::Exim], "neither"),
            (&[], &[("/usr/sbin/sendmail", "sendmail")], &[Mta::Postfix, Mta::Exim], "a loop"),
            (&[], &[], &[Mta::Postfix, Mta::Exim], "nothing there"),
        ];
        for (files, links, live, why) in cases {
            let (_dir, root) = root(files, links);
            assert_eq!(choose(&root, BOTH, &running(&[])).live, live, "{why}");
        }
    }
}
