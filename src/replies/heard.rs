//! A reply as a log holds it, one of very many: what it says, and no more of its text than that.

use std::net::IpAddr;

use regex::bytes::RegexBuilder;

use super::{Proof, Reply, addresses, known, prefilter, text, without_superseded};

/// Characters of a reply's own words that are kept.
const WORDS: usize = 160;

/// A reply that speaks of the sending host's identity.
#[derive(Debug)]
pub struct Heard {
    /// What it is known as: of several, the one that says most.
    pub reply: &'static Reply,
    /// The first public address in it.
    pub address: Option<IpAddr>,
    /// Its code.
    pub code: Option<u16>,
    joined: String,
}

/// What a receiver's reply says; `None` where it is not known, or speaks of something else.
pub fn heard(reply: &str) -> Option<Heard> {
    let joined = text::join(reply).joined;
    if !prefilter::may_be_known(&joined) {
        return None;
    }
    let reply = *without_superseded(known(&joined)).first()?;
    if reply.proof == Proof::NotIdentity {
        return None;
    }
    let address = addresses(&joined).first().copied();
    Some(Heard { reply, address, code: text::code(&joined), joined })
}

impl Heard {
    /// Its enhanced status code (RFC 3463).
    pub fn status(&self) -> Option<&str> {
        self.joined.split(' ').take(2).find(|word| text::is_enhanced(word))
    }

    /// The words by which it is known; addresses of people in them are left out.
    pub fn words(&self) -> String {
        let pattern = RegexBuilder::new(self.reply.pattern).case_insensitive(true).unicode(false).build();
        let found = pattern.ok().and_then(|pattern| pattern.find(self.joined.as_bytes()).map(|found| found.range()));
        let found = found.and_then(|range| self.joined.get(range)).unwrap_or_default();
        let plain = |word: &str| if word.contains('@') { "...".to_owned() } else { word.to_owned() };
        let words: Vec<String> = found.split(' ').map(plain).collect();
        words.join(" ").chars().take(WORDS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::all;

    #[test]
    fn known_replies_alone_and_of_their_text_the_known_words() {
        let gmail = heard(
            "550-5.7.25 [192.0.2.25] The IP address sending this message does not have a 550-5.7.25 PTR record setup a1-20020a.77 - gsmtp",
        )
        .unwrap();
        assert_eq!((gmail.reply.id, gmail.code, gmail.status()), ("gmail-ptr-missing", Some(550), Some("5.7.25")));
        assert_eq!(gmail.address, "192.0.2.25".parse().ok());
        assert_eq!(gmail.words(), "IP address sending this message does not have a PTR record");
        let sender = heard("553 5.1.8 <x>... Domain of sender address anna@web.example.com does not exist").unwrap();
        assert_eq!(sender.words(), "Domain of sender address ... does not exist");
        for text in [
            "",
            "550 5.1.1 user unknown",
            "450 4.2.1 greylisted",
            "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org",
        ] {
            assert!(heard(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_known_reply_is_missed() {
        for reply in all() {
            let expected = reply.proof != Proof::NotIdentity;
            let found = heard(reply.example);
            assert!(found.is_some() || !expected, "{}", reply.id);
            let _ = found.map(|found| assert!(!found.words().is_empty(), "{}", reply.id));
        }
    }
}
