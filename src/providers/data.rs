//! What is known of a provider, and how well.

use crate::addr::Family;

/// What a fact stands on. What nobody confirmed is in no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The provider's own documentation.
    VendorDoc,
    /// The provider's own tool or library.
    VendorCode,
    /// Public logs, tests, notes of others: to be said with "usually".
    ThirdParty,
}

impl Basis {
    /// Whether it may be said flatly.
    pub fn is_certain(self) -> bool {
        self != Basis::ThirdParty
    }

    /// `usually `, unless it is certain.
    pub fn qualifier(self) -> &'static str {
        if self.is_certain() { "" } else { "usually " }
    }
}

/// How customers have a PTR record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// By themselves.
    SelfService,
    /// By asking.
    Ticket,
    /// It is made from the server's name.
    FromName,
    /// Not at all.
    Unsupported,
}

/// What a provider wants of the forward record before it sets a PTR record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// It must lead to the address already.
    Enforced,
    /// Control over the domain must be proved.
    Ownership,
    /// It is asked for, not checked.
    Advised,
}

/// By what a PTR record is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The customer's panel.
    Panel,
    /// A command line.
    Cli,
    /// Requests to an interface for programs.
    Api,
    /// A request to the support.
    Ticket,
}

/// One way to set a PTR record.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// By what.
    pub how: How,
    /// The family that it is for; `None`: both.
    pub family: Option<Family>,
    /// The path or command: `{ip}` stands for the address, `{name}` for the wished name, `{name.}` for that with its final dot,
    /// `<UPPER CASE>` for what the administrator has to look up.
    pub text: &'static str,
    /// What that stands on.
    pub basis: Basis,
    /// Where it is to be read.
    pub source: &'static str,
}

/// Names that the provider gives by itself.
#[derive(Debug, Clone, Copy)]
pub struct DefaultName {
    /// `{a}` to `{d}` stand for the octets of the address, `{n}` for digits, `{h}` for hexadecimal digits, `{l}` for letters, digits and
    /// hyphens; all else for itself.
    pub patterns: &'static [&'static str],
    /// One such name.
    pub example: &'static str,
    /// The address of the example, where the name holds some of it.
    pub address: Option<&'static str>,
    /// What that stands on.
    pub basis: Basis,
}

/// Outgoing connections to port 25 that the provider blocks.
#[derive(Debug, Clone, Copy)]
pub struct Port25 {
    /// Which customers or products it applies to.
    pub when: &'static str,
    /// What opens it.
    pub open: &'static str,
    /// What that stands on.
    pub basis: Basis,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// It is the same.
    Is,
    /// It begins so.
    Prefix,
}

/// A file of `/sys/class/dmi/id` that names the provider.
#[derive(Debug, Clone, Copy)]
pub struct Dmi {
    /// The file.
    pub field: &'static str,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub value: &'static str,
}

impl Dmi {
    /// Whether a field's value is that of the provider.
    pub fn matches(&self, value: &str) -> bool {
        match self.op {
            Op::Is => value == self.value,
            Op::Prefix => value.starts_with(self.value),
        }
    }
}

/// A provider. Empty where nothing is known.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Identifier, such as `hetzner-cloud`.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// It is out of business.
    pub retired: bool,
    /// How the PTR record of an IPv4 address is set.
    pub ptr4: Option<(Means, Basis)>,
    /// The same for IPv6.
    pub ptr6: Option<(Means, Basis)>,
    /// What it wants of the forward record.
    pub forward: Option<(Forward, Basis)>,
    /// Ways to set a PTR record.
    pub ways: &'static [Way],
    /// Names that it gives by itself.
    pub default_names: &'static [DefaultName],
    /// Whether it blocks outgoing mail.
    pub port_25: Option<Port25>,
    /// DMI values, each of which alone names the provider.
    pub dmi: &'static [Dmi],
    /// Its names in cloud-init's `cloud-id`, lower case.
    pub cloud_ids: &'static [&'static str],
    /// Domains of the servers of its reverse zones; without a dot: how a label begins. Generally known, not confirmed.
    pub reverse_servers: &'static [&'static str],
    /// What else is to be known before.
    pub notes: &'static [(&'static str, Basis)],
}

impl Provider {
    /// One of which nothing is known.
    pub const UNKNOWN: Provider = Provider {
        id: "",
        name: "",
        retired: false,
        ptr4: None,
        ptr6: None,
        forward: None,
        ways: &[],
        default_names: &[],
        port_25: None,
        dmi: &[],
        cloud_ids: &[],
        reverse_servers: &[],
        notes: &[],
    };

    /// How the PTR record of an address of this family is set.
    pub fn means(&self, family: Family) -> Option<(Means, Basis)> {
        match family {
            Family::Ipv4 => self.ptr4,
            Family::Ipv6 => self.ptr6,
        }
    }
}
