//! The one place that makes strangers' bytes harmless: PTR names, banners and files can hold what they like.
//!
//! Reports that are read by people or by line-oriented programs go through [`line()`] first and then through what their format
//! asks for; JSON keeps every character and writes the harmful ones as `\u` escapes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

/// Whether `c` may change what a terminal, a log viewer or a browser shows beyond its own place: C0 and C1 control characters,
/// bidirectional controls (Unicode TR 9), line separators, and characters without width that hide in names (Unicode TR 36).
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a text has nothing but visible ASCII and spaces, none of which is harmful: most have. Octet by octet, and to the end, as processors
/// compare many at one time.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, octet| plain & matches!(octet, b' '..=b'~'))
}

/// `text` on one line, with escapes such as `\x1b` or `\u{202e}` in place of harmful characters.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful)
}

/// What holds texts of strangers, or none: each type of a report says which.
///
/// A struct implements this by [`sanitize_fields!`], which names every field: one that is added and not named does not compile, and neither
/// does one whose type does not say.
pub(crate) trait Sanitize {
    /// Makes every text in it harmless, on one line (see [`line()`]).
    fn sanitize(&mut self);
}

impl Sanitize for String {
    fn sanitize(&mut self) {
        if let Cow::Owned(harmless) = line(self) {
            *self = harmless;
        }
    }
}

impl Sanitize for Arc<str> {
    fn sanitize(&mut self) {
        if let Cow::Owned(harmless) = line(self) {
            *self = harmless.into();
        }
    }
}

impl<T: Sanitize> Sanitize for Option<T> {
    fn sanitize(&mut self) {
        self.iter_mut().for_each(Sanitize::sanitize);
    }
}

impl<T: Sanitize> Sanitize for Vec<T> {
    fn sanitize(&mut self) {
        self.iter_mut().for_each(Sanitize::sanitize);
    }
}

/// Lists that are shared stay so, unless something in them is harmful.
impl<T: Sanitize + Clone + PartialEq> Sanitize for Arc<[T]> {
    fn sanitize(&mut self) {
        let mut harmless = self.to_vec();
        harmless.sanitize();
        if harmless[..] != self[..] {
            *self = harmless.into();
        }
    }
}

/// Types that hold no text of strangers: numbers, addresses, the program's own words.
macro_rules! harmless {
    ($($type:ty),* $(,)?) => {
        $(impl $crate::escape::Sanitize for $type {
            fn sanitize(&mut self) {}
        })*
    };
}
pub(crate) use harmless;

harmless!(bool, u8, u16, u32, u64, usize, &'static str, IpAddr);

/// Sanitizes every field of a struct. All must be named.
macro_rules! sanitize_fields {
    ($($type:ty { $($field:ident),* $(,)? })*) => {
        $(impl $crate::escape::Sanitize for $type {
            fn sanitize(&mut self) {
                let Self { $($field),* } = self;
                $($crate::escape::Sanitize::sanitize($field);)*
            }
        })*
    };
}
pub(crate) use sanitize_fields;

/// As [`line()`], line ends kept.
pub(crate) fn block(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_harmful(c))
}

fn escaped(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !bad(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            c if u32::from(c) < 0x100 => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(out)
}

/// `text` in a Nagios plugin's output: `|` would begin the performance data, a line end the long output.
pub(crate) fn nagios(text: &str) -> String {
    line(text).replace('|', "/")
}

/// `text` in a Checkmk local check's output, where `\n` written out means a line end.
pub(crate) fn checkmk(text: &str) -> String {
    line(text).replace('\\', "/")
}

/// `text` as the message of a GitHub workflow command (github.com/actions/toolkit, `escapeData`).
pub(crate) fn github_data(text: &str) -> String {
    block(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// `text` as a property of a GitHub workflow command (`escapeProperty`).
pub(crate) fn github_property(text: &str) -> String {
    github_data(&line(text)).replace(':', "%3A").replace(',', "%2C")
}

/// `text` as a label value of the Prometheus text format, without the quotes.
pub(crate) fn prometheus(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// `text` as character data or attribute of XML 1.0.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in block(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // Not characters of XML 1.0 (section 2.2).
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// `text` as running text of Markdown: characters with a meaning get a backslash (CommonMark section 2.4).
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in line(text).chars() {
        // `@` and `#` would name people and tickets where tickets are kept in Markdown.
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '!') {
            out.push('\\');
        }
        match c {
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            c => out.push(c),
        }
    }
    out
}

/// `text` as a code span of Markdown; the fence is longer than any run of backticks in it.
pub(crate) fn markdown_code(text: &str) -> String {
    let text = line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// JSON with nothing harmful in it: such characters stand as `\u` escapes, so no text is changed.
pub(crate) fn json(value: &impl Serialize, pretty: bool) -> Result<String, serde_json::Error> {
    // A line has about as much.
    let mut out = Vec::with_capacity(1 << 10);
    json_to(value, pretty, &mut out)?;
    out.push(b'\n');
    // A report of a hundred thousand domains is not copied once more.
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// The same, written as it is made, without the line end.
pub(crate) fn json_to(value: &impl Serialize, pretty: bool, out: &mut impl io::Write) -> Result<(), serde_json::Error> {
    match pretty {
        true => {
            let formatter = Harmless(PrettyFormatter::new());
            value.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))
        }
        false => {
            let formatter = Harmless(serde_json::ser::CompactFormatter);
            value.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))
        }
    }
}

/// A formatter that writes harmful characters as `\u` escapes (RFC 8259 section 7) and leaves the rest to another.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if is_plain(fragment) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_harmful) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
    fn begin_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_array(w)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array(w)
    }
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array_value(w)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object(w)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object(w)
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object_value(w)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_value(w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_characters_become_visible_on_one_line() {
        assert_eq!(line("a\x1b[31m\u{202e}\n\u{9b}"), "a\\x1b[31m\\u{202e}\\n\\x9b");
        assert_eq!(block("a\nb\r"), "a\nb\\r");
        assert!(matches!(line("mail.example.com"), Cow::Borrowed(_)));
    }

    #[test]
    fn plain_is_what_no_format_has_to_change() {
        for c in (0..=0x10ffff).filter_map(char::from_u32) {
            for text in [c.to_string(), format!("{c}{}", "x".repeat(40)), format!("{}{c}", "x".repeat(40))] {
                assert_eq!(is_plain(&text), c.is_ascii() && !is_harmful(c), "{text:?}");
            }
        }
    }

    #[test]
    fn json_keeps_every_character() {
        let text = "\u{1b}\u{7f}\u{85}\u{202e}\u{e0001}\"\\ä\n";
        for pretty in [true, false] {
            let out = json(&[text], pretty).unwrap();
            assert!(!out.trim_end().chars().any(|c| c != '\n' && is_harmful(c)), "{out:?}");
            assert_eq!(serde_json::from_str::<Vec<String>>(&out).unwrap(), [text]);
        }
    }

    #[test]
    fn formats_have_their_own_dangers() {
        assert_eq!(nagios("a|b\n"), "a/b\\n");
        assert_eq!(github_data("50%\n::error::"), "50%25%0A::error::");
        assert_eq!(github_property("a:b,c"), "a%3Ab%2Cc");
        assert_eq!(prometheus("a\"\\"), "a\\\"\\\\");
        assert_eq!(xml("<a&'\"\u{1}>"), "&lt;a&amp;&apos;&quot;\\x01&gt;");
        assert_eq!(markdown("*[a](b)*@x"), "\\*\\[a\\](b)\\*&#64;x");
        assert_eq!(markdown_code("a`b"), "``a`b``");
    }
}
