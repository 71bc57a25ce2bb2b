//! Debian's configuration of Exim as update-exim4.conf(8) makes it once its sources have changed: what changed in a source changes in it, in the
//! same place, whatever the edit was meant for. Whether Exim takes it so, a trial shows.

use super::{Lab, World};
use crate::collect::exim::GENERATED;

/// Debian's file of macros, without and with the split configuration.
pub(in crate::remedy) const LOCALMACROS: [&str; 2] =
    ["/etc/exim4/exim4.conf.localmacros", "/etc/exim4/conf.d/main/000_localmacros"];
/// What else may define a macro, without and with the split configuration.
pub(in crate::remedy) const SOURCES: [&[&str]; 2] = [
    &["/etc/exim4/exim4.conf.template"],
    &["/etc/exim4/conf.d/main/01_exim4-config_listmacrosdefs", "/etc/exim4/conf.d/main/02_exim4-config_options"],
];
/// The domain of mail made on the host.
pub(in crate::remedy) const MAILNAME: &str = "/etc/mailname";
/// The macro that holds it.
pub(in crate::remedy) const ETC_MAILNAME: &str = "ETC_MAILNAME";
/// Where the generator puts macros of its own.
const OWN_MACROS: &str = "UPEX4CmacrosUPEX4C";
/// Lines around a change that tell its place.
const CONTEXT: usize = 50;

impl Lab<'_> {
    /// The configuration that the sources of a world make; `None`: it is not known where in it a change shows.
    pub(super) fn generated_by_debian(&self, world: &World) -> Option<String> {
        let start = self.world();
        let mut text = self.text(&start, GENERATED)?.to_string();
        let sources = LOCALMACROS.into_iter().chain(SOURCES.into_iter().flatten().copied());
        for source in sources.filter(|source| self.is_changed(world, source)) {
            let content = |world| self.text(world, source).map_or_else(String::new, |text| text.to_string());
            text = carried_over(&text, &content(&start), &content(world))?;
        }
        if self.is_changed(world, MAILNAME) {
            text = with_mailname(&text, &self.text(world, MAILNAME)?)?;
        }
        Some(text)
    }
}

/// Lines that the generator takes over, with their places: it leaves out comments, and its administrator may have it keep them.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let all = text.lines().map(str::trim_end).enumerate();
    all.filter(|(_, line)| !line.is_empty() && !line.trim_start().starts_with('#')).collect()
}

/// What is generated once a source has changed.
fn carried_over(generated: &str, old: &str, new: &str) -> Option<String> {
    let texts = |text| lines(text).into_iter().map(|(_, line)| line).collect::<Vec<&str>>();
    let (old, new, all) = (texts(old), texts(new), lines(generated));
    let same = |one: &mut dyn Iterator<Item = &&str>, other: &mut dyn Iterator<Item = &&str>| {
        one.zip(other).take_while(|(one, other)| one == other).count()
    };
    let before = same(&mut old.iter(), &mut new.iter());
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let behind = same(&mut old_rest.iter().rev(), &mut new_rest.iter().rev());
    let (gone, come) = (&old_rest[..old_rest.len() - behind], &new_rest[..new_rest.len() - behind]);
    if gone.is_empty() && come.is_empty() {
        return Some(generated.to_owned());
    }
    let at = match old.is_empty() {
        // It is the first of the sources.
        true => 0,
        false => place(&all, (&old[..before], gone, &old_rest[old_rest.len() - behind..]))?,
    };
    let number = |at: usize| all.get(at).map(|(number, _)| *number);
    let start = number(at).unwrap_or_else(|| generated.lines().count());
    let end = gone.len().checked_sub(1).and_then(|last| number(at + last)).map_or(start, |last| last + 1);
    // Comments that are kept stand where they stood.
    let within = |number: &usize| gone.is_empty() || !all[at..at + gone.len()].iter().any(|(known, _)| known == number);
    let physical: Vec<&str> = generated.lines().collect();
    let kept = (start..end).filter(within).filter_map(|number| physical.get(number));
    let mut out: Vec<&str> = physical.get(..start)?.to_vec();
    out.extend(come);
    out.extend(kept);
    out.extend(physical.get(end..)?);
    Some(out.join("\n") + "\n")
}

