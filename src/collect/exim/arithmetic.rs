//! Integers as Exim reads them, and its `eval`.

/// Levels of parentheses that are followed.
pub(in crate::collect) const DEPTH_LIMIT: usize = 40;
/// How the error begins where there are more, which is not Exim's.
pub(crate) const TOO_DEEP: &str = "expression too deep";

/// An integer with an optional `K`, `M` or `G`, as conditions read it.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&text[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&text[..at], 1 << 30),
        _ => (text, 1i64),
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

/// The value of an expression; `decimal`: a leading zero does not mean octal.
///
/// # Errors
/// What is wrong with it, in Exim's words as far as known.
pub(crate) fn value(text: &str, decimal: bool) -> Result<i64, String> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, decimal, depth: 0 };
    let outcome = reader.binary(0).and_then(|value| match reader.peek() {
        None => Ok(value),
        Some(_) => Err("expecting operator".into()),
    });
    outcome.map_err(|why| {
        let done = String::from_utf8_lossy(&text.as_bytes()[..reader.at.min(text.len())]);
        format!("{why} (after processing \"{done}\")")
    })
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    decimal: bool,
    depth: usize,
}

/// Operators by strength, the weakest first.
const LEVELS: [&[&str]; 6] = [&["|"], &["^"], &["&"], &["<<", ">>"], &["+", "-"], &["*", "/", "%"]];

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn operator(&mut self, level: usize) -> Option<&'static str> {
        self.peek()?;
        let found = LEVELS[level].iter().find(|op| self.text[self.at..].starts_with(op.as_bytes()))?;
        self.at += found.len();
        Some(found)
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        while let Some(op) = self.operator(level) {
            let right = self.binary(level + 1)?;
            let shift = u32::try_from(right).unwrap_or(64);
            left = match op {
                "|" => left | right,
                "^" => left ^ right,
                "&" => left & right,
                "<<" => left.checked_shl(shift).unwrap_or(0),
                ">>" => left.checked_shr(shift).unwrap_or(0),
                "+" => left.wrapping_add(right),
                "-" => left.wrapping_sub(right),
                "*" => left.wrapping_mul(right),
                "/" => left.checked_div(right).ok_or("divide by zero")?,
                _ => left.checked_rem(right).ok_or("divide by zero")?,
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(TOO_DEEP.into());
        }
        let value = match self.peek() {
            Some(b'(') => {
                self.at += 1;
                let value = self.binary(0)?;
                if self.peek() != Some(b')') {
                    return Err("expecting closing parenthesis".into());
                }
                self.at += 1;
                value
            }
            Some(b'-') => {
                self.at += 1;
                self.unary()?.wrapping_neg()
            }
            Some(b'~') => {
                self.at += 1;
                !self.unary()?
            }
            Some(b'+') => {
                self.at += 1;
                self.unary()?
            }
            Some(byte) if byte.is_ascii_digit() => self.number()?,
            _ => return Err("expecting number or opening parenthesis".into()),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn number(&mut self) -> Result<i64, String> {
        let rest = &self.text[self.at..];
        let (radix, skip) = match rest {
            [b'0', b'x' | b'X', ..] if !self.decimal => (16, 2),
            [b'0', ..] if !self.decimal => (8, 0),
            _ => (10, 0),
        };
        let digits: String =
            rest[skip..].iter().map(|byte| char::from(*byte)).take_while(|c| c.is_digit(radix)).collect();
        self.at += skip + digits.len();
        let value = i64::from_str_radix(&digits, radix).map_err(|_| "number too large")?;
        let factor = match self.text.get(self.at) {
            Some(b'k' | b'K') => 1 << 10,
            Some(b'm' | b'M') => 1 << 20,
            Some(b'g' | b'G') => 1 << 30,
            _ => return Ok(value),
        };
        self.at += 1;
        Ok(value.wrapping_mul(factor))
    }
}
