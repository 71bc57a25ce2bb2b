//! The report as a value: what every format prints, and the JSON report's keys.

use std::net::IpAddr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::addr::Family;
use crate::facts::{InterfaceAddress, Mta, Origin};
use crate::findings::{Evidence, FirstStep, Fix, Known, Meta, Severity, StaleCaches, Verdict, is_false};
use crate::observe::VantageKind;
use crate::observe::iprev::Iprev;
use crate::receivers;
use crate::remedy::Plan;
use crate::report::{LogView, Port25View, QuotedLine, ZoneView};

/// The number of the JSON report's format: keys may be added under it, never changed or removed.
pub const SCHEMA: u32 = 1;

/// All that a run found out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Number of this format.
    pub schema: u32,
    /// What wrote the report.
    pub tool: Tool,
    /// The host.
    pub host: HostView,
    /// Which MTAs there are.
    pub mta: MtaView,
    /// How mail leaves.
    pub paths: Vec<PathView>,
    /// What is wrong or could not be seen: by code, then subject.
    pub findings: Vec<FindingView>,
    /// Findings that do not count: the settings ignore them, or a baseline knows them. Left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub suppressed: Vec<SuppressedView>,
    /// What the baseline (`--baseline`) knows and is there no longer, as far as its rule could look. Left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub no_longer_found: Vec<Known>,
    /// The one edit that settles most of them; null: none settles two.
    pub first_step: Option<FirstStep>,
    /// What to do, in this order; null where no plan was made.
    pub plan: Option<Plan>,
    /// What mail logs show (`--log`). Left out where none was to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogView>,
    /// Rules that were not checked.
    pub not_checked: Vec<NotChecked>,
    /// When the DNS answered, `2026-11-28T19:00:00Z`; null where nobody has a clock: `--zones`, `--offline`.
    pub taken: Option<String>,
    /// How many findings of each kind.
    pub summary: Summary,
    /// Planned records (`--overlay`) answered in place of the live DNS: nothing here is so yet.
    #[serde(skip_serializing_if = "is_false")]
    #[schemars(default)]
    pub planned: bool,
    /// Which servers were asked, and how much.
    pub dns: DnsView,
    /// Whether port 25 outside can be reached (`--port25`). Left out where it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub port25: Option<Port25View>,
    /// Domains that the host handles mail for, as far as its lists were read.
    #[serde(skip)]
    pub mail_domains: usize,
    /// Every rule that was to be judged, also those without finding and those not checked.
    #[serde(skip)]
    pub rules: Vec<&'static Meta>,
}

/// Name and version of the program.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tool {
    /// `helolint`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Tool {
    /// This program.
    pub fn this() -> Tool {
        Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// What the host says of itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostView {
    /// uname(2)'s node name; null: unknown.
    pub node_name: Option<String>,
    /// What `hostname -f` prints; null: it fails, or is unknown.
    pub fqdn: Option<String>,
    /// Names that files give the host or its MTA.
    pub configured_names: Vec<ConfiguredName>,
    /// Addresses on the interfaces; null: unknown.
    pub addresses: Option<Vec<InterfaceAddress>>,
}

/// A name that a file gives the host or its MTA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfiguredName {
    /// The name.
    pub name: String,
    /// What sets it: a file or a parameter.
    pub setting: String,
    /// Where.
    pub origin: OriginView,
}

/// Which MTAs there are.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MtaView {
    /// Every MTA with a configuration.
    pub configured: Vec<Mta>,
    /// Those that were judged.
    pub live: Vec<Mta>,
    /// How that was decided.
    pub how: String,
    /// Processes that look like their daemons and are not believed, a sentence each. Left out where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub unseen: Vec<String>,
    /// What becomes of mail for elsewhere; left out where an MTA sends it.
    #[serde(default, skip_serializing_if = "Outgoing::is_sent")]
    pub outgoing: Outgoing,
}

/// What becomes of mail for elsewhere, as far as files say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outgoing {
    /// An MTA sends it, or it is not known.
    #[default]
    Sent,
    /// A program on this host is given all of it: what that does is not known.
    HandedOver,
    /// It is refused, or stays here.
    Nothing,
}

