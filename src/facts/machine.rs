//! What the machine says of its maker: it names the provider of a virtual server.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::Fact;

/// What firmware and cloud-init say of the machine. Serial numbers and identifiers of the machine are not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Files of `/sys/class/dmi/id` by name, such as `sys_vendor`.
    #[serde(default)]
    pub dmi: BTreeMap<String, Fact<String>>,
    /// The cloud that cloud-init found itself in, such as `hetzner`.
    #[serde(default)]
    pub cloud_id: Option<Fact<String>>,
}
