//! Master files that people edit: the text records that should stand in them, and the serial number that has secondary servers fetch the zone.

use std::ops::Range;
use std::sync::Arc;

use super::kind;
use crate::domains::fix::{txt_record, txt_strings};
use crate::name::DomainName;
use crate::observe::RecordData;
use crate::observe::recorded::{Placed, placed};
use crate::shell;

/// Types of a file that a signer wrote (RFC 4034, RFC 5155): what is edited is the file that it was made of.
const SIGNED: [&str; 4] = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM"];

/// A zone's master file (RFC 1035 section 5), as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFile {
    /// Its path, as the host has it.
    pub path: String,
    /// Its text.
    pub text: Arc<str>,
}

/// A text record that is to stand in a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneEdit {
    /// Its name.
    pub name: DomainName,
    /// What the DNS has there now, where that is known to be a record of the same kind.
    pub is: Option<String>,
    /// Its text, in one piece.
    pub wanted: String,
}

impl ZoneFile {
    /// The command that has BIND serve what the file says by then, if there is nothing wrong with it.
    pub fn reload(&self, zone: &DomainName) -> String {
        let (zone, file) = (shell::word(zone.as_str()), shell::word(&self.path));
        format!("named-checkzone {zone} {file} && rndc reload {zone}")
    }

    /// The text with these records in place of what stands there, and the next serial number. `None` where that is not sure to come to just this: the
    /// file is not what the DNS has, other files belong to it, a signer wrote it, or a name is not the zone's to have text records.
    pub fn with(&self, zone: &DomainName, edits: &[ZoneEdit]) -> Option<String> {
        let all = placed(&self.text, zone)?;
        let soa = only(all.iter().filter(|entry| entry.kind == "SOA"))?;
        if soa.owner != *zone || all.iter().any(|entry| SIGNED.contains(&entry.kind.as_str())) {
            return None;
        }
        let Some(RecordData::Soa { serial, .. }) = soa.data else { return None };
        // RFC 1982: one more is always later. 0 is gone by: some secondary servers take it for none.
        let later = serial.checked_add(1).unwrap_or(1);
        let mut changes: Vec<(Range<usize>, String)> = vec![(soa.words.get(2)?.clone(), later.to_string())];
        for edit in edits {
            changes.push(self.change(&all, zone, edit)?);
        }
        changes.sort_by_key(|(range, _)| (range.start, range.end));
        let (mut text, mut at) = (String::with_capacity(self.text.len() + 1024), 0);
        for (range, put) in &changes {
            text.push_str(self.text.get(at..range.start)?);
            text.push_str(put);
            at = range.end;
        }
        text.push_str(self.text.get(at..)?);
        is_just_that(&all, &placed(&text, zone)?, zone, edits, later).then_some(text)
    }

    /// What is put where, for one record.
    fn change(&self, all: &[Placed], zone: &DomainName, edit: &ZoneEdit) -> Option<(Range<usize>, String)> {
        let is_plain = edit.wanted.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        // What another zone has, or an alias stands for.
        let is_elsewhere = |entry: &Placed| match entry.kind.as_str() {
            "NS" => entry.owner != *zone && edit.name.is_within(&entry.owner),
            "CNAME" => entry.owner == edit.name,
            "DNAME" => edit.name != entry.owner && edit.name.is_within(&entry.owner),
            _ => false,
        };
        if !is_plain || !edit.name.is_within(zone) || all.iter().any(is_elsewhere) {
            return None;
        }
        let mut stands = all.iter().filter(|entry| is_of(entry, edit));
        match (stands.next(), stands.next()) {
            (Some(entry), None) => {
                let Some(RecordData::Txt(text)) = &entry.data else { return None };
                // A key that another one stands for is known by its name alone.
                let is_published = edit.is.as_ref().map_or(kind(&edit.wanted) == "dkim", |is| is == text);
                let range = entry.words.first()?.start..entry.words.last()?.end;
                is_published.then(|| (range, txt_strings(&edit.wanted)))
            }
            (None, _) if edit.is.is_none() => {
                let record = txt_record(&edit.name, &edit.wanted);
                let at =
                    all.iter().rev().find(|entry| entry.owner == edit.name).map_or(self.text.len(), |entry| entry.end);
                let bare = !self.text.get(..at)?.ends_with('\n');
                Some((at..at, if bare { format!("\n{record}\n") } else { format!("{record}\n") }))
            }
            _ => None,
        }
    }
}

/// Whether an entry is the record that an edit puts another in the place of.
fn is_of(entry: &Placed, edit: &ZoneEdit) -> bool {
    let of_kind = |text: &str| kind(text) == kind(&edit.wanted);
    entry.owner == edit.name && matches!(&entry.data, Some(RecordData::Txt(text)) if of_kind(text))
}

