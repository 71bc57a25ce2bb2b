//! How names spell IPv4 addresses.

use std::net::Ipv4Addr;

use super::shape;
use super::spelling::{Order, Separator, Spelling};

/// Digits that must agree before an unpadded run of octets counts: shorter ones agree by chance.
const CHANCE: usize = 5;

/// A run of decimal digits in a name.
struct Number<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

impl Number<'_> {
    /// The number as an octet, leading zeros allowed up to three digits.
    fn octet(&self) -> Option<u8> {
        if self.text.len() > 3 { None } else { self.text.parse().ok() }
    }
}

fn numbers(text: &str) -> Vec<Number<'_>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, byte) in text.bytes().chain([b'.']).enumerate() {
        match (byte.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                // Digits are ASCII: both offsets are character boundaries.
                found.push(Number { text: text.get(from..at).unwrap_or(""), start: from, end: at });
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// How `text` spells `addr`, or three octets of it.
pub(super) fn whole(text: &str, addr: Ipv4Addr) -> Option<Spelling> {
    let [a, b, c, d] = addr.octets();
    let numbers = numbers(text);
    let octets: Vec<Option<u8>> = numbers.iter().map(Number::octet).collect();
    let mut sorted = [a, b, c, d];
    sorted.sort_unstable();
    for (at, window) in octets.windows(4).enumerate() {
        let [Some(w), Some(x), Some(y), Some(z)] = *window else { continue };
        let mut seen = [w, x, y, z];
        seen.sort_unstable();
        if seen != sorted {
            continue;
        }
        let order = match [w, x, y, z] {
            same if same == [a, b, c, d] => Order::Forwards,
            back if back == [d, c, b, a] => Order::Backwards,
            _ => Order::Another,
        };
        let run = numbers.get(at..at + 4)?;
        let padded = run.iter().any(|n| n.text.len() > 1 && n.text.starts_with('0'));
        return Some(Spelling::Octets { order, separator: separator(text, run), padded });
    }
    joined(text, &numbers, addr).or_else(|| three(text, &numbers, &octets, addr))
}

/// How an address other than the name's own is spelled: four octets with one separator.
pub(super) fn other(text: &str) -> Option<Spelling> {
    let numbers = numbers(text);
    for run in numbers.windows(4) {
        let mut gaps = run.windows(2).map(|pair| match pair {
            [left, right] => text.get(left.end..right.start).unwrap_or(""),
            _ => "",
        });
        let first = gaps.next().unwrap_or("");
        let even = ["-", ".", "_", "x"].contains(&first) && gaps.all(|gap| gap == first);
        let digits: usize = run.iter().map(|n| n.text.len()).sum();
        let octets: Option<Vec<u8>> = run.iter().map(Number::octet).collect();
        if let (true, true, Some(octets)) = (even, digits > CHANCE, octets) {
            let [a, b, c, d] = octets[..] else { continue };
            return Some(Spelling::AnotherAddress(Ipv4Addr::new(a, b, c, d)));
        }
    }
    None
}

fn separator(text: &str, run: &[Number<'_>]) -> Option<Separator> {
    let mut gaps = run.windows(2).map(|pair| match pair {
        [left, right] => text.get(left.end..right.start).unwrap_or(""),
        _ => "",
    });
    let first = gaps.next().unwrap_or("");
    if !gaps.all(|gap| gap == first) {
        return None;
    }
    match first {
        "-" => Some(Separator::Dashes),
        "." => Some(Separator::Dots),
        "_" => Some(Separator::Underscores),
        _ => None,
    }
}

/// Octets written together: padded, unpadded, in hexadecimal, or as one number.
fn joined(text: &str, numbers: &[Number<'_>], addr: Ipv4Addr) -> Option<Spelling> {
    let [a, b, c, d] = addr.octets();
    let compact: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    for (hex, order) in [([a, b, c, d], Order::Forwards), ([d, c, b, a], Order::Backwards)] {
        let [w, x, y, z] = hex;
        if compact.contains(&format!("{w:02x}{x:02x}{y:02x}{z:02x}")) {
            return Some(Spelling::Hexadecimal(order));
        }
        let padded = format!("{w:03}{x:03}{y:03}{z:03}");
        if compact.contains(&padded) {
            return Some(Spelling::Padded(order));
        }
        let plain = format!("{w}{x}{y}{z}");
        let integer = u32::from_be_bytes(hex).to_string();
        for number in numbers {
            if plain.len() > CHANCE + 1 && number.text.contains(&plain) {
                return Some(Spelling::Joined(order));
            }
            if integer.len() > CHANCE + 2 && number.text == integer {
                return Some(Spelling::Decimal(order));
            }
            if [padded.get(..9), padded.get(3..)].into_iter().flatten().any(|three| number.text.contains(three)) {
                return Some(Spelling::ThreePadded(order));
            }
        }
    }
    hex_pieces(text, addr)
}

/// Octets in hexadecimal without padding, each a piece of its own.
fn hex_pieces(text: &str, addr: Ipv4Addr) -> Option<Spelling> {
    let octets = addr.octets();
    let mut reversed = octets;
    reversed.reverse();
    let pieces: Vec<Option<u8>> = text
        .split(['.', '-', '_'])
        .map(|piece| if piece.len() <= 2 { u8::from_str_radix(piece, 16).ok() } else { None })
        .collect();
    pieces.windows(4).find_map(|window| {
        let [Some(w), Some(x), Some(y), Some(z)] = *window else { return None };
        ([w, x, y, z] == octets || [w, x, y, z] == reversed).then_some(Spelling::HexadecimalOctets)
    })
}

/// Three octets: side by side, or two side by side and a third elsewhere.
fn three(text: &str, numbers: &[Number<'_>], octets: &[Option<u8>], addr: Ipv4Addr) -> Option<Spelling> {
    let [a, b, c, d] = addr.octets().map(Some);
    for (at, window) in octets.windows(3).enumerate() {
        let runs = [[a, b, c], [b, c, d], [c, b, a], [d, c, b]];
        let digits: usize = numbers.iter().skip(at).take(3).map(|n| n.text.len()).sum();
        if digits >= CHANCE && runs.iter().any(|run| window == run) {
            return Some(Spelling::Three);
        }
    }
    for (at, window) in octets.windows(2).enumerate() {
        let gap = match (numbers.get(at), numbers.get(at + 1)) {
            (Some(left), Some(right)) => text.get(left.end..right.start).unwrap_or(""),
            _ => "",
        };
        let head = window == [a, b] || window == [b, a];
        if head && matches!(gap, "-" | "." | "_") {
            let elsewhere = octets.iter().take(at).chain(octets.iter().skip(at + 2)).any(|o| *o == d);
            let digits = addr.octets().map(|o| o.to_string().len());
            if elsewhere && digits[0] + digits[1] + digits[3] > CHANCE {
                return Some(Spelling::FirstTwoAndLast);
            }
        }
    }
    None
}

/// How the host part of a name spells part of `addr`: two octets, or one behind a word for a machine.
pub(super) fn part(host: &str, addr: Ipv4Addr) -> Option<Spelling> {
    let [a, b, c, d] = addr.octets();
    let first = host.split('.').next().unwrap_or("");
    for label in host.split('.') {
        let role = shape::has_role(label);
        let worded = shape::has_machine_word(label) || !label.bytes().any(|byte| byte.is_ascii_alphabetic());
        let numbers = numbers(label);
        for pair in numbers.windows(2) {
            let [left, right] = pair else { continue };
            let (Some(x), Some(y)) = (left.octet(), right.octet()) else { continue };
            let adjacent = matches!(label.get(left.end..right.start), Some("-" | "_" | "x"));
            let last = [x, y] == [c, d] || [x, y] == [d, c];
            let digits = left.text.len() + right.text.len();
            let enough = if role {
                CHANCE
            } else if worded || shape::in_access_pool(host) {
                2
            } else {
                CHANCE - 1
            };
            if adjacent && last && digits >= enough {
                return Some(Spelling::LastTwo);
            }
        }
        if role {
            continue;
        }
        let two = [format!("{c:03}{d:03}"), format!("{d:03}{c:03}")];
        if worded && numbers.iter().any(|n| two.iter().any(|padded| n.text == padded)) {
            return Some(Spelling::LastTwoPadded);
        }
        let compact: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
        let pieces = [[a, b, c], [b, c, d], [c, b, a], [d, c, b]];
        let hex = |run: &[u8; 3]| run.iter().map(|o| format!("{o:02x}")).collect::<String>();
        let context = worded || shape::in_access_pool(host);
        if context && pieces.iter().map(hex).any(|run| compact.contains(&run)) {
            return Some(Spelling::ThreeHexadecimal);
        }
        let four = [format!("{c:02x}{d:02x}"), format!("{d:02x}{c:02x}")];
        let apart = |text: &str| label.split(['-', '_']).any(|piece| piece == text);
        if context && shape::has_machine_word(label) && four.iter().any(|run| apart(run)) {
            return Some(Spelling::LastTwoHexadecimal);
        }
    }
    let across: Vec<&str> = host.split('.').take(2).collect();
    if let [x, y] = across[..] {
        let last = [x.parse().ok(), y.parse().ok()];
        if last == [Some(d), Some(c)] || last == [Some(c), Some(d)] {
            return Some(Spelling::LastTwo);
        }
    }
    let alone = numbers(first);
    match &alone[..] {
        [one] if one.octet() == Some(d) && d >= 10 && shape::has_machine_word(first) && !shape::has_role(first) => {
            Some(Spelling::LastBehindWord)
        }
        [one] if one.text == first && one.octet() == Some(d) => Some(Spelling::LastAlone),
        _ => None,
    }
}
