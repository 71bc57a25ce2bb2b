//! `helolint rules` and `helolint explain`: all from [`Meta`], so that there is one text for each rule.

mod manual;
mod replies;

use std::collections::BTreeSet;

use serde::Serialize;

pub use manual::rules_page;
pub use replies::{Present, reply};

use crate::escape;
use crate::findings::{Meta, Need};
use crate::report::Style;
use crate::rules;

/// Columns of explanations: wider lines of prose are hard to read.
const PROSE_WIDTH: usize = 80;
/// How `docs/rules.md` begins.
const RULES_PAGE_HEAD: &str = "\
<!-- Made from the rules' own documentation in src/rules; a test keeps it current. HELOLINT_BLESS=1 cargo test --test docs -->

# Rules

A rule has a code and a name; both are stable, and neither is ever used again for something else. `--select` and `--ignore` take codes,
names and families (`PTR`). `helolint explain PTR001` prints what stands here.

A severity is the one that a rule has by default; under its *Condition* stands where it varies. **error**: mail is refused or lost by some
published receiver policy or by this host itself. **warning**: mail is penalised, or the setup is one change away from an error.
**info**: worth knowing. A finding is a *fail* (seen to be wrong) or *undetermined* (it could not be seen). [design.md](design.md) has
the terms: sending address, outbound path, confirmed, truth.

";

/// Every rule, family by family.
pub fn all() -> impl Iterator<Item = &'static Meta> {
    rules::all().map(|rule| &rule.meta)
}

/// The rule with this code or name, without regard to case.
pub fn find(code_or_name: &str) -> Option<&'static Meta> {
    let mut all = rules::all().map(|rule| &rule.meta);
    all.find(|meta| [meta.code, meta.name].iter().any(|known| known.eq_ignore_ascii_case(code_or_name)))
}

/// The rules with this code, name or family.
pub fn called(word: &str) -> impl Iterator<Item = &'static Meta> {
    rules::all().map(|rule| &rule.meta).filter(move |meta| meta.is_called(word))
}

/// Whether `--select` and `--ignore` know the word: a code, a name or a family such as `PTR`.
pub fn is_known_word(word: &str) -> bool {
    find(word).is_some() || rules::all().any(|rule| rule.family().eq_ignore_ascii_case(word))
}

/// What to say of a word that is no rule.
pub fn unknown(word: &str) -> String {
    let mut all: Vec<&str> = rules::all().flat_map(|rule| [rule.code, rule.name, rule.family()]).collect();
    all.dedup();
    format!(
        "there is no rule or family `{}`{} (`helolint rules` lists all)",
        escape::line(word),
        did_you_mean(word, &all)
    )
}

/// `, did you mean ...?` where one of `known` is near to `word`; else nothing.
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    rules::similar::nearest(word, known).map_or_else(String::new, |other| format!(", did you mean `{other}`?"))
}

/// What rules mean, why they matter, how to fix what they find; for a terminal. Each word is a code, a name or a family; a rule
/// that is named twice is explained once.
///
/// # Errors
/// What to say of the first word that is none of them.
pub fn explain<W: AsRef<str>>(words: &[W], style: &Style) -> Result<String, String> {
    let mut rules: Vec<&Meta> = Vec::new();
    for word in words.iter().map(AsRef::as_ref) {
        let called: Vec<&Meta> = called(word).collect();
        if called.is_empty() {
            return Err(unknown(word));
        }
        rules.extend(called);
    }
    let mut seen = BTreeSet::new();
    rules.retain(|meta| seen.insert(meta.code));
    let texts: Vec<String> = rules.into_iter().map(|meta| explanation(meta, style)).collect();
    Ok(texts.join("\n\n"))
}

fn explanation(meta: &Meta, style: &Style) -> String {
    let width = style.width.min(PROSE_WIDTH);
    let mut out = format!("{} ({})\n", style.heading(&format!("{} {}", meta.code, meta.name)), meta.severity);
    let mut paragraph = String::new();
    let flush = |out: &mut String, paragraph: &mut String| {
        if !paragraph.is_empty() {
            let rest = if paragraph.starts_with("- ") { "  " } else { "" };
            out.push_str(&style.filled("", rest, paragraph, width));
            paragraph.clear();
        }
    };
    for line in meta.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        if let Some(title) = line.strip_prefix("## ") {
            flush(&mut out, &mut paragraph);
            out.push_str(&format!("{}\n", style.heading(title)));
        } else if line.trim().is_empty() {
            flush(&mut out, &mut paragraph);
            out.push('\n');
        } else if line.starts_with("    ") {
            // An example: as it stands.
            flush(&mut out, &mut paragraph);
            out.push_str(&format!("{line}\n"));
        } else {
            if line.starts_with("- ") {
                flush(&mut out, &mut paragraph);
            } else if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim());
        }
    }
    flush(&mut out, &mut paragraph);
    let mut out = out.trim_end().to_owned() + "\n";
    if !meta.refs.is_empty() {
        out.push_str(&format!("\n{}\n", style.heading("References")));
        meta.refs.iter().for_each(|reference| out.push_str(&format!("- {reference}\n")));
    }
    if meta.needs(Need::Dns) {
        out.push_str("\nNeeds the DNS: not checked with --offline.\n");
    }
    out
}

