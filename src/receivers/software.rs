//! What mail servers refuse by their own code, and what packaged ones refuse as they are shipped.

use crate::receivers::Because::{Says, WorksOut};
use crate::receivers::{Basis, Receiver, Rule, Seen, Verdict};

/// Mail servers, in the order of reports.
pub(super) const SOFTWARE: &[Receiver] = &[
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
    Receiver {
        id: "postfix-helo-fqdn",
        name: "Postfix with reject_non_fqdn_helo_hostname (YunoHost, Modoboa)",
        basis: Basis::SourceCode,
        meanwhile: None,
        rules: &[Rule {
            broken: Seen::helo_has_no_dot,
            verdict: Verdict::Reject,
            because: Says("wants a HELO name with a dot"),
            reply: Some(("504 5.5.2 ... Helo command rejected: need fully-qualified hostname", Basis::SourceCode)),
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
    // ACL template 106.001, blocks requirehelosyntax and requirehelonoforge, on by default; no test of the PTR record.
    Receiver {
        id: "cpanel",
        name: "cPanel's default",
        basis: Basis::SourceCode,
        meanwhile: None,
        rules: &[Rule {
            broken: |seen| {
                either(seen.helo_is_bare_address(), either(seen.helo_has_no_dot(), seen.helo_has_an_empty_label()))
            },
            verdict: Verdict::Reject,
            because: Says("refuses a HELO name that is an address, has no dot or an empty label"),
            reply: Some(("Access denied - Invalid HELO name (See RFC2821 4.1.1.1)", Basis::SourceCode)),
            basis: Basis::SourceCode,
        }],
    },
    // exim.conf and exim.strings.conf, public copies of 2024 and 2026.
    Receiver {
        id: "directadmin",
        name: "DirectAdmin's default",
        basis: Basis::SourceCode,
        meanwhile: None,
        rules: &[Rule {
            broken: |seen| {
                either(seen.helo_is_bare_address(), either(seen.helo_has_no_dot(), seen.helo_has_an_empty_label()))
            },
            verdict: Verdict::Reject,
            because: Says("refuses a HELO name that is an address, has no dot or an empty label"),
            reply: Some(("HELO should be a FQDN or address literal (See RFC 2821 4.1.1.1)", Basis::SourceCode)),
            basis: Basis::SourceCode,
        }],
    },
    // acl_check_mail of their templates (August 2026).
    Receiver {
        id: "hestia",
        name: "Hestia's and Vesta's default",
        basis: Basis::SourceCode,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::helo_is_bare_address,
                verdict: Verdict::Reject,
                because: Says("refuses an address as HELO name"),
                reply: Some(("Access denied - Invalid HELO name (See RFC2821 4.1.3)", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::helo_spells_numbers_unlike_ptr,
                verdict: Verdict::Reject,
                because: Says("refuses a HELO name with an address in it, unless it is the PTR name"),
                reply: Some(("Helo name contains a ip address (HELO was ...)", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
        ],
    },
    // data/conf of August 2026: rspamd's HFILTER_HOSTNAME_UNKNOWN raised to 8.5, RDNS_NONE 2.0, marked at 8.
    Receiver {
        id: "mailcow",
        name: "mailcow's default",
        basis: Basis::SourceCode,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::helo_is_malformed,
                verdict: Verdict::Reject,
                because: Says("refuses an invalid HELO name"),
                reply: Some(("501 5.5.2 ... Helo command rejected: Invalid name", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::has_no_ptr,
                verdict: Verdict::Penalise,
                because: Says("puts mail into the junk folder for a missing PTR record alone"),
                reply: Some(("+10.50 (HFILTER_HOSTNAME_UNKNOWN, RDNS_NONE), junk from 8", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
        ],
    },
    // target/rspamd and target/postfix of August 2026.
    Receiver {
        id: "docker-mailserver",
        name: "docker-mailserver's default",
        basis: Basis::SourceCode,
        meanwhile: None,
        rules: &[
            Rule {
                broken: Seen::helo_is_not_qualified,
                verdict: Verdict::Reject,
                because: Says("refuses a HELO name that is invalid or has no dot"),
                reply: Some(("504 5.5.2 ... Helo command rejected: need fully-qualified hostname", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::has_no_ptr,
                verdict: Verdict::Penalise,
                because: Says("puts mail into the junk folder for a missing PTR record alone, with rspamd"),
                reply: Some(("+8.00 (HFILTER_HOSTNAME_UNKNOWN, RDNS_NONE), junk from 6", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
        ],
    },
    // samples/postfix of May 2026: its HELO table, then the restrictions.
    Receiver {
        id: "iredmail",
        name: "iRedMail's default",
        basis: Basis::SourceCode,
        meanwhile: Some(("450 4.7.1 Helo command rejected: Host not found", Basis::SourceCode)),
        rules: &[
            Rule {
                broken: |seen| either(seen.helo_is_bare_address(), seen.helo_is_local()),
                verdict: Verdict::Reject,
                because: Says("refuses `localhost`, a name below `.local` and an address as HELO name"),
                reply: Some((
                    "ACCESS DENIED. Your email was rejected because the sending mail server does not identify itself correctly",
                    Basis::SourceCode,
                )),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::helo_has_no_dot,
                verdict: Verdict::Reject,
                because: Says("wants a HELO name with a dot"),
                reply: Some(("504 5.5.2 ... Helo command rejected: need fully-qualified hostname", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::helo_is_unknown_to_dns,
                verdict: Verdict::Defer,
                because: Says("wants an A, AAAA or MX record of the HELO name (450)"),
                reply: Some(("450 4.7.1 Helo command rejected: Host not found", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
        ],
    },
    // Its configuration of every distribution, February 2026.
    Receiver {
        id: "froxlor",
        name: "Froxlor's default",
        basis: Basis::SourceCode,
        meanwhile: Some(("450 4.7.25 Client host rejected: cannot find your hostname", Basis::SourceCode)),
        rules: &[
            Rule {
                broken: Seen::fails_fcrdns,
                verdict: Verdict::Defer,
                because: Says("wants a PTR name that leads back (450)"),
                reply: Some(("450 4.7.25 Client host rejected: cannot find your hostname", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
            Rule {
                broken: Seen::helo_is_unknown_to_dns,
                verdict: Verdict::Defer,
                because: Says("wants an A, AAAA or MX record of the HELO name (450)"),
                reply: Some(("450 4.7.1 Helo command rejected: Host not found", Basis::SourceCode)),
                basis: Basis::SourceCode,
            },
        ],
    },
];

/// Whether one of the two holds; open where neither is seen to hold and one could not be seen.
fn either(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

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
