//! Matching a subject against a list: domains, addresses, local parts, IP addresses.

use std::net::IpAddr;

use super::lookups::{self, Type};
use super::{Evaluator, Scope, Stop, undecided};
use crate::collect::exim::lists;

/// Named lists within named lists that are followed.
const DEPTH_LIMIT: usize = 20;

/// A network in CIDR notation; a plain address is a network of one.
pub fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let full = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() { full } else { bits.parse().ok()? };
    (bits <= full).then_some((address, bits))
}

/// Whether `address` lies in the network.
pub fn within(address: IpAddr, net: IpAddr, bits: u32) -> bool {
    match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (a.to_bits() ^ n.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0,
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits() ^ n.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0,
        _ => false,
    }
}

impl Evaluator<'_> {
    /// Whether one pattern of a domain or string list fits: `*suffix`, `^expression`, or the text itself.
    pub(super) fn matches_pattern(&self, pattern: &str, subject: &str) -> Result<bool, Stop> {
        if pattern.starts_with('^') {
            return Ok(self.regex(pattern, true)?.is_match(subject));
        }
        if let Some(suffix) = pattern.strip_prefix('*') {
            let start = subject.len().checked_sub(suffix.len()).and_then(|at| subject.get(at..));
            return Ok(start.is_some_and(|end| end.eq_ignore_ascii_case(suffix)));
        }
        Ok(pattern.eq_ignore_ascii_case(subject))
    }

    /// Whether `subject` is in a list; `test` is the condition, or `match_domain` and its kin.
    pub fn in_list(
        &self,
        scope: &mut Scope,
        test: &str,
        subject: &str,
        list: &str,
        depth: usize,
    ) -> Result<bool, Stop> {
        if depth > DEPTH_LIMIT {
            return undecided("named lists refer to each other too deeply".to_owned());
        }
        if list.contains('$') {
            return undecided("the list is expanded when it is used".to_owned());
        }
        let mut otherwise = false;
        for item in lists::items(list) {
            self.step()?;
            let (item, negated) = match item.strip_prefix('!') {
                Some(rest) => (rest.trim_start(), true),
                None => (item.as_str(), false),
            };
            otherwise = negated;
            let hit = match item.strip_prefix('+') {
                Some(name) => {
                    let kind = match test {
                        "match_domain" => "domainlist",
                        "match_ip" => "hostlist",
                        "match_address" => "addresslist",
                        _ => "localpartlist",
                    };
                    let Some(inner) = self.lists.and_then(|lists| lists.get(&(kind.to_owned(), name.to_owned())))
                    else {
                        return undecided(format!("there is no {kind} `{name}`"));
                    };
                    let inner = inner.value.clone();
                    self.in_list(scope, test, subject, &inner, depth + 1)?
                }
                None => self.list_item(scope, test, subject, item)?,
            };
            if hit {
                return Ok(!negated);
            }
        }
        Ok(otherwise)
    }

    fn list_item(&self, scope: &mut Scope, test: &str, subject: &str, item: &str) -> Result<bool, Stop> {
        if test == "match_ip" {
            if item == "*" {
                return Ok(true);
            }
            let (Some((net, bits)), Ok(address)) = (network(item), subject.parse()) else {
                return undecided(format!("`{item}` in a host list is not followed"));
            };
            return Ok(within(address, net, bits));
        }
        if let Some((kind, file)) = item.split_once(';') {
            let kind = Type::of(kind.trim());
            let file = file.trim();
            if lookups::check(kind.name, true).is_err() || !file.starts_with('/') {
                return undecided(format!("`{item}` asks a database"));
            }
            return Ok(lookups::search(self, scope, &kind, subject, file)?.is_some());
        }
        if item.starts_with('@') && test == "match_domain" {
            return match (item, &self.primary_hostname) {
                ("@", Some(name)) => Ok(subject.eq_ignore_ascii_case(name)),
                _ => undecided(format!("`{item}` in a domain list depends on the running host")),
            };
        }
        if test == "match_address" && !item.starts_with('^') {
            let (local, domain) = subject.rsplit_once('@').unwrap_or(("", subject));
            let Some((pattern, domains)) = item.rsplit_once('@') else {
                return self.matches_pattern(item, domain);
            };
            if domains.starts_with('+') {
                return undecided(format!("`{item}` in an address list is not followed"));
            }
            return Ok(self.matches_pattern(pattern, local)? && self.matches_pattern(domains, domain)?);
        }
        self.matches_pattern(item, subject)
    }
}
