//! A reply as a log holds it, one of very many: what it says, and no more of its text than that.

use std::net::IpAddr;

use super::{Proof, Reply, addresses, known, prefilter, text, without_superseded, wording};
use crate::addr::is_public;

/// Characters of a reply's own words that are kept.
const WORDS: usize = 160;

/// A reply that speaks of the sending host's identity.
#[derive(Debug)]
pub struct LoggedReply {
    /// What it is known as: of several, the one that says most.
    pub reply: &'static Reply,
    /// The first public address in it.
    pub address: Option<IpAddr>,
    /// The first address in it, whichever.
    pub any_address: Option<IpAddr>,
    /// Its code.
    pub code: Option<u16>,
    joined: String,
}

/// What a receiver's reply says; `None` where it is not known, or speaks of something else.
pub fn read_logged(reply: &str) -> Option<LoggedReply> {
    let joined = text::join(reply).joined;
    if !prefilter::may_be_known(&joined) {
        return None;
    }
    let reply = *without_superseded(known(&joined)).first()?;
    if reply.proof == Proof::NotIdentity {
        return None;
    }
    let named = addresses(&joined, |_| true);
    let (address, any_address) = (named.iter().copied().find(|addr| is_public(*addr)), named.first().copied());
    Some(LoggedReply { reply, address, any_address, code: text::code(&joined), joined })
}

impl LoggedReply {
    /// Its enhanced status code (RFC 3463).
    pub fn status(&self) -> Option<&str> {
        self.joined.split(' ').take(2).find(|word| text::is_enhanced(word))
    }

    /// The words by which it is known, and nothing that a receiver may put between them: that may be an address of a person, or a secret.
    pub fn words(&self) -> String {
        wording::words(self.reply, &self.joined).chars().take(WORDS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::all;

    #[test]
    fn known_replies_alone_and_of_their_text_the_known_words() {
        let gmail = read_logged(
            "550-5.7.25 [192.0.2.25] The IP address sending this message does not have a 550-5.7.25 PTR record setup a1-20020a.77 - gsmtp",
        )
        .unwrap();
        assert_eq!((gmail.reply.id, gmail.code, gmail.status()), ("gmail-ptr-missing", Some(550), Some("5.7.25")));
        assert_eq!(gmail.address, "192.0.2.25".parse().ok());
        assert_eq!(gmail.words(), "IP address sending this message does not have a PTR record");
        let sender =
            read_logged("553 5.1.8 <x>... Domain of sender address anna@web.example.com does not exist").unwrap();
        assert_eq!(sender.words(), "Domain of sender address ... does not exist");
        for text in [
            "",
            "550 5.1.1 user unknown",
            "450 4.2.1 greylisted",
            "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org",
        ] {
            assert!(read_logged(text).is_none(), "{text}");
        }
    }

    #[test]
    fn of_what_stands_between_known_words_nothing_is_kept() {
        const MARKS: [&str; 5] =
            ["john.doe=hunter2", "\"john hunter2\"", "HUNTER2", "hunter2 4711, token=hunter2", "LIB"];
        for (text, expected) in [
            (
                "HELO/EHLO argument for \"john d\"@x.example, SRS john=x.example, token=hunter2 invalid",
                "HELO/EHLO argument ... invalid",
            ),
            (
                "450 4.1.8 <>: Sender address rejected: Domain of \"jane d\"@x.example and user jane.roe does not accept mail",
                "Sender address rejected: Domain ... does not accept mail",
            ),
            ("550 REJECTED - Interface: hunter2 is _my_ address", "REJECTED - Interface: ... is _my_ address"),
            ("550 HELO argument [hunter2 x] is missing a DNS entry", "HELO argument [...] is missing a DNS entry"),
            ("550 Bad HELO: hunter2 does not exist", "Bad HELO: ... does not exist"),
            (
                "550 Reverse DNS lookup for host hunter2 failed permanently",
                "Reverse DNS lookup for host ... failed permanently",
            ),
            ("550 domain hunter2 mismatches client ip", "domain ... mismatches client ip"),
            ("550 <hunter2 x>: Helo command rejected: Host not found", "<...>: Helo command rejected: Host not found"),
        ] {
            assert_eq!(read_logged(text).unwrap().words(), expected, "{text}");
        }
        // Each known reply with marks where its example has what any text may take the place of.
        for reply in all().filter(|reply| reply.proof != Proof::NotIdentity) {
            let joined = text::join(reply.example).joined;
            for range in wording::anything(reply, &joined) {
                let marked = MARKS.map(|mark| format!("{}{mark}{}", &joined[..range.start], &joined[range.end..]));
                let told: Vec<String> =
                    marked.iter().filter_map(|text| read_logged(text)).map(|heard| heard.words()).collect();
                assert!(!told.is_empty(), "{}: no mark fits", reply.id);
                for words in told {
                    assert!(
                        !words.to_ascii_lowercase().contains("hunter") && !words.contains("john"),
                        "{}: {words}",
                        reply.id
                    );
                }
            }
        }
    }

    #[test]
    fn no_known_reply_is_missed() {
        for reply in all() {
            let expected = reply.proof != Proof::NotIdentity;
            let found = read_logged(reply.example);
            assert!(found.is_some() || !expected, "{}", reply.id);
            let _ = found.map(|found| assert!(!found.words().is_empty(), "{}", reply.id));
        }
    }
}
