//! The text of a snapshot, read in one go into what it becomes: no tree of all its values is held beside it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::Timestamp;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

use super::records::{RecordDoc, question};
use super::{ObservationDoc, SCHEMA, SnapshotError, VantageDoc, ZoneDoc};
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::zones::Zone;
use crate::observe::{Answer, Observations, Outcome, Question, Record, Reply, Vantage, VantageKind, Why, bounded};
use crate::secret::Known;

/// Key of facts whose value is what programs read of the host, and has the facts themselves in [`DETAILS`].
const HOST: &str = "host";
/// Facts about the host.
const DETAILS: &str = "details";

/// Servers that answered: a host with many addresses, each with a zone of its own, comes to some hundreds.
const VANTAGES: usize = 100_000;
/// Answers to one question: a run has one of each resolver, and of each server of a zone, which are twenty at most.
const REPLIES: usize = 1_000;

/// Which format it has.
#[derive(Deserialize)]
#[serde(expecting = "a snapshot, which is an object")]
struct Head {
    schema: u64,
}

/// The document, as far as it is read.
#[derive(Deserialize)]
#[serde(expecting = "a snapshot, which is an object")]
struct Document {
    #[serde(rename = "tool")]
    _tool: IgnoredAny,
    taken: String,
    facts: HostFacts,
    #[serde(default)]
    offline: bool,
    #[serde(default)]
    vantages: Vec<VantageDoc>,
    #[serde(default)]
    zones: Vec<ZoneDoc>,
    observations: Vec<Said>,
}

/// What one server said.
#[derive(Deserialize)]
#[serde(try_from = "ObservationDoc")]
struct Said {
    question: Question,
    from: String,
    vantage: Option<usize>,
    outcome: Outcome,
    at: Option<Timestamp>,
}

/// The facts and observations that a snapshot holds, and the time at which it was taken, as it is written there.
///
/// # Errors
/// Where the text is no snapshot, or one of a newer format.
pub(super) fn read(text: &str) -> Result<(Facts, Observations, String), SnapshotError> {
    let Head { schema } = serde_json::from_str(text)?;
    if schema != u64::from(SCHEMA) {
        return Err(SnapshotError::Schema(schema));
    }
    let Document { taken, facts: HostFacts(mut facts), offline, vantages, zones, observations, .. } =
        serde_json::from_str(text)?;
    // A release that knew less of secrets may have written it.
    facts.conceal(&Known::default());
    let mut vantages = vantages.iter().map(vantage).collect::<Result<Vec<_>, _>>()?;
    if offline {
        return Ok((facts, Observations { vantages, ..Observations::offline() }, taken));
    }
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (index, vantage) in vantages.iter().enumerate() {
        by_name.entry(vantage.name.clone()).or_insert(index);
    }
    let answered_at = observations.iter().filter_map(|said| said.at).max();
    let mut replies: BTreeMap<Question, Vec<Reply>> = BTreeMap::new();
    for Said { question, from, vantage, outcome, .. } in observations {
        let named = || by_name.get(&from).copied();
        let index = match vantage.filter(|index| *index < vantages.len()).or_else(named) {
            Some(index) => index,
            None if vantages.len() >= VANTAGES => return Err(SnapshotError::Vantages(VANTAGES)),
            // Somebody's own tool wrote it: a name alone is taken for a public resolver.
            None => {
                by_name.insert(from.clone(), vantages.len());
                vantages.push(Vantage { name: from, server: None, kind: VantageKind::Public });
                vantages.len() - 1
            }
        };
        let all = replies.entry(question).or_default();
        if all.len() >= REPLIES {
            return Err(SnapshotError::Replies(REPLIES));
        }
        all.push(Reply { vantage: index, outcome });
    }
    let zones = zones.iter().map(zone).collect();
    Ok((facts, Observations { taken: answered_at, zones, ..Observations::new(vantages, replies) }, taken))
}

fn zone(document: &ZoneDoc) -> Zone {
    let names = |all: &[String]| all.iter().map(|name| DomainName::new(name)).collect();
    Zone {
        name: DomainName::new(&document.zone),
        parent: document.parent.as_deref().map(DomainName::new),
        delegators: document.delegators.clone(),
        servers: document.servers.iter().map(|server| (server.vantage, names(&server.names))).collect(),
        unasked: document.unasked.iter().map(|at| (DomainName::new(&at.name), at.address)).collect(),
    }
}

fn vantage(document: &VantageDoc) -> Result<Vantage, SnapshotError> {
    let bad = |text: &str, what| SnapshotError::Text(text.to_owned(), what);
    let server = match &document.server {
        Some(text) => Some(text.parse().map_err(|_| bad(text, "address with a port"))?),
        None => None,
    };
    let kind = VantageKind::ALL.into_iter().find(|kind| kind.as_str() == document.kind);
    let kind = kind.ok_or_else(|| bad(&document.kind, "kind of server"))?;
    Ok(Vantage { name: document.name.clone(), server, kind })
}

