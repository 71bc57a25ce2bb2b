//! The domains of a host in its snapshot: those that its facts do not give, what signs, and what its files leave open of both.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SnapshotError;
use crate::dkim::{KeyFault, PublicKey, Published, read_record};
use crate::domains::{Gap, GapOf, Handled, MailDomain, MailDomains, SigningKey};
use crate::facts::{Facts, Origin};
use crate::name::DomainName;
use crate::source::{Excerpt, Span};

/// What is said of a snapshot that has nothing of it.
const NO_DOMAINS: &str =
    "the snapshot has the domains of lists that its facts hold, and no others: take one with this release";
const NO_KEYS: &str = "the snapshot does not say with which keys mail is signed: take one with this release";

/// The domains of a snapshot, before its facts are known.
#[derive(Debug)]
pub struct KeptDomains(Option<DomainsDoc>);

/// Domains and keys.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct DomainsDoc {
    /// Domains that no list among the facts gives, or gives otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<DomainDoc>,
    /// What mail is signed with: public parts alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<KeyDoc>,
    /// What files leave open of domains and keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<GapDoc>,
}

/// A domain.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct DomainDoc {
    /// Its name.
    name: String,
    /// What is done with mail for it.
    handled: Handled,
    /// Where that stands: `file`, `line` and `column`, or what else decides it.
    origin: Place,
}

/// A key.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct KeyDoc {
    /// The domain whose mail is signed.
    author: String,
    /// The domain that the signature names, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// The selector.
    selector: String,
    /// The file of the private key, of which nothing is here.
    file: String,
    /// The public part, as its record is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fault: Option<KeyFault>,
}

/// What is not known.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct GapDoc {
    /// Of what.
    of: GapOfDoc,
    /// The domains whose keys they are; absent: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domains: Option<Vec<String>>,
    /// What is not known, and why.
    words: String,
    /// The setting.
    origin: Place,
}

/// Of what something is not known.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum GapOfDoc {
    /// Which domains there are.
    Domains,
    /// With which keys mail is signed.
    Keys,
}

/// A place without the text that stands there: of a table of keys that could be a key.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Place(#[schemars(with = "Map<String, Value>")] Origin);

impl Place {
    fn of(origin: &Origin) -> Place {
        let Some(span) = origin.span() else { return Place(origin.clone()) };
        let Excerpt { file, line, column, .. } = span.excerpt();
        let at = Excerpt { file, line, column, end_column: column, text: String::new(), text_column: column };
        Place(Origin::File(Span::from(at)))
    }
}

/// The domains that a host's facts give.
fn of_facts(facts: &Facts) -> MailDomains {
    let mut found = MailDomains::of_facts(facts);
    found.add_panels(facts);
    found.add_senders(facts);
    found
}

impl DomainsDoc {
    pub(super) fn new(facts: &Facts, found: &MailDomains) -> DomainsDoc {
        let known = of_facts(facts);
        // Facts lose Postfix's lists when they are written.
        let lost: BTreeSet<DomainName> =
            facts.listed_domains.iter().map(|listed| DomainName::new(&listed.name)).collect();
        let is_kept = |domain: &MailDomain| {
            let is_known = known.domains.get(&domain.name).is_some_and(|known| known.handled == domain.handled);
            is_known && !lost.contains(&domain.name)
        };
        let others = found.domains.values().filter(|domain| !is_kept(domain));
        let other = |domain: &MailDomain| DomainDoc {
            name: domain.name.as_str().to_owned(),
            handled: domain.handled,
            origin: Place::of(&domain.origin),
        };
        let keys = found.keys.iter().flat_map(|(author, keys)| keys.iter().map(move |key| (author, key)));
        let key = |(author, key): (&DomainName, &SigningKey)| KeyDoc {
            author: author.as_str().to_owned(),
            domain: (key.domain != *author).then(|| key.domain.as_str().to_owned()),
            selector: key.selector.clone(),
            file: key.file.clone(),
            record: key.key.as_ref().ok().map(PublicKey::record),
            fault: key.key.as_ref().err().cloned(),
        };
        let gap = |gap: &Gap| {
            let (of, domains) = match &gap.of {
                GapOf::Domains => (GapOfDoc::Domains, None),
                GapOf::Keys => (GapOfDoc::Keys, None),
                GapOf::KeysOf(domains) => {
                    (GapOfDoc::Keys, Some(domains.iter().map(|name| name.as_str().to_owned()).collect()))
                }
            };
            GapDoc { of, domains, words: gap.words.clone(), origin: Place::of(&gap.origin) }
        };
        DomainsDoc {
            others: others.map(other).collect(),
            keys: keys.map(key).collect(),
            open: found.gaps.iter().filter(|gap| !known.gaps.contains(gap)).map(gap).collect(),
        }
    }
}

