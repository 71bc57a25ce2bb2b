//! Names of TCP services, as getservbyname(3) finds them.

use std::collections::HashMap;

use crate::collect::root::Root;

/// What getservbyname(3) knows where the file of services is not there to be read: services that take mail.
const SERVICES: [(&str, u16); 8] = [
    ("smtp", 25),
    ("mail", 25),
    ("submission", 587),
    ("submissions", 465),
    ("smtps", 465),
    ("ssmtp", 465),
    ("urd", 465),
    ("lmtp", 24),
];
/// Lines of the file of services that are read.
pub(super) const SERVICES_LIMIT: usize = 20_000;

/// Names of TCP services.
#[derive(Debug, Default)]
pub(crate) struct Services {
    /// The file's; `None` where there is none to read.
    file: Option<HashMap<String, u16>>,
    /// Whether these are all that there are.
    all: bool,
}

impl Services {
    /// Those of `/etc/services`.
    pub(crate) fn read(root: &Root) -> Services {
        let Ok(file) = root.read("/etc/services") else { return Services::default() };
        let mut known = HashMap::new();
        let mut lines = file.text().lines();
        for line in lines.by_ref().take(SERVICES_LIMIT) {
            let mut words = line.split('#').next().unwrap_or_default().split_ascii_whitespace();
            let (Some(name), Some(place)) = (words.next(), words.next()) else { continue };
            let Some(port) = place.strip_suffix("/tcp").and_then(|port| port.parse().ok()) else { continue };
            for name in std::iter::once(name).chain(words) {
                known.entry(name.to_owned()).or_insert(port);
            }
        }
        // What stands behind the limit is not known: then nothing is no service.
        let all = lines.next().is_none();
        Services { all: all && !known.is_empty(), file: Some(known).filter(|known| !known.is_empty()) }
    }

    /// The port of a service, as far as it is known.
    pub(crate) fn port(&self, name: &str) -> Option<u16> {
        match &self.file {
            Some(known) if self.all => known.get(name).copied(),
            Some(known) => known.get(name).copied().or_else(|| well_known(name)),
            None => well_known(name),
        }
    }
}

impl Services {
    /// Whether a name that is not known is no service's.
    pub(crate) fn are_all(&self) -> bool {
        self.all
    }
}

fn well_known(name: &str) -> Option<u16> {
    SERVICES.iter().find(|(known, _)| *known == name).map(|(_, port)| *port)
}
