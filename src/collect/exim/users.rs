//! Users that options name: Exim looks them up when it reads the file.

use std::collections::HashSet;

use crate::collect::root::Root;

/// The users of this host, as far as files decide it.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// `None` where another source than `/etc/passwd` is asked too, or it cannot be read.
    names: Option<HashSet<String>>,
    /// User and group numbers of the names that Exim is built to run under.
    own: HashSet<u32>,
}

/// Names that packages build Exim to run under, and to own its configuration.
const EXIM: [&str; 3] = ["Debian-exim", "exim", "mailnull"];

impl Users {
    /// What `/etc/passwd` holds, where nsswitch.conf asks nobody else.
    pub(crate) fn read(root: &Root) -> Users {
        let only_files = root.read("/etc/nsswitch.conf").map_or(true, |file| {
            let line = file.text().lines().find_map(|line| line.trim_start().strip_prefix("passwd:"));
            let line = line.unwrap_or("files").split('#').next().unwrap_or_default().to_owned();
            line.split_whitespace().all(|source| matches!(source, "files" | "compat" | "systemd"))
        });
        let Ok(file) = root.read("/etc/passwd") else { return Users::default() };
        if !only_files {
            return Users::default();
        }
        let own = file.text().lines().filter(|line| EXIM.contains(&line.split(':').next().unwrap_or_default()));
        let own = own.flat_map(|line| line.split(':').skip(2).take(2)).filter_map(|id| id.parse().ok()).collect();
        let names = file.text().lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned());
        Users { names: Some(names.collect()), own }
    }

    /// Whether `id` is root's number, or that of a user or group that Exim may be built to trust.
    pub(crate) fn trusts(&self, id: u32) -> bool {
        id == 0 || self.own.contains(&id) || self.names.is_none()
    }

    /// Whether `name` is certainly no user: neither known nor a number, and not expanded later.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        let Some(names) = &self.names else { return false };
        !names.contains(name) && !name.contains('$') && name.parse::<i64>().is_err()
    }
}
