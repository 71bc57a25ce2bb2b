//! The rules of those who run mailboxes, as published or reported. What software refuses by itself is in `software`.
//!
//! Where a receiver says what it wants but not what it does without, the verdict is the mildest and the words say so.

use crate::receivers::Because::Says;
use crate::receivers::{Basis, Receiver, Rule, Seen, Verdict};

/// The day on which the table was last held against its sources.
pub const CHECKED: &str = "2026-11-28";

/// Those who run mailboxes, in the order of reports.
pub(super) const MAILBOXES: &[Receiver] = &[
    // Google: SMTP errors and codes (February 2026); sender guidelines (page 81126), for all senders since February 2024.
    Receiver {
        id: "gmail",
        name: "Gmail",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Reject,
                because: Says("wants a PTR name that leads back to the address"),
                reply: Some((
                    "550 5.7.25 ... the sending IP address doesn't have a PTR record, or the forwarding DNS entry doesn't reference \
                     the sending IP address",
                    Basis::Documented,
                )),
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::helo_is_malformed,
                verdict: Verdict::Reject,
                because: Says("refuses an empty or invalid HELO argument"),
                reply: Some(("501 5.5.4 HELO/EHLO argument is invalid", Basis::Documented)),
                basis: Basis::Documented,
            },
        ],
    },
    // Microsoft: NDR codes of Exchange Online; Outlook.com policies page of June 2026.
    Receiver {
        id: "microsoft",
        name: "Microsoft (Outlook and 365)",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[
            Rule {
                broken: |seen| if seen.address.is_ipv6() { seen.has_no_ptr() } else { Some(false) },
                verdict: Verdict::Reject,
                because: Says("requires a PTR record of every IPv6 sender"),
                reply: Some((
                    "550 5.7.25 ... the sending IPv6 address must have a reverse DNS record",
                    Basis::Documented,
                )),
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::has_no_ptr,
                verdict: Verdict::Penalise,
                because: Says("demands valid reverse DNS; what it does without is not published for IPv4"),
                reply: None,
                basis: Basis::Documented,
            },
        ],
    },
    // Yahoo: sender best practices of April 2025, FAQ of August 2025. Cox's mailboxes moved there in 2023 and 2024; Comcast's move step by
    // step in 2025 and 2026.
    Receiver {
        id: "yahoo",
        name: "Yahoo/AOL/Cox",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Penalise,
                because: Says("demands valid forward and reverse DNS, and sorts by it"),
                reply: None,
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::is_generic,
                verdict: Verdict::Penalise,
                because: Says("asks for a PTR name that is not generic and shows your domain"),
                reply: None,
                basis: Basis::Documented,
            },
        ],
    },
    // postmaster.gmx.net and postmaster.web.de, e-mail policy; the reply is from logs of 2022.
    Receiver {
        id: "gmx",
        name: "GMX/WEB.DE/mail.com",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::has_no_ptr,
                verdict: Verdict::Reject,
                because: Says("refuses clients without PTR record at the greeting"),
                reply: Some(("554-Bad DNS PTR resource record.", Basis::Reported)),
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::is_generic,
                verdict: Verdict::Reject,
                because: Says("refuses PTR names that look generic or dynamic"),
                reply: Some(("554-Bad DNS PTR resource record.", Basis::Reported)),
                basis: Basis::Documented,
            },
        ],
    },
    // Administrators who quote its rules (2026), and logs.
    Receiver {
        id: "t-online",
        name: "T-Online",
        basis: Basis::Reported,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Reject,
                because: Says("wants a confirmed name that tells who runs the server"),
                reply: Some(("554 IP=... - None/bad reputation. (NOWL)", Basis::Reported)),
                basis: Basis::Reported,
            },
            Rule {
                broken: Seen::is_generic,
                verdict: Verdict::Reject,
                because: Says("takes a generic name for dial-up"),
                reply: Some(("554 Dialup/transient IP not allowed. (DIAL)", Basis::Reported)),
                basis: Basis::Reported,
            },
        ],
    },
    // postmaster.orange.fr (May 2026); the numbers of its replies are from its table as others quote it (June 2026).
    Receiver {
        id: "orange",
        name: "Orange/Wanadoo",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::has_no_ptr,
                verdict: Verdict::Reject,
                because: Says("requires a valid PTR record"),
                reply: Some(("... service refused, please try later. ..._107", Basis::Reported)),
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Reject,
                because: Says("requires that the PTR name leads back to the address"),
                reply: Some(("... service refused, please try later. ..._107", Basis::Reported)),
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::helo_is_not_qualified,
                verdict: Verdict::Reject,
                because: Says("requires a fully qualified HELO name"),
                reply: Some(("... service refused, please try later. ..._20x", Basis::Reported)),
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::helo_has_no_address,
                verdict: Verdict::Reject,
                because: Says("requires a HELO name that resolves"),
                reply: Some(("... service refused, please try later. ..._20x", Basis::Reported)),
                basis: Basis::Documented,
            },
        ],
    },
    // Logs from 2008 on; the reply to a failing lookup is on Comcast's own page of SMTP errors. Its mailboxes move to Yahoo Mail in steps.
    Receiver {
        id: "comcast",
        name: "Comcast",
        basis: Basis::Reported,
        meanwhile: Some(("421 - Reverse DNS failure : Try again later", Basis::Documented)),
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Reject,
            because: Says("requires a PTR record of every mail server (mailboxes that have moved go by Yahoo's rules)"),
            reply: Some((
                "554 ... all mail servers must have a PTR record with a valid Reverse DNS entry",
                Basis::Reported,
            )),
            basis: Basis::Reported,
        }],
    },
    // Apple support article 102322 of February 2025.
    Receiver {
        id: "apple",
        name: "Apple iCloud",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Reject,
            because: Says("refuses those who send in bulk without reverse DNS"),
            reply: None,
            basis: Basis::Documented,
        }],
    },
    // The vendor's table of codes as a bounce classifier quotes it (2025).
    Receiver {
        id: "spectrum",
        name: "Spectrum/Charter",
        basis: Basis::Reported,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::fails_fcrdns,
            verdict: Verdict::Reject,
            because: Says("requires a PTR name that leads back to the address"),
            reply: Some(("AUP#I-1100 to 1150", Basis::Reported)),
            basis: Basis::Reported,
        }],
    },
    // As above.
    Receiver {
        id: "godaddy",
        name: "GoDaddy",
        basis: Basis::Reported,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Defer,
            because: Says("turns away addresses without reverse DNS for now, each time"),
            reply: Some(("421 Temporarily rejected. Reverse DNS for this IP failed. IB108", Basis::Reported)),
            basis: Basis::Reported,
        }],
    },
    // Its users' forum.
    Receiver {
        id: "virgin-media",
        name: "Virgin Media (UK)",
        basis: Basis::Reported,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::is_generic,
            verdict: Verdict::Reject,
            because: Says("prohibits generic and dynamic host names"),
            reply: None,
            basis: Basis::Reported,
        }],
    },
    // A thread of 2015.
    Receiver {
        id: "freenet",
        name: "freenet.de",
        basis: Basis::Reported,
        meanwhile: None,
        rules: &[Rule {
            broken: |seen| if seen.address.is_ipv6() { seen.fails_fcrdns() } else { Some(false) },
            verdict: Verdict::Reject,
            because: Says("refuses IPv6 senders without a PTR name that leads back"),
            reply: Some(("550-inconsistent or no DNS PTR record for ... (see RFC 1912 2.1)", Basis::Reported)),
            basis: Basis::Reported,
        }],
    },
    // The Exim wiki, 2014.
    Receiver {
        id: "linkedin",
        name: "LinkedIn",
        basis: Basis::Reported,
        meanwhile: None,
        rules: &[Rule {
            broken: |seen| if seen.address.is_ipv6() { seen.has_no_ptr() } else { Some(false) },
            verdict: Verdict::Reject,
            because: Says("refuses IPv6 senders without PTR record"),
            reply: Some(("554 5.7.1 ... does not have a reverse (address-to-name) DNS entry", Basis::Reported)),
            basis: Basis::Reported,
        }],
    },
    // The vendor's best practices; the reply is from bounces.
    Receiver {
        id: "magicmail",
        name: "MagicMail servers",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Reject,
            because: Says("refuses addresses without reverse DNS"),
            reply: Some((
                "550-Reason: This system will not accept messages from servers/devices with no reverse DNS",
                Basis::Reported,
            )),
            basis: Basis::Documented,
        }],
    },
    // Its knowledge base.
    Receiver {
        id: "forpsi",
        name: "Forpsi",
        basis: Basis::Documented,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Reject,
            because: Says("refuses addresses without reverse DNS"),
            reply: Some(("554 ... no DNS reverse for ...", Basis::Documented)),
            basis: Basis::Documented,
        }],
    },
];
