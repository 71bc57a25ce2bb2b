//! Questions and records as texts, the way master files write them, and back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::DomainName;
use crate::observe::{Question, Record, RecordData, RecordType};

/// The types that helolint knows.
const TYPES: [RecordType; 8] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Ptr,
    RecordType::Mx,
    RecordType::Txt,
    RecordType::Cname,
    RecordType::Ns,
    RecordType::Soa,
];

/// A record of an answer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RecordDoc {
    /// Its owner, with final dot.
    pub name: String,
    /// Its type, such as `PTR`.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Seconds that it may be kept.
    pub ttl: u32,
    /// Its content, as a master file writes it.
    pub data: String,
}

impl From<&Record> for RecordDoc {
    fn from(record: &Record) -> RecordDoc {
        RecordDoc {
            name: absolute(&record.name),
            rtype: record.data.rtype().to_string(),
            ttl: record.ttl,
            data: record.data.to_string(),
        }
    }
}

impl RecordDoc {
    /// The record; `None` where type or content are none that helolint knows.
    pub(crate) fn record(&self) -> Option<Record> {
        let rtype = TYPES.into_iter().find(|rtype| rtype.as_str() == self.rtype)?;
        let data = &self.data;
        let data = match rtype {
            RecordType::A => RecordData::A(data.parse().ok()?),
            RecordType::Aaaa => RecordData::Aaaa(data.parse().ok()?),
            RecordType::Ptr => RecordData::Ptr(DomainName::new(data)),
            RecordType::Cname => RecordData::Cname(DomainName::new(data)),
            RecordType::Ns => RecordData::Ns(DomainName::new(data)),
            RecordType::Mx => {
                let (preference, exchanger) = data.split_once(' ')?;
                RecordData::Mx(preference.parse().ok()?, DomainName::new(exchanger))
            }
            RecordType::Txt => RecordData::Txt(unquoted(data)?),
            RecordType::Soa => {
                // From the end: names can hold blanks.
                let mut parts = data.rsplitn(3, ' ');
                let (minimum, serial) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
                let (mname, rname) = parts.next()?.split_once(". ").unwrap_or((".", "."));
                let (mname, rname) = (DomainName::new(mname), DomainName::new(rname));
                RecordData::Soa { mname, rname, serial, minimum }
            }
        };
        Some(Record { name: DomainName::new(&self.name), ttl: self.ttl, data })
    }
}

/// A name with its final dot; the root is the dot alone.
fn absolute(name: &DomainName) -> String {
    if name.as_str().is_empty() { ".".into() } else { format!("{name}.") }
}

/// A question from the text that its `Display` gives.
pub(crate) fn question(text: &str) -> Option<Question> {
    let (name, rtype) = text.rsplit_once(' ')?;
    let rtype = TYPES.into_iter().find(|known| known.as_str() == rtype)?;
    Some(Question::new(&DomainName::new(name), rtype))
}

/// The text that Rust's quoting (`{:?}`) made this of; without quotes, the text itself.
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Some(text.to_owned());
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'u' => {
                let rest = chars.as_str();
                let (digits, _) = rest.strip_prefix('{')?.split_once('}')?;
                chars = rest.get(digits.len() + 2..)?.chars();
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn back(data: RecordData) {
        let record = Record { name: DomainName::new("a.example"), ttl: 5, data };
        assert_eq!(RecordDoc::from(&record).record().as_ref(), Some(&record));
    }

    #[test]
    fn records_come_back_also_with_the_root_as_name() {
        for name in ["", "mx.example.com"].map(DomainName::new) {
            back(RecordData::Mx(0, name.clone()));
            back(RecordData::Ptr(name.clone()));
            back(RecordData::Ns(name.clone()));
            back(RecordData::Cname(name));
        }
        back(RecordData::Soa {
            mname: DomainName::new("ns.example.com"),
            rname: DomainName::new("hostmaster.example.com"),
            serial: 2,
            minimum: 3,
        });
        assert_eq!(question("nonsense"), None);
        assert_eq!(question(". NS"), Some(Question::new(&DomainName::new(""), RecordType::Ns)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_and_name_come_back(text in "\\PC*|(?s).*", name in "[a-z0-9 _.\\x1b\\\\-]{0,40}") {
            back(RecordData::Txt(text));
            // A lone backslash at the end is no presentation form of any name.
            let name = DomainName::new(name.trim_end_matches('\\'));
            back(RecordData::Ptr(name.clone()));
            let asked = Question::new(&name, RecordType::Ptr);
            prop_assert_eq!(question(&asked.to_string()), Some(asked));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).*", kind in 0usize..8) {
            let rtype = TYPES[kind].to_string();
            let _ = RecordDoc { name: text.clone(), rtype, ttl: 0, data: text.clone() }.record();
            let _ = (question(&text), super::unquoted(&text));
        }
    }
}
