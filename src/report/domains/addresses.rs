//! Address records that are to be changed.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domains::fix::{address_record, delete_record};
use crate::domains::zones::{ZoneChange, ZoneEdit};
use crate::findings::{Fix, Who};
use crate::name::DomainName;

/// An address record as it is and as it should stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AddressView {
    /// Where it is.
    pub name: String,
    /// The address that goes.
    pub is: IpAddr,
    /// What takes its place; null: nothing, since what is right stands there already.
    pub wanted: Option<IpAddr>,
    /// The master file on this host that its zone is served from.
    #[serde(default)]
    pub file: Option<String>,
}

impl AddressView {
    /// What it is to a zone; `None` where a record only goes.
    pub(super) fn edit(&self) -> Option<ZoneEdit> {
        let change = ZoneChange::Address { is: self.is, wanted: self.wanted? };
        Some(ZoneEdit { name: DomainName::new(&self.name), change })
    }

    /// As lines of a master file.
    pub(super) fn lines(&self) -> Vec<String> {
        let name = DomainName::new(&self.name);
        let new = self.wanted.map(|wanted| address_record(&name, wanted));
        [delete_record(&name, self.is)].into_iter().chain(new).collect()
    }
}

/// The address records that these fixes have changed; `file`: what their zone is served from.
pub(super) fn addresses<'f>(fixes: impl Iterator<Item = &'f Fix>, file: Option<&str>) -> Vec<AddressView> {
    let mut all: Vec<AddressView> = Vec::new();
    for fix in fixes.filter(|fix| fix.who == Who::DnsZone) {
        let before = all.len();
        for line in &fix.commands {
            match address_line(line) {
                Some((name, address, true)) => {
                    let file = file.map(str::to_owned);
                    all.push(AddressView { name: name.to_owned(), is: address, wanted: None, file });
                }
                // It stands behind the one that it takes the place of.
                Some((name, address, false)) => {
                    let place = all.iter_mut().skip(before).next_back().filter(|old| old.name == name);
                    place.into_iter().for_each(|old| old.wanted = Some(address));
                }
                None => {}
            }
        }
    }
    all
}

/// Name and address of a line that a fix has published, and whether the record goes: `; delete: NAME. IN A ADDRESS`, `NAME. 3600 IN A ADDRESS`.
fn address_line(line: &str) -> Option<(&str, IpAddr, bool)> {
    let (record, goes) = match line.strip_prefix("; delete: ") {
        Some(record) => (record, true),
        None => (line, false),
    };
    let (owner, data) = record.split_once(" IN ")?;
    let address = data.strip_prefix("A ").or_else(|| data.strip_prefix("AAAA "))?.parse().ok()?;
    let (name, _) = owner.split_once('.').and_then(|_| owner.rsplit_once('.'))?;
    Some((name, address, goes))
}

/// Whether a line is an address record.
pub(super) fn is_address_record(line: &str) -> bool {
    address_line(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let name = DomainName::new("mx.a.example");
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for address in [ip("192.0.2.1"), ip("2001:db8::1")] {
            assert_eq!(address_line(&address_record(&name, address)), Some(("mx.a.example", address, false)));
            assert_eq!(address_line(&delete_record(&name, address)), Some(("mx.a.example", address, true)));
        }
        assert_eq!(address_line(r#"a.example. IN TXT "x IN A 192.0.2.1""#), None);
        let view = |wanted| AddressView { name: "mx.a.example".into(), is: ip("192.0.2.1"), wanted, file: None };
        assert_eq!(view(None).lines(), ["; delete: mx.a.example. IN A 192.0.2.1"]);
        assert_eq!(view(Some(ip("192.0.2.2"))).lines()[1], "mx.a.example. 3600 IN A 192.0.2.2");
        assert!(view(None).edit().is_none());
    }
}
