//! Master files (RFC 1035 section 5): from text to records, each error with its line.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::name::DomainName;
use crate::observe::{Record, RecordData, askable, plan};

/// Seconds for a record where neither it, nor `$TTL`, nor a record before it says how long it may be kept.
const DEFAULT_TTL: u32 = 3600;
/// Largest TTL (RFC 2181 section 8).
const MAX_TTL: u32 = i32::MAX as u32;
/// Types that master files hold and helolint does not use. Whatever is neither here nor used is a slip of the pen.
const SKIPPED: &[&str] = &[
    "AFSDB",
    "APL",
    "CAA",
    "CDNSKEY",
    "CDS",
    "CERT",
    "CSYNC",
    "DHCID",
    "DLV",
    "DNAME",
    "DNSKEY",
    "DS",
    "HINFO",
    "HIP",
    "HTTPS",
    "KEY",
    "KX",
    "LOC",
    "MINFO",
    "NAPTR",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "OPENPGPKEY",
    "RP",
    "RRSIG",
    "SIG",
    "SMIMEA",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "URI",
    "WKS",
    "ZONEMD",
];

/// What is wrong in a master file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl std::error::Error for ZoneError {}

/// One word of an entry. Escapes stand in it as they were written.
struct Token<'a> {
    text: &'a str,
    quoted: bool,
    /// Where it stands in the whole text, with its quotes.
    span: Range<usize>,
}

/// One entry: a line, or several within parentheses.
struct Entry<'a> {
    line: usize,
    /// Whether it begins with white space: the owner is that of the entry before.
    inherits: bool,
    tokens: Vec<Token<'a>>,
    /// Octet behind its last line.
    end: usize,
}

/// What an entry says.
struct Said {
    owner: DomainName,
    ttl: u32,
    kind: String,
    /// `None` for a type that is not used.
    data: Option<RecordData>,
    /// Number of the first word of its data.
    first: usize,
}

/// A record where it stands in a master file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    /// The name that it is of.
    pub(crate) owner: DomainName,
    /// For how many seconds it may be kept.
    pub(crate) ttl: u32,
    /// Its type, in capitals.
    pub(crate) kind: String,
    /// What it says; `None` for a type that is not used.
    pub(crate) data: Option<RecordData>,
    /// The words of its data, as octets of the text, quotes within.
    pub(crate) words: Vec<Range<usize>>,
    /// Octet behind its last line.
    pub(crate) end: usize,
}

/// Everything that a master file says, in its order, and where. `None` where it cannot be read, or other files belong to it.
pub(crate) fn placed(text: &str, origin: &DomainName) -> Option<Vec<Placed>> {
    let mut reader = Reader::new(origin);
    let mut all = Vec::new();
    for entry in entries(text) {
        let entry = entry.ok()?;
        let Some(said) = reader.entry(&entry).ok()? else { continue };
        let words = entry.tokens.get(said.first..)?.iter().map(|token| token.span.clone()).collect();
        all.push(Placed { owner: said.owner, ttl: said.ttl, kind: said.kind, data: said.data, words, end: entry.end });
    }
    Some(all)
}

/// The records of a master file. Names without final dot stand below `origin` until `$ORIGIN` says otherwise.
///
/// # Errors
/// Every entry that cannot be read, in file order.
pub(crate) fn parse(file: &str, text: &str, origin: &DomainName) -> Result<Vec<(usize, Record)>, Vec<ZoneError>> {
    let mut reader = Reader::new(origin);
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    let mut fail = |line, message| errors.push(ZoneError { file: file.to_owned(), line, message });
    for entry in entries(text) {
        match entry.and_then(|entry| {
            let line = entry.line;
            let record = |said: Said| Some((line, Record { name: said.owner, ttl: said.ttl, data: said.data? }));
            reader.entry(&entry).map(|said| said.and_then(record)).map_err(|message| (line, message))
        }) {
            Ok(record) => records.extend(record),
            Err((line, message)) => fail(line, message),
        }
    }
    if errors.is_empty() { Ok(records) } else { Err(errors) }
}

