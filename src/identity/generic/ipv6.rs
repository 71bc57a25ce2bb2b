//! How names spell IPv6 addresses.

use std::net::Ipv6Addr;

use super::spelling::Spelling;

/// Groups of an address.
const GROUPS: usize = 8;
/// Hexadecimal digits that must agree before a part of an address counts.
const PART: usize = 10;

/// How `text` spells `addr` or a good part of it.
pub(super) fn spelled(text: &str, addr: Ipv6Addr) -> Option<Spelling> {
    let nibbles: String = addr.segments().iter().map(|group| format!("{group:04x}")).collect();
    let reversed: String = nibbles.chars().rev().collect();
    let compact: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if compact.contains(&nibbles) {
        return Some(Spelling::Full);
    }
    if compact.contains(&reversed) {
        return Some(Spelling::DigitsBackwards);
    }
    if shortened(text, addr) {
        return Some(Spelling::Shortened);
    }
    part(text, &compact, &nibbles, &reversed, addr)
}

/// Whether some run of pieces between dashes (dots, underscores, `x`) is the address, `--` standing for `::`.
fn shortened(text: &str, addr: Ipv6Addr) -> bool {
    for separator in ['-', '.', '_', 'x'] {
        let pieces: Vec<&str> = text.split(separator).collect();
        for start in 0..pieces.len() {
            let Some(first) = pieces.get(start).map(|piece| hex_tail(piece)) else { continue };
            if first.is_empty() {
                continue;
            }
            let mut joined = first.to_owned();
            let mut groups = 1;
            for piece in pieces.iter().skip(start + 1).take(GROUPS) {
                // The last piece may run on behind the address: `...--10.dyn`.
                let head = hex_head(piece);
                joined.push(':');
                joined.push_str(head);
                groups += 1;
                if groups >= 3 && joined.parse() == Ok(addr) {
                    return true;
                }
                if head.len() != piece.len() {
                    break;
                }
            }
            if joined.ends_with("::") && joined.parse() == Ok(addr) {
                return true;
            }
        }
    }
    false
}

/// The hexadecimal digits that `piece` ends with, four at most.
fn hex_tail(piece: &str) -> &str {
    let count = piece.bytes().rev().take(4).take_while(u8::is_ascii_hexdigit).count();
    piece.get(piece.len() - count..).unwrap_or("")
}

/// The hexadecimal digits that `piece` begins with.
fn hex_head(piece: &str) -> &str {
    let count = piece.bytes().take(5).take_while(u8::is_ascii_hexdigit).count();
    piece.get(..count).unwrap_or("")
}

/// Half of the address, several groups of it, or the hardware address that it was made from.
fn part(text: &str, compact: &str, nibbles: &str, reversed: &str, addr: Ipv6Addr) -> Option<Spelling> {
    let telling = |half: &str| half.bytes().filter(|byte| *byte != b'0').count() >= 3;
    for whole in [nibbles, reversed] {
        for half in [whole.get(..16), whole.get(16..), whole.get(..12)].into_iter().flatten() {
            if telling(half) && compact.contains(half) {
                return Some(Spelling::Half);
            }
        }
    }
    let [.., e, f, g, h] = addr.segments();
    if f & 0xff == 0xff && g >> 8 == 0xfe {
        let mac = format!("{:04x}{:02x}{:02x}{h:04x}", e ^ 0x0200, f >> 8, g & 0xff);
        if compact.contains(&mac) {
            return Some(Spelling::HardwareAddress);
        }
    }
    let groups = addr.segments();
    let pieces: Vec<Option<u16>> = text
        .split(['-', '.', '_', ':'])
        .map(|piece| if piece.len() <= 4 { u16::from_str_radix(piece, 16).ok() } else { None })
        .collect();
    let matches = |run: &[u16]| {
        let digits: usize = run.iter().map(|group| format!("{group:x}").len()).sum();
        let back: Vec<Option<u16>> = run.iter().rev().map(|group| Some(*group)).collect();
        let ahead: Vec<Option<u16>> = run.iter().map(|group| Some(*group)).collect();
        digits >= PART - 2 && pieces.windows(run.len()).any(|window| window == ahead || window == back)
    };
    let runs = groups.windows(3);
    runs.clone().any(matches).then_some(Spelling::Groups)
}
