//! The part of UCL that rspamd's settings of a module are written in: `key = value;`, `key { ... }`, `[ ... ]`, quoted texts, comments. What else
//! the language has (macros, texts over several lines) ends the reading, with its line.

/// Objects and lists within each other.
const DEPTH_LIMIT: usize = 16;

/// Values that are kept: those of the largest servers' domains are 150,000.
const VALUE_LIMIT: usize = 500_000;

/// A value, with the byte at which it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String, usize),
    List(Vec<Value>),
    Object(Object),
}

/// Keys in order; a key may stand several times.
pub(super) type Object = Vec<(String, Value)>;

/// What is not read, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Unread {
    pub(super) what: &'static str,
    pub(super) at: usize,
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text, _) => Some(text),
            _ => None,
        }
    }
}

/// The last value of a key.
pub(super) fn get<'v>(object: &'v Object, key: &str) -> Option<&'v Value> {
    object.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Whether a text says yes.
pub(super) fn is_on(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
}

/// Reads a whole file.
///
/// # Errors
/// What of it is not read.
pub(super) fn read(text: &str) -> Result<Object, Unread> {
    let mut reader = Reader { text, at: 0, depth: 0, values: 0 };
    reader.object(None)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    values: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let has = self.peek() == Some(c);
        if has {
            self.at += c.len_utf8();
        }
        has
    }

    fn unread<T>(&self, what: &'static str) -> Result<T, Unread> {
        Err(Unread { what, at: self.at.min(self.text.len()) })
    }

    /// Passes over characters that `passes` holds for.
    fn skip(&mut self, passes: impl Fn(char) -> bool) {
        let rest = &self.text[self.at..];
        self.at += rest.find(|c| !passes(c)).unwrap_or(rest.len());
    }

    /// Passes over blanks and comments; `also` are other characters that mean nothing here.
    fn blanks(&mut self, also: &[char]) -> Result<(), Unread> {
        loop {
            self.skip(|c| c.is_ascii_whitespace() || also.contains(&c));
            let rest = &self.text[self.at..];
            if rest.starts_with('#') {
                self.skip(|c| c != '\n');
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return self.unread("a comment without end"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Unread>) -> Result<T, Unread> {
        if self.depth >= DEPTH_LIMIT {
            return self.unread("more levels than are followed");
        }
        self.depth += 1;
        let result = inner(self)?;
        self.depth -= 1;
        Ok(result)
    }

    /// Keys and values up to `end`, or to the end of the file.
    fn object(&mut self, end: Option<char>) -> Result<Object, Unread> {
        let mut object = Object::new();
        loop {
            self.blanks(&[';', ','])?;
            match (self.peek(), end) {
                (None, None) => return Ok(object),
                (None, Some(_)) => return self.unread("a part without end"),
                (Some(c), Some(end)) if c == end => {
                    self.take(end);
                    return Ok(object);
                }
                (Some('.'), _) => return self.unread("a macro such as .include"),
                (Some('}' | ']'), _) => return self.unread("a bracket that nothing opens"),
                _ => {}
            }
            let key = self.word(&['=', ':', '{', '['])?;
            if key.is_empty() {
                return self.unread("a line that is no setting");
            }
            self.blanks(&[])?;
            if matches!(self.peek(), Some('=' | ':')) {
                self.at += 1;
            }
            self.blanks(&[])?;
            let value = match self.peek() {
                Some('{' | '[') => self.value()?,
                // `section name { ... }` is a section in a section.
                _ => {
                    let place = self.at;
                    let word = self.value()?;
                    self.skip(|c| c == ' ' || c == '\t');
                    match (word, self.peek()) {
                        (Value::Text(name, _), Some('{')) => Value::Object(vec![(name, self.value()?)]),
                        (Value::Text(text, _), _) => Value::Text(text, place),
                        (other, _) => other,
                    }
                }
            };
            object.push((key, value));
        }
    }

    fn value(&mut self) -> Result<Value, Unread> {
        let at = self.at;
        self.values += 1;
        if self.values > VALUE_LIMIT {
            return self.unread("more settings than are kept");
        }
        if self.take('{') {
            return self.deeper(|reader| reader.object(Some('}'))).map(Value::Object);
        }
        if self.take('[') {
            return self.deeper(Reader::list).map(Value::List);
        }
        if self.text[at..].starts_with("<<") {
            return self.unread("a text over several lines");
        }
        Ok(Value::Text(self.word(&[])?, at))
    }

    fn list(&mut self) -> Result<Vec<Value>, Unread> {
        let mut all = Vec::new();
        loop {
            self.blanks(&[',', ';'])?;
            match self.peek() {
                None => return self.unread("a list without end"),
                Some(']') => {
                    self.take(']');
                    return Ok(all);
                }
                _ => {
                    let before = self.at;
                    all.push(self.value()?);
                    if self.at == before {
                        return self.unread("a bracket that nothing opens");
                    }
                }
            }
        }
    }

    /// A quoted text, or one up to a blank, the end of a setting or one of `ends`.
    fn word(&mut self, ends: &[char]) -> Result<String, Unread> {
        if self.take('"') {
            return self.quoted();
        }
        if self.take('\'') {
            let rest = &self.text[self.at..];
            let Some(end) = rest.find('\'') else { return self.unread("a text without end") };
            let text = rest[..end].to_owned();
            self.at += end + 1;
            return Ok(text);
        }
        let start = self.at;
        let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, ';' | ',' | '#' | '}' | ']') || ends.contains(&c);
        self.skip(|c| !is_end(c));
        Ok(self.text[start..self.at].to_owned())
    }

    fn quoted(&mut self) -> Result<String, Unread> {
        let mut text = String::new();
        let mut chars = self.text[self.at..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('"' | '\\' | '/')) => text.push(c),
                    _ => return self.unread("an escape that is not known"),
                },
                c => text.push(c),
            }
        }
        self.unread("a text without end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value) -> String {
        match value {
            Value::Text(text, _) => text.clone(),
            Value::List(all) => format!("[{}]", all.iter().map(shown).collect::<Vec<_>>().join(" ")),
            Value::Object(object) => format!("{{{}}}", all(object)),
        }
    }

    fn all(object: &Object) -> String {
        object.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_form_of_a_setting() {
        for (text, expected) in [
            ("", ""),
            ("a = 1;\nb: \"x y\";c yes\n", "a=1 b=x y c=yes"),
            ("a = '/k/$domain.\"x'; # z = 1;\n/* b = 2;\n*/ c = \"p\\\"q\\\\\\/\"", "a=/k/$domain.\"x c=p\"q\\/"),
            ("domain {\n a.example { selector = s; path = \"/k\" }\n}", "domain={a.example={selector=s path=/k}}"),
            (
                "domain { a.example { selectors [ { selector: \"s\", path: /k }, {selector = t;} ] } }",
                "domain={a.example={selectors=[{selector=s path=/k} {selector=t}]}}",
            ),
            ("domain = { \"a.example\": { selector: s } }", "domain={a.example={selector=s}}"),
            ("domain a.example { selector = s }", "domain={a.example={selector=s}}"),
            ("a = [1, 2,\n3];", "a=[1 2 3]"),
        ] {
            assert_eq!(read(text).map(|object| all(&object)), Ok(expected.to_owned()), "{text}");
        }
        assert_eq!(get(&read("a = 1; a = 2").unwrap(), "a").and_then(Value::text), Some("2"));
    }

    #[test]
    fn what_is_not_read_is_told_with_its_place() {
        for (text, at) in [
            (".include \"x\"", 0),
            ("a = 1;\n.include(try=true) \"x\"", 7),
            ("a = <<EOD\nx\nEOD\n", 4),
            ("a {", 3),
            ("}", 0),
            ("a = \"x", 5),
            ("= 1", 0),
            ("a = [ } ]", 6),
            ("a = [ 1, # x\n }", 14),
        ] {
            assert_eq!(read(text).map_err(|unread| unread.at), Err(at), "{text}");
        }
        assert!(read(&"a;".repeat(VALUE_LIMIT)).is_ok());
        assert_eq!(read(&"a;".repeat(VALUE_LIMIT + 1)).unwrap_err().what, "more settings than are kept");
        assert!(read(&"a {".repeat(10_000)).is_err());
        assert!(read(&"a = [".repeat(10_000)).is_err());
    }
}
