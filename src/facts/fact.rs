//! A value together with where it was learned.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// Where a value comes from: the place an administrator would edit, or what else decides it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Origin {
    /// A place in a file.
    File(Span),
    /// What the kernel or the C library was asked, such as `getifaddrs(3)` or `route`.
    Kernel {
        /// The call or table.
        kernel: Cow<'static, str>,
    },
    /// A default, and the manual page that documents it.
    Default {
        /// The manual page.
        default: Cow<'static, str>,
    },
    /// An option of helolint's own command line.
    Flag {
        /// The option, such as `--public-ip`.
        option: Cow<'static, str>,
    },
}

impl Origin {
    /// An origin in the kernel or the C library.
    pub const fn kernel(what: &'static str) -> Origin {
        Origin::Kernel { kernel: Cow::Borrowed(what) }
    }

    /// A documented default.
    pub const fn default_of(page: &'static str) -> Origin {
        Origin::Default { default: Cow::Borrowed(page) }
    }

    /// An option of the command line.
    pub const fn flag(option: &'static str) -> Origin {
        Origin::Flag { option: Cow::Borrowed(option) }
    }

    /// The place in a file, where it is one.
    pub fn span(&self) -> Option<&Span> {
        match self {
            Origin::File(span) => Some(span),
            _ => None,
        }
    }

    /// The origin in words: `/etc/postfix/main.cf:3`, `kernel (route)`, `default (postconf(5))`, `--public-ip`.
    pub fn describe(&self) -> String {
        match self {
            Origin::File(span) => format!("{}:{}", span.path(), span.position().line),
            Origin::Kernel { kernel } => format!("kernel ({kernel})"),
            Origin::Default { default } => format!("default ({default})"),
            Origin::Flag { option } => option.to_string(),
        }
    }
}

impl From<Span> for Origin {
    fn from(span: Span) -> Origin {
        Origin::File(span)
    }
}

/// A value together with where it was learned.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fact<T> {
    /// What was learned.
    pub value: T,
    /// The place an administrator would edit to change the value.
    pub origin: Origin,
    /// Where the value passed through on its way, nearest first.
    #[serde(default, skip_serializing_if = "Via::is_empty")]
    pub via: Via,
}

/// Where a value passed through on its way, nearest first: [`Via::KEPT`] places at most. Mostly that is nowhere; copies share it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Origin>", into = "Vec<Origin>")]
pub struct Via(Option<Arc<Vec<Origin>>>);

impl Via {
    /// Places that are kept. A reference to a reference is rare, and a hundred thousand settings may each have a trail of a hundred.
    pub const KEPT: usize = 20;

    /// Whether the value came straight from its origin.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds the place that is the nearest.
    pub fn add_nearest(&mut self, origin: Origin) {
        let places = Arc::make_mut(self.0.get_or_insert_default());
        places.insert(0, origin);
        places.truncate(Via::KEPT);
    }

    /// Adds the place that is the farthest, in place of the one before where there is no room: what the origin follows upon tells the most.
    pub fn add_farthest(&mut self, origin: Origin) {
        let places = Arc::make_mut(self.0.get_or_insert_default());
        places.truncate(Via::KEPT - 1);
        places.push(origin);
    }
}

impl Deref for Via {
    type Target = [Origin];

    fn deref(&self) -> &[Origin] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl From<Origin> for Via {
    fn from(origin: Origin) -> Via {
        Via::from(vec![origin])
    }
}

impl From<Vec<Origin>> for Via {
    fn from(mut origins: Vec<Origin>) -> Via {
        if origins.len() > Via::KEPT {
            origins.truncate(Via::KEPT);
            origins.shrink_to_fit();
        }
        Via(Some(origins).filter(|origins| !origins.is_empty()).map(Arc::new))
    }
}

impl From<Via> for Vec<Origin> {
    fn from(via: Via) -> Vec<Origin> {
        via.0.map(Arc::unwrap_or_clone).unwrap_or_default()
    }
}

impl<T> Fact<T> {
    /// A value that came from `origin` without detour.
    pub fn new(value: T, origin: impl Into<Origin>) -> Fact<T> {
        Fact { value, origin: origin.into(), via: Via::default() }
    }

    /// Another value with the same origin and detours.
    pub fn with<U>(&self, value: U) -> Fact<U> {
        Fact { value, origin: self.origin.clone(), via: self.via.clone() }
    }

    /// The value changed by `change`, the origin kept.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        Fact { value: change(self.value), origin: self.origin, via: self.via }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_way_the_nearest_places_are_kept() {
        let places: Vec<Origin> =
            (0..2 * Via::KEPT).map(|line| Origin::kernel(if line == 0 { "near" } else { "far" })).collect();
        let mut via = Via::from(places[..Via::KEPT - 1].to_vec());
        for _ in 0..3 {
            via.add_farthest(Origin::kernel("farthest"));
        }
        assert_eq!((via.len(), &via[Via::KEPT - 1]), (Via::KEPT, &Origin::kernel("farthest")));
        via.add_nearest(Origin::kernel("nearest"));
        assert_eq!((via.len(), &via[0], &via[1]), (Via::KEPT, &Origin::kernel("nearest"), &Origin::kernel("near")));
        assert_eq!(Via::from(places).len(), Via::KEPT);
    }
}
