//! Many settings of the entries of one master.cf: each entry is found once, and what is set changes its lines alone.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use super::{CONTEXT, Edit, REPLACED, Refused, is_shown, postfix, split};

/// A master.cf while settings of its services are made: as one edit after the other makes it.
pub struct Entries<'t> {
    text: &'t str,
    /// The text from its beginning to its end: logical lines, and what stands between them. Each line has its end.
    parts: Vec<Part>,
    /// The part that counts of each service of type `unix`: the last one that it has.
    services: HashMap<&'t str, usize>,
    /// How many parts hold what was no UTF-8.
    replaced: usize,
    /// Whether a newline ends the last line of the text.
    ended: bool,
}

/// A piece of the text.
enum Part {
    /// As it was read.
    Old(Range<usize>),
    /// As it has become.
    New(String),
}

impl<'t> Entries<'t> {
    /// As they stand in a text.
    pub fn of(text: &'t str) -> Entries<'t> {
        let (lines, ended) = split(text);
        // Where each line begins; the end of the last one that has none is where it would be.
        let mut starts: Vec<usize> = Vec::with_capacity(lines.len() + 1);
        starts.push(0);
        for line in &lines {
            let start = starts.last().copied().unwrap_or_default();
            starts.push(start + line.len() + 1);
        }
        let range = |from: usize, to: usize| starts[from]..starts[to];
        let (mut parts, mut services, mut from) = (Vec::new(), HashMap::new(), 0);
        for entry in postfix::logical(&lines) {
            let (Some(first), Some(last)) = (entry.lines.first(), entry.lines.last()) else { continue };
            if from < *first {
                parts.push(Part::Old(range(from, *first)));
            }
            let mut fields = lines[*first].split_whitespace();
            if let (Some(service), Some("unix")) = (fields.next(), fields.next()) {
                services.insert(service, parts.len());
            }
            parts.push(Part::Old(range(*first, last + 1)));
            from = last + 1;
        }
        if from < lines.len() {
            parts.push(Part::Old(range(from, lines.len())));
        }
        let mut entries = Entries { text, parts, services, replaced: 0, ended };
        entries.replaced = (0..entries.parts.len()).filter(|at| entries.part(*at).contains(REPLACED)).count();
        entries
    }

    /// The text of a part, without the newline that ends it.
    fn part(&self, at: usize) -> &str {
        match self.parts.get(at) {
            Some(Part::Old(range)) => self.text.get(range.start..range.end - 1).unwrap_or_default(),
            Some(Part::New(text)) => text.strip_suffix('\n').unwrap_or(text),
            None => "",
        }
    }

    /// Makes an edit of an entry, unless the lines before and after it tell a secret.
    ///
    /// # Errors
    /// Why it is not made; `None` where it cannot be, or changes nothing.
    pub fn make(&mut self, edit: &Edit, tells: impl FnOnce(&str, &str) -> bool) -> Result<(), Option<Refused>> {
        let Edit::MasterCf { service, parameter, value } = edit else { return Err(None) };
        let at = *self.services.get(service.as_str()).ok_or(None)?;
        let old = format!("{}\n", self.part(at));
        let new = postfix::master_cf(&old, service, parameter, value.as_deref()).filter(|new| *new != old);
        let new = new.ok_or(None)?;
        let replaced = self.replaced - usize::from(old.contains(REPLACED)) + usize::from(new.contains(REPLACED));
        let (before, after) = (self.before(at), self.after(at));
        if replaced > 0 || !is_shown(&format!("{before}{old}{after}"), &format!("{before}{new}{after}")) {
            return Err(Some(Refused::Hidden));
        }
        // What stands in a last line without end is shown with what is written behind it.
        let is_unended = !self.ended && at + 1 == self.parts.len();
        let told = |text: &'_ String| text.len() - usize::from(is_unended);
        if tells(&old[..told(&old)], &new[..told(&new)]) {
            return Err(Some(Refused::Secret));
        }
        self.replaced = replaced;
        self.parts[at] = Part::New(new);
        Ok(())
    }

    /// The lines before a part that a diff of it would show.
    fn before(&self, at: usize) -> String {
        let mut lines: VecDeque<&str> = VecDeque::new();
        for at in (0..at).rev() {
            for line in self.part(at).split('\n').rev() {
                if lines.len() == CONTEXT {
                    return joined(lines);
                }
                lines.push_front(line);
            }
        }
        joined(lines)
    }

    /// The same of those behind it.
    fn after(&self, at: usize) -> String {
        joined((at + 1..self.parts.len()).flat_map(|at| self.part(at).split('\n')).take(CONTEXT))
    }

    /// The text as it is now.
    pub fn text(&self) -> String {
        let mut text = joined((0..self.parts.len()).map(|at| self.part(at)));
        if !self.ended {
            text.pop();
        }
        text
    }
}

fn joined<'t>(lines: impl IntoIterator<Item = &'t str>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit(service: &str, parameter: &str, value: Option<&str>) -> Edit {
        Edit::MasterCf { service: service.into(), parameter: parameter.into(), value: value.map(str::to_owned) }
    }

    /// Whether each edit was made, and what came of all.
    type Made = (Vec<Result<(), Option<Refused>>>, String);

