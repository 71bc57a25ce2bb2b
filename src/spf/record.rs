//! Records as they are written (RFC 7208 sections 4.5, 4.6.1, 5 and 6, appendix A).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::SpfResult;
use super::error::SyntaxError;
use super::macros::MacroString;

/// What every record begins with.
const VERSION: &str = "v=spf1";

/// Whether a TXT record is an SPF record: the version, then a blank or the end (section 4.5).
pub fn is_spf(text: &str) -> bool {
    let begins = text.get(..VERSION.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(VERSION));
    begins && matches!(text.as_bytes().get(VERSION.len()), None | Some(b' '))
}

/// A record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'t> {
    /// Its directives, in order.
    pub directives: Vec<Directive<'t>>,
    /// `redirect`, with its text.
    pub redirect: Option<(&'t str, MacroString)>,
}

/// One term of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term<'t> {
    /// A mechanism with its qualifier.
    Directive(Directive<'t>),
    /// A modifier.
    Modifier(Modifier),
}

/// A mechanism with its qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive<'t> {
    /// As it is written.
    pub text: &'t str,
    /// The result where the mechanism matches.
    pub result: SpfResult,
    /// The mechanism.
    pub mechanism: Mechanism,
}

/// A mechanism (section 5). Domains that are left out are the one whose record is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Matches always.
    All,
    /// Matches where the other domain's policy passes.
    Include(MacroString),
    /// The domain's addresses.
    A(Option<MacroString>, PrefixLengths),
    /// The addresses of the domain's mail exchangers.
    Mx(Option<MacroString>, PrefixLengths),
    /// The client's confirmed PTR names.
    Ptr(Option<MacroString>),
    /// A network, of either family.
    Ip(Network),
    /// Whether the name has an A record.
    Exists(MacroString),
}

/// Prefix lengths for the two families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixLengths {
    /// At most 32.
    pub ipv4: u8,
    /// At most 128.
    pub ipv6: u8,
}

impl PrefixLengths {
    /// Whether `address` lies in the network of `other` with the prefix length of its family.
    pub fn join(self, address: IpAddr, other: IpAddr) -> bool {
        let length = if other.is_ipv4() { self.ipv4 } else { self.ipv6 };
        Network { address: other, length }.contains(address)
    }
}

/// Addresses that have their first bits in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Any of them.
    pub address: IpAddr,
    /// How many bits.
    pub length: u8,
}

