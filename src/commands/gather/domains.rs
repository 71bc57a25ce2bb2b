//! The domains that a host handles: found in its files, or kept in a snapshot of it.

use std::sync::Arc;

use super::{Known, Start};
use crate::domains::MailDomains;
use crate::error::Error;
use crate::facts::Facts;
use crate::snapshot::{self, KeptDomains};

/// Where they come from.
pub(crate) enum HostDomains {
    Found(Arc<MailDomains>),
    Kept(KeptDomains),
}

impl HostDomains {
    /// The domains of the host with these facts.
    pub(crate) fn of(self, facts: &Facts) -> Arc<MailDomains> {
        match self {
            HostDomains::Found(found) => found,
            HostDomains::Kept(kept) => Arc::new(kept.of(facts)),
        }
    }
}

impl Start {
    /// The domains that the host handles; none where its files were read and nobody wanted them.
    ///
    /// # Errors
    /// Where a snapshot is not what it should be.
    pub(crate) fn domains(&self) -> Result<HostDomains, Error> {
        match &self.host {
            Known::Snapshot(input) => {
                snapshot::read_domains(input.text()).map(HostDomains::Kept).map_err(|error| input.refused(error))
            }
            Known::Facts(..) => Ok(HostDomains::Found(self.domains.clone().unwrap_or_default())),
        }
    }
}
