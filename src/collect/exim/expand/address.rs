//! RFC 822 addresses, read as leniently as Exim reads them: phrases, comments, routes, empty words between dots.

use super::{Stop, undecided};
use crate::collect::exim::space::is_space;

/// Octets of an address; Exim refuses longer ones.
pub(in crate::collect) const LENGTH_LIMIT: usize = 512;
/// What ends an atom, beside blanks and control characters.
const SPECIAL: &str = "()<>@,;:\\\".[]";

/// Local part and domain of an address, comments removed; the domain is empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// As written, quotes included.
    pub local: String,
    /// As written.
    pub domain: String,
}

/// The address that a text holds, alone or behind a phrase; `None` where Exim takes it for none.
///
/// # Errors
/// Where it hangs on main options: `strip_trailing_dot`, `strip_excess_angle_brackets`, `allow_utf8_domains`.
pub(crate) fn parse(text: &str) -> Result<Option<Address>, Stop> {
    if text.len() > LENGTH_LIMIT {
        return undecided("an address of this length is not followed".to_owned());
    }
    match (Reader { rest: text }).address() {
        Ok(address) => Ok(Some(address)),
        Err(Fault::None) => Ok(None),
        Err(Fault::Option(name)) => undecided(format!("whether it is an address hangs on `{name}`")),
    }
}