/// Where lines stand that go, or between which others come: of several places, the one around which most is as in the source. `None` where
/// there is none, or another is as good.
fn place(all: &[(usize, &str)], (before, gone, behind): (&[&str], &[&str], &[&str])) -> Option<usize> {
    let is_here = |at: usize| {
        all.get(at..)
            .is_some_and(|rest| rest.len() >= gone.len() && rest.iter().zip(gone).all(|((_, line), old)| line == old))
    };
    let around = |at: usize| {
        let above = all[..at].iter().rev().zip(before.iter().rev()).take(CONTEXT);
        let below = all[at + gone.len()..].iter().zip(behind).take(CONTEXT);
        above.take_while(|((_, line), old)| line == *old).count()
            + below.take_while(|((_, line), old)| line == *old).count()
    };
    let mut best: Option<(usize, usize)> = None;
    let mut is_only = false;
    for at in (0..=all.len()).filter(|at| is_here(*at)) {
        let score = around(at);
        match best {
            Some((known, _)) if known > score => {}
            Some((known, _)) if known == score => is_only = false,
            _ => (best, is_only) = (Some((score, at)), true),
        }
    }
    best.filter(|(score, _)| is_only && (*score > 0 || !gone.is_empty())).map(|(_, at)| at)
}

/// What is generated with another `/etc/mailname`: of its first line, what a domain is written with.
fn with_mailname(generated: &str, mailname: &str) -> Option<String> {
    let first = mailname.lines().next().unwrap_or_default();
    let is_taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '@' | '.');
    let name: String = first.chars().take_while(|c| is_taken(*c)).collect();
    let mut lines: Vec<String> = generated.lines().map(str::to_owned).collect();
    let own = lines.iter().position(|line| line.starts_with(OWN_MACROS))?;
    let begins = format!("{ETC_MAILNAME}=");
    let line = lines.iter_mut().skip(own).find(|line| line.starts_with(&begins))?;
    *line = begins + &name.to_ascii_lowercase();
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: &str = "# made\nA = 1\n.ifndef B\nB = 2\n.endif\nUPEX4CmacrosUPEX4C = 1\n.ifndef ETC_MAILNAME\nETC_MAILNAME=a.example\n.endif\n\
                        .ifndef C\nC = 3\n.endif\n";

    #[test]
    fn what_changes_in_a_source_changes_in_what_is_made_of_it() {
        let source = "A = 1\n# a comment\n\n.ifndef B\nB = 2\n.endif\n";
        for (new, expected) in [
            ("A = 9\n.ifndef B\nB = 2\n.endif\n", MADE.replace("A = 1", "A = 9")),
            ("x\nA = 1\n.ifndef B\nB = 2\n.endif\n", MADE.replace("A = 1", "x\nA = 1")),
            (
                "x\n# y\nA = 1\n\n.ifndef B\nB = 8\n.endif\n",
                MADE.replace("A = 1", "x\nA = 1").replace("B = 2", "B = 8"),
            ),
            (".ifndef B\nB = 2\n.endif\n", MADE.replace("A = 1\n", "")),
            ("A = 1\n.ifndef B\nB = 2\n.endif\nz\n", MADE.replace(".endif\nUPEX", ".endif\nz\nUPEX")),
            (source, MADE.to_owned()),
        ] {
            assert_eq!(carried_over(MADE, source, new).as_deref(), Some(expected.as_str()), "{new}");
        }
        assert_eq!(carried_over(MADE, "", "x\n").unwrap(), MADE.replace("A = 1", "x\nA = 1"), "the first of all");
        assert_eq!(carried_over(MADE, "Q = 1\n", "Q = 2\n"), None, "it was not made of this");
        assert_eq!(carried_over("a\nb\na\n", "a\n", "c\n"), None, "which one it is is not known");
    }

    #[test]
    fn comments_that_are_kept_stay() {
        let made = "# made\nA = 1\n# of B\nB = 2\n";
        assert_eq!(
            carried_over(made, "A = 1\n# of B\nB = 2\n", "A = 3\n# of B\nB = 4\n").unwrap(),
            "# made\nA = 3\nB = 4\n# of B\n"
        );
    }

    #[test]
    fn the_mailname_goes_where_the_generator_puts_it() {
        let expected = MADE.replace("ETC_MAILNAME=a.example", "ETC_MAILNAME=b.example");
        assert_eq!(with_mailname(MADE, "B.example # x\nc\n").unwrap(), expected);
        assert_eq!(with_mailname("ETC_MAILNAME = x\n", "b.example\n"), None);
    }
}
