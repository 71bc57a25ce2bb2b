//! What DNS block lists are asked (RFC 5782): only where it is asked for, and only of this host's own resolvers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use crate::addr;
use crate::facts::Facts;
use crate::name::DomainName;
use crate::observe::{Question, RecordType};

/// Sending addresses that block lists are asked for.
const LOOKED_UP: usize = 256;
/// An address that every block list names, and one that none may (RFC 5782 section 5): by them one sees whether it works.
pub const LISTED_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// See [`LISTED_ADDRESS`].
pub const UNLISTED_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

/// The question whether a block list names an address (RFC 5782 sections 2.1 and 2.4).
pub fn listing(address: IpAddr, list: &DomainName) -> Question {
    let reverse = addr::reverse_name(address);
    let tree = if address.is_ipv4() { ".in-addr.arpa" } else { ".ip6.arpa" };
    let labels = reverse.as_str().trim_end_matches('.').trim_end_matches(tree);
    Question::new(&DomainName::new(&format!("{labels}.{list}")), RecordType::A)
}

/// The sending addresses that block lists are asked for: those that others see.
pub fn looked_up(facts: &Facts) -> BTreeSet<IpAddr> {
    let sending = facts.paths.iter().filter_map(|path| path.sending.as_ref()).map(|fact| fact.value);
    let seen: BTreeSet<IpAddr> = sending.filter(|address| addr::is_public(*address)).collect();
    seen.into_iter().take(LOOKED_UP).collect()
}

/// What block lists are asked, their test entries among it.
pub(super) fn listings(facts: &Facts) -> impl Iterator<Item = Question> + '_ {
    let addresses = if facts.block_lists.is_empty() { BTreeSet::new() } else { looked_up(facts) };
    let tests = [LISTED_ADDRESS, UNLISTED_ADDRESS].map(IpAddr::V4);
    let all: Vec<IpAddr> = if addresses.is_empty() { Vec::new() } else { addresses.into_iter().chain(tests).collect() };
    facts.block_lists.iter().flat_map(move |list| all.clone().into_iter().map(|address| listing(address, list)))
}

/// Whether a question is one to a block list.
pub fn is_listing(facts: &Facts, question: &Question) -> bool {
    facts.block_lists.iter().any(|list| question.name.is_within(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::plan::{FollowUps, initial};
    use crate::observe::samples::{facts, helo_path};

    #[test]
    fn block_lists_are_asked_of_the_own_resolver_alone() {
        let path = |address: &str| helo_path(address, "mail.example.com");
        let mut facts = facts();
        facts.paths.clear();
        facts.block_lists = vec![DomainName::new("list.example")];
        assert_eq!(listings(&facts).count(), 0, "no address, no question");
        facts.paths = vec![path("192.0.2.10"), path("10.0.0.9"), path("2001:db8::1")];
        let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.example";
        let wanted = ["10.2.0.192.list.example", "1.0.0.127.list.example", "2.0.0.127.list.example", nibbles];
        let asked: BTreeSet<Question> = initial(&facts).into_iter().filter(|one| is_listing(&facts, one)).collect();
        assert_eq!(asked, wanted.map(|name| Question::new(&DomainName::new(name), RecordType::A)).into());
        let follow_ups = FollowUps::new(&facts);
        assert!(asked.iter().all(|question| follow_ups.is_inside(question)));
        facts.paths = (0..300u16).map(|n| path(&format!("192.0.{}.{}", 2 + n / 200, 1 + n % 200))).collect();
        let asked = initial(&facts).into_iter().filter(|one| is_listing(&facts, one)).count();
        assert_eq!(asked, LOOKED_UP + 2);
    }
}
