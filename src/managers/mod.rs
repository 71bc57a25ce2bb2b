//! Who writes a file or setting anew: panels, appliances, containers, distributions, configuration managers and clouds. A step that
//! edits such a file has to name the place that lasts.
//!
//! Data alone, each entry with its source. Only what a vendor's documents or code show may be said flatly ([`Evidence::is_certain`]).

mod appliances;
mod distributions;
mod mail_servers;
mod more_panels;
mod panels;
mod systems;

use serde::{Deserialize, Serialize};

/// What a manager is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A control panel for hosting.
    Panel,
    /// A ready-made mail server.
    Appliance,
    /// An image, or what starts containers.
    Container,
    /// A distribution's own packages.
    Distribution,
    /// Puppet, Chef, Ansible, or a header that says that a file is generated.
    ConfigurationManager,
    /// What a cloud sets at boot or by DHCP.
    Cloud,
}

/// What a statement rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The vendor's documentation.
    VendorDoc,
    /// The vendor's own code.
    VendorCode,
    /// What users and third parties write.
    Community,
    /// Nobody's text was read.
    Unverified,
}

impl Evidence {
    /// Whether it may be said without "as far as known".
    pub fn is_certain(self) -> bool {
        matches!(self, Evidence::VendorDoc | Evidence::VendorCode)
    }
}

/// A setting or file that a manager may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owned {
    /// Postfix' `myhostname`.
    Myhostname,
    /// Postfix' `smtp_helo_name`.
    SmtpHeloName,
    /// Postfix' `smtp_bind_address` and `smtp_bind_address6`.
    SmtpBindAddress,
    /// Postfix' `inet_protocols`.
    InetProtocols,
    /// Any other line of main.cf.
    MainCf,
    /// master.cf.
    MasterCf,
    /// Any other line of Exim's configuration.
    EximConfig,
    /// Exim's `primary_hostname`.
    EximPrimaryHostname,
    /// Exim's `helo_data`.
    EximHeloData,
    /// Exim's `interface`.
    EximInterface,
    /// `/etc/hosts`.
    Hosts,
    /// The host name and `/etc/hostname`.
    HostName,
    /// `/etc/mailname`.
    Mailname,
    /// The addresses of the interfaces.
    Addresses,
    /// A panel's own copy of PTR names.
    PtrCache,
    /// The source address behind a container's NAT.
    Snat,
    /// The HELO name of an MTA that helolint does not read.
    Helo,
    /// qmail's `control/me`.
    QmailMe,
}

impl Owned {
    /// What a setting of Postfix or Exim is, where managers write it by itself.
    pub fn of_setting(name: &str) -> Option<Owned> {
        Some(match name {
            "myhostname" => Owned::Myhostname,
            "smtp_helo_name" => Owned::SmtpHeloName,
            "smtp_bind_address" | "smtp_bind_address6" => Owned::SmtpBindAddress,
            "inet_protocols" => Owned::InetProtocols,
            "primary_hostname" => Owned::EximPrimaryHostname,
            "helo_data" => Owned::EximHeloData,
            "interface" => Owned::EximInterface,
            _ => return None,
        })
    }

    /// The fact of a whole file that covers this one, if there is one: who writes main.cf writes `myhostname`.
    fn file(self) -> Option<Owned> {
        match self {
            Owned::Myhostname | Owned::SmtpHeloName | Owned::SmtpBindAddress | Owned::InetProtocols => {
                Some(Owned::MainCf)
            }
            Owned::EximPrimaryHostname | Owned::EximHeloData | Owned::EximInterface => Some(Owned::EximConfig),
            _ => None,
        }
    }
}

/// What becomes of an edit by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandEdits {
    /// It is gone at the manager's next run.
    Lost,
    /// Some of it stays.
    Partly,
    /// It stays.
    Kept,
}

/// When a manager is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mention {
    /// Wherever it owns what a step edits.
    Normal,
    /// Only for its commands: it is everywhere, or harmless.
    Quiet,
    /// Only where no other manager matched.
    Fallback,
}