    /// In one pass over a text, and one edit after the other.
    fn both(text: &str, edits: &[Edit]) -> [Made; 2] {
        let mut entries = Entries::of(text);
        let at_once = edits.iter().map(|edit| entries.make(edit, |_, _| false)).collect();
        let mut after = text.to_owned();
        let one_by_one = edits.iter().map(|edit| edit.make(&after).map(|new| after = new)).collect();
        [(at_once, entries.text()), (one_by_one, after)]
    }

    #[test]
    fn settings_made_in_one_pass_are_as_one_after_the_other() {
        let text = "# head\nsmtp inet n - y - - smtpd\nsmtp unix - - n - - smtp\n  -o a=1\n# between\n\t-o smtp_helo_name=x\n\none unix - - n - - smtp\n\
                    two unix - - n - - smtp -o smtp_helo_name=y\none unix - - n - - smtp\n# end\n";
        let name = "smtp_helo_name";
        let all = [
            edit("two", name, None),
            edit("smtp", name, Some("new.example.com")),
            edit("one", name, Some("b")),
            edit("one", name, Some("c d")),
            edit("one", "a", Some("1")),
            edit("smtp", "a", None),
            edit("two", name, Some("z")),
            // None of these can be made, and the others are.
            edit("none", name, Some("z")),
            edit("one", "b", None),
            edit("two", name, Some("z")),
            Edit::Append { lines: vec!["x".into()] },
        ];
        for text in [text, text.trim_end(), &text.replace("# end\n", ""), "", "\n"] {
            let [at_once, one_by_one] = both(text, &all[..10]);
            assert_eq!(at_once, one_by_one, "{text:?}");
            assert_eq!(Entries::of(text).text(), text);
        }
        let [(made, _), _] = both(text, &all);
        assert_eq!(made.iter().map(Result::is_ok).collect::<Vec<_>>(), [[true; 7].as_slice(), &[false; 4]].concat());
    }

    #[test]
    fn what_no_diff_shows_stops_what_is_near_it_alone() {
        let entry = |name: &str| format!("{name} unix - - n - - smtp\n");
        let far = "# 1\n# 2\n# 3\n";
        let text =
            format!("{}{far}# \u{7}\n{}{far}{}# \r\n{}", entry("one"), entry("two"), entry("three"), entry("four"));
        let all = ["one", "two", "three", "four", "one"].map(|name| edit(name, "a", Some(name)));
        let [at_once, one_by_one] = both(&text, &all);
        assert_eq!(at_once, one_by_one);
        let hidden = Err(Some(Refused::Hidden));
        assert_eq!(at_once.0, [Ok(()), hidden, hidden, hidden, Err(None)]);
        let text = format!("{text}# \u{fffd}\n");
        let [at_once, one_by_one] = both(&text, &all[..1]);
        assert_eq!((at_once.0.as_slice(), at_once == one_by_one), ([hidden].as_slice(), true));
    }

    #[test]
    fn lines_that_tell_a_secret_stay() {
        let text = "one unix - - n - - smtp\ntwo unix - - n - - smtp\n  -o b=hush\nthree unix - - n - - smtp\n";
        let mut entries = Entries::of(text);
        let tells = |old: &str, _: &str| old.contains("hush");
        let made = ["one", "two", "three"].map(|name| entries.make(&edit(name, "a", Some("1")), tells));
        assert_eq!(made, [Ok(()), Err(Some(Refused::Secret)), Ok(())]);
        assert_eq!(entries.text(), text.replace("two", "  -o a=1\ntwo") + "  -o a=1\n");
        // The last line as it ends in the file.
        for (ended, text) in [(true, text), (false, text.trim_end())] {
            let mut entries = Entries::of(text);
            let tells = |old: &str, new: &str| (old.ends_with('\n'), new.ends_with('\n')) != (ended, ended);
            assert_eq!(entries.make(&edit("three", "a", Some("1")), tells), Ok(()), "{ended}");
        }
    }

    /// Lines of a master.cf, in their right places and in others.
    const LINES: &[&str] = &[
        "one unix - - n - - smtp",
        "two unix - - n - - smtp -o a=1",
        "three unix - - n - - smtp -o { b = x y } -o a=2",
        "one inet n - y - - smtpd",
        "one",
        " one unix - - n - - smtp",
        "  -o a=1",
        "\t-o b=2 -o c=3 -o b=4",
        "  -o { a = x y }",
        "  -o { b = x",
        "  -o a = 1",
        "  user=nobody argv=/x -o a=1",
        "# a comment",
        "  # -o a=1",
        "",
        "  ",
        "-o a=1",
        "a\u{7}b",
        "  -o c=\u{fffd}",
        "x\r",
    ];

    proptest! {
        #[test]
        fn of_any_text_one_pass_makes_what_each_edit_alone_does(
            lines in proptest::collection::vec(prop_oneof![6 => 0..17usize, 1 => 17..LINES.len()], 0..24),
            ended in any::<bool>(),
            edits in proptest::collection::vec(
                ("one|two|three|four", "a|b|c", proptest::option::of("1|2|x y|[a-z]{1,3}|\u{fffd}|\u{7}")), 1..12),
        ) {
            let lines: Vec<&str> = lines.into_iter().map(|at| LINES[at]).collect();
            let text = lines.join("\n") + if ended { "\n" } else { "" };
            let edits: Vec<Edit> =
                edits.iter().map(|(service, parameter, value)| edit(service, parameter, value.as_deref())).collect();
            let [at_once, one_by_one] = both(&text, &edits);
            prop_assert_eq!(at_once, one_by_one, "{:?}", text);
        }
    }
}
