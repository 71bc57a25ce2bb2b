//! Which names a question may be about, and how a message carries them.

use crate::name::DomainName;

/// Octets of a label, and of a name with its length octets (RFC 1035 section 2.3.4).
const LABEL: usize = 63;
const NAME: usize = 255;

/// Whether the public DNS is asked for a name that files give, or that an expansion of theirs gives: a qualified host name (RFC
/// 1123 section 2.1, underscores allowed), not private and not an address. Nothing else of a file can get into a question.
pub fn is_askable(name: &DomainName) -> bool {
    name.is_qualified() && !name.is_private() && name.is_host_name_but_for_underscores()
}

/// Whether a DNS message can carry the name: no empty label, none over 63 octets, 253 in all (RFC 1035 section 2.3.4).
pub fn is_representable(name: &DomainName) -> bool {
    name.as_str().is_empty() || for_each_label(name, |_| {}).is_some()
}

/// The labels of a name in presentation form, as octets: `\.` and `\ddd` resolved (RFC 1035 section 5.1).
/// `None` where no message can carry the name.
pub fn labels(name: &DomainName) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    if !name.as_str().is_empty() {
        for_each_label(name, |label| all.push(label.to_vec()))?;
    }
    Some(all)
}

/// Hands over each label of a name that is not the root; `None` where no message can carry the name, whatever was handed over till then.
pub fn for_each_label(name: &DomainName, mut take: impl FnMut(&[u8])) -> Option<()> {
    // The root's length octet.
    let mut octets = 1;
    if !name.as_str().contains('\\') {
        for label in name.as_str().as_bytes().split(|byte| *byte == b'.') {
            octets += label.len() + 1;
            if label.is_empty() || label.len() > LABEL || octets > NAME {
                return None;
            }
            take(label);
        }
        return Some(());
    }
    let (mut label, mut length) = ([0; LABEL], 0);
    let mut bytes = name.as_str().bytes();
    loop {
        let byte = match bytes.next() {
            Some(b'\\') => escaped(&mut bytes)?,
            end @ (Some(b'.') | None) => {
                octets += length + 1;
                if length == 0 || octets > NAME {
                    return None;
                }
                take(label.get(..length)?);
                length = 0;
                match end {
                    Some(_) => continue,
                    None => return Some(()),
                }
            }
            Some(byte) => byte,
        };
        *label.get_mut(length)? = byte;
        length += 1;
    }
}

/// The octet behind a backslash: itself, or three decimal digits.
pub(super) fn escaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, bytes.next()?, bytes.next()?];
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// The name that these labels spell in presentation form: octets that a reader could mistake or cannot see are escaped.
pub fn spelled<'a>(labels: impl Iterator<Item = &'a [u8]>) -> DomainName {
    let mut text = String::new();
    spell(labels, &mut text);
    DomainName::new(&text)
}

/// As [`spelled`], appended to a text; letters become lower case.
pub fn spell<'a>(labels: impl Iterator<Item = &'a [u8]>, text: &mut String) {
    let start = text.len();
    for label in labels {
        if text.len() > start {
            text.push('.');
        }
        if label.iter().all(|byte| matches!(byte, b'!'..=b'~' if !matches!(byte, b'.' | b'\\')))
            && let Ok(plain) = std::str::from_utf8(label)
        {
            let start = text.len();
            text.push_str(plain);
            if let Some(label) = text.get_mut(start..) {
                label.make_ascii_lowercase();
            }
            continue;
        }
        for &byte in label {
            match byte {
                b'.' | b'\\' => text.extend(['\\', char::from(byte)]),
                b'!'..=b'~' => text.push(char::from(byte.to_ascii_lowercase())),
                _ => text.push_str(&format!("\\{byte:03}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_escapes_are_carried_as_those_with_are() {
        let long = |labels: &[usize]| labels.iter().map(|count| "a".repeat(*count)).collect::<Vec<_>>().join(".");
        let texts =
            ["a.example", "_dmarc.a-b.example", "a..example", ".example", "a.", "a b.\u{e9}x", "x"].map(str::to_owned);
        let bounds = [long(&[63]), long(&[64]), long(&[63, 63, 63, 61]), long(&[63, 63, 63, 62]), long(&[1, 64, 1])];
        let (mut carried, mut refused) = (0, 0);
        for text in texts.into_iter().chain(bounds) {
            let escaped: String =
                text.bytes().map(|byte| if byte == b'.' { ".".to_owned() } else { format!("\\{byte:03}") }).collect();
            // No text that `DomainName::new` changes otherwise than the one with escapes.
            let (plain, escaped) = (DomainName::new(&text), DomainName::new(&escaped));
            assert_eq!(labels(&plain), labels(&escaped), "{text}");
            let is_carried = is_representable(&plain);
            (carried, refused) = (carried + usize::from(is_carried), refused + usize::from(!is_carried));
        }
        assert_eq!((carried, refused), (7, 5));
    }
}
