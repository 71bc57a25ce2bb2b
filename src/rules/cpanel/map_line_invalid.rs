use crate::facts::{Origin, ProblemKind};
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A line of a cPanel map is not what its readers want, or is read by them in different ways.
    ///
    /// ## Condition
    /// A line of a cPanel map is not in cPanel's own format, or Exim and WHM read it differently: no blank behind the
    /// colon, upper-case keys, `#` within the line, a leading blank that glues it to the line before. Subject: file
    /// and line.
    ///
    /// ## Why it matters
    /// Exim reads `key:value` without blank, ignores case, takes an in-line `#` for part of the value, and glues a line that begins with a
    /// blank to the value before it. WHM reads the same file by other rules, so that it shows one address or name and Exim uses another.
    ///
    /// ## Fix
    /// Write each line as `key: value`, the key in lower case at the start of the line, with nothing behind the value.
    ///
    /// ## When to ignore
    /// Never: the line can be written so that all readers agree.
    pub static RULE = {
        code: "CPL006",
        name: "map-line-invalid",
        severity: Error,
        refs: ["Exim specification, lsearch", "docs.cpanel.net: How to Configure the Exim Outgoing IP Address"],
        needs: [Facts],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let problems = facts.problems.iter().filter(|problem| problem.kind == ProblemKind::MapLine);
    let findings = problems.map(|problem| {
        let subject = problem.origin.as_ref().map_or_else(|| problem.file.clone(), Origin::describe);
        let text = match problem.origin.as_ref().and_then(as_both_read) {
            Some(line) => format!("Write the line in {subject} as `{line}`."),
            None => format!(
                "Write the line in {subject} as `key: value`: lower case, no blank before it, nothing behind the value."
            ),
        };
        let finding = RULE.violated(&subject, &problem.message).fix(Fix::new(Who::Host, text));
        let finding = problem.origin.iter().fold(finding, |finding, origin| finding.place(origin, "this line"));
        problem.related.iter().fold(finding, |finding, (origin, label)| finding.place(origin, label))
    });
    findings.collect()
}

/// The line as both readers take it, where there is no doubt what it says: one key, one value without blanks.
fn as_both_read(origin: &Origin) -> Option<String> {
    let line = origin.span()?.excerpt().text;
    let (key, value) = line.split('#').next()?.trim().split_once(':')?;
    let [key, value] = [key, value].map(|part| part.trim().trim_matches('"'));
    let sound = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*' | ':' | ';'))
    };
    (sound(key) && sound(value)).then(|| format!("{}: {value}", key.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Problem;
    use crate::rules::testing::*;
    use crate::source::SourceFile;

    #[test]
    fn cases() {
        let file = SourceFile::new("/etc/mailhelo", b"*: mail.example.com\n example.org:mx.example.org\n");
        let with = |kind| {
            let problem = Problem::at(kind, file.span(20, 47).into(), "this line is glued to the one before");
            healthy().but(|f| f.problems = vec![problem])
        };
        check_table(
            &RULE,
            vec![
                (
                    "a line that readers read differently",
                    with(ProblemKind::MapLine),
                    dns(&[]),
                    &["error /etc/mailhelo:2"],
                ),
                ("a problem of another kind", with(ProblemKind::MapMissing), dns(&[]), &[]),
                ("none", healthy(), dns(&[]), &[]),
            ],
        );
    }
}
