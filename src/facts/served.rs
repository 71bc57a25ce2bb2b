//! What the mail servers of this host said when they were talked to (`--live`), and what came of port 25 outside (`--port25`).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::facts::{Fact, Mta, Origin};

/// A socket that an MTA is configured to listen on for SMTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Whose it is.
    pub mta: Mta,
    /// The service of master.cf; empty for Exim's daemon.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The address; an unspecified one stands for all of its family.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// Whether TLS begins with the connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrapped: bool,
    /// Whether it expects a proxy, which speaks before the client does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proxied: bool,
    /// The name with which it answers EHLO, as configured; `None` where files do not decide it.
    pub name: Option<Fact<String>>,
    /// What makes it listen.
    pub origin: Origin,
}

impl Listener {
    /// Whether it can be reached from this host alone.
    pub fn is_for_this_host(&self) -> bool {
        self.address.is_loopback()
    }
}

/// What was heard of this host's own servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// When, in seconds since 1970.
    pub at: i64,
    /// Each socket that was connected to.
    pub servers: Vec<Server>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// Certificates and keys that the configuration puts together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<KeyPair>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One server, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where it is configured to listen.
    pub listener: Listener,
    /// Where it was connected to.
    pub asked: SocketAddr,
    /// Whether the kernel has a listening socket there; `None`: not known.
    pub listening: Option<bool>,
    /// What was said, without a server name first, then one conversation for each name.
    pub conversations: Vec<Conversation>,
}

impl Server {
    /// The conversation without a server name.
    pub fn plain(&self) -> Option<&Conversation> {
        self.conversations.iter().find(|one| one.name.is_none())
    }
}

/// One conversation, as far as it went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conversation {
    /// The server name that the TLS handshake asked for (SNI).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The greeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<SmtpReply>,
    /// The reply to EHLO before TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo: Option<SmtpReply>,
    /// The reply to STARTTLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<SmtpReply>,
    /// What the handshake brought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Handshake>,
    /// The reply to EHLO within TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo_in_tls: Option<SmtpReply>,
    /// What ended it before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Conversation {
    /// One that did not come about.
    pub fn failed(fault: Fault) -> Conversation {
        Conversation { fault: Some(fault), ..Conversation::default() }
    }

    /// Whether it offers STARTTLS; `None` where it did not say.
    pub fn offers_tls(&self) -> Option<bool> {
        self.ehlo.as_ref().filter(|reply| reply.code == 250).map(|reply| reply.offers("STARTTLS"))
    }
}

/// A reply, all of its lines (RFC 5321 section 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpReply {
    /// The code.
    pub code: u16,
    /// What stands behind the code in each line.
    pub lines: Vec<String>,
}

impl SmtpReply {
    /// The first word: the name of the server in a greeting and in a reply to EHLO.
    pub fn name(&self) -> Option<&str> {
        self.lines.first()?.split_ascii_whitespace().next()
    }

    /// Whether a reply to EHLO names this extension.
    pub fn offers(&self, extension: &str) -> bool {
        let words = self.lines.iter().skip(1).filter_map(|line| line.split_ascii_whitespace().next());
        words.into_iter().any(|word| word.eq_ignore_ascii_case(extension))
    }
}

impl fmt::Display for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        self.lines.iter().take(1).try_for_each(|line| write!(f, " {line}"))
    }
}

/// What a TLS handshake brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The version agreed on; `None` where none was.
    pub version: Option<String>,
    /// The certificates as they were sent, the server's own first.
    pub chain: Vec<Der>,
    /// Whether they lead to an issuer that this system trusts.
    pub trust: Trusted,
}

/// Whether a chain of certificates leads to an issuer that this system trusts, names and the server's own dates apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trusted {
    /// It does.
    Yes,
    /// It does not; in words that continue "the chain".
    No(String),
    /// This system has no trust roots to go by.
    Unknown(String),
}

/// A certificate as it was sent; in JSON, base64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Der(pub Vec<u8>);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Serialize for Der {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(self.0.len().div_ceil(3) * 4);
        for group in self.0.chunks(3) {
            let at = |index: usize| group.get(index).copied().map_or(0, u32::from);
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            for place in 0..4 {
                // Six bits are below 64, the length of the alphabet.
                let sign = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
                text.push(if place > group.len() { '=' } else { char::from(sign) });
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Der {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Der, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut octets = Vec::with_capacity(text.len() / 4 * 3);
        let (mut bits, mut count) = (0u32, 0);
        for byte in text.bytes().take_while(|byte| *byte != b'=') {
            let value = ALPHABET.iter().position(|sign| *sign == byte).and_then(|value| u32::try_from(value).ok());
            bits = bits << 6 | value.ok_or_else(|| serde::de::Error::custom("a certificate in base64 is expected"))?;
            count += 6;
            if count >= 8 {
                count -= 8;
                octets.extend((bits >> count).to_be_bytes().last());
            }
        }
        Ok(Der(octets))
    }
}

/// Parts of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The server speaks first.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// The TLS handshake.
    Handshake,
    /// EHLO within TLS.
    EhloInTls,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Greeting => "the greeting",
            Stage::Ehlo => "the reply to EHLO",
            Stage::StartTls => "the reply to STARTTLS",
            Stage::Handshake => "the TLS handshake",
            Stage::EhloInTls => "the reply to EHLO within TLS",
        })
    }
}

