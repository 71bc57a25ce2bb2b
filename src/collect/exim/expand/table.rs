//! Text files that lookups search: read once, indexed when a key is looked up.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::network::Networks;
use crate::collect::lsearch;
use crate::facts::MapEntry;
use crate::name::lower_case;
use crate::source::SourceFile;

/// A file of the lsearch family.
#[derive(Debug, Default)]
pub struct Table {
    /// Its entries, in file order.
    pub entries: Vec<MapEntry>,
    /// Whether the file has more than is kept.
    pub cut: bool,
    /// The first entry of each key in lower case, once one was asked for.
    index: OnceCell<HashMap<Box<str>, usize>>,
    /// Its keys that are networks, once they were asked for.
    networks: OnceCell<Networks>,
}

impl Table {
    /// What a file holds.
    pub fn parse(file: &Arc<SourceFile>) -> Table {
        let lsearch::Contents { entries, cut, .. } = lsearch::read(file);
        Table { entries, cut, index: OnceCell::new(), networks: OnceCell::new() }
    }

    /// The first entry whose key is a network that `address` lies in (`iplsearch`). Before the first time, `spend` is told the octets that are read.
    ///
    /// # Errors
    /// Of `spend`.
    pub fn network<E>(
        &self,
        address: IpAddr,
        spend: impl FnOnce(usize) -> Result<(), E>,
    ) -> Result<Option<&MapEntry>, E> {
        if self.networks.get().is_none() {
            spend(self.entries.iter().map(|entry| entry.key.len()).sum())?;
        }
        let networks = self.networks.get_or_init(|| Networks::of(self.entries.iter().map(|entry| &*entry.key)));
        Ok(networks.place(address).and_then(|at| self.entries.get(at)))
    }

    /// The entry of a key, without regard to case.
    pub fn get(&self, key: &str) -> Option<&MapEntry> {
        let index = self.index.get_or_init(|| {
            let mut index = HashMap::with_capacity(self.entries.len());
            for (at, entry) in self.entries.iter().enumerate() {
                index.entry(lower_case(&entry.key).into()).or_insert(at);
            }
            index
        });
        index.get(&*lower_case(key)).and_then(|at| self.entries.get(*at))
    }
}

/// Key and data for `ret=full`: the line with its continuation lines joined, and of a quoted key only what it means.
pub(crate) fn full(entry: &MapEntry) -> String {
    let (key, value) = (&*entry.key, &*entry.value);
    format!("{key}{}{value}", entry.separator())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_key_loses_its_quotes_in_the_full_line() {
        let text = "\"*\": z\n\"q k\":  v  w \n  more\nplain : x\n\"e\\x41\\101\" one\n\"open\n";
        let table = Table::parse(&SourceFile::new("/etc/map", text));
        for (key, line) in
            [("*", "*: z"), ("q k", "q k:  v  w more"), ("plain", "plain : x"), ("eAA", "eAA one"), ("open", "open")]
        {
            assert_eq!(table.get(key).map(full).as_deref(), Some(line), "{key}");
        }
    }
}
