//! A snapshot: what a host says about itself (facts) and what the DNS answered, as one JSON document that can stand in for the
//! host. The keys are the contract's; more may be added.

mod domains;
mod facts;
mod printed;
mod reading;
mod records;

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::domains::MailDomains;
use crate::escape;
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::zones::Zone;
use crate::observe::{Observations, Outcome, Question, Reply, Vantage, Why};
use domains::DomainsDoc;
pub use domains::KeptDomains;
use facts::FactsDoc;
use records::RecordDoc;

/// The number of the format: keys may be added under it, never changed or removed.
const SCHEMA: u32 = 1;

/// Why a text is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is no JSON, or not of this shape.
    #[error("it is no snapshot of helolint: {0}")]
    Shape(#[from] serde_json::Error),
    /// A newer helolint wrote it.
    #[error(
        "it has format {0}, and this helolint reads format {SCHEMA}: use the release that wrote it, or a newer one"
    )]
    Schema(u64),
    /// A server cannot be read.
    #[error("it is no snapshot of helolint: `{0}` is no {1}")]
    Text(String, &'static str),
    /// More servers answered in it than any run asks.
    #[error("it is no snapshot of helolint: more than {0} servers answered in it")]
    Vantages(usize),
    /// More servers answered one question in it than any run asks.
    #[error("it is no snapshot of helolint: more than {0} answers to one question stand in it")]
    Replies(usize),
}

/// The document.
#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a> {
    /// Number of this format.
    schema: u32,
    /// What wrote it.
    tool: ToolDoc,
    /// When, in UTC.
    taken: String,
    /// What the host says about itself.
    facts: FactsDoc<'a>,
    /// Nothing was to be asked (`--offline`).
    #[serde(default)]
    offline: bool,
    /// Who was asked.
    #[serde(default)]
    vantages: Vec<VantageDoc>,
    /// The zones and the servers found for them. Numbers are places in `vantages`.
    #[serde(default)]
    zones: Vec<ZoneDoc>,
    /// What each answered.
    #[schemars(with = "Vec<ObservationDoc>")]
    observations: ObservationDocs<'a>,
    /// The domains whose mail the host handles, as far as the facts do not give them, and its signing keys' public parts; absent where nobody
    /// looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domains: Option<DomainsDoc>,
}

/// Name and version of the program.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ToolDoc {
    /// `helolint`.
    name: String,
    /// Its version.
    version: String,
}

/// Who was asked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct VantageDoc {
    /// As reports name it.
    name: String,
    /// Its address and port; null for zone files and planned records.
    server: Option<String>,
    /// `overlay`, `authoritative`, `public` or `system`.
    kind: String,
}

/// A zone and its servers.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ZoneDoc {
    /// Its name.
    zone: String,
    /// The zone above; null where it was not found.
    parent: Option<String>,
    /// Servers of the zone above that were asked for the delegation.
    delegators: BTreeSet<usize>,
    /// The zone's servers.
    servers: Vec<ZoneServerDoc>,
    /// Its servers' addresses that nobody outside can ask, and that were not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unasked: Vec<UnaskedDoc>,
}

/// A zone's server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ZoneServerDoc {
    /// Its place in `vantages`.
    vantage: usize,
    /// The names that led to its address.
    names: Vec<String>,
}

/// An address that was not asked.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct UnaskedDoc {
    /// The server's name.
    name: String,
    /// Its address.
    address: IpAddr,
}