/// What a marker's path must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// There.
    Exists,
    /// A file that has such a line.
    Line {
        /// A regular expression on single lines.
        pattern: &'static str,
        /// Only that many lines from the file's start.
        first: Option<usize>,
    },
    /// A symbolic link to a target that matches the regular expression.
    LinkTo(&'static str),
}

/// A sign of a manager. All markers of one set must hold; any set is enough.
#[derive(Debug, Clone, Copy)]
pub struct Marker {
    /// `file`: in the very file that is written; `host`: elsewhere on the host; `container`: seen from inside.
    pub set: &'static str,
    /// A path; `*` stands for any name or part of one.
    pub path: &'static str,
    /// What must hold there.
    pub test: Test,
    /// What that rests on.
    pub evidence: Evidence,
}

/// Where a setting is made to last.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The settings.
    pub settings: &'static [Owned],
    /// A menu or file.
    pub place: &'static str,
    /// The command or line, with `{name}`, `{address}`, `{domain}`, `{value}`, `{user}`, `{vmid}`, `{interface}`, `{connection}` or
    /// `{node}` to be filled in.
    pub command: Option<&'static str>,
    /// How it takes effect.
    pub apply: &'static str,
    /// What that rests on.
    pub evidence: Evidence,
    /// What else is to be known.
    pub note: Option<&'static str>,
}

/// A program or product that writes configuration anew.
#[derive(Debug, Clone, Copy)]
pub struct Manager {
    /// Stable word.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The MTAs that it runs; none: any.
    pub mtas: &'static [&'static str],
    /// What the entry as a whole rests on.
    pub evidence: Evidence,
    /// Where that was read.
    pub source: &'static str,
    /// Of when.
    pub source_date: &'static str,
    /// A page to point to.
    pub page: &'static str,
    /// What it writes.
    pub owns: &'static [Owned],
    /// What of it writes it.
    pub overwritten_by: &'static str,
    /// On which event.
    pub when: &'static str,
    /// What becomes of edits by hand.
    pub hand_edits: HandEdits,
    /// When it is spoken of.
    pub mention: Mention,
    /// One line for a plan. To be hedged where the evidence is not certain.
    pub advice: &'static str,
    /// How it is recognised.
    pub markers: &'static [Marker],
    /// Where what it owns is set to last.
    pub places: &'static [Place],
}

impl Manager {
    /// Where `setting` is set to last.
    pub fn place(&self, setting: Owned) -> Option<&'static Place> {
        let has = |wanted: Owned| self.places.iter().find(|place| place.settings.contains(&wanted));
        has(setting).or_else(|| setting.file().and_then(has))
    }

    /// Whether it writes `setting`, by itself or with the whole file.
    pub fn owns(&self, setting: Owned) -> bool {
        self.owns.contains(&setting) || setting.file().is_some_and(|file| self.owns.contains(&file))
    }

    /// The nearer the owner, the smaller: what is in an image goes before the panel, the panel before the cloud.
    fn rank(&self) -> (u8, u8) {
        let mention = match self.mention {
            Mention::Normal => 0,
            Mention::Quiet => 1,
            Mention::Fallback => 2,
        };
        let kind = match self.kind {
            Kind::Container | Kind::Appliance => 0,
            Kind::Panel => 1,
            Kind::ConfigurationManager => 2,
            Kind::Cloud => 3,
            Kind::Distribution => 4,
        };
        (mention, kind)
    }
}

/// Where a manager writes one thing at other times than the rest of what it owns: its id, what, and when.
const APART: &[(&str, Owned, &str)] = &[
    // docs.cpanel.net: change-hostname, the-set_hostname-utility; scripts/fixetchosts.
    ("cpanel", Owned::Hosts, "WHM » Change Hostname, /usr/local/cpanel/scripts/fixetchosts"),
    ("cpanel", Owned::HostName, "WHM » Change Hostname, /usr/local/cpanel/bin/set_hostname"),
    ("nixos", Owned::Hosts, "nixos-rebuild switch"),
    ("nixos", Owned::HostName, "nixos-rebuild switch"),
    ("nixos", Owned::Addresses, "nixos-rebuild switch"),
];

