//! Filters that add up scores: what their rules about the host's identity come to.

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
/// nothing: rspamd takes over the first PTR name unconfirmed. The weights that hfilter gives to the shape of names are left out where its
/// patterns are not known here; a name without dot, or below a private top-level domain, has the greatest, and then nothing is looked up.
const RSPAMD: &[Symbol] = &[
    Symbol { holds: Seen::has_no_ptr, name: "RDNS_NONE", score: 2000 },
    Symbol { holds: Seen::has_no_ptr, name: "HFILTER_HOSTNAME_UNKNOWN", score: 2500 },
    Symbol { holds: |seen| bare_or(seen, helo_weighs_most), name: "HFILTER_HELO_5", score: 3000 },
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

/// Names without dot, and those below what hfilter takes for private.
fn helo_weighs_most(seen: &Seen) -> Option<bool> {
    const PRIVATE: [&str; 7] = ["lan", "local", "home", "localdomain", "intra", "priv", "user"];
    if seen.helo.is_none() && !seen.helo_unknown {
        return Some(false);
    }
    let helo = seen.helo.as_ref()?;
    let name = helo.domain();
    let last = name.labels().last();
    Some(helo.literal().is_none() && (!helo.as_str().contains('.') || last.is_some_and(|last| PRIVATE.contains(&last))))
}

/// Names alone are looked up, and those alone whose shape does not weigh already.
fn looked_up(seen: &Seen, otherwise: fn(&Seen) -> Option<bool>) -> Option<bool> {
    let literal = seen.helo.as_ref().is_some_and(|helo| helo.literal().is_some());
    if literal || helo_weighs_most(seen) == Some(true) { Some(false) } else { bare_or(seen, otherwise) }
}

/// What a filter makes of a path.
pub(super) fn judge(filter: &Filter, seen: &Seen) -> Opinion {
    let hits: Vec<&Symbol> = filter.symbols.iter().filter(|symbol| (symbol.holds)(seen) == Some(true)).collect();
    let open = filter.symbols.iter().any(|symbol| (symbol.holds)(seen).is_none());
    let (verdict, because) = match (hits.is_empty(), open) {
        (false, _) => (Verdict::Penalise, format!("adds to the spam score ({})", filter.thresholds)),
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
