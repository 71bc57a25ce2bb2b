//! What an MTA's and the panel's files set, in their own terms.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::facts::{Fact, IdleSetting, MissingService, Origin, OutdatedTable, Text, UnseenDaemon, Via};

/// A mail transfer agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mta {
    /// Postfix.
    Postfix,
    /// Exim.
    Exim,
}

impl Mta {
    /// `postfix` or `exim`.
    pub fn id(self) -> &'static str {
        match self {
            Mta::Postfix => "postfix",
            Mta::Exim => "exim",
        }
    }
}

impl fmt::Display for Mta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mta::Postfix => "Postfix",
            Mta::Exim => "Exim",
        })
    }
}

/// Which MTAs are configured here, which are judged, and how that was decided (rules.md, *live*).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MtaChoice {
    /// Every MTA that has a configuration.
    pub configured: Vec<Mta>,
    /// Those that are judged.
    pub live: Vec<Mta>,
    /// How that was decided, in words that continue "because".
    pub how: String,
    /// Processes that look like their daemons and are not believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<UnseenDaemon>,
}

impl MtaChoice {
    /// Whether `mta` is judged. Where nothing was chosen, all are.
    pub fn judges(&self, mta: Mta) -> bool {
        self.live.is_empty() || self.live.contains(&mta)
    }
}

/// A daemon of an MTA that runs on the live system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningDaemon {
    /// Whose it is.
    pub mta: Mta,
    /// Its process number.
    pub pid: u32,
    /// When it was started, seconds since 1970; `None`: unknown.
    pub started: Option<i64>,
    /// When it last read its configuration, seconds since 1970: at its start or by a reload; `None`: unknown.
    pub loaded: Option<i64>,
    /// The files that it reads then, lookup tables apart.
    pub config: Vec<ConfigFile>,
}

/// A file that a daemon reads when it is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// Its path as the host sees it.
    pub path: String,
    /// Last change of its content, seconds since 1970.
    pub modified: i64,
}

/// What makes a program refuse its configuration, in its own words as far as known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The program's message.
    pub message: String,
    /// Where.
    pub origin: Origin,
}

/// A value that files may leave undecided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The value that the program uses; `None` where files cannot decide it.
    pub value: Option<String>,
    /// What `postconf -x` prints, where that differs from `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postconf: Option<String>,
    /// What Exim's expansion of `value` comes to, where `value` is expanded and files decide it for every message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded: Option<String>,
    /// Why the value is undecided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// The place that sets it.
    pub origin: Origin,
    /// Where the value passed through on its way, nearest first.
    #[serde(default, skip_serializing_if = "Via::is_empty")]
    pub via: Via,
}

impl Setting {
    /// A decided value.
    pub fn known(value: impl Into<String>, origin: impl Into<Origin>) -> Setting {
        let (origin, via) = (origin.into(), Via::default());
        Setting { value: Some(value.into()), postconf: None, expanded: None, undecided: None, origin, via }
    }

    /// A value that files cannot decide.
    pub fn undecided(why: impl Into<String>, origin: impl Into<Origin>) -> Setting {
        let (origin, via) = (origin.into(), Via::default());
        Setting { value: None, postconf: None, expanded: None, undecided: Some(why.into()), origin, via }
    }

    /// The value with its origins, where it is decided.
    pub fn fact(&self) -> Option<Fact<String>> {
        let value = self.value.clone()?;
        Some(Fact { value, origin: self.origin.clone(), via: self.via.clone() })
    }
}

/// One Postfix instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Postfix {
    /// Its configuration directory, as the host sees it.
    pub config_directory: String,
    /// What makes Postfix itself refuse the whole configuration.
    pub error: Option<Refusal>,
    /// What Postfix only warns of.
    pub warnings: Vec<Refusal>,
    /// Parameters by name, defaults included.
    pub parameters: BTreeMap<String, Setting>,
    /// Every entry of master.cf, in file order.
    pub services: Vec<PostfixService>,
    /// The installed version, such as `3.7.11`; `None`: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Fact<String>>,
    /// The domain that mail made on this host gets; `None` where files cannot decide it, or rewrite it on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_origin: Option<Fact<String>>,
    /// Services that mail is sent to and that do not exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_services: Vec<MissingService>,
    /// Tables whose compiled form is older than their text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outdated_tables: Vec<OutdatedTable>,
    /// Parameters that list domains, such as `mydestination`, and of which files do not decide which these are; each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "with_places")]
    pub open_lists: Vec<Fact<String>>,
    /// Settings that nothing looks at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle_settings: Vec<IdleSetting>,
    /// Services that run programs of this host (pipe(8)) and are given mail for anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub piped: Vec<Fact<String>>,
    /// Whether all that its files name stays on this host or is refused: no mail leaves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_nothing: bool,
}

/// One entry of master.cf.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PostfixService {
    /// First field.
    pub name: String,
    /// Second field: `inet`, `unix`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Eighth field.
    pub command: String,
    /// The entry's first line.
    pub origin: Origin,
    /// `-o` settings, after expansion.
    pub overrides: BTreeMap<String, Setting>,
    /// What makes this one daemon refuse to start or to deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
    /// Whether the master does not offer it: another entry stands in its place, `master_service_disable` takes it away, or its instance is not
    /// started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
}

