//! How much of one report is read: counted while it is, so that none takes more memory than its text allows.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Paths, PTR names, addresses and findings of one report, of each: a hundred times those of a host with fifty addresses.
pub const MOST_ENTRIES: usize = 10_000;
/// Values in one snapshot, which is held as such before it is judged: some 25 MB of text.
const MOST_VALUES: usize = 1_000_000;

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

/// Whether a JSON text has so few values that all of them may be held.
///
/// # Errors
/// Where it has more, or is none.
pub(super) fn few_values(text: &str) -> Result<(), serde_json::Error> {
    let mut left = MOST_VALUES;
    Values(&mut left).deserialize(&mut serde_json::Deserializer::from_str(text))
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
        while entries.next_element_seed(Values(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key::<IgnoredAny>()?.is_some() {
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
        let of = |count: usize| format!("{{\"a\": [{}null], \"b\": {{\"c\": \"x\"}}}}", "[1],".repeat(count));
        // The object, its two values, null, "x", and two for each.
        let most = (MOST_VALUES - 5) / 2;
        assert!(few_values(&of(most)).is_ok());
        assert!(few_values(&of(most + 1)).unwrap_err().to_string().contains("more than the 1000000 values"));
        assert!(few_values("[1, true, -1, 0.5, \"\\u00e4\", {}]").is_ok());
        assert!(few_values("[").is_err());
    }
}