/// Why a text is no address.
enum Fault {
    /// Exim refuses it.
    None,
    /// This main option decides it.
    Option(&'static str),
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn next_is(&self, c: char) -> bool {
        self.rest.starts_with(c)
    }

    fn take(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn pop(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn expect(&mut self, c: char) -> Result<(), Fault> {
        if self.take(c) { Ok(()) } else { Err(Fault::None) }
    }

    /// Steps over blanks and comments; one that is not closed reaches to the end.
    fn comments(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(is_space);
            if !self.next_is('(') {
                return;
            }
            let mut level = 0;
            while let Some(c) = self.pop() {
                match c {
                    '(' => level += 1,
                    ')' => level -= 1,
                    '\\' => drop(self.pop()),
                    _ => {}
                }
                if level == 0 {
                    break;
                }
            }
        }
    }

    fn address(&mut self) -> Result<Address, Fault> {
        self.comments();
        let first = self.local_part(true)?;
        if self.rest.is_empty() {
            let whole = Address { local: first, domain: String::new() };
            return if whole.local.is_empty() { Err(Fault::None) } else { Ok(whole) };
        }
        let found = if self.next_is('@') && !first.is_empty() {
            self.expect('@')?;
            Address { local: first, domain: self.domain()? }
        } else if self.next_is('@') {
            self.route()?;
            let found = self.addr_spec(None)?;
            if found.domain.is_empty() {
                return Err(Fault::None);
            }
            found
        } else {
            // A phrase, of words that may hold dots.
            while !self.next_is('<') {
                self.local_part(false)?;
            }
            self.expect('<')?;
            if self.next_is('<') {
                return Err(Fault::Option("strip_excess_angle_brackets"));
            }
            self.comments();
            let routed = self.next_is('@');
            if routed {
                self.route()?;
            }
            let found = self.addr_spec(Some('>'))?;
            if routed && found.domain.is_empty() {
                return Err(Fault::None);
            }
            self.expect('>')?;
            self.comments();
            found
        };
        if self.rest.is_empty() { Ok(found) } else { Err(Fault::None) }
    }

    fn addr_spec(&mut self, end: Option<char>) -> Result<Address, Fault> {
        let local = self.local_part(false)?;
        let ends = end.map_or(self.rest.is_empty(), |end| self.next_is(end));
        if ends {
            return Ok(Address { local, domain: String::new() });
        }
        self.expect('@')?;
        Ok(Address { local, domain: self.domain()? })
    }

    /// Domains to pass through, which count for nothing.
    fn route(&mut self) -> Result<(), Fault> {
        while self.take('@') {
            self.domain()?;
            if !self.take(',') {
                break;
            }
            self.comments();
        }
        self.expect(':')?;
        self.comments();
        Ok(())
    }

    /// Words with dots between them, before them and behind them.
    fn local_part(&mut self, may_be_empty: bool) -> Result<String, Fault> {
        let mut out = String::new();
        loop {
            self.comments();
            let before = out.len();
            if self.take('"') {
                out.push('"');
                loop {
                    match self.pop().ok_or(Fault::None)? {
                        '"' => break,
                        '\\' => {
                            out.push('\\');
                            out.extend(self.pop());
                        }
                        c => out.push(c),
                    }
                }
                out.push('"');
            } else {
                let atom = |c: &char| *c > ' ' && *c != '\u{7f}' && (!SPECIAL.contains(*c) || *c == '\\');
                while let Some(c) = self.rest.chars().next().filter(atom) {
                    self.pop();
                    out.push(c);
                    if c == '\\' {
                        out.extend(self.pop());
                    }
                }
            }
            self.comments();
            if !self.next_is('.') {
                let none = out.len() == before && out.is_empty() && !may_be_empty;
                return if none { Err(Fault::None) } else { Ok(out) };
            }
            while self.take('.') {
                out.push('.');
            }
        }
    }

    fn domain(&mut self) -> Result<String, Fault> {
        self.comments();
        let mut out = String::new();
        if self.take('[') {
            let (inside, rest) = self.rest.split_once(']').ok_or(Fault::None)?;
            self.rest = rest;
            out = format!("[{inside}]");
            self.comments();
            return Ok(out);
        }
        loop {
            if self.rest.starts_with(|c: char| !c.is_ascii()) {
                return Err(Fault::Option("allow_utf8_domains"));
            }
            let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(self.rest.len());
            let (label, rest) = self.rest.split_at(end);
            if label.is_empty() || label.starts_with('-') {
                let trailing = !out.is_empty() && label.is_empty() && (rest.is_empty() || rest.starts_with('>'));
                return Err(if trailing { Fault::Option("strip_trailing_dot") } else { Fault::None });
            }
            if rest.starts_with(|c: char| !c.is_ascii()) {
                return Err(Fault::Option("allow_utf8_domains"));
            }
            out.push_str(label);
            self.rest = rest;
            self.comments();
            if !self.take('.') {
                return Ok(out);
            }
            out.push('.');
            self.comments();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answered by Exim 4.96: `${local_part:...}` and `${domain:...}`.
    #[test]
    fn addresses_are_read_as_exim_reads_them() {
        for (text, local, domain) in [
            ("a@b.example", "a", "b.example"),
            ("a (c) @ b.example", "a", "b.example"),
            ("(x) a@b.example (y)", "a", "b.example"),
            ("a@b.example (open", "a", "b.example"),
            ("a@b(c).d", "a", "b.d"),
            ("a. b @ c . d", "a.b", "c.d"),
            (".a@b.example", ".a", "b.example"),
            ("a..b@b.example", "a..b", "b.example"),
            ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
            ("a@[x]", "a", "[x]"),
            ("\"a b\"@c.example", "\"a b\"", "c.example"),
            ("\"a\\\"b\"@c.example", "\"a\\\"b\"", "c.example"),
            ("x.\"y\"@z", "x.\"y\"", "z"),
            ("Alice B. C <a@b.example>", "a", "b.example"),
            ("\"Alice, Bob\" <a@b.example>", "a", "b.example"),
            ("\"x\"y <q@r>", "q", "r"),
            ("<a@b.example> (c)", "a", "b.example"),
            ("<@x.example:a@b.example>", "a", "b.example"),
            ("@x.example,@y.example:a@b.example", "a", "b.example"),
            ("a/b|c@d.example", "a/b|c", "d.example"),
            ("a\\@b@c.example", "a\\@b", "c.example"),
            ("a@b-.example", "a", "b-.example"),
            ("a", "a", ""),
            ("x <a>", "a", ""),
            ("..", "..", ""),
        ] {
            let expected = Address { local: local.to_owned(), domain: domain.to_owned() };
            assert_eq!(parse(text), Ok(Some(expected)), "{text}");
        }
        for text in [
            "",
            "   ",
            "<>",
            "a@b..example",
            "a@.b.example",
            "a@b_c.example",
            "a@-b.example",
            "\"a b@c.example",
            "Alice, Bob <a@b.example>",
            "<a@b.example> x",
            "Group: a@b.example;",
            "a;",
            "a@b.example;",
            "a b",
            "a@b@c",
            "a@",
            "@",
            "@b.example",
            "a@b c",
            "(un",
            "a:b@c",
            "<a@b",
            "a@b>",
            "a@b#c",
            "[192.0.2.1]",
            "a@[192.0.2.1",
            "a@[192.0.2.1]x",
            "a,b",
            "a <b> <c>",
            "\"x\"y@z",
            "a(b)c@d",
        ] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
        for text in ["a@b.example.", "<<a@b.example>>", "a@é.example"] {
            assert!(matches!(parse(text), Err(Stop::Undecided { .. })), "{text}");
        }
    }
}