impl Network {
    /// Whether the address is in it; never one of the other family.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = u32::from(network) ^ u32::from(address);
                differ.checked_shr(32 - u32::from(self.length)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = u128::from(network) ^ u128::from(address);
                differ.checked_shr(128 - u32::from(self.length)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// A modifier (section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Modifier {
    /// Whose policy holds where no mechanism matches.
    Redirect(MacroString),
    /// Where the text for receivers' replies stands: it is not asked for.
    Exp,
    /// Any other: ignored.
    Unknown,
}

impl<'t> Record<'t> {
    /// Reads a record; the first fault with the term that has it. A fault anywhere spoils the whole (section 4.6).
    pub fn read(text: &'t str) -> Result<Record<'t>, (&'t str, SyntaxError)> {
        let mut record = Record { directives: Vec::new(), redirect: None };
        let mut explained = false;
        for term in terms(text) {
            match Term::read(term).map_err(|fault| (term, fault))? {
                Term::Directive(directive) => record.directives.push(directive),
                Term::Modifier(Modifier::Redirect(domain)) => {
                    if record.redirect.replace((term, domain)).is_some() {
                        return Err((term, SyntaxError::Repeated));
                    }
                }
                Term::Modifier(Modifier::Exp) => {
                    if std::mem::replace(&mut explained, true) {
                        return Err((term, SyntaxError::Repeated));
                    }
                }
                Term::Modifier(Modifier::Unknown) => {}
            }
        }
        Ok(record)
    }
}

/// The terms of a record, as they are written.
pub(super) fn terms(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').skip(1).filter(|term| !term.is_empty())
}

impl<'t> Term<'t> {
    /// Reads one term.
    pub fn read(text: &'t str) -> Result<Term<'t>, SyntaxError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SyntaxError::Character);
        }
        if let Some((name, value)) = text.split_once('=').filter(|(name, _)| is_modifier_name(name)) {
            return modifier(name, value).map(Term::Modifier);
        }
        let (result, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (SpfResult::Pass, rest),
            Some(("-", rest)) => (SpfResult::Fail, rest),
            Some(("~", rest)) => (SpfResult::SoftFail, rest),
            Some(("?", rest)) => (SpfResult::Neutral, rest),
            _ => (SpfResult::Pass, text),
        };
        Ok(Term::Directive(Directive { text, result, mechanism: mechanism(rest)? }))
    }
}

fn is_modifier_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn modifier(name: &str, value: &str) -> Result<Modifier, SyntaxError> {
    match known(name, &["redirect", "exp"]) {
        "redirect" => MacroString::read_domain(value).map(Modifier::Redirect),
        "exp" => MacroString::read_domain(value).map(|_| Modifier::Exp),
        _ => MacroString::read(value).map(|_| Modifier::Unknown),
    }
}

/// The one of these words that the name is, in whatever case; empty where it is none.
fn known(name: &str, words: &[&'static str]) -> &'static str {
    words.iter().find(|word| name.eq_ignore_ascii_case(word)).copied().unwrap_or_default()
}

fn mechanism(text: &str) -> Result<Mechanism, SyntaxError> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match known(name, &["all", "include", "a", "mx", "ip4", "ip6", "exists", "ptr"]) {
        "all" if rest.is_empty() => Ok(Mechanism::All),
        "all" => Err(SyntaxError::Argument),
        "include" => domain(rest).map(Mechanism::Include),
        "exists" => domain(rest).map(Mechanism::Exists),
        "ptr" if rest.is_empty() => Ok(Mechanism::Ptr(None)),
        "ptr" => domain(rest).map(Some).map(Mechanism::Ptr),
        "a" => domain_with_lengths(rest).map(|(domain, lengths)| Mechanism::A(domain, lengths)),
        "mx" => domain_with_lengths(rest).map(|(domain, lengths)| Mechanism::Mx(domain, lengths)),
        "ip4" => network(rest, 32, |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)),
        "ip6" => network(rest, 128, |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6)),
        _ => Err(SyntaxError::UnknownMechanism),
    }
}

/// `:domain`.
fn domain(text: &str) -> Result<MacroString, SyntaxError> {
    MacroString::read_domain(text.strip_prefix(':').ok_or(SyntaxError::Domain)?)
}

/// `[:domain][/24][//64]`.
fn domain_with_lengths(text: &str) -> Result<(Option<MacroString>, PrefixLengths), SyntaxError> {
    let (text, ipv6) = length_behind(text, "//", 128)?;
    let (text, ipv4) = length_behind(text, "/", 32)?;
    let domain = match text.strip_prefix(':') {
        Some(domain) => Some(MacroString::read_domain(domain)?),
        None if text.is_empty() => None,
        None => return Err(SyntaxError::PrefixLength),
    };
    Ok((domain, PrefixLengths { ipv4: ipv4.unwrap_or(32), ipv6: ipv6.unwrap_or(128) }))
}

/// `:address[/24]`.
fn network(text: &str, most: u8, read: impl Fn(&str) -> Option<IpAddr>) -> Result<Mechanism, SyntaxError> {
    let (text, length) = length_behind(text, "/", most)?;
    let address = text.strip_prefix(':').and_then(read).ok_or(SyntaxError::Address)?;
    Ok(Mechanism::Ip(Network { address, length: length.unwrap_or(most) }))
}

