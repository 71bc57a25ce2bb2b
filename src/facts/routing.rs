//! What an MTA's routing comes to where mail does not simply leave: services that are missing, programs on this host that take all of
//! it, tables that are not what their text says.

use serde::{Deserialize, Serialize};

use crate::facts::{Fact, Mta, Origin};

/// A service (transport) that a parameter, a table or a router names and that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingService {
    /// Its name.
    pub service: String,
    /// The values that name it, whole, the first one first.
    pub named_by: Vec<Fact<String>>,
    /// The file in which it would stand.
    pub file: String,
    /// Why an entry that looks like it does not serve; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<(Origin, String)>,
    /// Services of this MTA that send by SMTP or LMTP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

/// A lookup table whose compiled form is older than its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutdatedTable {
    /// `type:path`, as postmap(1) takes it.
    pub table: String,
    /// The text.
    pub text: String,
    /// The compiled form.
    pub compiled: String,
    /// By how many seconds the text is newer.
    pub seconds: i64,
    /// The parameter that names the table.
    pub named_by: Origin,
}

/// A program on this host that is given everything that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// Who gives it.
    pub mta: Mta,
    /// The next hop: `[127.0.0.1]:10025`, the path of a socket, or the service that runs the program.
    pub next_hop: Fact<String>,
}

/// A setting that bears on the identity and that nothing looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdleSetting {
    /// The parameter.
    pub parameter: String,
    /// What it would be.
    pub value: Fact<String>,
    /// Why nothing does.
    pub because: Idle,
}

/// Why nothing looks at a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idle {
    /// The program of the service whose option it is reads other parameters.
    Program {
        /// `name/type` of the service.
        service: String,
        /// What it runs.
        program: String,
    },
    /// The installed version does not know the parameter.
    Version {
        /// That version.
        installed: Fact<String>,
        /// The first that does.
        since: String,
    },
    /// Mail for elsewhere is refused before.
    Refused {
        /// The setting that refuses it.
        by: Fact<String>,
        /// The parameter of that.
        parameter: String,
    },
}