/// Every rule in a line: code, name, severity, summary.
pub fn rules_table(style: &Style) -> String {
    let width = |column: fn(&Meta) -> usize| rules::all().map(|rule| column(rule)).max().unwrap_or(0);
    let (names, severities) = (width(|m| m.name.len()), width(|m| m.severity.as_str().len()));
    let mut out = String::new();
    for rule in rules::all() {
        let head = format!("{}  {:names$}  {:severities$}  ", rule.code, rule.name, rule.severity.as_str());
        // The summary on the same line as long as it fits, else below the name.
        let rest = " ".repeat(if style.width > head.len() + 40 { head.len() } else { 8 });
        out.push_str(&style.filled(&head, &rest, &plain(rule.summary()), style.width));
    }
    out
}

fn plain(summary: &str) -> String {
    summary.replace("`", "")
}

/// A rule in `rules --format json`.
#[derive(Debug, Serialize)]
struct RuleView {
    code: &'static str,
    name: &'static str,
    family: &'static str,
    severity: &'static str,
    summary: &'static str,
    condition: Option<String>,
    why: Option<String>,
    fix: Option<String>,
    when_to_ignore: Option<String>,
    references: &'static [&'static str],
    needs_dns: bool,
}

/// Every rule as a JSON array.
pub fn rules_json() -> String {
    let all: Vec<RuleView> = rules::all()
        .map(|rule| RuleView {
            code: rule.code,
            name: rule.name,
            family: rule.family(),
            severity: rule.severity.as_str(),
            summary: rule.summary(),
            condition: rule.section("Condition"),
            why: rule.section("Why it matters"),
            fix: rule.section("Fix"),
            when_to_ignore: rule.section("When to ignore"),
            references: rule.refs,
            needs_dns: rule.needs(Need::Dns),
        })
        .collect();
    // Text alone: this cannot fail.
    escape::json(&all, true).unwrap_or_default()
}

/// `docs/rules.md`: the table of all rules, then each rule's own documentation.
pub fn rules_markdown() -> String {
    let mut out = String::from(RULES_PAGE_HEAD);
    out.push_str("| code | name | severity | finds |\n| --- | --- | --- | --- |\n");
    for rule in rules::all() {
        let link = format!("{}-{}", rule.code.to_ascii_lowercase(), rule.name);
        let (code, name, severity) = (rule.code, rule.name, rule.severity);
        out.push_str(&format!("| [{code}](#{link}) | {name} | {severity} | {} |\n", rule.summary()));
    }
    for rule in rules::all() {
        out.push_str(&format!("\n## {} {}\n\n*{}*\n\n", rule.code, rule.name, rule.severity));
        for line in rule.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)) {
            match line.strip_prefix("## ") {
                Some(title) => out.push_str(&format!("### {title}\n\n")),
                None => out.push_str(&format!("{line}\n")),
            }
        }
        if !rule.refs.is_empty() {
            out.push_str(&format!("\n### References\n\n{}\n", rule.refs.join("; ")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_by_code_and_name_in_any_case() {
        assert_eq!(find("ptr001").map(|meta| meta.name), Some("ptr-missing"));
        assert_eq!(find("PTR-missing").map(|meta| meta.code), Some("PTR001"));
        assert!(find("PTR").is_none() && is_known_word("ptr") && !is_known_word(""));
    }

    #[test]
    fn an_unknown_word_brings_a_suggestion_only_where_one_is_near() {
        assert_eq!(did_you_mean("ptr-mising", &["ptr-missing", "PTR001"]), ", did you mean `ptr-missing`?");
        assert_eq!(did_you_mean("PTR01", &["ptr-missing", "PTR001"]), ", did you mean `PTR001`?");
        assert_eq!(did_you_mean("elephant", &["ptr-missing", "PTR001"]), "");
        assert_eq!(did_you_mean("", &["PTR"]), "");
        assert!(unknown("\u{1b}[2J").contains("\\x1b[2J"));
    }

    #[test]
    fn an_explanation_has_every_section_and_no_line_over_80_columns() {
        let text = explain(&["PTR001"], &Style::plain()).unwrap();
        for part in [
            "PTR001 ptr-missing (error)",
            "Condition",
            "Why it matters",
            "Fix",
            "When to ignore",
            "RFC 8601",
            "--offline",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.lines().all(|line| line.len() <= 80));
    }

    #[test]
    fn several_rules_and_families_are_explained_each_once() {
        let text = |words: &[&str]| explain(words, &Style::plain());
        let codes = |text: &str| -> Vec<String> {
            let heads = text
                .lines()
                .filter(|line| all().any(|meta| line.starts_with(&format!("{} {} (", meta.code, meta.name))));
            heads.map(|line| line[..6].to_owned()).collect()
        };
        assert_eq!(codes(&text(&["helo-not-qualified", "ptr001", "PTR001"]).unwrap()), ["HLO001", "PTR001"]);
        let family: Vec<&str> = all().map(|meta| meta.code).filter(|code| code.starts_with("PTR")).collect();
        assert_eq!(codes(&text(&["PTR002", "ptr"]).unwrap()).len(), family.len());
        assert_eq!(codes(&text(&["PTR"]).unwrap()), family);
        assert!(text(&["PTR001", "PTTR"]).unwrap_err().contains("no rule or family `PTTR`, did you mean `PTR`?"));
    }

    #[test]
    fn the_lists_hold_every_rule() {
        let json: Vec<serde_json::Value> = serde_json::from_str(&rules_json()).unwrap();
        assert_eq!(json.len(), rules::all().count());
        let (table, markdown) = (rules_table(&Style::plain()), rules_markdown());
        assert!(rules::all().all(|rule| table.contains(rule.code) && markdown.contains(rule.name)));
    }
}
