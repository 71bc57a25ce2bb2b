//! Matching a subject against a list: domains, addresses, local parts, IP addresses.

use std::net::IpAddr;

use super::lookups::{self, Type};
use super::network::{network, within};
use super::parse::parse;
use super::pattern::{Match, Pattern};
use super::{Evaluator, Scope, Stop, undecided};
use crate::collect::exim::lists;

/// Named lists within named lists that are followed.
const DEPTH_LIMIT: usize = 20;
/// What a list costs beside its octets: lists within lists that name each other twice are soon without end.
const LIST_COST: usize = 512;

/// The address that `text` is, if it is one. Forms that Exim may read otherwise, such as zones and leading zeros, are undecided.
pub(crate) fn address(text: &str) -> Result<Option<IpAddr>, Stop> {
    if let Ok(address) = text.parse() {
        return Ok(Some(address));
    }
    let head = text.split_once('%').map_or(text, |(head, _)| head);
    let v6 = head.contains("::") || head.matches(':').count() == 7 || (head.contains(':') && head.contains('.'));
    let v4 = !head.contains(':') && head.matches('.').count() == 3 && !head.contains(|c: char| c.is_ascii_alphabetic());
    if (v6 || v4) && head.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')) {
        return undecided(format!("whether `{text}` is an address is left to Exim"));
    }
    Ok(None)
}

