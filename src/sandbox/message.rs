//! What the child hands back: octets in a form so plain that reading them gives it no power.

use std::borrow::Cow;

/// What came of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// An exit status, and finished texts.
    Done {
        /// The exit status.
        status: u8,
        /// The texts, in an order that both sides know.
        texts: Vec<String>,
    },
    /// Why it could not be done, in words.
    Failed(String),
}

const DONE: u8 = 0;
const FAILED: u8 = 1;
/// A text that is told before the end; any number of them comes before the message.
const TOLD: u8 = 2;

/// The octets of a text that is told before the end.
pub(super) fn told(text: &str) -> Vec<u8> {
    let mut octets = vec![TOLD, 0];
    octets.extend_from_slice(&(text.len() as u64).to_be_bytes());
    octets.extend_from_slice(text.as_bytes());
    octets
}

/// The texts told that are whole at the beginning of `octets`, which are taken out of it.
pub(super) fn take_told(octets: &mut Vec<u8>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut taken = 0;
    while let Some(([TOLD, 0], rest)) = octets.get(taken..).and_then(|rest| rest.split_first_chunk::<2>()) {
        let Some((length, behind)) = rest.split_first_chunk::<8>() else { break };
        let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(text) = behind.get(..length) else { break };
        let text = std::str::from_utf8(text).map_or_else(|_| String::from_utf8_lossy(text), Cow::Borrowed);
        texts.push(text.into_owned());
        taken += 10 + length;
    }
    octets.drain(..taken);
    texts
}

impl Message {
    /// The octets: a kind, an exit status, then each text behind its length.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        let (kind, status, texts) = match self {
            Message::Done { status, texts } => (DONE, *status, texts.as_slice()),
            Message::Failed(words) => (FAILED, 0, std::slice::from_ref(words)),
        };
        let mut octets = vec![kind, status];
        for text in texts {
            octets.extend_from_slice(&(text.len() as u64).to_be_bytes());
            octets.extend_from_slice(text.as_bytes());
        }
        octets
    }

    /// The message; `None` where the octets are none.
    pub(crate) fn decoded(octets: &[u8]) -> Option<Message> {
        let ([kind, status], mut rest) = octets.split_first_chunk::<2>()?;
        let mut texts = Vec::new();
        while !rest.is_empty() {
            let (length, behind) = rest.split_first_chunk::<8>()?;
            let (text, behind) = behind.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
            texts.push(String::from_utf8(text.to_vec()).ok()?);
            rest = behind;
        }
        match *kind {
            DONE => Some(Message::Done { status: *status, texts }),
            FAILED => texts.pop().filter(|_| texts.is_empty()).map(Message::Failed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_before_the_message_however_they_arrive() {
        let end = Message::Done { status: 0, texts: vec!["end".to_owned()] };
        let sent = [told("one"), told("zwölf"), end.encoded()].concat();
        for step in [1, 3, 7, sent.len()] {
            let (mut octets, mut heard) = (Vec::new(), Vec::new());
            for part in sent.chunks(step) {
                octets.extend_from_slice(part);
                heard.extend(take_told(&mut octets));
            }
            assert_eq!(heard, ["one", "zwölf"], "{step}");
            assert_eq!(Message::decoded(&octets), Some(end.clone()), "{step}");
        }
        let mut long = vec![TOLD, 0];
        long.extend_from_slice(&u64::MAX.to_be_bytes());
        assert!(take_told(&mut long).is_empty() && long.len() == 10);
    }

    #[test]
    fn messages_survive_the_pipe_and_what_is_none_is_refused() {
        for message in [
            Message::Done { status: 3, texts: vec![String::new(), "zwölf".to_owned()] },
            Message::Done { status: 0, texts: Vec::new() },
            Message::Failed("why".to_owned()),
        ] {
            let octets = message.encoded();
            assert_eq!(Message::decoded(&octets), Some(message.clone()));
            for end in 0..octets.len() {
                assert_ne!(Message::decoded(&octets[..end]), Some(message.clone()), "{end}");
            }
        }
        let mut long = vec![DONE, 0];
        long.extend_from_slice(&u64::MAX.to_be_bytes());
        for none in [&b""[..], b"\0", b"\x02\0", b"\x01\0", &long, b"\0\0\0\0\0\0\0\0\0\x01\xff"] {
            assert_eq!(Message::decoded(none), None, "{none:?}");
        }
    }
}
