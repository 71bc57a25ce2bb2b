//! How much of one report is read: counted while it is, so that none takes more memory than its text allows.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Paths, PTR names, addresses and findings of one report, of each: a hundred times those of a host with fifty addresses.
pub const MOST_ENTRIES: usize = 10_000;
/// Bytes of one snapshot, which is held beside what is judged of it.
const MOST_TEXT: usize = 24 << 20;
/// Values in one snapshot: ten times those of a server with fifty addresses that asked eight servers, and some 18 MB of text.
const MOST_VALUES: usize = 500_000;
/// Values in one list or object of a snapshot: answers of eight servers to the questions of a thousand names.
const MOST_IN_ONE: usize = 50_000;

/// How PTR names are called where there are too many.
const PTR_NAMES: &str = "PTR names";

/// What stands in a [`List`].
pub(super) trait Entry {
    /// Its name, of several.
    const WHAT: &'static str;

    /// PTR names that it has in turn.
    fn ptr_names(&self) -> usize {
        0
    }
}

impl Entry for String {
    const WHAT: &'static str = PTR_NAMES;
}

/// A list of at most [`MOST_ENTRIES`]; with more, it is an error.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

impl<'de, T: Deserialize<'de> + Entry> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<List<T>, D::Error> {
        from.deserialize_seq(Counting(PhantomData))
    }
}

struct Counting<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Entry> Visitor<'de> for Counting<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a list of {}", T::WHAT)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        let mut count = Count::default();
        while let Some(entry) = entries.next_element::<T>()? {
            count.add(&entry).map_err(A::Error::custom)?;
            list.push(entry);
        }
        Ok(List(list))
    }
}

/// Entries of one kind so far.
#[derive(Debug, Default)]
pub(super) struct Count {
    entries: usize,
    ptr_names: usize,
}

impl Count {
    /// One more.
    ///
    /// # Errors
    /// Where it is one too many: in words.
    pub(super) fn add<T: Entry>(&mut self, entry: &T) -> Result<(), String> {
        self.entries += 1;
        self.ptr_names += entry.ptr_names();
        for (count, what) in [(self.entries, T::WHAT), (self.ptr_names, PTR_NAMES)] {
            if count > MOST_ENTRIES {
                return Err(format!("it has more than the {MOST_ENTRIES} {what} that are read of a report"));
            }
        }
        Ok(())
    }
}

/// Whether a JSON text is so short and has so few values that what they mean may be held.
///
/// # Errors
/// Where it has more, or is none.
pub(super) fn few_values(text: &str) -> Result<(), serde_json::Error> {
    if text.len() > MOST_TEXT {
        return Err(Error::custom(format!("it has more than the {MOST_TEXT} bytes that are read of a snapshot")));
    }
    let mut left = MOST_VALUES;
    Values(&mut left).deserialize(&mut serde_json::Deserializer::from_str(text))
}

/// One more value in a list or object.
fn one_more<E: Error>(count: &mut usize) -> Result<(), E> {
    *count += 1;
    match *count > MOST_IN_ONE {
        true => Err(E::custom(format!("it has more than the {MOST_IN_ONE} values that are read of one list"))),
        false => Ok(()),
    }
}

/// Counts values and keeps none.
struct Values<'c>(&'c mut usize);

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        *self.0 = self.0.checked_sub(1).ok_or_else(|| {
            D::Error::custom(format!("it has more than the {MOST_VALUES} values that are read of a snapshot"))
        })?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut count = 0;
        while entries.next_element_seed(Values(&mut *self.0))?.is_some() {
            one_more(&mut count)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut count = 0;
        while entries.next_key::<IgnoredAny>()?.is_some() {
            one_more(&mut count)?;
            entries.next_value_seed(Values(&mut *self.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_at_every_depth() {
        // Lists of a hundred: the list itself, and what is in it.
        let list = format!("[{}0]", "0,".repeat(99));
        let of = |count: usize, more: usize| {
            let (lists, ones) = (format!("{list},").repeat(count), "1,".repeat(more));
            format!("{{\"a\": [{lists}null], \"b\": {{\"c\": \"x\"}}, \"d\": [{ones}null]}}")
        };
        // The object, its three values, two times null, and "x".
        let left = MOST_VALUES - 7;
        assert!(few_values(&of(left / 101, left % 101)).is_ok());
        let error = few_values(&of(left / 101, left % 101 + 1)).unwrap_err().to_string();
        assert!(error.contains("more than the 500000 values that are read of a snapshot"), "{error}");
    }

    #[test]
    fn no_list_and_no_text_is_long() {
        let list = |count: usize| format!("{{\"a\": [{}0]}}", "0,".repeat(count - 1));
        let map = |count: usize| {
            let entries: Vec<String> = (0..count).map(|at| format!("\"{at}\":0")).collect();
            format!("[{{{}}}]", entries.join(","))
        };
        for text in [list(MOST_IN_ONE), map(MOST_IN_ONE)] {
            assert!(few_values(&text).is_ok());
        }
        for text in [list(MOST_IN_ONE + 1), map(MOST_IN_ONE + 1)] {
            let error = few_values(&text).unwrap_err().to_string();
            assert!(error.contains("more than the 50000 values that are read of one list"), "{error}");
        }
        let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(few_values(&text(MOST_TEXT)).is_ok());
        assert!(few_values(&text(MOST_TEXT + 1)).unwrap_err().to_string().contains("more than the 25165824 bytes"));
    }

    #[test]
    fn every_kind_of_value_is_counted() {
        assert!(few_values("[1, true, -1, 0.5, \"\\u00e4\", {}]").is_ok());
        assert!(few_values("[").is_err());
    }
}