impl Outgoing {
    fn is_sent(&self) -> bool {
        *self == Outgoing::Sent
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum OriginView {
    /// A place in a file.
    File {
        /// The path as the host sees it.
        file: Arc<str>,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// The kernel or the C library.
    Kernel {
        /// The call or table.
        kernel: String,
    },
    /// A default.
    Default {
        /// The page that documents it.
        default: String,
    },
    /// An option of the command line.
    Option {
        /// The option.
        option: String,
    },
}

impl From<&Origin> for OriginView {
    fn from(origin: &Origin) -> OriginView {
        match origin {
            Origin::File(span) => {
                let position = span.position();
                OriginView::File {
                    file: Arc::clone(span.file().shared_path()),
                    line: position.line,
                    column: position.column,
                }
            }
            Origin::Kernel { kernel } => OriginView::Kernel { kernel: kernel.to_string() },
            Origin::Default { default } => OriginView::Default { default: default.to_string() },
            Origin::Flag { option } => OriginView::Option { option: option.to_string() },
        }
    }
}

impl OriginView {
    /// The origin in words, as `Origin::describe` has them.
    pub fn describe(&self) -> String {
        match self {
            OriginView::File { file, line, .. } => format!("{file}:{line}"),
            OriginView::Kernel { kernel } => format!("kernel ({kernel})"),
            OriginView::Default { default } => format!("default ({default})"),
            OriginView::Option { option } => option.clone(),
        }
    }
}

/// One outbound path.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PathView {
    /// Stable within a run, such as `postfix/ipv4/1`.
    pub id: String,
    /// The MTA; null on a host without one.
    pub mta: Option<Mta>,
    /// Services of master.cf, or transports.
    pub services: Vec<Arc<str>>,
    /// Address family.
    pub family: Family,
    /// The local address that connections use; null: unknown.
    pub source: Option<IpAddr>,
    /// Where that comes from.
    pub source_origin: Option<OriginView>,
    /// What receivers see of it; null: unknown.
    pub sending: Option<IpAddr>,
    /// The HELO name; null: undecided, or no MTA.
    pub helo: Option<Arc<str>>,
    /// Where that comes from.
    pub helo_origin: Option<OriginView>,
    /// The sender domains that take this path; null: any, or undecided (see `sender_selection`).
    pub sender_domains: Option<Vec<Arc<str>>>,
    /// How the path is chosen by sender domain.
    pub sender_selection: SenderSelection,
    /// The fixed next hop elsewhere.
    pub relayed: Option<String>,
    /// Nothing names any of its services.
    pub unused: bool,
    /// PTR names of the sending address; null: unknown.
    pub ptr: Option<Vec<String>>,
    /// What each PTR name leads back to.
    pub forward: Vec<Forward>,
    /// The iprev result (RFC 8601 section 2.7.3); null: not asked.
    pub iprev: Option<Iprev>,
    /// Addresses of the HELO name in this family; null: unknown, or no domain name.
    pub helo_addresses: Option<Vec<IpAddr>>,
    /// What receivers will do.
    pub receivers: Arc<[ReceiverView]>,
}

/// How sender domains choose a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SenderSelection {
    /// They do not: any domain.
    Any,
    /// Those listed alone.
    Listed,
    /// Those listed, and all that no list names.
    ListedAndOthers,
    /// Files cannot decide it.
    Undecided,
}

/// A PTR name and the addresses that it leads back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Forward {
    /// The PTR name.
    pub name: String,
    /// Its addresses in the path's family; null: unknown.
    pub addresses: Option<Vec<IpAddr>>,
}

/// What one receiver will do with mail from a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReceiverView {
    /// The receiver's identifier, such as `gmail`.
    pub receiver: String,
    /// `accept`, `reject`, `defer`, `penalise` or `unknown`.
    pub verdict: receivers::Verdict,
    /// Why, in words that follow its name.
    pub because: String,
    /// Its name for people.
    pub name: String,
    /// What the verdict stands on: `documented`, `source code` or `reported`.
    pub basis: receivers::Basis,
    /// The beginning of its SMTP reply, or its score; null: not known, or none.
    pub reply: Option<String>,
    /// What that stands on.
    pub reply_basis: Option<receivers::Basis>,
}