/// What one server said to one question.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ObservationDoc {
    /// The question, such as `10.113.0.203.in-addr.arpa. PTR`.
    question: String,
    /// Name of who was asked.
    from: String,
    /// Its place in `vantages`: names need not be unique.
    #[serde(default)]
    vantage: Option<usize>,
    /// `NOERROR`, `NXDOMAIN`, another RCODE, or null without a reply.
    rcode: Option<String>,
    /// The AA flag.
    #[serde(default)]
    authoritative: bool,
    /// The RA flag.
    #[serde(default)]
    recursion_available: bool,
    /// The answer section.
    #[serde(default)]
    answers: Vec<RecordDoc>,
    /// Records that came and are not among `answers`.
    #[serde(default, skip_serializing_if = "is_zero")]
    left_out: usize,
    /// Seconds that the absence may be kept.
    #[serde(default)]
    negative_ttl: Option<u32>,
    /// The SOA record of the authority section.
    #[serde(default)]
    soa: Option<RecordDoc>,
    /// Why there is no answer, in words.
    error: Option<String>,
    /// The same for programs.
    #[serde(default)]
    why: Option<Value>,
    /// Round trip time in microseconds.
    #[serde(default)]
    rtt_micros: u64,
    /// When, in UTC; null where no clock counts, as with zone files.
    #[serde(default)]
    at: Option<String>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The snapshot of a host, as text.
///
/// # Errors
/// Where facts cannot be written as JSON.
pub fn write(facts: &Facts, dns: &Observations, taken: Timestamp) -> Result<String, SnapshotError> {
    written(facts, dns, None, taken)
}

/// As [`write()`], with the domains of the host.
///
/// # Errors
/// As [`write()`].
pub fn write_with_domains(
    facts: &Facts,
    dns: &Observations,
    domains: &MailDomains,
    taken: Timestamp,
) -> Result<String, SnapshotError> {
    written(facts, dns, Some(DomainsDoc::new(facts, domains)), taken)
}

fn written(
    facts: &Facts,
    dns: &Observations,
    domains: Option<DomainsDoc>,
    taken: Timestamp,
) -> Result<String, SnapshotError> {
    // Seconds are enough, and the same everywhere.
    let taken = taken.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let answered_at = dns.taken.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let document = Document {
        schema: SCHEMA,
        tool: ToolDoc { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
        facts: FactsDoc::new(facts)?,
        offline: dns.offline,
        vantages: dns.vantages.iter().map(vantage_doc).collect(),
        zones: dns.zones.iter().map(zone_doc).collect(),
        observations: ObservationDocs { dns, at: answered_at },
        domains,
        taken,
    };
    Ok(escape::json(&document, true)?)
}

fn vantage_doc(vantage: &Vantage) -> VantageDoc {
    VantageDoc {
        name: vantage.name.clone(),
        server: vantage.server.map(|server| server.to_string()),
        kind: vantage.kind.as_str().to_owned(),
    }
}

fn zone_doc(zone: &Zone) -> ZoneDoc {
    let text = |name: &DomainName| format!("{}.", name.as_str());
    let servers = zone
        .servers
        .iter()
        .map(|(vantage, names)| ZoneServerDoc { vantage: *vantage, names: names.iter().map(text).collect() });
    ZoneDoc {
        zone: text(&zone.name),
        parent: zone.parent.as_ref().map(text),
        delegators: zone.delegators.clone(),
        servers: servers.collect(),
        unasked: zone.unasked.iter().map(|(name, addr)| UnaskedDoc { name: text(name), address: *addr }).collect(),
    }
}

/// What everybody answered, put into words as it is written.
#[derive(Debug)]
struct ObservationDocs<'a> {
    dns: &'a Observations,
    /// When.
    at: Option<String>,
}

impl Serialize for ObservationDocs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let ObservationDocs { dns, at } = self;
        let each = |(question, replies)| -> Vec<ObservationDoc> {
            let replies: &Vec<Reply> = replies;
            replies.iter().map(|reply| observation(question, reply, &dns.vantages, at.as_ref())).collect()
        };
        to.collect_seq(dns.replies.iter().flat_map(each))
    }
}

