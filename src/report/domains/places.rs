//! Where zones are served: here, at the servers that have most of them, elsewhere. What is to be done is done place by place.

use std::collections::{BTreeMap, BTreeSet};

use super::DomainView;
use super::addresses::AddressView;
use super::edits::EditView;
use super::view::{RecordView, edit_of};
use super::words::domains;
use crate::domains::fix::txt_record;
use crate::domains::zones::EditKey;
use crate::name::DomainName;

/// Places that are named beside this server.
const PLACES: usize = 3;

/// Where a zone is served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// By this server.
    Here,
    /// By servers with names below this domain; which of those that are named it is, by its number of domains.
    At(usize, String),
    /// By others.
    Elsewhere,
    /// Nobody had to know: it is for this host's administrator to settle.
    OnHost,
    /// Nobody had to know; or it is about another zone.
    Unknown,
    /// It is about a name of this host, by which mail of domains leaves.
    OfHost,
}

impl Place {
    /// Behind a number of domains.
    pub(super) fn words(&self) -> String {
        match self {
            Place::Here => " in zones that this server serves".to_owned(),
            Place::At(_, name) => format!(" in zones at {name}"),
            Place::Elsewhere => " in zones elsewhere".to_owned(),
            Place::OnHost => ", to be settled on this host".to_owned(),
            Place::Unknown => String::new(),
            Place::OfHost => ", by which mail of other domains leaves".to_owned(),
        }
    }

    /// How many of those that are listed for it there are.
    pub(super) fn counted(&self, count: usize) -> String {
        match self {
            Place::OfHost if count == 1 => "1 name of this host".to_owned(),
            Place::OfHost => format!("{count} names of this host"),
            _ => domains(count),
        }
    }
}

/// The places that are named.
pub(super) struct Places(Vec<String>);

impl Places {
    pub(super) fn new(views: &[DomainView]) -> Places {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        views.iter().filter_map(server).for_each(|name| *counts.entry(name).or_default() += 1);
        let mut all: Vec<(usize, String)> = counts.into_iter().map(|(name, count)| (count, name)).collect();
        all.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        Places(all.into_iter().take(PLACES).map(|(_, name)| name).collect())
    }

    /// Where the zone of a domain is served.
    pub(super) fn of(&self, view: &DomainView) -> Place {
        if view.zone.as_deref() == Some(&["here".to_owned()][..]) {
            return Place::Here;
        }
        let Some(name) = server(view) else { return Place::Unknown };
        match self.0.iter().position(|known| *known == name) {
            Some(number) => Place::At(number, name),
            None => Place::Elsewhere,
        }
    }

    /// What is to be done, place by place: domains that have records to publish.
    pub(super) fn steps<'v>(&self, views: &'v [DomainView], edits: &'v [EditView]) -> Vec<Step<'v>> {
        let mut all: BTreeMap<Place, Vec<&DomainView>> = BTreeMap::new();
        let to_do = views.iter().filter(|view| !(view.records.is_empty() && view.addresses.is_empty()));
        to_do.for_each(|view| all.entry(self.of(view)).or_default().push(view));
        all.into_iter().map(|(place, views)| Step { place, views, edits }).collect()
    }
}

/// Whose servers serve a zone elsewhere, by the domain of the first.
fn server(view: &DomainView) -> Option<String> {
    let first = view.zone.as_deref()?.first().filter(|first| *first != "here")?;
    let name = DomainName::new(first);
    Some(name.registrable().unwrap_or(name).to_string())
}

/// Records to publish at one place.
pub(super) struct Step<'v> {
    pub(super) place: Place,
    pub(super) views: Vec<&'v DomainView>,
    /// Of zones whose files are on this host.
    edits: &'v [EditView],
}

impl Step<'_> {
    /// What it is.
    pub(super) fn words(&self) -> String {
        let records = match self.records().len() + self.addresses().len() {
            1 => "1 record".to_owned(),
            count => format!("{count} records"),
        };
        let how = match self.place {
            Place::Here => "",
            _ => {
                ": whoever runs them has to publish them (`--format csv`: each domain with what is and what should be)"
            }
        };
        format!("{records} for {}{}{how}", domains(self.views.len()), self.place.words())
    }

    /// The records, each once: one may be for several domains.
    fn records(&self) -> Vec<&RecordView> {
        let mut known = BTreeSet::new();
        let all = self.views.iter().flat_map(|view| &view.records);
        all.filter(|record| known.insert((&record.name, &record.wanted))).collect()
    }

    /// The same of address records.
    fn addresses(&self) -> BTreeSet<&AddressView> {
        self.views.iter().flat_map(|view| &view.addresses).collect()
    }

    /// What is to be done on this server: commands, where it keeps the zones and they are sure; records, where people publish them. So many of each.
    pub(super) fn lines(&self, limit: usize) -> StepLines {
        let mut lines = StepLines::default();
        if self.place != Place::Here {
            return lines;
        }
        // What two domains want of one name may not be the same.
        let (records, addresses) = (self.records(), self.addresses());
        let texts = records.iter().map(|record| edit_of(record).key());
        let keys: BTreeSet<EditKey> =
            texts.chain(addresses.iter().filter_map(|record| Some(record.edit()?.key()))).collect();
        let edits = self.edits.iter().filter(|edit| !edit.done.is_disjoint(&keys));
        lines.commands = edits.clone().map(|edit| edit.command.clone()).collect();
        let edited: BTreeSet<&EditKey> = edits.flat_map(|edit| &edit.done).collect();
        // Lines of one record are not parted.
        let mut by_hand: Vec<Vec<String>> = Vec::new();
        for record in records {
            let name = DomainName::new(&record.name);
            match &record.command {
                Some(command) => lines.commands.push(command.clone()),
                None if record.file.is_some() && edited.contains(&edit_of(record).key()) => {}
                None => by_hand.push(vec![txt_record(&name, &record.wanted)]),
            }
        }
        let is_edited = |record: &AddressView| {
            record.file.is_some() && record.edit().is_some_and(|edit| edited.contains(&edit.key()))
        };
        by_hand.extend(addresses.into_iter().filter(|record| !is_edited(record)).map(AddressView::lines));
        lines.more = lines.commands.len().saturating_sub(limit) + by_hand.len().saturating_sub(limit);
        lines.commands.truncate(limit);
        lines.records = by_hand.into_iter().take(limit).flatten().collect();
        lines
    }
}