/// One finding.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FindingView {
    /// The rule's code.
    pub code: &'static str,
    /// The rule's name.
    pub name: &'static str,
    /// How bad it is here.
    pub severity: Severity,
    /// Seen to be wrong, or not to be seen.
    pub verdict: Verdict,
    /// What it is about, as the catalogue says.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// The places that lead there, the one to edit first.
    pub origins: Vec<PlaceView>,
    /// What servers said.
    pub evidence: Vec<Evidence>,
    /// Who must do what.
    pub fix: Option<Fix>,
    /// Identifiers of the outbound paths concerned.
    pub paths: Vec<String>,
    /// The questions without answer that leave it open.
    #[serde(skip)]
    pub open: Vec<String>,
}

/// A finding that does not count.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SuppressedView {
    /// The finding.
    #[serde(flatten)]
    pub finding: FindingView,
    /// Who says that it does not count.
    pub suppressed_by: SuppressedBy,
    /// Why, in the words of the settings; or when the baseline was written.
    pub reason: String,
    /// The last day on which the settings ignore it, such as `2027-01-31`; null: for good.
    pub expires: Option<String>,
    /// The entry of the settings, or the option.
    pub suppressed_at: OriginView,
}

/// Who says that a finding does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SuppressedBy {
    /// The settings.
    Settings,
    /// The baseline.
    Baseline,
}

/// A place that a finding points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlaceView {
    /// Where.
    #[serde(flatten)]
    pub origin: OriginView,
    /// Column behind the last character, in files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
    /// What is to be seen there; may be empty.
    pub label: String,
    /// The line, for formats that quote it; `None` where there is nothing to be seen in it.
    #[serde(skip)]
    pub quoted: Option<QuotedLine>,
}

/// A rule that was not checked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NotChecked {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Why.
    pub why: String,
}

impl NotChecked {
    /// Why, where nothing was asked.
    pub const NOT_ASKED: &str = "nothing was asked of the DNS (--offline)";
    /// Why, where judging took too long.
    pub const NO_TIME: &str = "the time for judging was up";

    /// Whether it needs the DNS and nothing was asked.
    pub fn is_unasked(&self) -> bool {
        self.why != NotChecked::NO_TIME
    }
}

/// How many findings there are. The severities count what was seen to be wrong; the rest is undetermined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Errors.
    pub error: usize,
    /// Warnings.
    pub warning: usize,
    /// Worth knowing.
    pub info: usize,
    /// Not to be seen.
    pub undetermined: usize,
}

/// How the DNS was asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DnsView {
    /// Who was asked.
    pub vantage: Vec<VantageView>,
    /// Different questions asked, those for the servers of `zones` apart.
    pub questions: usize,
    /// Those that somebody answered.
    pub answered: usize,
    /// Nothing was to be asked.
    pub offline: bool,
    /// What is right at the source and not yet everywhere; absent where no cache is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<StaleCaches>,
    /// The zones whose servers were looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub zones: Vec<ZoneView>,
    /// What is to be known of the servers asked and is no finding, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub notes: Vec<String>,
    /// Every answer, for the human report with `-v`.
    #[serde(skip)]
    pub replies: Vec<ReplyView>,
    /// A finding is open for want of an answer to a DNS question; for the human report.
    #[serde(skip)]
    pub awaited: bool,
}

/// What one server said to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyView {
    /// The question.
    pub question: String,
    /// Who was asked.
    pub from: String,
    /// Its answer in words.
    pub answer: String,
    /// Seconds that it may be kept.
    pub ttl: Option<u32>,
    /// Round trip time in microseconds; 0 where nothing was sent or received.
    pub rtt_micros: u64,
}

/// Who was asked.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VantageView {
    /// As evidence names it.
    pub name: String,
    /// Its address and port; null for zone files and planned records.
    pub server: Option<String>,
    /// `overlay`, `authoritative`, `public` or `system`.
    #[schemars(with = "String")]
    pub kind: VantageKind,
    /// How many of the questions it was asked got an answer from it.
    pub answered: usize,
    /// How many questions it was asked.
    pub asked: usize,
}

impl FindingView {
    /// Whether it was seen to be wrong.
    pub fn failed(&self) -> bool {
        self.verdict == Verdict::Fail
    }
}