/// One live Exim configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Exim {
    /// The file that Exim reads first.
    pub file: String,
    /// The version that a generated file names.
    pub version_hint: Option<String>,
    /// What makes Exim itself refuse the configuration.
    pub error: Option<Refusal>,
    /// Main options after macros and quoting, unexpanded, defaults included, as `exim -bP` prints them.
    pub main: BTreeMap<String, Setting>,
    /// Transports in file order; trials of changes share them.
    pub transports: Arc<Vec<EximDriver>>,
    /// Routers in file order, shared alike.
    pub routers: Arc<Vec<EximDriver>>,
    /// Programs on this host that are handed whatever is for others: next hops on it, and transports that run a program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed: Vec<Fact<String>>,
    /// Whether no mail leaves through it, as far as its files say, and nothing is wrong that may be the reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_nothing: bool,
}

/// A certificate that an MTA presents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The setting that names its file.
    pub setting: String,
    /// The file.
    pub file: Fact<String>,
    /// What it is for: names as the DNS has them, sorted.
    pub names: Vec<String>,
    /// The second in which it ends, since 1970.
    pub until: i64,
}

/// A transport or router of Exim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EximDriver {
    /// Its name.
    pub name: String,
    /// Its driver, such as `smtp` or `manualroute`.
    pub driver: String,
    /// The line that names it.
    pub origin: Origin,
    /// Options that it sets, unexpanded.
    #[serde(flatten)]
    pub options: BTreeMap<String, Setting>,
}

/// What cPanel & WHM's own files say.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cpanel {
    /// Version, from `/usr/local/cpanel/version`.
    pub version: Option<Fact<String>>,
    /// `HOST` of wwwacct.conf.
    pub host: Option<Fact<String>>,
    /// `ADDR` of wwwacct.conf: the main shared IPv4 address, internal under NAT.
    pub shared_ip: Option<Fact<IpAddr>>,
    /// `/var/cpanel/mainip`: the main server address.
    pub main_ip: Option<Fact<IpAddr>>,
    /// `/var/cpanel/cpnat`.
    pub nat: Vec<CpanelNat>,
    /// `/etc/mailips`, one entry for each line, in file order.
    pub mailips: Vec<MapEntry>,
    /// `/etc/mailhelo`.
    pub mailhelo: Vec<MapEntry>,
    /// `/etc/mail_reverse_dns`.
    pub reverse: Vec<MapEntry>,
    /// Domains of `/etc/userdomains`, with the account.
    pub userdomains: Vec<MapEntry>,
    /// `/etc/userips`: account to address.
    pub userips: Vec<MapEntry>,
    /// `/etc/localdomains`: domains as the DNS compares them.
    pub localdomains: Vec<Text>,
    /// `/etc/remotedomains`, alike.
    pub remotedomains: Vec<Text>,
    /// `/etc/secondarymx`, alike.
    pub secondarymx: Vec<Text>,
    /// Flag files that exist, by name: `custom_mailips`, ...
    pub flags: Vec<Fact<String>>,
    /// `exim.conf.localopts`: keys of interest with their values.
    pub localopts: BTreeMap<String, Fact<String>>,
    /// The map files that exist, empty ones included (`/etc/mailips`, ...).
    pub files: Vec<String>,
}

/// An entry of a map, such as cPanel's: key and value as Exim's lsearch reads them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapEntry {
    /// Left of the colon, as written.
    pub key: Text,
    /// Right of it, trimmed.
    pub value: Text,
}

impl MapEntry {
    /// An entry in the documented form, as the first line of a file.
    #[cfg(test)]
    pub fn sample(key: &str, value: &str) -> MapEntry {
        let file = crate::source::SourceFile::new("/etc/map", format!("{key}: {value}\n"));
        let start = key.len() + 2;
        MapEntry {
            key: Text::from_span(file.span(0, key.len())),
            value: Text::from_span(file.span(start, start + value.len())),
        }
    }

    /// Whether the key stands in quotes.
    pub fn is_quoted(&self) -> bool {
        self.key.span().text().starts_with('"')
    }

    /// What stands between key and value: blanks, a colon, or both.
    pub fn separator(&self) -> &str {
        let (start, end) = (self.key.span().range().end, self.value.span().range().start);
        self.key.span().file().text().get(start..end).unwrap_or_default()
    }
}

/// A pair of `/var/cpanel/cpnat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpanelNat {
    /// The address on the interface.
    pub local: Fact<IpAddr>,
    /// Its image outside; `None`: no mapping.
    pub public: Option<IpAddr>,
}

/// Names of settings with their places; earlier snapshots hold the names alone.
fn with_places<'de, D: serde::Deserializer<'de>>(document: D) -> Result<Vec<Fact<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Named {
        Placed(Fact<String>),
        Alone(String),
    }
    let all = Vec::<Named>::deserialize(document)?.into_iter().map(|named| match named {
        Named::Placed(fact) => fact,
        Named::Alone(name) => Fact::new(name, Origin::flag("--from")),
    });
    Ok(all.collect())
}
