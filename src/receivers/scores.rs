//! Filters that add up scores: what their rules about the host's identity come to.

use std::net::IpAddr;

use crate::identity::generic::why_generic;
use crate::name::DomainName;
use crate::receivers::{Basis, Opinion, ReplyText, Seen, Verdict};

/// A filter with its rules.
pub(super) struct Filter {
    id: &'static str,
    name: &'static str,
    /// What it does at which score, unless set otherwise.
    thresholds: &'static str,
    symbols: &'static [Symbol],
}

/// One rule of a scoring filter.
struct Symbol {
    holds: fn(&Seen) -> Option<bool>,
    name: &'static str,
    /// In thousandths.
    score: u32,
}

/// The filters, in the order of reports.
pub(super) const FILTERS: &[Filter] = &[
    Filter { id: "rspamd", name: "rspamd (hfilter)", thresholds: "4 greylists, 6 marks, 15 rejects", symbols: RSPAMD },
    Filter { id: "spamassassin", name: "SpamAssassin", thresholds: "5 is spam", symbols: SPAMASSASSIN },
];

/// rspamd's hfilter.lua and rules/misc.lua with the scores of conf/scores.d, as of August 2026. A PTR name that does not lead back scores
/// nothing: rspamd takes over the first PTR name unconfirmed. hfilter gives names a weight by their shape, and the greater one of PTR and
/// HELO name counts; where it gives one, addresses of the HELO name are not looked up. The strict rule about a single Received header is
/// taken to hold: what this host's users send has one.
const RSPAMD: &[Symbol] = &[
    Symbol { holds: Seen::has_no_ptr, name: "RDNS_NONE", score: 2000 },
    Symbol { holds: Seen::has_no_ptr, name: "HFILTER_HOSTNAME_UNKNOWN", score: 2500 },
    Symbol { holds: |seen| helo_weighs(seen, 1), name: "HFILTER_HELO_1", score: 500 },
    Symbol { holds: |seen| helo_weighs(seen, 2), name: "HFILTER_HELO_2", score: 1000 },
    Symbol { holds: |seen| helo_weighs(seen, 5), name: "HFILTER_HELO_5", score: 3000 },
    Symbol { holds: |seen| host_weighs(seen, 1), name: "HFILTER_HOSTNAME_1", score: 500 },
    Symbol { holds: |seen| host_weighs(seen, 2), name: "HFILTER_HOSTNAME_2", score: 1000 },
    Symbol { holds: |seen| host_weighs(seen, 5), name: "HFILTER_HOSTNAME_5", score: 3000 },
    Symbol { holds: is_called_static, name: "ONCE_RECEIVED_STRICT", score: 4000 },
    Symbol { holds: |seen| looked_up(seen, Seen::helo_is_not_qualified), name: "HFILTER_HELO_NOT_FQDN", score: 2000 },
    Symbol { holds: Seen::helo_is_bare_address, name: "HFILTER_HELO_BAREIP", score: 3000 },
    Symbol { holds: |seen| looked_up(seen, Seen::helo_leads_elsewhere), name: "HFILTER_HELO_IP_A", score: 1000 },
    Symbol {
        holds: |seen| looked_up(seen, Seen::helo_is_unknown_to_dns),
        name: "HFILTER_HELO_NORES_A_OR_MX",
        score: 300,
    },
];

/// SpamAssassin's 20_dynrdns.cf and 20_fake_helo_tests.cf with the scores of 50_scores.cf for network tests and Bayes, as of 2026; rule
/// updates change them. Its rules take a client without confirmed name for one without reverse DNS, since MTAs write `unknown` for both.
const SPAMASSASSIN: &[Symbol] = &[
    Symbol { holds: Seen::fails_fcrdns, name: "RDNS_NONE", score: 793 },
    Symbol { holds: Seen::is_confirmed_and_spells_address, name: "RDNS_DYNAMIC", score: 982 },
    Symbol { holds: Seen::helo_spells_address, name: "HELO_DYNAMIC_IPADDR", score: 1951 },
    Symbol { holds: Seen::helo_is_localhost, name: "HELO_LOCALHOST", score: 3828 },
    Symbol { holds: Seen::helo_is_bare_address, name: "RCVD_NUMERIC_HELO", score: 1164 },
];

/// A bare address has a rule of its own.
fn bare_or(seen: &Seen, otherwise: fn(&Seen) -> Option<bool>) -> Option<bool> {
    if seen.helo_is_bare_address() == Some(true) { Some(false) } else { otherwise(seen) }
}

/// The weight that hfilter gives to a name by its shape; `None`: it looks like something that its patterns may be about. Default names of
/// providers as they were measured against the patterns in August 2026.
fn weight(name: &DomainName, address: IpAddr) -> Option<u8> {
    const PRIVATE: [&str; 7] = ["lan", "local", "home", "localdomain", "intra", "priv", "user"];
    const HINTS: [&str; 9] = ["static", "dynamic", "dyn", "dsl", "dhcp", "ppp", "pool", "client", "cable"];
    let text = name.as_str();
    let last = name.labels().last().unwrap_or_default();
    if !text.contains('.') || PRIVATE.contains(&last) {
        return Some(5);
    }
    if let Some(digits) = text.strip_prefix("static.").and_then(|rest| rest.strip_suffix(".clients.your-server.de")) {
        let first = digits.rsplit('.').next().unwrap_or_default();
        return Some(if first.len() == 3 { 5 } else { 1 });
    }
    if text.ends_with("-host.colocrossing.com") {
        return Some(2);
    }
    if text.starts_with("vps-") && text.ends_with(".vps.ovh.net") {
        return Some(1);
    }
    let hints = HINTS.iter().any(|hint| text.contains(hint)) || why_generic(name, address).is_some();
    (!hints).then_some(0)
}