/// The number behind the last `sign`, and what stands before it; nothing is cut off where that is no number without leading zero.
fn length_behind<'t>(text: &'t str, sign: &str, most: u8) -> Result<(&'t str, Option<u8>), SyntaxError> {
    let Some((before, digits)) = text.rsplit_once(sign) else { return Ok((text, None)) };
    let is_number = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if !is_number {
        return Ok((text, None));
    }
    let length = digits.parse().ok().filter(|length| *length <= most).ok_or(SyntaxError::PrefixLength)?;
    Ok((before, Some(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_texts_are_records() {
        for (text, is) in [
            ("v=spf1", true),
            ("V=SPF1 -all", true),
            ("v=spf10", false),
            ("v=spf1\t-all", false),
            (" v=spf1 -all", false),
            ("v=spf", false),
            ("é=spf1", false),
        ] {
            assert_eq!(is_spf(text), is, "{text}");
        }
    }

    #[test]
    fn what_terms_are_allowed() {
        for term in [
            "all",
            "-ALL",
            "include:a.example",
            "a",
            "?a:a.example/24//64",
            "a//64",
            "a/0",
            "mx/32",
            "mx:%{d}/27",
            "ptr",
            "ptr:a.example",
            "ip4:192.0.2.1",
            "ip4:192.0.2.0/24",
            "ip6:2001:db8::/32",
            "ip6:::/0",
            "~ip6:::ffff:192.0.2.1",
            "exists:%{i}.x/86400.rate.%{d}",
            "redirect=a.example",
            "exp=a.example",
            "moo=",
            "a.b-c_9=%{d}/x",
            "x=c=d",
        ] {
            assert!(Term::read(term).is_ok(), "{term}: {:?}", Term::read(term));
        }
    }

    #[test]
    fn what_terms_are_not() {
        use SyntaxError::{Address, Argument, Character, Domain, Macro, PrefixLength, UnknownMechanism};
        for (term, fault) in [
            ("all:x", Argument),
            ("all.", UnknownMechanism),
            ("--all", UnknownMechanism),
            ("moo", UnknownMechanism),
            ("=a", UnknownMechanism),
            ("include", Domain),
            ("include:", Domain),
            ("include:a.example/24", Domain),
            ("a:", Domain),
            ("a:/24", Domain),
            ("a:192.0.2.1", Domain),
            ("a:a.example,", Domain),
            ("a/33", PrefixLength),
            ("a//129", PrefixLength),
            ("a/024", PrefixLength),
            ("a//64/24", PrefixLength),
            ("a/", PrefixLength),
            ("a:a.example/999999999999999999999", PrefixLength),
            ("ip4:192.0.2", Address),
            ("ip4:192.0.2.01", Address),
            ("ip4:192.0.2.0/33", PrefixLength),
            ("ip4:192.0.2.0//24", Address),
            ("ip4", Address),
            ("ip6:192.0.2.1", Address),
            ("ip6:2001:db8::/129", PrefixLength),
            ("exists", Domain),
            ("ptr:", Domain),
            ("redirect=", Domain),
            ("exp=", Domain),
            ("moo=%x", Macro),
            ("a:é.example", Character),
        ] {
            assert_eq!(Term::read(term), Err(fault), "{term}");
        }
        for twice in ["redirect=a.example redirect=a.example", "exp=a.example EXP=b.example"] {
            assert_eq!(Record::read(&format!("v=spf1 {twice}")).unwrap_err().1, SyntaxError::Repeated);
        }
        assert!(Record::read("v=spf1 moo=a moo=b").is_ok(), "unknown modifiers may stand often");
    }

    #[test]
    fn networks_hold_what_agrees_in_their_bits() {
        for (address, length, other, holds) in [
            ("192.0.2.1", 32, "192.0.2.1", true),
            ("192.0.2.1", 32, "192.0.2.2", false),
            ("192.0.2.1", 24, "192.0.2.2", true),
            ("192.0.2.1", 0, "198.51.100.1", true),
            ("2001:db8::1", 128, "2001:db8::2", false),
            ("2001:db8::1", 126, "2001:db8::2", true),
            ("2001:db8::1", 0, "fe80::1", true),
            ("0.0.0.0", 0, "::1", false),
        ] {
            let network = Network { address: address.parse().unwrap(), length };
            assert_eq!(network.contains(other.parse().unwrap()), holds, "{address}/{length} {other}");
        }
    }
}
