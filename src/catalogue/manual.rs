//! The page helolint-rules(7), from the same texts as `helolint explain`.

use roff::{Inline, Roff, bold, roman};

use crate::findings::Meta;
use crate::rules;

/// The page in man(7), with the words that stand in its title line.
pub fn rules_page(date: &str, source: &str) -> String {
    let mut page = Roff::new();
    page.control("TH", ["HELOLINT-RULES", "7", date, source, "helolint"]);
    page.control("SH", ["NAME"])
        .text([roman("helolint-rules - what helolint finds, why it matters and how to fix it")]);
    page.control("SH", ["DESCRIPTION"]).text([roman(
        "Each rule has a code and a name, by which --select, --ignore and helolint-explain(1) know it, and a severity, \
         which a finding may lower or raise by its circumstances.",
    )]);
    for rule in rules::all() {
        one(&mut page, rule);
    }
    page.control("SH", ["SEE ALSO"]).text([roman("helolint(1), helolint-explain(1)")]);
    page.to_roff()
}

fn one(page: &mut Roff, meta: &Meta) {
    page.control("SH", [format!("{} {} ({})", meta.code, meta.name, meta.severity).as_str()]);
    let mut paragraph = Vec::new();
    let mut first = true;
    for line in meta.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        let begins = line.starts_with("- ") || line.starts_with("## ") || line.starts_with("    ");
        if line.trim().is_empty() || begins {
            flush(page, &mut paragraph, &mut first);
        }
        if let Some(title) = line.strip_prefix("## ") {
            page.control("SS", [title.trim()]);
            first = true;
        } else if line.starts_with("    ") {
            // An example: as it stands.
            page.control("RS", ["4"]).control("nf", []).text([roman(line.trim())]).control("fi", []);
            page.control("RE", []);
        } else if !line.trim().is_empty() {
            paragraph.push(line.trim());
        }
    }
    flush(page, &mut paragraph, &mut first);
    if !meta.refs.is_empty() {
        page.control("SS", ["References"]).text([roman(meta.refs.join("; ") + ".")]);
    }
}

/// Writes what there is of a paragraph; `first`: it stands right below a heading, which begins a paragraph by itself.
fn flush(page: &mut Roff, lines: &mut Vec<&str>, first: &mut bool) {
    if lines.is_empty() {
        return;
    }
    let text = lines.join(" ");
    lines.clear();
    let text = match text.strip_prefix("- ") {
        Some(item) => {
            page.control("IP", ["\\(bu", "2"]);
            item
        }
        None => {
            if !*first {
                page.control("PP", []);
            }
            &text
        }
    };
    *first = false;
    page.text(inlines(text));
}

/// Prose in which text between backticks is bold.
fn inlines(text: &str) -> Vec<Inline> {
    text.split('`').enumerate().map(|(at, part)| if at % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_rule() {
        let page = rules_page("2026-01-01", "helolint 0");
        for rule in rules::all() {
            assert!(page.contains(&format!(".SH \"{} {} (", rule.code, rule.name)), "{}", rule.code);
        }
        assert!(!page.contains('`') && page.contains(".SS \"Why it matters\""), "{page}");
    }
}