impl Evaluator<'_> {
    /// Whether one pattern of a domain or string list fits: `*suffix`, `^expression`, or the text itself.
    pub(super) fn matches_pattern(&self, pattern: &str, subject: &str) -> Result<bool, Stop> {
        self.spend(subject.len())?;
        if pattern.starts_with('^') {
            let pattern = self.pattern(pattern, true)?;
            return Ok(self.find(&pattern, subject, 0)?.is_some());
        }
        if let Some(suffix) = pattern.strip_prefix('*') {
            let start = subject.len().checked_sub(suffix.len()).and_then(|at| subject.get(at..));
            return Ok(start.is_some_and(|end| end.eq_ignore_ascii_case(suffix)));
        }
        Ok(pattern.eq_ignore_ascii_case(subject))
    }

    /// The first match at or behind octet `from`. It costs the text for each state that the expression may have.
    pub(super) fn find(&self, pattern: &Pattern, subject: &str, from: usize) -> Result<Option<Match>, Stop> {
        self.spend(subject.len().saturating_mul(pattern.weight))?;
        pattern.find(subject, from)
    }

    /// Whether `subject` is in a list that Exim expands first, as it does with options and named lists.
    pub fn in_expanded(
        &self,
        scope: &mut Scope,
        test: &str,
        subject: &str,
        list: &str,
        depth: usize,
    ) -> Result<bool, Stop> {
        if !list.contains(['$', '\\']) {
            return self.in_list(scope, test, subject, list, depth);
        }
        let list = scope.deeper(|scope| self.expand(&parse(list), scope))?;
        self.in_list(scope, test, subject, &list, depth)
    }

    /// Whether `subject` is in a list, as it stands; `test` is the condition, or `match_domain` and its kin.
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
        // Exim looks at the subject before the list; an empty one is no address and no error.
        if test == "match_ip" && !subject.is_empty() && address(subject)?.is_none() {
            return Err(Stop::fails(format!("\"{subject}\" is not an IP address")));
        }
        self.spend(LIST_COST + list.len())?;
        let mut otherwise = false;
        for item in lists::each(list) {
            self.step()?;
            let (item, negated) = match item.strip_prefix('!') {
                Some(rest) => (rest.trim_start(), true),
                None => (&*item, false),
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
                        return Err(Stop::fails(format!("unable to complete match: there is no {kind} \"{name}\"")));
                    };
                    self.in_expanded(scope, test, subject, &inner.value, depth + 1)?
                }
                None => self.list_item(scope, test, subject, item, depth)?,
            };
            if hit {
                return Ok(!negated);
            }
        }
        Ok(otherwise)
    }

    /// Whether `subject` fits a line of a file that is an item of a list.
    fn in_file(&self, scope: &mut Scope, test: &str, subject: &str, file: &str, depth: usize) -> Result<bool, Stop> {
        if depth > DEPTH_LIMIT {
            return undecided("files of lists name each other too deeply".to_owned());
        }
        for entry in &self.list_file(file)?.entries {
            self.step()?;
            if entry.key.starts_with(['!', '+']) {
                return undecided(format!("`{}` in a list's file is not followed", entry.key));
            }
            if self.list_item(scope, test, subject, &entry.key, depth + 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn list_item(&self, scope: &mut Scope, test: &str, subject: &str, item: &str, depth: usize) -> Result<bool, Stop> {
        if test == "match_ip" {
            if item == "*" {
                return Ok(true);
            }
            let Some((net, bits)) = network(item) else {
                return undecided(format!("`{item}` in a host list is not followed"));
            };
            return Ok(address(subject)?.is_some_and(|address| within(address, net, bits)));
        }
        if item.starts_with('/') && !item.contains(';') {
            return self.in_file(scope, test, subject, item, depth);
        }
        if test == "match_address" && !item.starts_with('^') && subject.is_empty() {
            return Ok(item.is_empty());
        }
        if test == "match_address" && !subject.is_empty() && !subject.contains('@') {
            return Ok(false);
        }
        // `*@lsearch;/file` looks the domain up, `lsearch*@;/file` the whole.
        let by_parts = test == "match_address"
            && item
                .split_once(';')
                .is_some_and(|(kind, _)| kind.contains('@') && lookups::check(kind.trim(), true).is_err());
        // A pattern that sets them leaves nothing of what an earlier one matched.
        let captures = matches!(test, "match_domain" | "match_local_part");
        if captures {
            scope.capture(&[]);
        }
        if let Some((kind, file)) = item.split_once(';').filter(|_| !by_parts && !item.starts_with('^')) {
            let kind = Type::parse(kind.trim());
            let file = file.trim();
            if lookups::check(kind.name, true).is_err() || !file.starts_with('/') {
                return undecided(format!("`{item}` asks a database"));
            }
            let found = lookups::search(self, scope, &kind, subject, file)?;
            if let Some([wild, fixed]) = found.as_ref().and_then(|found| found.parts.as_ref()).filter(|_| captures) {
                scope.capture(&[wild, fixed]);
            }
            return Ok(found.is_some());
        }
        if item.starts_with('@') && test == "match_domain" {
            return match (item, &self.primary_hostname) {
                ("@", Some(name)) => Ok(subject.eq_ignore_ascii_case(name)),
                _ => undecided(format!("`{item}` in a domain list depends on the running host")),
            };
        }
        if test == "match_address" && !item.starts_with('^') {
            let (local, domain) = subject.rsplit_once('@').unwrap_or(("", subject));
            if item.starts_with("@@") {
                return undecided(format!("`{item}` in an address list is not followed"));
            }
            // The name of this host, or the last `@`; in a lookup of domains the first.
            let split = match item.strip_suffix("@@") {
                Some(pattern) => Some((pattern, "@")),
                None if item.contains(';') => item.split_once('@'),
                None => item.rsplit_once('@'),
            };
            let hit = match split {
                None => self.matches_pattern(item, domain),
                Some((pattern, _)) if !self.matches_pattern(pattern, local)? => return Ok(false),
                // The domain is matched as a domain list's one item is.
                Some((_, domains)) => {
                    self.in_list(scope, "match_domain", domain, &format!("<\u{1f}{domains}"), depth + 1)
                }
            };
            scope.capture(&[]);
            return hit;
        }
        if test == "match_address" {
            scope.capture(&[]);
        }
        let hit = self.matches_pattern(item, subject)?;
        match item.strip_prefix('*').and_then(|suffix| subject.len().checked_sub(suffix.len())) {
            _ if !hit || !captures => {}
            Some(wild) => scope.capture(&[&subject[..wild].to_ascii_lowercase()]),
            None if item.starts_with('^') => {
                let pattern = self.pattern(item, true)?;
                if let Some(hit) = self.find(&pattern, subject, 0)? {
                    scope.captures = hit.groups;
                }
            }
            None => {}
        }
        Ok(hit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::root::Root;

    fn answer(subject: &str, list: &str) -> Result<String, Stop> {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::open(dir.path()).unwrap();
        let text = format!("${{if match_ip{{{subject}}}{{{list}}}{{yes}}{{no}}}}");
        Evaluator::new(&root, None).value(&parse(&text), &mut Scope::empty())
    }

    #[test]
    fn a_subject_that_is_no_address_fails_whatever_the_list() {
        for list in ["*", "!*", "* : x", "192.0.2.0/24", ""] {
            for subject in ["x", "a.example", "192.0.2", "192.0.2.7/32", "1:2:3", "a:b", "192.0.2.7d"] {
                match answer(subject, list) {
                    Err(Stop::Fails(failure)) => {
                        assert_eq!(failure.message, format!("\"{subject}\" is not an IP address"))
                    }
                    other => panic!("{subject} in {list:?}: {other:?}"),
                }
            }
        }
    }

    #[test]
    fn addresses_and_an_empty_subject_are_compared() {
        for (subject, list, expected) in [
            ("192.0.2.7", "*", "yes"),
            ("192.0.2.7", "!192.0.2.7 : *", "no"),
            ("192.0.2.7", "0.0.0.0/0", "yes"),
            ("2001:db8::1", "192.0.2.0/24 : *", "yes"),
            ("2001:db8::1", "0.0.0.0/0", "no"),
            ("", "*", "yes"),
            ("", "!*", "no"),
            ("", "192.0.2.0/24", "no"),
            ("", "!192.0.2.7 : *", "yes"),
            ("", "", "no"),
        ] {
            assert_eq!(answer(subject, list).ok().as_deref(), Some(expected), "{subject:?} in {list:?}");
        }
    }

    #[test]
    fn what_exim_may_read_as_an_address_is_undecided() {
        for subject in ["fe80::1%eth0", "192.0.2.007", "1::2::3", "1:2:3:4:5:6:7:12345", "300.1.1.1"] {
            assert!(matches!(answer(subject, "*"), Err(Stop::Undecided { .. })), "{subject}");
        }
    }
}