fn observation(question: &Question, reply: &Reply, vantages: &[Vantage], at: Option<&String>) -> ObservationDoc {
    let mut document = ObservationDoc {
        question: question.to_string(),
        from: vantages.get(reply.vantage).map_or_else(String::new, |vantage| vantage.name.clone()),
        vantage: Some(reply.vantage),
        rcode: None,
        authoritative: false,
        recursion_available: false,
        answers: Vec::new(),
        left_out: 0,
        negative_ttl: None,
        soa: None,
        error: None,
        why: None,
        rtt_micros: 0,
        at: at.cloned(),
    };
    match &reply.outcome {
        Outcome::Answer(answer) => {
            document.rcode = Some(if answer.nxdomain { "NXDOMAIN" } else { "NOERROR" }.into());
            document.authoritative = answer.authoritative;
            document.recursion_available = answer.recursion_available;
            document.answers = answer.records.iter().map(RecordDoc::from).collect();
            document.left_out = answer.left_out;
            document.negative_ttl = answer.negative_ttl;
            document.soa = answer.soa.as_deref().map(RecordDoc::from);
            document.rtt_micros = answer.rtt_micros;
        }
        Outcome::Unanswered(why) => {
            document.rcode = match why {
                Why::ServFail => Some("SERVFAIL".into()),
                Why::Refused => Some("REFUSED".into()),
                Why::Rcode(code) => Some(format!("RCODE{code}")),
                _ => None,
            };
            document.error = Some(why.to_string());
            document.why = serde_json::to_value(why).ok();
        }
    }
    document
}

/// The facts and observations that a snapshot holds.
///
/// # Errors
/// Where the text is no snapshot, or one of a newer format.
pub fn read(text: &str) -> Result<(Facts, Observations), SnapshotError> {
    read_dated(text).map(|(facts, dns, _)| (facts, dns))
}

/// As [`read`], with the time at which it was taken, as it is written there.
///
/// # Errors
/// As [`read`].
pub fn read_dated(text: &str) -> Result<(Facts, Observations, String), SnapshotError> {
    reading::read(text)
}

/// The domains that a snapshot holds beside those that its facts give.
///
/// # Errors
/// Where the text is no snapshot.
pub fn read_domains(text: &str) -> Result<KeptDomains, SnapshotError> {
    KeptDomains::read(text)
}