impl Manager {
    /// When it writes this.
    pub fn writes(&self, setting: Owned) -> &'static str {
        let apart = APART.iter().find(|(id, owned, _)| *id == self.id && *owned == setting);
        apart.map_or(self.when, |(.., when)| when)
    }
}

/// A manager that was recognised on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognised {
    /// Its [`Manager::id`].
    pub id: String,
    /// Whether the file that it writes says so itself: a panel's folder may survive the panel.
    pub in_file: bool,
}

/// Every manager known.
pub fn all() -> impl Iterator<Item = &'static Manager> {
    [panels::ALL, more_panels::ALL, mail_servers::ALL, appliances::ALL, systems::ALL, distributions::ALL]
        .into_iter()
        .flatten()
}

/// The manager with this word.
pub fn find(id: &str) -> Option<&'static Manager> {
    all().find(|manager| manager.id == id)
}

/// Of those recognised, the one that writes `setting`: a marker in the file itself goes before one elsewhere. One that nothing but its
/// own fallback shows counts alone.
pub fn owner(recognised: &[Recognised], setting: Owned) -> Option<&'static Manager> {
    let known = recognised.iter().filter_map(|seen| Some((find(&seen.id)?, seen.in_file)));
    let owners = known.filter(|(manager, _)| manager.owns(setting) && manager.evidence != Evidence::Unverified);
    owners.min_by_key(|(manager, in_file)| (manager.rank().0, !in_file, manager.rank().1)).map(|(manager, _)| manager)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn seen(id: &str, in_file: bool) -> Recognised {
        Recognised { id: id.to_owned(), in_file }
    }

    #[test]
    fn each_entry_is_whole() {
        let mut ids = BTreeSet::new();
        for manager in all() {
            assert!(ids.insert(manager.id), "{} stands twice", manager.id);
            let unread = manager.evidence == Evidence::Unverified;
            assert!(unread || !(manager.source.is_empty() || manager.source_date.is_empty()), "{}", manager.id);
            assert!(!manager.markers.is_empty() && manager.advice.chars().count() <= 200, "{}", manager.id);
            let certain = manager.evidence.is_certain() && !manager.owns.is_empty();
            assert!(!certain || !manager.places.is_empty(), "{} owns, and no place is known", manager.id);
            for marker in manager.markers {
                let (Test::Line { pattern, .. } | Test::LinkTo(pattern)) = marker.test else { continue };
                assert!(regex::Regex::new(pattern).is_ok(), "{}: {pattern}", manager.id);
            }
        }
        assert!(ids.len() > 50);
    }

    #[test]
    fn the_nearest_owner_counts() {
        let id = |seen: &[Recognised], setting| owner(seen, setting).map(|manager| manager.id);
        assert_eq!(id(&[], Owned::Myhostname), None);
        assert_eq!(id(&[seen("zimbra", false)], Owned::Myhostname), Some("zimbra"));
        let both = [seen("generated-file", true), seen("pmg", true)];
        assert_eq!(id(&both, Owned::Myhostname), Some("pmg"), "a fallback counts alone");
        let cpanel = [seen("cpanel", false), seen("cloud-init-hostname", false)];
        assert_eq!(id(&cpanel, Owned::EximHeloData), Some("cpanel"));
        assert_eq!(id(&cpanel, Owned::HostName), Some("cpanel"), "the panel before the cloud");
        assert_eq!(id(&cpanel, Owned::Myhostname), None, "what nobody writes lasts");
    }

    #[test]
    fn who_writes_the_file_writes_the_setting() {
        let cpanel = find("cpanel").unwrap();
        assert!(cpanel.owns(Owned::EximPrimaryHostname) && !cpanel.owns(Owned::MainCf));
        assert!(cpanel.place(Owned::HostName).unwrap().command.unwrap().contains("{name}"));
    }
}
