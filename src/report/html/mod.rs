//! HTML for a browser or a printer (html.spec.whatwg.org): one file without script, that loads nothing and says so in its Content
//! Security Policy (w3.org/TR/CSP3). maud escapes every text.

mod chain;
mod paths;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::findings::{Evidence, Meta, Severity, Verdict};
use crate::report::human::{self, count};
use crate::report::log::TITLE;
use crate::report::verdict::{self, Tone};
use crate::report::{FindingView, LogView, OriginView, PlaceView, QuotedLine, Report, Verbosity, alike, checklist};

/// The page's style, as it stands between its tags.
const STYLE: &str = include_str!("style.css");
/// Findings named below one that is like them.
const MORE: usize = 500;
/// Places shown of one finding.
const PLACES: usize = 12;
/// SHA-256 of [`STYLE`] in base64: the one style that the policy lets in. A test says what it must be.
const STYLE_HASH: &str = "eK3s00PBRIgs3yydY2A6eLXIVN66Okf606kIaUTXDXQ=";

/// The report as a page. It is sanitized already.
pub(crate) fn render(report: &Report, verbosity: Verbosity) -> String {
    let host = verdict::host(report);
    let mut findings: Vec<&FindingView> = report.findings.iter().collect();
    findings.sort_by_key(|f| (human::rank(f), f.code));
    let body = html! {
        header {
            h1 { "Mail identity of " span.mono { (host) } }
            (sentence(report))
        }
        main {
            (log(report))
            (paths::section(report, verbosity))
            (plan(&findings, report))
            (paths::healthy(report, verbosity))
            (all_findings(&findings, report, verbosity))
            (apart(report))
            (points(report))
            (asked(report))
        }
        footer {
            @if let Some(taken) = &report.taken { "As the DNS answered on " (verdict::date_and_time(taken)) " · " }
            (report.tool.name) " " (report.tool.version) " · " code { "helolint explain CODE" } " tells more of a finding"
        }
    };
    page(&format!("Mail identity of {host}"), &body)
}

/// A whole page: its head, with the policy that lets nothing in but the style, and this body.
pub(in crate::report) fn page(title: &str, body: &Markup) -> String {
    let policy = format!("default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    page.into_string() + "\n"
}

fn sentence(report: &Report) -> Markup {
    let parts = verdict::sentence(report);
    let tones = [Tone::Bad, Tone::Doubtful, Tone::Good];
    let worst = tones.into_iter().find(|tone| parts.iter().any(|(part, _)| part == tone));
    let class = worst.map_or("verdict".to_owned(), |tone| format!("verdict is-{}", tone_class(tone)));
    html! {
        p class=(class) {
            @for (tone, text) in &parts { span class=(tone_class(*tone)) { (text) } }
            "."
        }
    }
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Doubtful => "doubtful",
        Tone::Good => "good",
        Tone::Note => "note",
        Tone::Plain => "plain",
    }
}

