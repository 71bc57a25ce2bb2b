//! Settings that nothing looks at, and the domain that mail made on this host gets.

use super::defaults::{self, Program};
use super::expand::Expander;
use super::main_cf::MainCf;
use super::master_cf::MasterCf;
use super::process::{MANUAL, Process};
use super::services::Services;
use super::version::Version;
use crate::facts::{Fact, Idle, IdleSetting};

/// Parameters of the clients that bear on identity, by what comes behind `smtp_` or `lmtp_`.
const OF_CLIENTS: [&str; 5] = ["bind_address", "bind_address6", "bind_address_enforce", "helo_name", "lhlo_name"];
/// Parameters that bear on identity and that older versions do not know, with the first that does.
const LATER: [(&str, &str, Version); 4] = [
    ("smtp_bind_address_enforce", "3.7", Version::BIND_ENFORCE),
    ("lmtp_bind_address_enforce", "3.7", Version::BIND_ENFORCE),
    ("use_srv_lookup", "3.8", Version::SRV_LOOKUP),
    ("known_tcp_ports", "3.6", Version::KNOWN_PORTS),
];
/// Parameters by which the domain of a sender is rewritten on its way out.
const REWRITING: [&str; 4] = ["canonical_maps", "sender_canonical_maps", "smtp_generic_maps", "masquerade_domains"];
/// Programs that refuse whatever they are given.
const REFUSING: [&str; 2] = ["error", "discard"];

/// What is looked through.
pub(crate) struct Sources<'a> {
    /// main.cf.
    pub main: Option<&'a MainCf>,
    /// master.cf.
    pub master: &'a MasterCf,
    /// trivial-rewrite as it runs.
    pub process: &'a Process<'a>,
    /// For values that it does not load.
    pub expander: &'a Expander,
}

impl Sources<'_> {
    /// `-o` settings for clients on services that are none.
    pub(crate) fn of_other_programs(&self) -> Vec<IdleSetting> {
        let mut found = Vec::new();
        for entry in self.master.live() {
            let own = match Program::of_command(entry.command()) {
                Program::Smtp => "smtp_",
                Program::Lmtp => "lmtp_",
                _ => "",
            };
            for (parameter, value) in &entry.overrides {
                let of_clients = ["smtp_", "lmtp_"].iter().any(|prefix| {
                    *prefix != own && parameter.strip_prefix(prefix).is_some_and(|rest| OF_CLIENTS.contains(&rest))
                });
                if of_clients && !value.value.is_empty() {
                    let service = format!("{}/{}", entry.name(), entry.kind());
                    let because = Idle::Program { service, program: entry.process_name().to_owned() };
                    found.push(IdleSetting { parameter: parameter.clone(), value: value.clone(), because });
                }
            }
        }
        found
    }

    /// Settings of main.cf that the installed version does not know.
    pub(crate) fn of_later_versions(&self, installed: &Fact<String>, version: Option<Version>) -> Vec<IdleSetting> {
        let older = |since: Version| version.is_some_and(|version| version < since);
        let set = |name: &str| self.main.and_then(|main| Some((main.settings.get(name)?, main.origin(name)?)));
        let later = LATER.iter().filter(|(_, _, since)| older(*since)).filter_map(|(name, since, _)| {
            let (set, origin) = set(name)?;
            let because = Idle::Version { installed: installed.clone(), since: (*since).to_owned() };
            Some(IdleSetting { parameter: (*name).to_owned(), value: Fact::new(set.value.clone(), origin), because })
        });
        later.collect()
    }

    /// `relayhost` where mail for elsewhere is refused before.
    pub(crate) fn behind_a_refusal(&self, services: &Services<'_>) -> Option<IdleSetting> {
        let relayhost = self.process.fact("relayhost").filter(|value| !value.value.is_empty())?;
        let default = self.process.fact("default_transport")?;
        let service = default.value.split(':').next().unwrap_or_default().trim();
        let refuses = services.command(service).is_some_and(|command| REFUSING.contains(&command));
        refuses.then(|| IdleSetting {
            parameter: "relayhost".into(),
            value: relayhost,
            because: Idle::Refused { by: default, parameter: "default_transport".into() },
        })
    }

    /// The domain that mail made on this host gets, where nothing rewrites it.
    pub(crate) fn mail_origin(&self, shared: &Process<'_>) -> Option<Fact<String>> {
        let of_clients =
            self.master.live().flat_map(|entry| &entry.overrides).map(|(name, value)| (name, &value.value));
        let set = self.main.iter().flat_map(|main| &main.settings).map(|(name, set)| (name, &set.value));
        let rewritten =
            set.chain(of_clients).any(|(name, value)| REWRITING.contains(&name.as_str()) && !value.is_empty());
        let origin = shared.fact("myorigin").filter(|origin| !origin.value.is_empty() && !rewritten)?;
        // A name without a dot gets the host's domain behind it, where that is asked for.
        (origin.value.contains('.') || !self.appends_domain()).then_some(origin)
    }

    fn appends_domain(&self) -> bool {
        let name = "append_dot_mydomain";
        let set = self.main.and_then(|main| main.settings.get(name)).map(|set| set.value.as_str());
        let text = set.or_else(|| defaults::default_of(name)).unwrap_or_default();
        self.process.expand(self.expander, text, &MANUAL).value.is_none_or(|value| value.eq_ignore_ascii_case("yes"))
    }
}
