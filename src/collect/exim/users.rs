//! Users that options name: Exim looks them up when it reads the file.

use std::collections::HashSet;

use crate::collect::root::Root;

/// The users of this host, as far as files decide it.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// `None` where another source than `/etc/passwd` is asked too, or it cannot be read.
    names: Option<HashSet<String>>,
    /// The same of groups and `/etc/group`.
    groups: Option<HashSet<String>>,
    /// User and group numbers of the names that Exim is built to run under.
    own: HashSet<u32>,
}

/// Names that packages build Exim to run under, and to own its configuration.
const EXIM: [&str; 3] = ["Debian-exim", "exim", "mailnull"];

impl Users {
    /// What `/etc/passwd` holds, where nsswitch.conf asks nobody else.
    pub(crate) fn read(root: &Root) -> Users {
        let only_files = |database: &str| {
            root.read("/etc/nsswitch.conf").map_or(true, |file| {
                let line = file.text().lines().find_map(|line| line.trim_start().strip_prefix(database));
                let line = line.unwrap_or("files").split('#').next().unwrap_or_default().to_owned();
                line.split_whitespace().all(|source| matches!(source, "files" | "compat" | "systemd"))
            })
        };
        let names = |text: &str| -> HashSet<String> {
            text.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_owned()).collect()
        };
        let groups = root.read("/etc/group").ok().filter(|_| only_files("group:")).map(|file| names(file.text()));
        let Ok(file) = root.read("/etc/passwd") else { return Users { groups, ..Users::default() } };
        if !only_files("passwd:") {
            return Users { groups, ..Users::default() };
        }
        let own = file.text().lines().filter(|line| EXIM.contains(&line.split(':').next().unwrap_or_default()));
        let own = own.flat_map(|line| line.split(':').skip(2).take(2)).filter_map(|id| id.parse().ok()).collect();
        Users { names: Some(names(file.text())), groups, own }
    }

    /// Whether `id` is root's number, or that of a user or group that Exim may be built to trust.
    pub(crate) fn trusts(&self, id: u32) -> bool {
        id == 0 || self.own.contains(&id) || self.names.is_none()
    }

    /// Whether `name` is certainly no user: neither known nor a number, and not expanded later.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        is_missing(self.names.as_ref(), name)
    }

    /// The same of groups.
    pub(crate) fn lacks_group(&self, name: &str) -> bool {
        is_missing(self.groups.as_ref(), name)
    }
}

fn is_missing(known: Option<&HashSet<String>>, name: &str) -> bool {
    known.is_some_and(|known| !known.contains(name)) && !name.contains('$') && name.parse::<i64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn who_is_certainly_missing() {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc");
        fs::create_dir(&etc).unwrap();
        let read = || Users::read(&Root::open(dir.path()).unwrap());
        assert!(!read().lacks("alice") && !read().lacks_group("mail"), "no file says it");
        fs::write(etc.join("passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
        fs::write(etc.join("group"), "mail:x:8:\n").unwrap();
        let users = read();
        assert!(users.lacks("alice") && !users.lacks("root") && !users.lacks("8") && !users.lacks("$local_part"));
        assert!(users.lacks_group("users") && !users.lacks_group("mail") && !users.lacks_group("8"));
        fs::write(etc.join("nsswitch.conf"), "group: files ldap\n").unwrap();
        assert!(!read().lacks_group("users") && read().lacks("alice"));
    }
}