/// What ended a conversation before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The connection was refused: nothing listens there.
    Refused,
    /// Nothing came back: something on the way drops it.
    Filtered,
    /// There is no way there; in the system's words.
    Unreachable(String),
    /// The connection could not be made from here; in the system's words.
    NotMade(String),
    /// It was not made, since there are too many.
    LeftOut,
    /// The server takes words of a proxy alone.
    Proxied,
    /// The time was up.
    Late(Stage),
    /// The server ended the connection.
    Closed(Stage),
    /// What came is no reply of SMTP; its beginning.
    NotSmtp(Stage, String),
    /// More came than is read.
    TooMuch(Stage),
    /// So many octets came in plain text behind the reply to STARTTLS: they could be taken for what is said within TLS.
    Injected(usize),
    /// There is no TLS connection; the library's words.
    NoTls(String),
}

impl Fault {
    /// Whether no server was heard at all.
    pub fn is_silence(&self) -> bool {
        match self {
            Fault::Refused | Fault::Filtered | Fault::Unreachable(_) => true,
            Fault::Late(stage) | Fault::Closed(stage) => *stage == Stage::Greeting,
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Refused => f.write_str("the connection is refused"),
            Fault::Filtered => f.write_str("nothing comes back: the connection is dropped on its way"),
            Fault::Unreachable(words) => write!(f, "there is no way there ({words})"),
            Fault::NotMade(words) => write!(f, "the connection could not be made ({words})"),
            Fault::LeftOut => f.write_str("it was not asked: there are too many"),
            Fault::Proxied => f.write_str("it was not asked: it takes connections of a proxy alone"),
            Fault::Late(stage) => write!(f, "{stage} had not come, or not come to its end, when the time was up"),
            Fault::Closed(stage) => write!(f, "the server ended the connection before {stage} was whole"),
            Fault::NotSmtp(stage, text) => write!(f, "in place of {stage} came `{text}`"),
            Fault::TooMuch(stage) => write!(f, "{stage} is longer than is read"),
            Fault::Injected(count) => {
                write!(f, "{count} octets of plain text came behind the reply to STARTTLS, before TLS began")
            }
            Fault::NoTls(words) => write!(f, "no TLS connection came about ({words})"),
        }
    }
}

/// A certificate and a key that the configuration puts together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// The setting that names the certificate.
    pub setting: String,
    /// The file of the certificate.
    pub certificate: Fact<String>,
    /// The file of the key.
    pub key: Fact<String>,
    /// What is to be said of them.
    pub state: PairState,
}

/// Whether a key belongs to a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairState {
    /// It does.
    Match,
    /// It does not.
    Mismatch,
    /// The MTA cannot use a file; which one, and why.
    Unusable(String, String),
    /// It could not be seen; which file, and why.
    Unknown(String, String),
}

/// What came of connections to port 25 outside, from each source address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port25 {
    /// The host as it was asked for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Why no connection was tried, where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
    /// One for each source address.
    pub tries: Vec<Port25Try>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port25Try {
    /// From where.
    pub source: IpAddr,
    /// To where; `None`: the host has no address of this family.
    pub to: Option<SocketAddr>,
    /// What was said; `None` where there was nobody to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Conversation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_survive_json() {
        for octets in [&b""[..], b"f", b"fo", b"foo", b"foob", &[0, 255, 128, 63]] {
            let text = serde_json::to_string(&Der(octets.to_vec())).unwrap();
            assert_eq!(serde_json::from_str::<Der>(&text).unwrap(), Der(octets.to_vec()), "{text}");
        }
        assert_eq!(serde_json::to_string(&Der(b"foob".to_vec())).unwrap(), "\"Zm9vYg==\"");
        assert!(serde_json::from_str::<Der>("\"a b\"").is_err());
    }

    #[test]
    fn what_a_reply_offers() {
        let lines = ["mail.example.com Hello", "SIZE 1000", "starttls", "AUTH STARTTLS"].map(str::to_owned).to_vec();
        let reply = SmtpReply { code: 250, lines };
        assert_eq!(
            (reply.name(), reply.offers("STARTTLS"), reply.offers("CHUNKING")),
            (Some("mail.example.com"), true, false)
        );
        let name_alone = SmtpReply { code: 250, lines: vec!["STARTTLS".into()] };
        assert!(!name_alone.offers("STARTTLS"), "the first line is the greeting");
    }

    #[test]
    fn faults_are_kept_as_what_they_are() {
        for fault in
            [Fault::Refused, Fault::Late(Stage::Greeting), Fault::NotSmtp(Stage::Ehlo, "x".into()), Fault::Injected(3)]
        {
            let text = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault, "{text}");
        }
        assert!(Fault::Closed(Stage::Greeting).is_silence() && !Fault::Closed(Stage::Ehlo).is_silence());
    }
}
