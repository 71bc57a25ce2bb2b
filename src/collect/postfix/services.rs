//! The services that the master offers: which of them a queue manager finds (master(5), `master_service_disable`).

use std::collections::HashMap;

use super::check;
use super::defaults::Program;
use super::master_cf::{Entry, MasterCf};
use crate::facts::{Fact, MissingService, Origin};

/// Services of which reports list names.
const LISTED: usize = 32;

/// The entries of master.cf by name.
pub(crate) struct Services<'a> {
    master: &'a MasterCf,
    /// Patterns of `master_service_disable`.
    disabled: Vec<String>,
    by_name: HashMap<&'a str, Vec<&'a Entry>>,
}

impl<'a> Services<'a> {
    /// Those of `master`, less what `disabled`, the value of `master_service_disable`, takes away.
    pub(crate) fn new(master: &'a MasterCf, disabled: &str) -> Services<'a> {
        let mut by_name: HashMap<&str, Vec<&Entry>> = HashMap::new();
        for entry in master.live() {
            by_name.entry(entry.name()).or_default().push(entry);
        }
        Services { master, disabled: check::words(disabled).map(str::to_owned).collect(), by_name }
    }

    /// Whether the master leaves the entry out (match_service(3)): the first pattern that fits decides.
    pub(crate) fn is_disabled(&self, entry: &Entry) -> bool {
        let whole = format!("{}/{}", entry.name(), entry.kind());
        let found = self.disabled.iter().find_map(|pattern| {
            let bare = pattern.trim_start_matches('!');
            let text = if bare.contains('/') { whole.as_str() } else { entry.kind() };
            text.eq_ignore_ascii_case(bare).then(|| (pattern.len() - bare.len()) % 2 == 0)
        });
        found.unwrap_or(false)
    }

    /// Whether queue managers find a service of this name: a socket in the private folder.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries(name).any(|entry| self.serves(entry))
    }

    fn serves(&self, entry: &Entry) -> bool {
        matches!(entry.kind(), "unix" | "fifo" | "pass") && entry.fields[2] != "n" && !self.is_disabled(entry)
    }

    fn entries(&self, name: &str) -> impl Iterator<Item = &'a Entry> + '_ {
        self.by_name.get(name).into_iter().flatten().copied()
    }

    /// The command of the service that queue managers find under this name.
    pub(crate) fn command(&self, name: &str) -> Option<&'a str> {
        let entry = self.entries(name).find(|entry| self.serves(entry))?;
        Some(entry.process_name())
    }

    /// What is to be said of a service that is missing.
    pub(crate) fn missing(&self, name: &str, named_by: Vec<Fact<String>>) -> MissingService {
        let instead = self.entries(name).next().map(|entry| {
            let why = match entry.kind() {
                _ if self.is_disabled(entry) => "master_service_disable takes it away",
                "unix" | "fifo" | "pass" => "it is public: its third field is n",
                _ => "it is a server of this name",
            };
            (Origin::File(entry.span.clone()), why.to_owned())
        });
        let is_client = |entry: &&Entry| {
            matches!(Program::of_command(entry.command()), Program::Smtp | Program::Lmtp) && self.serves(entry)
        };
        let others = self.master.live().filter(is_client).map(|entry| entry.name().to_owned()).take(LISTED);
        MissingService {
            service: name.to_owned(),
            named_by,
            file: self.master.file.path().to_owned(),
            instead,
            others: others.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn which_services_there_are() {
        let text = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\nout unix n - n - - smtp\nslow unix - - n - - smtp\n\
                    off unix - - n - - smtp\nsubmission inet n - n - - smtpd\n";
        let master = MasterCf::parse(&SourceFile::new("/etc/postfix/master.cf", text.as_bytes()));
        let services = Services::new(&master, "!slow/unix off/UNIX, inet");
        for (name, there, instead) in [
            ("smtp", true, None),
            ("slow", true, None),
            ("out", false, Some("it is public: its third field is n")),
            ("off", false, Some("master_service_disable takes it away")),
            ("submission", false, Some("master_service_disable takes it away")),
            ("none", false, None),
        ] {
            assert_eq!(services.has(name), there, "{name}");
            if !there {
                let missing = services.missing(name, Vec::new());
                assert_eq!(missing.instead.as_ref().map(|(_, why)| why.as_str()), instead, "{name}");
                assert_eq!(missing.others, ["smtp", "slow"]);
            }
        }
        let all = Services::new(&master, "unix");
        assert!(!all.has("smtp") && services.command("smtp") == Some("smtp"));
    }
}