/// Splits the text into entries.
fn entries(text: &str) -> Vec<Result<Entry<'_>, (usize, String)>> {
    let mut all = Vec::new();
    let mut open: Option<(Entry<'_>, usize)> = None;
    let mut end = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index + 1;
        let start = end;
        end += line.len();
        let line = line.trim_end_matches('\n');
        let (mut entry, mut depth) = open.take().unwrap_or_else(|| {
            (Entry { line: number, inherits: line.starts_with([' ', '\t']), tokens: Vec::new(), end }, 0)
        });
        entry.end = end;
        if let Err(message) = tokens(line, start, &mut entry.tokens, &mut depth) {
            all.push(Err((number, message)));
            continue;
        }
        if depth > 0 {
            open = Some((entry, depth));
        } else if !entry.tokens.is_empty() {
            all.push(Ok(entry));
        }
    }
    if let Some((entry, _)) = open {
        all.push(Err((entry.line, "a parenthesis is opened here and never closed".into())));
    }
    all
}

/// Appends the words of one line, which begins at octet `start` of the text.
fn tokens<'a>(line: &'a str, start: usize, into: &mut Vec<Token<'a>>, depth: &mut usize) -> Result<(), String> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' => at += 1,
            b';' => return Ok(()),
            b'(' => {
                *depth += 1;
                at += 1;
            }
            b')' => {
                *depth = depth.checked_sub(1).ok_or("a parenthesis is closed that was never opened")?;
                at += 1;
            }
            b'"' => {
                let end = run(bytes, at + 1, |b| b == b'"');
                if end >= bytes.len() {
                    return Err("a quoted string does not end on its line".into());
                }
                let text = line.get(at + 1..end).unwrap_or("");
                into.push(Token { text, quoted: true, span: start + at..start + end + 1 });
                at = end + 1;
            }
            _ => {
                let end = run(bytes, at, |b| matches!(b, b' ' | b'\t' | b'\r' | b';' | b'(' | b')' | b'"'));
                let text = line.get(at..end).unwrap_or("");
                into.push(Token { text, quoted: false, span: start + at..start + end });
                at = end;
            }
        }
    }
    Ok(())
}

/// Index of the first byte from `at` on that `stop` accepts and no backslash escapes; the line's length where there is none.
fn run(bytes: &[u8], mut at: usize, stop: impl Fn(u8) -> bool) -> usize {
    while let Some(&byte) = bytes.get(at) {
        if stop(byte) {
            return at;
        }
        at += if byte == b'\\' { 2 } else { 1 };
    }
    bytes.len()
}

struct Reader {
    origin: DomainName,
    owner: Option<DomainName>,
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
}

impl Reader {
    fn new(origin: &DomainName) -> Reader {
        Reader { origin: origin.clone(), owner: None, default_ttl: None, last_ttl: None }
    }

    /// What an entry says; `None` for what is no record.
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Option<Said>, String> {
        let mut words = entry.tokens.iter();
        let mut next = || words.next();
        if !entry.inherits {
            let first = next().ok_or("the entry is empty")?.text;
            match first.to_ascii_uppercase().as_str() {
                "$ORIGIN" => {
                    self.origin = self.name(next().ok_or("$ORIGIN lacks its name")?.text)?;
                    return Ok(None);
                }
                "$TTL" => {
                    let text = next().ok_or("$TTL lacks its value")?.text;
                    self.default_ttl = Some(ttl(text).ok_or_else(|| format!("`{text}` is no TTL"))?);
                    return Ok(None);
                }
                word if word.starts_with('$') => return Err(format!("{word} is not supported")),
                _ => self.owner = Some(self.name(first)?),
            }
        }
        let owner = self.owner.clone().ok_or("the first entry names no owner")?;
        let (mut own_ttl, mut kind) = (None, None);
        for word in words.by_ref() {
            let upper = word.text.to_ascii_uppercase();
            match upper.as_str() {
                "IN" => {}
                "CH" | "HS" | "CS" => return Err(format!("class {upper} is not supported, only IN is")),
                _ if upper.starts_with(|c: char| c.is_ascii_digit()) && own_ttl.is_none() => {
                    own_ttl = Some(ttl(word.text).ok_or_else(|| format!("`{}` is no TTL", word.text))?);
                }
                _ => {
                    kind = Some(upper);
                    break;
                }
            }
        }
        let kind = kind.ok_or("the entry has no record type")?;
        let data: Vec<&Token<'_>> = words.collect();
        let first = entry.tokens.len() - data.len();
        let data = self.data(&kind, &data)?;
        let minimum = match data {
            Some(RecordData::Soa { minimum, .. }) => Some(minimum),
            _ => None,
        };
        let ttl = own_ttl.or(self.default_ttl).or(self.last_ttl).or(minimum).unwrap_or(DEFAULT_TTL);
        self.last_ttl = Some(ttl);
        Ok(Some(Said { owner, ttl, kind, data, first }))
    }