impl TryFrom<ObservationDoc> for Said {
    type Error = String;

    fn try_from(document: ObservationDoc) -> Result<Said, String> {
        let question = question(&document.question).ok_or_else(|| format!("`{}` is no question", document.question))?;
        Ok(Said {
            outcome: outcome(&document, &question)?,
            question,
            vantage: document.vantage,
            at: document.at.and_then(|at| at.parse().ok()),
            from: document.from,
        })
    }
}

fn outcome(said: &ObservationDoc, question: &Question) -> Result<Outcome, String> {
    if let Some(why) = &said.why {
        return Why::deserialize(why).map(Outcome::Unanswered).map_err(|error| error.to_string());
    }
    let nxdomain = match said.rcode.as_deref() {
        Some("NOERROR") => false,
        Some("NXDOMAIN") => true,
        Some("SERVFAIL") => return Ok(Outcome::Unanswered(Why::ServFail)),
        Some("REFUSED") => return Ok(Outcome::Unanswered(Why::Refused)),
        Some(other) => return Ok(Outcome::Unanswered(Why::Malformed(other.to_owned()))),
        None => return Ok(Outcome::Unanswered(Why::Timeout)),
    };
    let records = said.answers.iter().map(record).collect::<Result<_, _>>()?;
    let (records, left_out) = bounded(records, &question.name);
    Ok(Outcome::Answer(Answer {
        nxdomain,
        authoritative: said.authoritative,
        recursion_available: said.recursion_available,
        records,
        negative_ttl: said.negative_ttl,
        soa: said.soa.as_ref().map(record).transpose()?.map(Into::into),
        rtt_micros: said.rtt_micros,
        left_out: said.left_out.saturating_add(left_out),
    }))
}

fn record(document: &RecordDoc) -> Result<Record, String> {
    document.record().ok_or_else(|| format!("`{}` is no record that helolint knows", document.data))
}

/// Facts, with those about the host one level deeper.
struct HostFacts(Facts);

impl<'de> Deserialize<'de> for HostFacts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<HostFacts, D::Error> {
        Facts::deserialize(WithDetails(from)).map(HostFacts)
    }
}

/// A deserializer of facts, a visitor of what it gives, and the map that this one sees: the value of [`HOST`] is what stands in [`DETAILS`] there.
struct WithDetails<T>(T);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for WithDetails<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(WithDetails(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for WithDetails<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Entries { map, is_host: false })
    }
}

struct Entries<A> {
    map: A,
    /// The value to come is the host's.
    is_host: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.map.next_key::<String>()? else { return Ok(None) };
        self.is_host = key == HOST;
        let key: StringDeserializer<A::Error> = key.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.is_host {
            true => self.map.next_value_seed(Details(seed)),
            false => self.map.next_value_seed(seed),
        }
    }
}

/// Reads what stands in [`DETAILS`], and nothing else.
struct Details<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Details<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Details<S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("what a host says about itself")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<S::Value, A::Error> {
        let mut seed = Some(self.0);
        let mut details = None;
        while let Some(key) = map.next_key::<String>()? {
            match seed.take_if(|_| key == DETAILS) {
                Some(seed) => details = Some(map.next_value_seed(seed)?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        details.ok_or_else(|| A::Error::custom("facts.host has no details"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::Value;

    fn snapshot() -> Value {
        let text = super::super::write(&sample::facts(), &sample::observations(), Timestamp::UNIX_EPOCH).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn keys_stand_in_any_order() {
        let text = snapshot().to_string();
        // serde_json's map sorts them: facts and observations come before the servers that the numbers mean.
        assert!(text.starts_with("{\"facts\":{\"bind_faults\"") && text.contains("\"host\":{\"addresses\""), "{text}");
        let (facts, dns, taken) = read(&text).unwrap();
        assert_eq!((&dns, taken.as_str()), (&sample::observations(), "1970-01-01T00:00:00Z"));
        let again = super::super::write(&facts, &dns, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), snapshot());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let said = |at: &str, value: Value| {
            let mut snapshot = snapshot();
            *snapshot.pointer_mut(at).unwrap() = value;
            read(&snapshot.to_string()).unwrap_err().to_string()
        };
        for (at, value, words) in [
            ("/facts/host", serde_json::json!({"node_name": "a"}), "facts.host has no details at line 1"),
            ("/facts/host", Value::Null, "expected what a host says about itself"),
            ("/facts/host/details", serde_json::json!({}), "missing field `"),
            ("/facts", Value::Null, "expected struct Facts"),
            ("/observations/0/question", "x".into(), "`x` is no question at line 1"),
            ("/observations/0/why", "x".into(), "unknown variant"),
            ("/vantages/0/kind", "x".into(), "`x` is no kind of server"),
            ("/vantages/0/server", "x".into(), "`x` is no address with a port"),
            ("/schema", "1".into(), "expected u64"),
            ("/schema", 2.into(), "it has format 2"),
        ] {
            let error = said(at, value);
            assert!(error.contains(words), "{at}: {error}");
        }
    }
}