/// The weight of the HELO name; literals and bare addresses have none.
fn helo_weight(seen: &Seen) -> Option<u8> {
    match &seen.helo {
        Some(helo) if helo.literal().is_some() || seen.helo_is_bare_address() == Some(true) => Some(0),
        // As it was sent: a final dot is one.
        Some(helo) if helo.as_str().ends_with('.') && !helo.domain().as_str().contains('.') => Some(0),
        Some(helo) => weight(&helo.domain(), seen.address),
        None => (!seen.helo_unknown).then_some(0),
    }
}

/// The weight of the PTR name that rspamd goes by: of several any may be the first.
fn host_weight(seen: &Seen) -> Option<u8> {
    let mut all = seen.ptr.as_ref()?.iter().map(|name| weight(name, seen.address));
    let Some(first) = all.next() else { return Some(0) };
    first.filter(|_| all.all(|other| other == first))
}

/// Whether the HELO name has this weight, and it is the one that counts.
fn helo_weighs(seen: &Seen, level: u8) -> Option<bool> {
    match (helo_weight(seen), host_weight(seen)) {
        (Some(own), _) if own != level => Some(false),
        // Nothing weighs more.
        (Some(5), _) => Some(true),
        (own, other) => Some(own? >= other?),
    }
}

/// The same of the PTR name.
fn host_weighs(seen: &Seen, level: u8) -> Option<bool> {
    match (host_weight(seen), helo_weight(seen)) {
        (Some(own), _) if own != level => Some(false),
        (own, other) => Some(own? > other?),
    }
}

/// Whether the PTR name holds one of the words that rspamd takes for an access line's, and none of a mail server's.
fn is_called_static(seen: &Seen) -> Option<bool> {
    let is = |name: &DomainName| {
        let text = name.as_str();
        (text.contains("static") || text.contains("dynamic")) && !text.contains("mail")
    };
    let mut all = seen.ptr.as_ref()?.iter().map(is);
    let Some(first) = all.next() else { return Some(false) };
    all.all(|other| other == first).then_some(first)
}

/// Names alone are looked up, and those alone whose shape does not weigh already.
fn looked_up(seen: &Seen, otherwise: fn(&Seen) -> Option<bool>) -> Option<bool> {
    let literal = seen.helo.as_ref().is_some_and(|helo| helo.literal().is_some());
    match (helo_weight(seen), otherwise(seen)) {
        _ if literal => Some(false),
        (Some(1..), _) | (_, Some(false)) => Some(false),
        (None, _) => None,
        _ => bare_or(seen, otherwise),
    }
}

/// Whether names were seen, and what a filter gives to their shape is not known.
fn shape_is_unknown(filter: &Filter, seen: &Seen) -> bool {
    let is_weighed = filter.symbols.iter().any(|symbol| symbol.name.starts_with("HFILTER"));
    is_weighed
        && seen.ptr.is_some()
        && !seen.helo_unknown
        && (host_weight(seen).is_none() || helo_weight(seen).is_none())
}

/// What a filter makes of a path.
pub(super) fn judge(filter: &Filter, seen: &Seen) -> Opinion {
    let hits: Vec<&Symbol> = filter.symbols.iter().filter(|symbol| (symbol.holds)(seen) == Some(true)).collect();
    let open = filter.symbols.iter().any(|symbol| (symbol.holds)(seen).is_none());
    let (verdict, because) = match (hits.is_empty(), open) {
        (false, _) => (Verdict::Penalise, format!("adds to the spam score ({})", filter.thresholds)),
        (true, true) if shape_is_unknown(filter, seen) => {
            (Verdict::Unknown, "cannot be told: what its patterns for names make of these is not known here".to_owned())
        }
        (true, true) => (Verdict::Unknown, "cannot be told: not everything that it looks at could be seen".to_owned()),
        (true, false) => (Verdict::Accept, "none of its rules about the host's identity is broken".to_owned()),
    };
    let reply = (!hits.is_empty()).then(|| {
        let hundredths = (hits.iter().map(|symbol| symbol.score).sum::<u32>() + 5) / 10;
        let names: Vec<&str> = hits.iter().map(|symbol| symbol.name).collect();
        let text = format!("+{}.{:02} ({})", hundredths / 100, hundredths % 100, names.join(", "));
        ReplyText { text, basis: Basis::SourceCode }
    });
    Opinion {
        receiver: filter.id.to_owned(),
        name: filter.name.to_owned(),
        verdict,
        because,
        reply,
        basis: Basis::SourceCode,
    }
}