    fn data(&self, kind: &str, words: &[&Token<'_>]) -> Result<Option<RecordData>, String> {
        let expect = |count: usize| {
            let found = words.len();
            if found == count { Ok(()) } else { Err(format!("{kind} takes {count} fields, {found} are here")) }
        };
        let word = |index: usize| words.get(index).map_or("", |token| token.text);
        let number = |index: usize| word(index).parse::<u32>().map_err(|_| format!("`{}` is no number", word(index)));
        let address = |what: &str| format!("`{}` is no {what} address", word(0));
        let single = |make: fn(DomainName) -> RecordData| {
            expect(1)?;
            Ok::<_, String>(make(self.name(word(0))?))
        };
        let data = match kind {
            "A" => {
                expect(1)?;
                RecordData::A(word(0).parse::<Ipv4Addr>().map_err(|_| address("IPv4"))?)
            }
            "AAAA" => {
                expect(1)?;
                RecordData::Aaaa(word(0).parse::<Ipv6Addr>().map_err(|_| address("IPv6"))?)
            }
            "PTR" => single(RecordData::Ptr)?,
            "CNAME" => single(RecordData::Cname)?,
            "NS" => single(RecordData::Ns)?,
            "MX" => {
                expect(2)?;
                let preference = u16::try_from(number(0)?).map_err(|_| "an MX preference is at most 65535")?;
                RecordData::Mx(preference, self.name(word(1))?)
            }
            "TXT" => {
                if words.is_empty() {
                    return Err("TXT takes at least one string".into());
                }
                RecordData::Txt(strings(words)?)
            }
            "SOA" => {
                expect(7)?;
                for (index, what) in [(3, "refresh"), (4, "retry"), (5, "expire")] {
                    ttl(word(index)).ok_or_else(|| format!("`{}` is no time ({what})", word(index)))?;
                }
                RecordData::Soa {
                    mname: self.name(word(0))?,
                    rname: self.name(word(1))?,
                    serial: number(2)?,
                    minimum: ttl(word(6)).ok_or_else(|| format!("`{}` is no time (minimum)", word(6)))?,
                }
            }
            other
                if SKIPPED.contains(&other) || other.strip_prefix("TYPE").is_some_and(|n| n.parse::<u16>().is_ok()) =>
            {
                return Ok(None);
            }
            other => return Err(format!("`{other}` is no record type that is supported")),
        };
        Ok(Some(data))
    }

    /// A name as the file writes it: `@`, with final dot, or below the origin.
    fn name(&self, text: &str) -> Result<DomainName, String> {
        let name = match text {
            "" => return Err("a name is empty".into()),
            "@" => return Ok(self.origin.clone()),
            "." => DomainName::new(""),
            _ if text.ends_with('.') && !text.ends_with("\\.") => DomainName::new(text),
            _ if self.origin.as_str().is_empty() => DomainName::new(text),
            _ => DomainName::new(&format!("{text}.{}", self.origin)),
        };
        let labels = plan::labels(&name).ok_or_else(|| format!("`{text}` is no domain name"))?;
        Ok(plan::spelled(labels.iter().map(Vec::as_slice)))
    }
}

/// Seconds, or BIND's units: `1h30m`.
fn ttl(text: &str) -> Option<u32> {
    let (mut total, mut number, mut digits) = (0u32, 0u32, false);
    for byte in text.bytes() {
        let unit = match byte.to_ascii_lowercase() {
            b'0'..=b'9' => {
                number = number.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?;
                digits = true;
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        if !digits {
            return None;
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        (number, digits) = (0, false);
    }
    let whole = digits || total > 0 || !text.is_empty() && text.ends_with(|c: char| c.is_ascii_alphabetic());
    total.checked_add(number).filter(|sum| whole && *sum <= MAX_TTL)
}

/// The strings of a TXT record, escapes resolved, joined.
fn strings(words: &[&Token<'_>]) -> Result<String, String> {
    let mut octets = Vec::new();
    for word in words {
        let start = octets.len();
        let mut bytes = word.text.bytes();
        while let Some(byte) = bytes.next() {
            octets.push(if byte == b'\\' {
                askable::escaped(&mut bytes).ok_or_else(|| format!("`{}` ends in a broken escape", word.text))?
            } else {
                byte
            });
        }
        if octets.len() - start > 255 {
            let how = if word.quoted { "split it into several quoted ones" } else { "quote it and split it" };
            return Err(format!("a string of a TXT record has over 255 octets: {how}"));
        }
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let records = parse("z", text, &DomainName::new("example.com")).unwrap();
        records.iter().map(|(line, r)| format!("{line} {}. {} {} {}", r.name, r.ttl, r.data.rtype(), r.data)).collect()
    }

    #[test]
    fn a_file_as_administrators_write_it() {
        let text = "\
$TTL 1h
@\tIN SOA ns1 hostmaster.example.com. ( 2026112001 ; serial
        7200 3600
        2w 300 ) ; minimum
        NS ns1.example.net.
mail 300 IN A 192.0.2.10
     IN 5m AAAA 2001:db8::10
@ MX 10 Mail
@ TXT \"v=spf1 \" \"-all ; not a comment\"
_sip SRV 0 0 5060 mail
$ORIGIN sub
www CNAME mail.example.com.
";
        assert_eq!(
            read(text),
            [
                "2 example.com. 3600 SOA ns1.example.com. hostmaster.example.com. 2026112001 300",
                "5 example.com. 3600 NS ns1.example.net.",
                "6 mail.example.com. 300 A 192.0.2.10",
                "7 mail.example.com. 300 AAAA 2001:db8::10",
                "8 example.com. 3600 MX 10 mail.example.com.",
                "9 example.com. 3600 TXT \"v=spf1 -all ; not a comment\"",
                "12 www.sub.example.com. 3600 CNAME mail.example.com.",
            ]
        );
    }

    #[test]
    fn errors_name_their_lines() {
        for (text, line, words) in [
            ("a A 192.0.2.300", 1, "no IPv4 address"),
            ("\n\na AAAA 192.0.2.3", 3, "no IPv6 address"),
            ("a AA 192.0.2.3", 1, "no record type"),
            ("a MX mail", 1, "2 fields"),
            (" A 192.0.2.3", 1, "no owner"),
            ("a TXT \"open", 1, "does not end"),
            ("a A ( 192.0.2.3\nb A 192.0.2.4", 1, "never closed"),
            ("a A 192.0.2.3 )", 1, "never opened"),
            ("$INCLUDE /etc/passwd", 1, "not supported"),
            ("a CH A 192.0.2.3", 1, "class CH"),
            ("a..b A 192.0.2.3", 1, "no domain name"),
            ("a", 1, "no record type"),
            ("$TTL 1x", 1, "no TTL"),
        ] {
            let errors = parse("plan.zone", text, &DomainName::new("")).unwrap_err();
            assert_eq!(errors[0].line, line, "{text}: {errors:?}");
            assert!(errors[0].to_string().starts_with(&format!("plan.zone:{line}: ")), "{text}");
            assert!(errors[0].message.contains(words), "{text}: {errors:?}");
        }
    }

    #[test]
    fn times() {
        for (text, seconds) in
            [("0", Some(0)), ("1h30m", Some(5400)), ("2w", Some(1_209_600)), ("0s", Some(0)), ("", None)]
        {
            assert_eq!(ttl(text), seconds, "{text}");
        }
        assert_eq!(ttl("4294967295"), None);
        assert_eq!(ttl("h"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_ends_in_a_panic(text in "[ -~\\n\\t\u{e4}\u{1f4e7}]{0,200}") {
            let _ = parse("z", &text, &DomainName::new("example.com"));
        }

        #[test]
        fn no_entry_ends_in_a_panic(
            text in "[a@\\\\.\u{e4}]{0,9} ?[0-9hw]{0,4} (IN )?(A|TXT|MX|SOA|PTR) [-0-9a-z.\\\\\"();\u{e4} ]{0,60}"
        ) {
            let _ = parse("z", &text, &DomainName::new("example.com"));
        }
    }
}
