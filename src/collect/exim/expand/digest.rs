//! The digests and encodings that expansion operators give: MD5 (RFC 1321), SHA-1 (RFC 3174), base64 (RFC 4648), and Exim's own hashes.

/// Pads a message to whole blocks of 64 octets, with its length in bits at the end.
fn padded(data: &[u8], length: [u8; 8]) -> Vec<u8> {
    let mut message = data.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend(length);
    message
}

/// RFC 1321, in lower-case hexadecimal.
pub(crate) fn md5(data: &[u8]) -> String {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in padded(data, (data.len() as u64 * 8).to_le_bytes()).chunks_exact(64) {
        let word = |i: usize| u32::from_le_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]]);
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64usize {
            let (mix, at) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), 7 * i % 16),
            };
            // Section 3.4: the constants are the integer part of 2^32 |sin(i + 1)|.
            let sine = (((i + 1) as f64).sin().abs() * 4_294_967_296.0) as u32;
            let sum = a.wrapping_add(mix).wrapping_add(sine).wrapping_add(word(at));
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(SHIFTS[i / 16][i % 4])));
        }
        for (part, add) in state.iter_mut().zip([a, b, c, d]) {
            *part = part.wrapping_add(add);
        }
    }
    state.iter().flat_map(|part| part.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 3174, in upper-case hexadecimal as Exim writes it.
pub(crate) fn sha1(data: &[u8]) -> String {
    let mut state = [0x6745_2301u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(data, (data.len() as u64 * 8).to_be_bytes()).chunks_exact(64) {
        let mut words: Vec<u32> =
            block.chunks_exact(4).map(|part| u32::from_be_bytes([part[0], part[1], part[2], part[3]])).collect();
        for i in 16..80 {
            words.push((words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in words.iter().enumerate() {
            let (mix, constant) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6u32),
            };
            let sum = a.rotate_left(5).wrapping_add(mix).wrapping_add(e).wrapping_add(*word).wrapping_add(constant);
            (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
        }
        for (part, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *part = part.wrapping_add(add);
        }
    }
    state.iter().map(|part| format!("{part:08X}")).collect()
}

/// RFC 4648 section 4, with padding.
pub(crate) fn base64(data: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in data.chunks(3) {
        let bits = part.iter().enumerate().fold(0u32, |bits, (i, byte)| bits | u32::from(*byte) << (16 - 8 * i));
        for i in 0..4 {
            let here = (bits >> (18 - 6 * i)) & 63;
            text.push(if i <= part.len() { char::from(ALPHABET[here as usize]) } else { '=' });
        }
    }
    text
}

/// Exim's `hash`: `length` characters out of the first `kinds` of its own alphabet.
pub(crate) fn hash(data: &[u8], length: usize, kinds: usize) -> Option<String> {
    // The order of s and t is Exim's own.
    const CODES: &[u8; 62] = b"abcdefghijklmnopqrtsuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    if length >= data.len() || length == 0 {
        return Some(String::from_utf8_lossy(&data[..length.min(data.len())]).into_owned());
    }
    if kinds == 0 || kinds > CODES.len() {
        return None;
    }
    let mut folded = data.to_vec();
    for j in length..data.len() {
        let c = folded[j];
        let shift = (c as usize + j) & 7;
        let turned = (u32::from(c) << shift | u32::from(c) >> (8 - shift)) as u8;
        folded[(j - length) % length] ^= turned;
    }
    Some(folded[..length].iter().map(|byte| char::from(CODES[*byte as usize % kinds])).collect())
}

/// Exim's `nhash`: a number below `first`, or two of them.
pub(crate) fn nhash(data: &[u8], first: u64, second: Option<u64>) -> Option<String> {
    const PRIMES: [u64; 29] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113,
    ];
    // The largest prime comes first, and after the smallest it begins anew.
    let weighed = data.iter().zip(PRIMES.iter().rev().cycle());
    let total = weighed.fold(0u64, |total, (byte, prime)| total.wrapping_add(prime * u64::from(*byte)));
    match second {
        None => Some((total.checked_rem(first)?).to_string()),
        Some(second) => {
            let total = total.checked_rem(first.checked_mul(second)?)?;
            Some(format!("{}/{}", total.checked_div(second)?, total.checked_rem(second)?))
        }
    }
}