/// What a step comes to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct StepLines {
    /// For a shell.
    pub(super) commands: Vec<String>,
    /// As master files have them; not for a shell.
    pub(super) records: Vec<String>,
    /// How many more of both there are.
    pub(super) more: usize,
}

/// A line of a step.
#[derive(Debug, PartialEq)]
pub(super) enum StepLine<'l> {
    /// A command, or a record as master files have it.
    Verbatim(&'l str),
    /// What is said between and behind them.
    Words(String),
}

impl StepLines {
    /// As they are printed, in this order.
    pub(super) fn printed(&self) -> impl Iterator<Item = StepLine<'_>> {
        let [commands, records] =
            [&self.commands, &self.records].map(|lines| lines.iter().map(|line| StepLine::Verbatim(line)));
        let has_both = !self.commands.is_empty() && !self.records.is_empty();
        let between = has_both.then(|| StepLine::Words("and in the zones themselves, by hand:".to_owned()));
        let more =
            (self.more > 0).then(|| StepLine::Words(format!("{} more are not shown (`--format html`)", self.more)));
        commands.chain(between).chain(records).chain(more)
    }
}

#[cfg(test)]
mod tests {
    use super::super::view::SpfView;
    use super::*;
    use crate::domains::Handled;

    fn view(number: usize, zone: Option<&[&str]>, command: bool) -> DomainView {
        let name = format!("d{number}.example");
        let record = RecordView {
            kind: "spf".into(),
            name: name.clone(),
            is: None,
            wanted: "v=spf1 -all".into(),
            command: command.then(|| format!("publish {name}")),
            file: None,
        };
        DomainView {
            domain: name.into(),
            handled: Handled::Local,
            paths: Vec::new(),
            mx: None,
            spf: SpfView { record: None, results: Vec::new() },
            dmarc: None,
            dkim: Vec::new(),
            dkim_open: false,
            alignment: Vec::new(),
            mta_sts: None,
            tls_rpt: None,
            zone: zone.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            records: vec![record],
            addresses: Vec::new(),
            findings: Vec::new(),
            host_findings: Vec::new(),
        }
    }

    #[test]
    fn steps_by_place_this_server_first_then_who_has_most() {
        let zones: [&[&str]; 5] = [
            &["ns1.most.example", "ns2.most.example"],
            &["a.second.example"],
            &["here"],
            &["third.example"],
            &["ns.last.example"],
        ];
        let counts = [3, 2, 2, 1, 1];
        let mut views = vec![view(0, None, false)];
        for (zone, count) in zones.into_iter().zip(counts) {
            for _ in 0..count {
                views.push(view(views.len(), Some(zone), views.len() % 2 == 0));
            }
        }
        let steps = Places::new(&views).steps(&views, &[]);
        let places: Vec<String> =
            steps.iter().map(|step| format!("{}{}", step.views.len(), step.place.words())).collect();
        let expected = [
            "2 in zones that this server serves",
            "3 in zones at most.example",
            "2 in zones at second.example",
            "1 in zones at last.example",
            "1 in zones elsewhere",
            "1",
        ];
        assert_eq!(places, expected);
        let lines = steps[0].lines(9);
        assert_eq!(lines.commands, ["publish d6.example"]);
        assert_eq!(
            (lines.records.as_slice(), lines.more),
            (&[r#"d7.example. IN TXT "v=spf1 -all""#.to_owned()][..], 0)
        );
        let printed: Vec<StepLine<'_>> = lines.printed().collect();
        let by_hand = StepLine::Words("and in the zones themselves, by hand:".to_owned());
        let record = StepLine::Verbatim(r#"d7.example. IN TXT "v=spf1 -all""#);
        assert_eq!(printed, [StepLine::Verbatim("publish d6.example"), by_hand, record]);
        let address = |old: &str, new: Option<&str>| AddressView {
            name: "d7.example".into(),
            is: old.parse().unwrap(),
            wanted: new.map(|new| new.parse().unwrap()),
            file: None,
        };
        views[7].addresses = vec![address("198.51.100.7", Some("192.0.2.10")), address("198.51.100.9", None)];
        let steps = Places::new(&views).steps(&views, &[]);
        assert_eq!(steps[0].words(), "4 records for 2 domains in zones that this server serves");
        let lines = steps[0].lines(2);
        let shown = ["; delete: d7.example. IN A 198.51.100.7", "d7.example. 3600 IN A 192.0.2.10"];
        assert_eq!((&lines.records[1..], lines.more), (&shown.map(str::to_owned)[..], 1));
        views[7].addresses.clear();
        let steps = Places::new(&views).steps(&views, &[]);
        let none = steps[0].lines(0);
        let more = StepLine::Words("2 more are not shown (`--format html`)".to_owned());
        assert_eq!(none.printed().collect::<Vec<_>>(), [more]);
        assert_eq!(steps[1].lines(9), StepLines::default(), "what is published elsewhere is in the table");
    }
}
