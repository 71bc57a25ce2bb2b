//! Drivers: transports, routers, authenticators.

use super::options::Options;
use crate::facts::Fact;
use crate::source::Span;

/// A transport or router.
#[derive(Debug, Clone)]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// Its driver.
    pub driver: String,
    /// The line that names it.
    pub origin: Span,
    /// Options that are set.
    pub options: Options,
}

impl Driver {
    /// The option `name`, where it is set.
    pub fn get(&self, name: &str) -> Option<&Fact<String>> {
        self.options.get(name)
    }

    /// The option's text, where it is set and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).map(|fact| fact.value.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether the boolean option `name` is on.
    pub fn is(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |fact| fact.value == "true")
    }
}