impl KeptDomains {
    /// What a snapshot holds.
    ///
    /// # Errors
    /// Where the text is no snapshot.
    pub(super) fn read(text: &str) -> Result<KeptDomains, SnapshotError> {
        /// The document, as far as it is about domains.
        #[derive(Deserialize)]
        #[serde(expecting = "a snapshot, which is an object")]
        struct Document {
            #[serde(default)]
            domains: Option<DomainsDoc>,
        }
        let Document { domains } = serde_json::from_str(text)?;
        Ok(KeptDomains(domains))
    }

    /// The domains and keys of the host with these facts. What an old snapshot does not hold is left open.
    pub fn of(self, facts: &Facts) -> MailDomains {
        let mut found = of_facts(facts);
        let Some(DomainsDoc { others, keys, open }) = self.0 else {
            for (of, words) in [(GapOf::Domains, NO_DOMAINS), (GapOf::Keys, NO_KEYS)] {
                found.add_gap(Gap { of, words: words.to_owned(), origin: Origin::flag("--from") });
            }
            return found;
        };
        for DomainDoc { name, handled, origin } in others {
            let name = DomainName::new(&name);
            found.domains.remove(&name);
            found.add(name, handled, origin.0);
        }
        for KeyDoc { author, domain, selector, file, record, fault } in keys {
            let author = DomainName::new(&author);
            let domain = domain.as_deref().map_or_else(|| author.clone(), DomainName::new);
            let key = match (record.as_deref().map(read_record), fault) {
                (Some(Published::Key(key)), _) => Ok(key),
                (_, Some(fault)) => Err(fault),
                _ => Err(KeyFault::Broken),
            };
            found.add_key(&author, SigningKey { domain, selector, file, key });
        }
        for GapDoc { of, domains, words, origin } in open {
            let of = match (of, domains) {
                (GapOfDoc::Domains, _) => GapOf::Domains,
                (GapOfDoc::Keys, None) => GapOf::Keys,
                (GapOfDoc::Keys, Some(domains)) => {
                    GapOf::KeysOf(domains.iter().map(|name| DomainName::new(name)).collect::<BTreeSet<_>>())
                }
            };
            found.add_gap(Gap { of, words, origin: origin.0 });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Fact, ListedDomain};
    use crate::observe::Observations;
    use crate::report::sample;
    use crate::source::SourceFile;
    use jiff::Timestamp;

    fn name(text: &str) -> DomainName {
        DomainName::new(text)
    }

    /// A host with lists of Postfix's, of which one is not decided.
    fn facts() -> Facts {
        let mut facts = sample::facts();
        let main = SourceFile::new("/etc/postfix/main.cf", b"mydestination = shop.example\nrelay_domains = mysql:/x\n");
        facts.listed_domains = vec![ListedDomain {
            list: "mydestination",
            name: "shop.example".to_owned(),
            origin: main.span(16, 28).into(),
        }];
        facts.postfix[0].open_lists = vec![Fact::new("relay_domains".to_owned(), main.span(45, 53))];
        facts
    }

    fn found() -> MailDomains {
        let mut found = of_facts(&facts());
        let table = SourceFile::new("/etc/opendkim/kt", b"one\nk %:s:MIICdQIBADAN\n");
        let origin: Origin = table.span(4, 23).into();
        found.add(name("b.example"), Handled::Local, origin.clone());
        found.add(name("c.example"), Handled::Secondary, Origin::kernel("route"));
        let key = |domain: &str, selector: &str, key| SigningKey {
            domain: name(domain),
            selector: selector.to_owned(),
            file: "/etc/one".to_owned(),
            key,
        };
        let rsa = PublicKey::Rsa { modulus: vec![0xc5; 128], exponent: vec![1, 0, 1] };
        found.add_key(&name("b.example"), key("b.example", "s1", Ok(rsa)));
        found.add_key(&name("b.example"), key("c.example", "s2", Ok(PublicKey::Ed25519([7; 32]))));
        found.add_key(&name("c.example"), key("c.example", "s3", Err(KeyFault::Unreadable("is a folder".into()))));
        for of in [GapOf::Domains, GapOf::Keys, GapOf::KeysOf([name("b.example"), name("c.example")].into())] {
            found.add_gap(Gap { of, words: "more".to_owned(), origin: origin.clone() });
        }
        found
    }

    #[test]
    fn domains_keys_and_gaps_come_back_without_the_text_of_their_places() {
        let (facts, found) = (facts(), found());
        let text =
            super::super::write_with_domains(&facts, &Observations::offline(), &found, Timestamp::UNIX_EPOCH).unwrap();
        assert!(!text.contains("MIICdQIBADAN"), "{text}");
        let (facts_again, dns) = super::super::read(&text).unwrap();
        let again = KeptDomains::read(&text).unwrap().of(&facts_again);
        assert_eq!(again.keys, found.keys);
        let places = |found: &MailDomains| -> Vec<String> {
            let domains = found.domains.values().map(|domain| (&domain.name, domain.handled, domain.origin.describe()));
            let gaps = found.gaps.iter().map(|gap| (&gap.of, &gap.words, gap.origin.describe()));
            domains.map(|domain| format!("{domain:?}")).chain(gaps.map(|gap| format!("{gap:?}"))).collect()
        };
        assert_eq!(places(&again), places(&found));
        assert!(places(&again).iter().any(|place| place.contains("/etc/opendkim/kt:2")), "{:?}", places(&again));
        assert!(
            again.domains.contains_key(&name("shop.example"))
                && again.gaps.iter().any(|gap| gap.words.contains("relay_domains"))
        );
        assert!(dns.offline && facts_again.paths.len() == facts.paths.len());
    }

    #[test]
    fn what_an_old_snapshot_does_not_hold_is_open() {
        let facts = sample::facts();
        let text = super::super::write(&facts, &Observations::offline(), Timestamp::UNIX_EPOCH).unwrap();
        let found = KeptDomains::read(&text).unwrap().of(&facts);
        let open: Vec<&GapOf> = found.gaps.iter().map(|gap| &gap.of).collect();
        assert_eq!(open, [&GapOf::Domains, &GapOf::Keys]);
        assert!(found.signing(&name("any.example")).is_open);
    }

    #[test]
    fn a_snapshot_of_somebody_s_own_making_gets_nothing_past_the_limits() {
        let at =
            serde_json::json!({"file": "/x", "line": 1, "column": 1, "end_column": 1, "text": "", "text_column": 1});
        let key = |selector: &str| serde_json::json!({"author": "b.example", "selector": selector, "file": "/k", "record": "p=AA"});
        let mut keys: Vec<Value> = (0..40).map(|n| key(&format!("s{n}"))).collect();
        keys.insert(0, key("a b"));
        let others = [("b.example", "local"), ("a b.example", "local"), ("localhost", "local")];
        let others = others.map(|(name, handled)| serde_json::json!({"name": name, "handled": handled, "origin": at}));
        let text = serde_json::json!({"domains": {"others": others, "keys": keys}}).to_string();
        let found = KeptDomains::read(&text).unwrap().of(&sample::facts());
        let keys = &found.keys[&name("b.example")];
        assert_eq!((keys.len(), keys[0].selector.as_str()), (16, "s0"));
        assert_eq!(keys[0].key, Err(KeyFault::Broken), "no key is in its record");
        let given = of_facts(&sample::facts()).domains.len();
        assert_eq!(found.domains.len(), given + 1);
        assert!(KeptDomains::read("{\"domains\": 1}").is_err() && KeptDomains::read("").is_err());
    }
}
