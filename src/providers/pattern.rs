//! Whether a name is one that a provider gives by itself: literal text with a few holes.

use std::net::IpAddr;

/// Whether `name` (lower case, without final dot) follows `pattern`, whose octets are those of `addr`. Each hole takes as much as it can,
/// so that time is linear: no pattern has a hole before a character that the hole would take.
pub(super) fn matches(pattern: &str, name: &str, addr: IpAddr) -> bool {
    let octets = match addr {
        IpAddr::V4(v4) => Some(v4.octets()),
        IpAddr::V6(_) => None,
    };
    let mut rest = name;
    let mut pattern = pattern;
    while let Some(open) = pattern.find('{') {
        let (literal, tail) = pattern.split_at(open);
        let (Some(after), Some((hole, behind))) = (rest.strip_prefix(literal), tail[1..].split_once('}')) else {
            return false;
        };
        let octet = ["a", "b", "c", "d"].iter().position(|letter| *letter == hole);
        let taken = match octet {
            Some(at) => {
                let Some(octet) = octets.and_then(|octets| octets.get(at).copied()) else { return false };
                let digits = take(after, |c| c.is_ascii_digit());
                // Providers that pad with zeros would be patterns of their own.
                if after.get(..digits) == Some(octet.to_string().as_str()) { digits } else { 0 }
            }
            None => match hole {
                "n" => take(after, |c| c.is_ascii_digit()),
                "h" => take(after, |c| c.is_ascii_hexdigit()),
                "l" => take(after, |c| c.is_ascii_alphanumeric() || c == '-'),
                _ => 0,
            },
        };
        if taken == 0 {
            return false;
        }
        rest = after.get(taken..).unwrap_or("");
        pattern = behind;
    }
    rest == pattern
}

/// Bytes at the start of `text` that belong to the class, all of them ASCII.
fn take(text: &str, class: impl Fn(char) -> bool) -> usize {
    text.chars().take_while(|c| class(*c)).count()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn holes_take_what_they_stand_for() {
        let addr = "192.0.2.10".parse().unwrap();
        for (pattern, name, expected) in [
            ("{a}-{b}-{c}-{d}.x.example", "192-0-2-10.x.example", true),
            ("{d}.{c}.{b}.{a}.x.example", "10.2.0.192.x.example", true),
            ("{a}-{b}-{c}-{d}.x.example", "192-0-2-11.x.example", false),
            ("{a}-{b}-{c}-{d}.x.example", "192-0-2-10.x.example.net", false),
            ("{a}-{b}-{c}-{d}.x.example", "x192-0-2-10.x.example", false),
            ("srv{n}.x.example", "srv123.x.example", true),
            ("srv{n}.x.example", "srv.x.example", false),
            ("vps-{h}.x.example", "vps-10af.x.example", true),
            ("{l}.x.example", "uk-lon1.x.example", true),
            ("{l}.x.example", "a.b.x.example", false),
            ("fixed.x.example", "fixed.x.example", true),
            ("{z}.x.example", "z.x.example", false),
            ("{a", "192", false),
        ] {
            assert_eq!(matches(pattern, name, addr), expected, "{pattern} {name}");
        }
        assert!(!matches("{a}.x.example", "2001.x.example", "2001:db8::1".parse().unwrap()), "no octets in IPv6");
        assert!(!matches("{n}.x.example", "é.x.example", addr));
    }
}