fn plan(findings: &[&FindingView], report: &Report) -> Markup {
    let rest = human::rest(report, findings);
    let plan = report.plan.as_ref().filter(|plan| !plan.steps.is_empty());
    html! {
        @if let Some(plan) = plan {
            section {
                h2 { "What to do, in this order" }
                p { strong { (human::lead(plan)) } }
                @for group in plan.steps.chunk_by(|a, b| a.who == b.who) {
                    @if let Some(first) = group.first() {
                        h3 { (human::title(first.who)) }
                        ol.steps start=(first.number) {
                            @for step in group {
                                li {
                                    div.what {
                                        (words(&step.text))
                                        @if !step.settles.is_empty() {
                                            " " span.muted { "[" (human::codes(&step.settles)) "]" }
                                        }
                                    }
                                    @if !step.commands.is_empty() { pre { code { (step.commands.join("\n")) } } }
                                    @if let Some(because) = &step.because { p.muted { (words(because)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
        @for (because, left) in human::left(report) {
            p { "Left: " (left) ": " (words(&because)) "." }
        }
        @if !rest.is_empty() {
            section {
                h2 { @if plan.is_some() { "What else to look at" } @else { "What to do" } }
                ul.steps {
                    @for step in &rest {
                        li {
                            div.what { (words(&step.fix.text)) " " span.muted { "[" (step.codes.join(", ")) "]" } }
                            @if !step.fix.commands.is_empty() { pre { code { (step.fix.commands.join("\n")) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Of many findings of one rule and one cause the first is a card, the others are its list.
fn all_findings(findings: &[&FindingView], report: &Report, verbosity: Verbosity) -> Markup {
    let whole = verbosity == Verbosity::Verbose;
    html! {
        @if !findings.is_empty() {
            section {
                h2 { "Findings" }
                @for group in alike::findings(findings) {
                    @let shown = if whole || group.len() <= alike::EACH { group.len() } else { 1 };
                    @for finding in group.iter().take(shown) { (finding_card(finding, report, whole)) }
                    @if shown < group.len() { (more(&group[shown..])) }
                }
            }
        }
    }
}

fn more(findings: &[&FindingView]) -> Markup {
    html! {
        details {
            summary { (findings.len()) " more like this" }
            div.scroll {
                table {
                    thead { tr { th { "about" } th { "says" } } }
                    tbody {
                        @for finding in findings.iter().take(MORE) {
                            tr { td.mono { (finding.subject) } td { (words(&finding.message)) } }
                        }
                        @if findings.len() > MORE { tr { td { "…" } td { "and " (findings.len() - MORE) " more" } } }
                    }
                }
            }
        }
    }
}

/// The word and the colour of a finding.
fn kind(finding: &FindingView) -> (&'static str, Tone) {
    match (finding.verdict, finding.severity) {
        (Verdict::Undetermined, _) => ("undetermined", Tone::Doubtful),
        (Verdict::Fail, Severity::Error) => ("error", Tone::Bad),
        (Verdict::Fail, Severity::Warning) => ("warning", Tone::Doubtful),
        (Verdict::Fail, Severity::Info) => ("info", Tone::Note),
    }
}

fn finding_card(finding: &FindingView, report: &Report, whole: bool) -> Markup {
    let (word, tone) = kind(finding);
    let meta = report.rules.iter().find(|meta| meta.code == finding.code);
    let some = !finding.paths.is_empty() && finding.paths.len() < report.paths.len();
    html! {
        article class=(format!("card finding is-{}", tone_class(tone))) {
            h3 {
                span class=(format!("tag {}", tone_class(tone))) { (word) } " "
                (words(&finding.message))
            }
            p.muted { (finding.code) " " (finding.name) @if finding.subject != "-" { " · " span.mono { (finding.subject) } } }
            @let shown = if whole { usize::MAX } else { PLACES };
            @for place in finding.origins.iter().take(shown) { (quoted(place)) }
            @if finding.origins.len() > shown { p.muted { "and " (finding.origins.len() - shown) " more places" } }
            @if some { p.muted { "Paths: " span.mono { (few(&finding.paths, shown)) } } }
            (evidence(finding.evidence.get(..shown.saturating_mul(4)).unwrap_or(&finding.evidence), finding.evidence.len()))
            @if let Some(meta) = meta { (why(meta)) }
        }
    }
}

/// A place: its line with what is meant marked, or where the value comes from.
fn quoted(place: &PlaceView) -> Markup {
    let label = &place.label;
    html! {
        @match (&place.origin, place.quoted.as_ref().map(QuotedLine::quote)) {
            (OriginView::File { file, line, column }, Some(quote)) => {
                p.muted { span.mono { (file) ":" (line) ":" (column) } @if !label.is_empty() { " · " (words(label)) } }
                pre {
                    code {
                        @if quote.cut > 0 { "…" }
                        (quote.before) mark { (quote.marked) } (quote.after)
                    }
                }
            }
            (origin, _) => {
                p.muted { @if label.is_empty() { "from" } @else { (words(label)) } ": " span.mono { (origin.describe()) } }
            }
        }
    }
}

/// The first few of names, and how many more there are.
fn few(names: &[String], shown: usize) -> String {
    let mut text = names.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > shown {
        text += &format!(" and {} more", names.len() - shown);
    }
    text
}

fn evidence(all: &[Evidence], number: usize) -> Markup {
    html! {
        @if !all.is_empty() {
            details {
                summary { "What the DNS said (" (count(number, "answer")) @if number > all.len() { ", the first " (all.len()) } ")" }
                div.scroll {
                    table {
                        thead { tr { th { "question" } th { "asked" } th { "answer" } th { "TTL" } } }
                        tbody {
                            @for said in all {
                                tr {
                                    td.mono { (said.question) }
                                    td { (said.from) }
                                    td.mono { (said.answer) }
                                    td { @if let Some(ttl) = said.ttl { (ttl) " s" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn why(meta: &Meta) -> Markup {
    let sections = ["Why it matters", "When to ignore"];
    let texts: Vec<(&str, String)> =
        sections.iter().filter_map(|title| meta.section(title).map(|text| (*title, text))).collect();
    html! {
        @if !texts.is_empty() {
            details {
                summary { (meta.code) " explained" }
                @for (title, text) in &texts {
                    p { strong { (title) } }
                    @for paragraph in text.split("\n\n") { p { (words(paragraph)) } }
                }
                @if !meta.refs.is_empty() { p.muted { "References: " (meta.refs.join("; ")) } }
            }
        }
    }
}

/// Prose in which text between backticks is code.
fn words(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of backticks: the last opens nothing.
    let closed = parts.len() % 2 == 1;
    html! {
        @if closed {
            @for (at, part) in parts.iter().enumerate() {
                @if at % 2 == 1 { code { (part) } } @else { (part) }
            }
        } @else { (text) }
    }
}

/// What receivers did, by the mail log.
fn log(report: &Report) -> Markup {
    html! {
        @if let Some((did, notes)) = report.log.as_ref().map(LogView::sentences) {
            section {
                h2 { (TITLE) }
                @if !did.is_empty() { ul { @for sentence in &did { li { (sentence) } } } }
                @for note in &notes { p.muted { (note) } }
            }
        }
    }
}

/// Findings that do not count.
fn apart(report: &Report) -> Markup {
    html! {
        @if !report.suppressed.is_empty() {
            section {
                h2 { "Not counted" }
                details {
                    summary { (count(report.suppressed.len(), "finding")) " ignored or known" }
                    div.scroll {
                        table {
                            thead { tr { th { "finding" } th { "about" } th { "says" } th { "not counted, since" } } }
                            tbody {
                                @for one in &report.suppressed {
                                    tr {
                                        td { (one.finding.code) " " (one.finding.name) }
                                        td.mono { (one.finding.subject) }
                                        td { (words(&one.finding.message)) }
                                        td {
                                            (one.reason)
                                            @if let Some(day) = &one.expires { " (until " (day) ")" }
                                            " · " span.mono { (one.suppressed_at.describe()) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn points(report: &Report) -> Markup {
    html! {
        section {
            h2 { (checklist::title(report)) }
            ul.checklist {
                @for (point, done) in checklist::points(report) {
                    li {
                        @if done { span.sign.good { "✓" } } @else { span.sign.bad { "✗" } }
                        span { (point) @if !done { " " span.muted { "(not seen to be so)" } } }
                    }
                }
            }
        }
    }
}

fn asked(report: &Report) -> Markup {
    let dns = &report.dns;
    html! {
        @if let Some(tried) = &report.port25 {
            section {
                h2 { (tried.title()) }
                ul { @for line in tried.lines() { li { (words(&line)) } } }
            }
        }
        section {
            h2 { "What was asked" }
            @if !report.suppressed.is_empty() {
                details {
                    summary { (count(report.suppressed.len(), "finding")) " not counted" }
                    ul {
                        @for one in &report.suppressed {
                            li { (one.finding.code) " " (one.finding.subject) ": " (one.finding.message) " — " (one.reason) }
                        }
                    }
                }
            }
            @if !report.not_checked.is_empty() {
                p { (count(report.not_checked.len(), "rule")) " not checked:" }
                ul { @for rule in &report.not_checked { li { (rule.code) " " (rule.name) ": " (rule.why) } } }
            }
            @if dns.offline {
                p { "Nothing was asked of the DNS." }
            } @else {
                p { (dns.answered) " of " (count(dns.questions, "DNS question")) " answered." }
                @if !dns.notes.is_empty() {
                    ul { @for note in &dns.notes { li { (note) } } }
                }
                details {
                    summary { "Who was asked" }
                    div.scroll {
                        table {
                            thead { tr { th { "name" } th { "server" } th { "kind" } th { "answered" } } }
                            tbody {
                                @for vantage in &dns.vantage {
                                    tr {
                                        td { (vantage.name) }
                                        td.mono { (vantage.server.as_deref().unwrap_or("-")) }
                                        td { (vantage.kind.as_str()) }
                                        td { (vantage.answered) " of " (vantage.asked) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{PathView, sample};

    /// SHA-256 (FIPS 180-4) in base64, for the one line of the policy.
    fn sha256_base64(data: &[u8]) -> String {
        use sha2::{Digest, Sha256};
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let digest = Sha256::digest(data);
        let mut out = String::new();
        for chunk in digest.chunks(3) {
            let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for at in 0..4 {
                let six = (bits >> (18 - 6 * at) & 63) as usize;
                out.push(if at <= chunk.len() { ALPHABET[six].into() } else { '=' });
            }
        }
        out
    }

    #[test]
    fn the_policy_lets_in_the_style_and_nothing_else() {
        assert_eq!(sha256_base64(b"abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_eq!(STYLE_HASH, sha256_base64(STYLE.as_bytes()), "style.css was changed: this is its new hash");
        let page = render(&sample::report(""), Verbosity::Normal);
        assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"), "{page}");
        for never in ["<script", "style=\"", "http://", "https://", " src=", "<link", "<img", "javascript:", "onload"] {
            assert!(!page.contains(never), "{never}");
        }
    }

    #[test]
    fn strangers_text_stays_text() {
        let page = render(&sample::report("</style><script>alert(1)</script>\"'&").sanitized(), Verbosity::Normal);
        assert!(!page.contains("<script") && page.matches("</style>").count() == 1, "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("&quot;"));
    }

    #[test]
    fn the_page_shows_all_there_is() {
        let page = render(&sample::report(""), Verbosity::Normal);
        for part in [
            "<span class=\"bad\">2 errors</span>",
            "<text class=\"sign\"",
            "no PTR record",
            "<mark>mail</mark>",
            "What to do, in this order",
            "<summary>What the DNS said (",
            "PTR001 explained",
            "The PTR name leads back to the address",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn many_paths_are_a_table() {
        let mut report = sample::report("");
        let path = report.paths[0].clone();
        report
            .findings
            .iter_mut()
            .for_each(|f| f.paths = (0..20).map(|at| format!("postfix/ipv4/{}", at + 9)).collect());
        report.paths.extend((0..300).map(|at| PathView { id: format!("postfix/ipv4/{}", at + 9), ..path.clone() }));
        let page = render(&report, Verbosity::Normal);
        assert!(page.matches("<svg class=\"chain wide\"").count() <= paths::DRAWN);
        assert!(page.contains(" of them") && page.contains("postfix/ipv4/308") && page.contains(" more paths like "));
    }
}