/// Whether `new` is `old` but for these records and the serial number.
fn is_just_that(old: &[Placed], new: &[Placed], zone: &DomainName, edits: &[ZoneEdit], serial: u32) -> bool {
    type Plain<'p> = (&'p DomainName, &'p str, Option<RecordData>);
    let sorted = |mut plain: Vec<Plain<'_>>| -> Vec<String> {
        let mut texts: Vec<String> = plain.drain(..).map(|one| format!("{one:?}")).collect();
        texts.sort();
        texts
    };
    let plain = |entry: &'_ Placed| entry.data.clone();
    let mut expected: Vec<Plain<'_>> = Vec::new();
    for entry in old.iter().filter(|entry| !edits.iter().any(|edit| is_of(entry, edit))) {
        let data = match plain(entry) {
            Some(RecordData::Soa { mname, rname, minimum, .. }) => {
                Some(RecordData::Soa { mname, rname, serial, minimum })
            }
            other => other,
        };
        expected.push((&entry.owner, &entry.kind, data));
    }
    let put = |edit: &ZoneEdit| Some(RecordData::Txt(edit.wanted.clone()));
    expected.extend(edits.iter().map(|edit| (&edit.name, "TXT", put(edit))));
    let found = new.iter().map(|entry| (&entry.owner, entry.kind.as_str(), plain(entry))).collect();
    edits.iter().all(|edit| edit.name.is_within(zone)) && sorted(expected) == sorted(found)
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "\
$TTL 1h
@   IN SOA ns1 hostmaster ( 2026112001 ; serial
        7200 3600 2w 300 )
    NS  ns1
    TXT \"v=spf1 mx \" \"-all\" ; who sends
    TXT \"other=1\"
www A 192.0.2.1
_dmarc 300 IN TXT ( \"v=DMARC1;\" ; policy
        \" p=none\" )
    TXT v=x
shop NS ns1.elsewhere.example.
news CNAME www
";

    fn edited(text: &str, edits: &[(&str, Option<&str>, &str)]) -> Option<String> {
        let edit = |(name, is, wanted): &(&str, Option<&str>, &str)| ZoneEdit {
            name: DomainName::new(name),
            is: is.map(str::to_owned),
            wanted: (*wanted).to_owned(),
        };
        let edits: Vec<ZoneEdit> = edits.iter().map(edit).collect();
        ZoneFile { path: "/etc/bind/db.a".into(), text: text.into() }.with(&DomainName::new("a.example"), &edits)
    }

    const SPF: (&str, Option<&str>, &str) = ("a.example", Some("v=spf1 mx -all"), "v=spf1 ip4:192.0.2.9 mx -all");

    #[test]
    fn records_in_place_of_others_and_behind_those_of_their_name() {
        let new = edited(
            ZONE,
            &[
                SPF,
                ("_dmarc.a.example", Some("v=DMARC1; p=none"), "v=DMARC1; p=reject"),
                ("www.a.example", None, "v=spf1 -all"),
                ("x._domainkey.a.example", None, "v=DKIM1; p=QUJD"),
            ],
        );
        let expected = ZONE
            .replace("2026112001", "2026112002")
            .replace("\"v=spf1 mx \" \"-all\"", "\"v=spf1 ip4:192.0.2.9 mx -all\"")
            .replace("( \"v=DMARC1;\" ; policy\n        \" p=none\" )", "( \"v=DMARC1; p=reject\" )")
            .replace("192.0.2.1\n", "192.0.2.1\nwww.a.example. IN TXT \"v=spf1 -all\"\n")
            + "x._domainkey.a.example. IN TXT \"v=DKIM1; p=QUJD\"\n";
        assert_eq!(new.unwrap(), expected);
        let bare = edited(ZONE.trim_end(), &[("x._domainkey.a.example", None, "p=QUJD")]).unwrap();
        assert!(bare.ends_with("news CNAME www\nx._domainkey.a.example. IN TXT \"p=QUJD\"\n"), "{bare}");
    }

    #[test]
    fn nothing_where_it_is_not_sure() {
        let with = |line: &str| edited(&format!("{ZONE}{line}\n"), &[SPF]);
        assert!(with("more A 192.0.2.2").is_some());
        for line in [
            "$INCLUDE more.db",
            "$GENERATE 1-9 h$ A 192.0.2.$",
            "@ RRSIG A 8 2 3600 20270101000000 20260101000000 1 a.example. AAAA",
            "@ TXT \"v=spf1 a -all\"",
            "@ SOA ns1 hostmaster 1 2 3 4 5",
            "broken (",
        ] {
            assert_eq!(with(line), None, "{line}");
        }
        for edit in [
            ("a.example", Some("v=spf1 a -all"), "v=spf1 -all"), // the DNS has another
            ("a.example", None, "v=spf1 -all"),
            ("_dmarc.www.a.example", Some("v=DMARC1; p=none"), "v=DMARC1; p=reject"), // the file has none
            ("shop.a.example", None, "v=spf1 -all"),
            ("_dmarc.shop.a.example", None, "v=DMARC1; p=none"),
            ("news.a.example", None, "v=spf1 -all"),
            ("b.example", None, "v=spf1 -all"),
            ("www.a.example", None, "v=spf1 exists:\u{7f}"),
        ] {
            assert_eq!(edited(ZONE, &[edit]), None, "{edit:?}");
        }
        let no_soa = "@ A 192.0.2.1\n";
        assert_eq!(edited(no_soa, &[("a.example", None, "v=spf1 -all")]), None);
    }

    #[test]
    fn a_key_takes_the_place_of_the_one_at_its_name() {
        let text = format!("{ZONE}k._domainkey TXT \"v=DKIM1; p=T0xE\"\n");
        let new = edited(&text, &[("k._domainkey.a.example", None, "v=DKIM1; p=TkVX")]).unwrap();
        assert!(new.ends_with("k._domainkey TXT \"v=DKIM1; p=TkVX\"\n"), "{new}");
    }

    #[test]
    fn the_last_serial_number_is_followed_by_one() {
        let text = ZONE.replace("2026112001", "4294967295");
        let new = edited(&text, &[SPF]).unwrap();
        assert!(new.contains("( 1 ; serial"), "{new}");
    }
}
