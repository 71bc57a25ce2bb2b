//! What the DNS says of an address, with answers from zone files: the PTR names, and whether one leads back (FCrDNS, iprev of RFC 8601).
//! No host is looked at.
//!
//!     cargo run --example observe -- 203.0.113.10 testdata/hosts/postfix-old-ptr/zones/*.zone

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;

use helolint::name::DomainName;
use helolint::observe::recorded::Zones;
use helolint::observe::{Lookup, Observations, Outcome, Question, RecordType, Reply, Vantage, VantageKind};

/// What is told of an address by zone files.
///
/// # Errors
/// Where there is no address, or a file is no master file.
pub fn told(mut args: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let address: IpAddr = args.next().ok_or("an address is wanted")?.parse()?;
    let mut files = Vec::new();
    for path in args {
        files.push((path.clone(), fs::read_to_string(path)?));
    }
    let zones = Zones::load(files).map_err(|errors| errors[0].to_string())?;

    // The PTR question first; its answer brings the others.
    let mut dns = answered(&zones, &[Question::ptr(address)]);
    let rtype = if address.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    let names = dns.ptr(address).found().to_vec();
    let forward = names.iter().map(|name: &DomainName| Question::new(name, rtype));
    let questions: Vec<Question> = std::iter::once(Question::ptr(address)).chain(forward).collect();
    dns = answered(&zones, &questions);

    let mut out = String::new();
    match dns.ptr(address) {
        Lookup::Found(names) => {
            for name in names {
                let back = dns.addresses(&name, address.into());
                writeln!(out, "{address} PTR {name}, which leads to {:?}", back.found())?;
            }
        }
        // Told apart, always: the name is there without such a record, there is no such name, nobody answered.
        Lookup::NoData | Lookup::NxDomain => writeln!(out, "{address} has no PTR record")?,
        Lookup::Unanswered(why) => writeln!(out, "nobody answered: {why:?}")?,
    }
    writeln!(out, "iprev: {:?}", dns.iprev(address))?;
    Ok(out)
}

/// Answers as one server gave them.
fn answered(zones: &Zones, questions: &[Question]) -> Observations {
    let vantage = Vantage { name: "zones".into(), server: None, kind: VantageKind::Authoritative };
    let reply = |question: &Question| Reply { vantage: 0, outcome: Outcome::Answer(zones.answer(question)) };
    let replies: BTreeMap<_, _> = questions.iter().map(|question| (question.clone(), vec![reply(question)])).collect();
    Observations::new(vec![vantage], replies)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", told(std::env::args().skip(1))?);
    Ok(())
}
