use super::{DomainContext, publish};
use crate::dmarc;
use crate::domains::DmarcState;
use crate::findings::Finding;
use crate::rules::rule;

rule! {
    /// No DMARC record holds for a domain.
    ///
    /// ## Condition
    /// The tree walk of RFC 9989 finds no record for the domain: neither its own, nor its organizational domain's, nor that of a public suffix
    /// above it. Not where records are there and of no use (DOM007), nor for a name that does not exist. Subject: the domain.
    ///
    /// ## Why it matters
    /// Gmail and Yahoo want a DMARC record of who sends much. Without one, anybody's mail under the domain's name is judged by guesses.
    ///
    /// ## Fix
    /// Publish one: at the organizational domain it holds for all names below. `p=none` with an address for reports changes nothing for mail, and
    /// says who sends.
    ///
    /// ## When to ignore
    /// Where nobody sends mail from the domain and no receiver asks for it.
    pub static RULE = {
        code: "DOM006",
        name: "dmarc-missing",
        severity: Warning,
        refs: ["RFC 9989 section 4.10", "support.google.com/a/answer/81126"],
        needs: [Domains, Dns],
        check: (domain check),
    };
}

fn check(cx: &DomainContext<'_>) -> Vec<Finding> {
    let name = cx.name();
    match &cx.seen.dmarc {
        DmarcState::Open(question, why) => {
            let message =
                format!("whether a DMARC record holds for {name} cannot be seen: {question} was not answered ({why})");
            vec![cx.at_origin(RULE.undetermined(name, message).open(question))]
        }
        // A name that does not exist can have none.
        DmarcState::Known(..) if cx.seen.is_absent => Vec::new(),
        DmarcState::Known(discovery, _) if discovery.found.is_none() && discovery.void.is_empty() => {
            let above = name.registrable().filter(|above| above != name);
            let holder = above.as_ref().unwrap_or(name);
            let record = format!("v=DMARC1; p=none; rua=mailto:postmaster@{holder}");
            let text = match &above {
                Some(above) => format!(
                    "Publish a DMARC record for {above}: it holds for {name} and all other names below it. Reports go to an address that somebody reads."
                ),
                None => format!("Publish a DMARC record for {name}; reports go to an address that somebody reads."),
            };
            let fix = publish(text, &dmarc::record_name(holder), &record);
            vec![cx.at_origin(RULE.violated(name, format!("no DMARC record holds for {name}")).fix(fix))]
        }
        DmarcState::Known(..) => Vec::new(),
    }
}
