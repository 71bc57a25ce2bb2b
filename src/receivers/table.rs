//! The rules of receivers, as published, read in source code or reported.
//!
//! Where a receiver says what it wants but not what it does without, the verdict is the mildest and the words say so.

use crate::receivers::Because::{Says, WorksOut};
use crate::receivers::{Basis, Receiver, Rule, Seen, Verdict};

/// The day on which the table was last held against its sources.
pub const CHECKED: &str = "2026-11-20";

/// Receivers whose rules say yes or no, in the order of reports.
pub(super) const RECEIVERS: &[Receiver] = &[
    // Google: SMTP errors and codes; sender guidelines (page 81126), for all senders since February 2024.
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
                reply: Some(("550-5.7.25 ... does not have a PTR record setup", Basis::Documented)),
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
    // Yahoo: sender best practices of April 2025, FAQ of August 2025.
    Receiver {
        id: "yahoo",
        name: "Yahoo/AOL",
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
    // postmaster.orange.fr; no code of its numbered replies is known for certain to speak of the PTR.
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
                reply: None,
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::helo_is_not_qualified,
                verdict: Verdict::Reject,
                because: Says("requires a fully qualified HELO name"),
                reply: None,
                basis: Basis::Documented,
            },
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Reject,
                because: Says("refuses PTR names that do not lead back"),
                reply: None,
                basis: Basis::Reported,
            },
        ],
    },
    // Logs from 2008 on; the reply to a failing lookup is on Comcast's own page of SMTP errors.
    Receiver {
        id: "comcast",
        name: "Comcast",
        basis: Basis::Reported,
        meanwhile: Some(("421 - Reverse DNS failure : Try again later", Basis::Documented)),
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Reject,
            because: Says("requires a PTR record of every mail server"),
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
    // smtpd_peer.c and smtpd_check.c of Postfix 3.
    Receiver {
        id: "postfix-client",
        name: "Postfix with reject_unknown_client_hostname",
        basis: Basis::SourceCode,
        meanwhile: Some(("450 4.7.25 Client host rejected: cannot find your hostname", Basis::SourceCode)),
        rules: &[
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Defer,
                because: Says("wants a PTR name that leads back (450 by default)"),
                reply: Some(("450 4.7.25 Client host rejected: cannot find your hostname", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::is_partly_confirmed,
                verdict: Verdict::Defer,
                because: WorksOut(first_name_decides),
                reply: Some(("450 4.7.25 Client host rejected: cannot find your hostname", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
        ],
    },
    Receiver {
        id: "postfix-reverse",
        name: "Postfix with reject_unknown_reverse_client_hostname",
        basis: Basis::SourceCode,
        meanwhile: Some(("450 4.7.1 Client host rejected: cannot find your reverse hostname", Basis::SourceCode)),
        rules: &[Rule {
            broken: Seen::has_no_ptr,
            verdict: Verdict::Defer,
            because: Says("wants a PTR record, whatever it says (450 by default)"),
            reply: Some(("450 4.7.1 Client host rejected: cannot find your reverse hostname", Basis::SourceCode)),
            basis: Basis::SourceCode,
        }],
    },
    Receiver {
        id: "postfix-helo",
        name: "Postfix with reject_unknown_helo_hostname",
        basis: Basis::SourceCode,
        meanwhile: Some(("450 4.7.1 Helo command rejected: Host not found", Basis::SourceCode)),
        rules: &[Rule {
            broken: Seen::helo_is_unknown_to_dns,
            verdict: Verdict::Defer,
            because: Says("wants an A, AAAA or MX record of the HELO name (450 by default)"),
            reply: Some(("450 4.7.1 Helo command rejected: Host not found", Basis::SourceCode)),
            basis: Basis::SourceCode,
        }],
    },
    // host.c and acl.c of Exim 4: all PTR names are looked at. The reply is the administrator's own.
    Receiver {
        id: "exim-reverse",
        name: "Exim with verify = reverse_host_lookup",
        basis: Basis::SourceCode,
        meanwhile: Some(("451", Basis::SourceCode)),
        rules: &[Rule {
            broken: Seen::fails_fcrdns,
            verdict: Verdict::Reject,
            because: Says("wants one PTR name, whichever, to lead back"),
            reply: None,
            basis: Basis::SourceCode,
        }],
    },
    // smtp_in.c of Exim 4; the reply is that of helo_verify_hosts.
    Receiver {
        id: "exim-helo",
        name: "Exim with verify = helo",
        basis: Basis::SourceCode,
        meanwhile: Some(("451", Basis::SourceCode)),
        rules: &[Rule {
            broken: Seen::helo_does_not_verify,
            verdict: Verdict::Reject,
            because: Says("wants a HELO name that is a confirmed PTR name or leads to the address"),
            reply: Some(("550 EHLO argument does not match calling host", Basis::SourceCode)),
            basis: Basis::SourceCode,
        }],
    },
];

/// The odds where some PTR names lead back and others do not: the order of an answer changes from one to the next.
fn first_name_decides(seen: &Seen) -> String {
    let (good, all) = seen.odds();
    let bad = all - good;
    let verb = if good == 1 { "leads" } else { "lead" };
    let share = if bad * 2 == all { "about half".to_owned() } else { format!("about {bad} in {all}") };
    format!(
        "looks at one PTR name alone, the first that it gets: {good} of {all} PTR names {verb} back, so that {share} of the \
         connections are turned away (450 by default)"
    )
}