/// The JSON Schema of a snapshot.
pub(crate) fn schema() -> schemars::Schema {
    schemars::schema_for!(Document)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::observe::VantageKind;
    use crate::report::sample;

    fn taken() -> Timestamp {
        "2026-11-20T13:00:00.5Z".parse().unwrap()
    }

    #[test]
    fn a_snapshot_gives_back_what_went_in() {
        let (facts, dns) = (sample::facts(), sample::observations_with_plan());
        let text = write(&facts, &dns, taken()).unwrap();
        let (facts_again, dns_again) = read(&text).unwrap();
        assert_eq!(dns_again.replies, dns.replies);
        assert_eq!(dns_again, dns);
        assert_eq!(write(&facts_again, &dns_again, taken()).unwrap(), text);
    }

    #[test]
    fn servers_that_are_known_by_name_alone_are_told_apart_and_bounded() {
        let text = write(&sample::facts(), &sample::observations(), taken()).unwrap();
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        document["vantages"] = serde_json::json!([]);
        document["zones"] = serde_json::json!([]);
        let mut said = document["observations"][0].clone();
        said.as_object_mut().unwrap().remove("vantage");
        let mut of_each = |count: usize, names: &mut dyn Iterator<Item = String>| {
            let all = names.enumerate().map(|(at, name)| {
                said["question"] = format!("n{}.example A", at / count).into();
                said["from"] = name.into();
                said.clone()
            });
            document["observations"] = all.collect();
            read(&document.to_string())
        };
        let (_, dns) = of_each(500, &mut (0..60_000).map(|n| format!("r{}", n % 30_000))).unwrap();
        assert_eq!(dns.vantages.len(), 30_000);
        assert_eq!(dns.vantages.iter().map(|vantage| &vantage.name).collect::<BTreeSet<_>>().len(), 30_000);
        let places: BTreeSet<usize> = dns.replies.values().flatten().map(|reply| reply.vantage).collect();
        assert!(places.into_iter().eq(0..30_000));
        let too_many = of_each(500, &mut (0..=100_000).map(|n| format!("r{n}")));
        assert!(matches!(too_many, Err(SnapshotError::Vantages(100_000))));
        let mut named = |count: usize| of_each(count, &mut (0..2 * count).map(|n| format!("r{}", n % count)));
        assert!(named(1_000).is_ok() && matches!(named(1_001), Err(SnapshotError::Replies(1_000))));
    }

    #[test]
    fn zones_and_delegations_are_kept() {
        let mut dns = sample::observations();
        let name = |text: &str| DomainName::new(text);
        let zone = Zone {
            name: name("example.com"),
            parent: Some(name("")),
            delegators: BTreeSet::from([1]),
            servers: BTreeMap::from([(1, BTreeSet::from([name("ns1.example.net"), name("ns2.example.net")]))]),
            unasked: BTreeSet::from([(name("ns3.example.net"), "10.0.0.53".parse().unwrap())]),
        };
        let outcome = Outcome::Unanswered(Why::Delegates(vec![name("ns1.example.net"), name("ns2.example.net")]));
        dns.replies.insert(zone.question(), vec![Reply { vantage: 1, outcome }]);
        dns.zones = vec![zone];
        let text = write(&sample::facts(), &dns, taken()).unwrap();
        assert_eq!(read(&text).unwrap().1, dns);
        assert!(text.contains("\"error\": \"delegates to ns1.example.net., ns2.example.net.\""), "{text}");
    }

    #[test]
    fn the_keys_are_the_contracts() {
        let text = write(&sample::facts(), &sample::observations(), taken()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let at = |path: &str| value.pointer(path).unwrap_or_else(|| panic!("{path} in {text}")).clone();
        assert_eq!(at("/schema"), 1);
        assert_eq!(at("/taken"), "2026-11-20T13:00:00Z");
        assert_eq!(at("/facts/host/node_name"), "mail");
        assert_eq!(at("/facts/host/addresses/0/address"), "203.0.113.10");
        assert_eq!(at("/facts/postfix/0/parameters/myhostname/value"), "mail");
        assert_eq!(at("/facts/postfix/0/parameters/myhostname/origin/line"), 3);
        assert_eq!(at("/facts/postfix/0/services/0/type"), "unix");
        assert_eq!(at("/facts/exim/0/main/primary_hostname/origin/default"), "uname");
        assert_eq!(at("/facts/exim/0/transports/0/helo_data/value"), "y");
        assert_eq!(at("/facts/cpanel"), Value::Null);
        assert_eq!(at("/facts/machine/dmi/sys_vendor/value"), "Vultr");
        assert_eq!(at("/facts/machine/cloud_id/origin/file"), "/etc/postfix/main.cf");
        let ptr = at("/observations")
            .as_array()
            .unwrap()
            .iter()
            .find(|o| o["question"] == "10.113.0.203.in-addr.arpa. PTR")
            .unwrap()
            .clone();
        assert_eq!(
            (&ptr["from"], &ptr["rcode"], &ptr["negative_ttl"]),
            (&"system".into(), &"NXDOMAIN".into(), &300.into())
        );
        let a = at("/observations")
            .as_array()
            .unwrap()
            .iter()
            .find(|o| o["question"] == "mail.example.com. A")
            .unwrap()
            .clone();
        assert_eq!(
            a["answers"][1],
            serde_json::json!({"name": "mail.example.com.", "type": "A", "ttl": 300, "data": "203.0.113.10"})
        );
    }

    #[test]
    fn offline_stays_offline() {
        let text = write(&sample::facts(), &Observations::offline(), taken()).unwrap();
        assert!(read(&text).unwrap().1.offline);
        // A plan that was given all the same is not forgotten.
        let plan = Vantage { name: "planned".into(), server: None, kind: VantageKind::Overlay };
        let given = Observations { vantages: vec![plan], ..Observations::offline() };
        let text = write(&sample::facts(), &given, taken()).unwrap();
        assert_eq!(read(&text).unwrap().1, given);
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        for (text, words) in [
            ("", "no snapshot"),
            ("[]", "no snapshot"),
            ("{\"schema\": 2}", "format 2"),
            ("{\"schema\": 1}", "no snapshot"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
