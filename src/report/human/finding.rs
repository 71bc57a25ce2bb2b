//! Findings: the very line underlined, what each server said, where to read on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};

use super::text::{count, glued, kind, list, put, wrap};
use crate::findings::{Severity, Verdict};
use crate::name::DomainName;
use crate::report::alike;
use crate::report::{
    FindingView, OriginView, PathView, PlaceView, Quote, QuotedLine, Report, SenderSelection, Style, Verbosity,
};

/// Findings of one code that are shown in full without `-v`, one for each cause; the others are named in one list.
const IN_FULL: usize = 3;
/// Places that are no files shown below one finding, unless all are wanted.
const NOTES: usize = 4;
/// Answers shown below one finding, unless all are wanted.
const ANSWERS: usize = 8;
/// The rule about questions that nobody answers.
const UNANSWERED: &str = "DNS004";
/// Subjects in that list.
const SUBJECTS: usize = 60;
/// Places shown of one finding without `-v`.
const PLACES: usize = 5;
/// Lines between two places up to which they stand in one excerpt; farther apart, each has its own.
const FAR: usize = 10_000;
/// Sender domains that are named before the rest is counted.
const DOMAINS_NAMED: usize = 3;
/// Stands for what is cut from a line.
const DOTS: &str = "...";

/// What notes need of the paths.
struct Paths<'a> {
    number: usize,
    /// The paths by their identifiers.
    by_id: HashMap<&'a str, &'a PathView>,
}

/// A finding in one line, for `-q` and for what is only worth knowing.
pub(crate) fn one_line(finding: &FindingView, style: &Style) -> String {
    let (word, color) = kind(finding.severity, finding.verdict);
    let head = style.paint(color, &format!("{word}[{}]", finding.code));
    // Most messages name their subject already.
    let message = &finding.message;
    if message.contains(&finding.subject) || finding.subject == "-" {
        format!("{head}: {message}\n")
    } else {
        format!("{head}: {}: {message}\n", finding.subject)
    }
}

/// All findings, the worst first, each with an empty line before it.
pub(crate) fn section(findings: &[&FindingView], report: &Report, style: &Style) -> String {
    let mut groups: Vec<Vec<&FindingView>> = Vec::new();
    for finding in findings {
        let alike = |g: &Vec<&FindingView>| {
            g.first()
                .is_some_and(|f| (f.code, f.severity, f.verdict) == (finding.code, finding.severity, finding.verdict))
        };
        match groups.last_mut().filter(|group| alike(group)) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    let paths =
        Paths { number: report.paths.len(), by_id: report.paths.iter().map(|path| (path.id.as_str(), path)).collect() };
    let mut out = String::new();
    let mut in_brief = false;
    let waiting = if style.verbosity == Verbosity::Verbose { Vec::new() } else { by_cause(findings, report) };
    let at = |finding: &FindingView| std::ptr::from_ref(finding);
    let waits: HashSet<*const FindingView> =
        waiting.iter().flat_map(|cause| &cause.findings).map(|finding| at(finding)).collect();
    let firsts: HashMap<*const FindingView, &Waiting<'_>> =
        waiting.iter().filter_map(|cause| Some((at(cause.findings.first()?), cause))).collect();
    for mut group in groups {
        // What waits for one answer is said together, where the first of it stands.
        for cause in group.iter().filter_map(|finding| firsts.get(&at(finding))) {
            out.push_str(&waiting_for(cause, style));
            in_brief = false;
        }
        group.retain(|finding| !waits.contains(&at(finding)));
        if group.is_empty() {
            continue;
        }
        if style.verbosity != Verbosity::Verbose && group.iter().all(|f| f.severity == Severity::Info) {
            out.push_str(if std::mem::replace(&mut in_brief, true) { "" } else { "\n" });
            group.iter().for_each(|finding| out.push_str(&brief(finding, style)));
            continue;
        }
        // A list for one finding more would save nothing.
        let whole = style.verbosity == Verbosity::Verbose || group.len() <= alike::EACH;
        let causes = alike::findings(&group);
        let first: Vec<&FindingView> = match whole {
            true => group.clone(),
            false => causes.iter().filter_map(|alike| alike.first().copied()).take(IN_FULL).collect(),
        };
        for finding in &first {
            out.push('\n');
            out.push_str(&full(finding, &paths, style));
        }
        let is_first = |finding: &&FindingView| first.iter().any(|shown| std::ptr::eq(*shown, *finding));
        let rest: Vec<&FindingView> = group.iter().copied().filter(|finding| !is_first(finding)).collect();
        if let Some(first) = rest.first() {
            let (word, color) = kind(first.severity, first.verdict);
            let head = style.paint(color, &format!("{word}[{}]", first.code));
            out.push_str(&format!("\n{head}: {} more like this (-v shows each):\n", rest.len()));
            let all: Vec<&str> = rest.iter().map(|f| f.subject.as_str()).collect();
            let mut subjects: Vec<String> = alike::list(&all).iter().map(|subject| glued(subject)).collect();
            if subjects.len() > SUBJECTS {
                let more = subjects.len() - SUBJECTS;
                subjects.truncate(SUBJECTS);
                subjects.push(glued(&format!("and {more} more")));
            }
            for line in wrap(&subjects.join(", "), style.width.saturating_sub(4)) {
                out.push_str(&format!("    {line}\n"));
            }
        }
    }
    out
}

/// The undetermined findings that questions about one zone leave open, or that nobody's answer does, where there are several; in the order
/// of findings.
fn by_cause<'a>(findings: &[&'a FindingView], report: &Report) -> Vec<Waiting<'a>> {
    let mut causes: Vec<Waiting<'a>> = Vec::new();
    let mut known: HashMap<BTreeSet<String>, usize> = HashMap::new();
    let waits = |f: &&&FindingView| !f.open.is_empty() && f.open.iter().all(|open| is_question(open));
    for finding in findings.iter().filter(|f| f.verdict == Verdict::Undetermined).filter(waits) {
        let zones: BTreeSet<String> = match report.dns.answered {
            0 => BTreeSet::new(),
            _ => finding.open.iter().map(|question| zone_of(question, report)).collect(),
        };
        let index = *known.entry(zones.clone()).or_insert(causes.len());
        match causes.get_mut(index) {
            Some(cause) => cause.findings.push(finding),
            None => causes.push(Waiting { zones, findings: vec![finding] }),
        }
    }
    causes.retain(|cause| cause.findings.len() > 1);
    causes
}

/// Findings that wait for answers of the same zones; of none: of anybody.
struct Waiting<'a> {
    zones: BTreeSet<String>,
    findings: Vec<&'a FindingView>,
}

/// Whether what leaves a finding open is a question to the DNS, and not what else was asked in vain.
fn is_question(open: &str) -> bool {
    open.split_once(' ').is_some_and(|(name, rtype)| name.ends_with('.') && !rtype.contains(' '))
}

/// The zone that a question is about: one whose servers were looked for, else the domain or reverse zone by its name.
fn zone_of(question: &str, report: &Report) -> String {
    let name = DomainName::new(question.split(' ').next().unwrap_or_default());
    let known = report.dns.zones.iter().map(|zone| DomainName::new(&zone.zone)).filter(|zone| name.is_within(zone));
    let known = known.filter(|zone| zone.labels().count() > 1).max_by_key(|zone| zone.labels().count());
    let reverse = name.labels().next_back() == Some("arpa");
    let zone = known.or_else(|| if reverse { name.parent() } else { name.registrable() });
    zone.unwrap_or(name).to_string()
}

/// What waits for the same answers.
fn waiting_for(cause: &Waiting<'_>, style: &Style) -> String {
    let all = &cause.findings;
    let head = style.paint(kind(Severity::Error, Verdict::Undetermined).1, "undetermined");
    let zones: Vec<String> = cause.zones.iter().map(|zone| format!("`{zone}`")).collect();
    let from = match zones.len() {
        0 => "since no server answered anything".to_owned(),
        1 => format!("without an answer from the zone {}", list(&zones)),
        _ => format!("without an answer from the zones {}", list(&zones)),
    };
    let mut out = format!("\n{head}: {} {from}:\n", count(all.len(), "finding"));
    // What nobody answered stands first: the others follow from it.
    let (questions, others): (Vec<&FindingView>, Vec<&FindingView>) =
        all.iter().copied().partition(|finding| finding.code == UNANSWERED);
    for finding in questions.iter().chain(&others).take(SUBJECTS) {
        let text = format!("{} {}: {}", finding.code, glued(&finding.subject), finding.message);
        put(&mut out, "    ", "      ", &text, style.width);
    }
    if all.len() > SUBJECTS {
        put(&mut out, "    ", "      ", &format!("and {} more", all.len() - SUBJECTS), style.width);
    }
    out
}

/// A finding that is worth knowing, wrapped.
fn brief(finding: &FindingView, style: &Style) -> String {
    let (word, color) = kind(finding.severity, finding.verdict);
    let text = one_line(finding, &Style { color: false, ..*style });
    let mut out = String::new();
    put(&mut out, "", "    ", text.trim_end(), style.width);
    let head = format!("{word}[{}]", finding.code);
    out.replacen(&head, &style.paint(color, &head), 1)
}

fn full(finding: &FindingView, paths: &Paths, style: &Style) -> String {
    let (word, _) = kind(finding.severity, finding.verdict);
    let level = match (finding.verdict, finding.severity) {
        (Verdict::Fail, Severity::Error) => Level::ERROR,
        (Verdict::Fail, Severity::Info) => Level::INFO,
        _ => Level::WARNING,
    };
    let head = word.len() + finding.code.len() + "[]: ".len();
    let message = wrap(&finding.message, style.width.saturating_sub(head)).join("\n");
    let title = level.with_name(word).primary_title(message).id(finding.code);
    let last = in_files(finding).filter_map(|place| match place.origin {
        OriginView::File { line, .. } => Some(line),
        _ => None,
    });
    // Beside the line numbers and their bar.
    let room = style.width.saturating_sub(last.max().unwrap_or(0).to_string().len() + " | ".len()).max(30);
    let sources: Vec<(String, Vec<Shown>)> = excerpts(finding, style, room);
    let mut group = Group::with_title(title);
    for (path, lines) in &sources {
        // What is drawn of a cut line does not tell the column.
        let head = lines.iter().find(|line| line.marks.iter().any(|mark| mark.2)).or(lines.first());
        group = match head.and_then(|line| line.cut_column.map(|column| (line.number, column))) {
            Some((line, column)) => {
                let origin = annotate_snippets::Origin::path(path.clone()).line(line).char_column(column);
                group.element(origin).element(Element::from(annotate_snippets::Padding)).element(snippet(lines, room))
            }
            None => group.element(snippet(lines, room).path(path.clone())),
        };
    }
    // Behind `  = note: `, which is as wide as the line number's column and ten more.
    let note_room = style.width.saturating_sub(14).max(30);
    for (path, lines) in &sources {
        for line in lines {
            let long = line.marks.iter().filter(|(range, label, _)| !fits(line, range, label, room));
            for (_, label, _) in long {
                let text =
                    wrap(&format!("{}: {label}", glued(&format!("{path}:{}", line.number))), note_room).join("\n");
                group = group.element(Element::from(Level::NOTE.message(text)));
            }
        }
    }
    for (label, text) in notes(finding, paths, style) {
        let text = text.iter().flat_map(|line| wrap(line, note_room)).collect::<Vec<_>>().join("\n");
        group = group.element(Element::from(Level::NOTE.with_name(label).message(text)));
    }
    let help = format!("helolint explain {}", finding.code);
    group = group.element(Element::from(Level::HELP.message(help)));
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let decor = if style.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let text = renderer.hyperlink(false).term_width(style.width).decor_style(decor).render(&[group]);
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// A line with the places in it.
struct Shown<'a> {
    number: usize,
    text: String,
    /// Column of the place in the file, where the line is cut in front of it.
    cut_column: Option<usize>,
    /// Byte range in `text`, label, whether it is the place to edit.
    marks: Vec<(std::ops::Range<usize>, &'a str, bool)>,
}

/// The places of each line of a file; the last says whether it is the one to edit.
type Lines<'a> = BTreeMap<usize, Vec<(&'a PlaceView, Quote, bool)>>;

/// The places in files: for each file the lines in order. Places far from the one before begin an excerpt of their own.
fn excerpts<'a>(finding: &'a FindingView, style: &Style, room: usize) -> Vec<(String, Vec<Shown<'a>>)> {
    let limit = if style.verbosity == Verbosity::Verbose { usize::MAX } else { PLACES };
    let mut files: Vec<(&str, Lines)> = Vec::new();
    for (at, place) in in_files(finding).take(limit).enumerate() {
        let OriginView::File { file, line, .. } = &place.origin else { continue };
        let Some(quote) = place.quoted.as_ref().map(QuotedLine::quote) else { continue };
        let index = match files.iter().position(|(path, _)| **path == **file) {
            Some(index) => index,
            None => {
                files.push((file, BTreeMap::new()));
                files.len() - 1
            }
        };
        files[index].1.entry(*line).or_default().push((place, quote, at == 0));
    }
    let mut all: Vec<(String, Vec<Shown>)> = Vec::new();
    for (path, lines) in files {
        let mut last: Option<usize> = None;
        for (number, places) in lines {
            // Several places of a line share its text only where none of their quotes is cut.
            let whole = places.iter().all(|(_, quote, _)| cut(quote, room).text == text_of(quote) && quote.cut == 0);
            let shown: Vec<Shown> = if whole {
                vec![line_of(number, &places, room)]
            } else {
                places.iter().map(|p| line_of(number, std::slice::from_ref(p), room)).collect()
            };
            for line in shown {
                let near = last.is_some_and(|last| number > last && number - last <= FAR);
                match all.last_mut() {
                    Some((_, lines)) if near => lines.push(line),
                    _ => all.push((path.to_owned(), vec![line])),
                }
                last = Some(number);
            }
        }
    }
    all
}

fn in_files(finding: &FindingView) -> impl Iterator<Item = &PlaceView> {
    finding.origins.iter().filter(|place| is_drawn(place))
}

fn is_drawn(place: &PlaceView) -> bool {
    matches!(place.origin, OriginView::File { .. }) && place.quoted.is_some()
}

fn text_of(quote: &Quote) -> String {
    format!("{}{}{}", quote.before, quote.marked, quote.after)
}

/// A quote's line as it is drawn.
struct Cut {
    text: String,
    /// Byte range of the place in `text`.
    mark: std::ops::Range<usize>,
}

/// The quote's line in at most `room` characters: a long place keeps its start, and what stands around it as much as fits.
fn cut(quote: &Quote, room: usize) -> Cut {
    let (lead, width) = (quote.before.chars().count(), quote.marked.chars().count());
    let mut marked = quote.marked.clone();
    let whole = width <= room * 2 / 3;
    if !whole {
        marked = marked.chars().take(room * 2 / 3).collect::<String>() + DOTS;
    }
    let width = marked.chars().count();
    let mut text = quote.before.clone();
    if quote.cut > 0 || lead + width > room {
        let keep = room.saturating_sub(width + DOTS.len()).min(room / 3);
        text = DOTS.to_owned();
        text.extend(quote.before.chars().skip(lead.saturating_sub(keep)));
    }
    let start = text.len();
    text.push_str(&marked);
    let mark = start..text.len();
    if whole {
        let left = room.saturating_sub(text.chars().count());
        if quote.after.chars().count() <= left {
            text.push_str(&quote.after);
        } else {
            text.extend(quote.after.chars().take(left.saturating_sub(DOTS.len())));
            text.push_str(DOTS);
        }
    }
    Cut { text, mark }
}

fn line_of<'a>(number: usize, places: &[(&'a PlaceView, Quote, bool)], room: usize) -> Shown<'a> {
    let mut text = String::new();
    let mut marks = Vec::new();
    let mut cut_column = None;
    for (place, quote, primary) in places {
        let line = cut(quote, room);
        let moved = line.mark.start != quote.before.len() || quote.cut > 0;
        if let (OriginView::File { column, .. }, true) = (&place.origin, moved) {
            cut_column = Some(*column);
        }
        marks.push((line.mark, place.label.as_str(), *primary));
        text = line.text;
    }
    Shown { number, text, cut_column, marks }
}

/// Lines as one excerpt; the lines between are empty, so that the drawing leaves them out.
fn snippet<'a>(lines: &[Shown<'a>], room: usize) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let first = lines.first().map_or(1, |line| line.number);
    let mut text = String::new();
    let mut annotations = Vec::new();
    let mut last: Option<usize> = None;
    for line in lines {
        let gap = last.map_or(0, |last| line.number.saturating_sub(last));
        // One line alone between two places is drawn, and nothing is known of it.
        text.push_str(&if gap == 2 { "\n...\n".to_owned() } else { "\n".repeat(gap) });
        last = Some(line.number);
        let start = text.len();
        text.push_str(&line.text);
        for (range, label, primary) in &line.marks {
            let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let mark = kind.span(start + range.start..start + range.end);
            annotations.push(if label.is_empty() || !fits(line, range, label, room) {
                mark
            } else {
                mark.label(*label)
            });
        }
    }
    Snippet::source(text).line_start(first).annotations(annotations)
}

/// Whether a label has its place beside the mark; else it stands below the excerpts.
fn fits(line: &Shown, range: &std::ops::Range<usize>, label: &str, room: usize) -> bool {
    line.text.get(..range.end).map_or(0, |text| text.chars().count()) + 1 + label.chars().count() <= room
}

/// Whether the evidence of a rule is what servers of this host said.
fn is_heard(code: &str) -> bool {
    ["SMT", "TLS"].iter().any(|family| code.starts_with(family))
}

/// What stands below the excerpts: other origins, what servers said, the paths concerned.
fn notes(finding: &FindingView, all: &Paths, style: &Style) -> Vec<(&'static str, Vec<String>)> {
    let verbose = style.verbosity == Verbosity::Verbose;
    let mut notes: Vec<(&'static str, Vec<String>)> = Vec::new();
    let elsewhere: Vec<&PlaceView> = finding.origins.iter().filter(|place| !is_drawn(place)).collect();
    let limit = if verbose || elsewhere.len() == NOTES + 1 { usize::MAX } else { NOTES };
    for place in elsewhere.iter().take(limit) {
        let label = if place.label.is_empty() { "from" } else { &place.label };
        notes.push(("note", vec![format!("{label}: {}", place.origin.describe())]));
    }
    if elsewhere.len() > limit {
        notes.push(("note", vec![format!("and {} more (-v shows all)", elsewhere.len() - limit)]));
    }
    let places = in_files(finding).count();
    if places > PLACES && !verbose {
        notes.push(("note", vec![format!("and {} (-v shows all)", count(places - PLACES, "more place"))]));
    }
    let mut evidence = evidence(finding);
    if !verbose && evidence.len() > ANSWERS + 1 {
        let more = evidence.len() - ANSWERS;
        evidence.truncate(ANSWERS);
        evidence.push(format!("and {more} more answers (-v shows all)"));
    }
    if !evidence.is_empty() {
        notes.push((if is_heard(finding.code) { "heard" } else { "DNS" }, evidence));
    }
    if all.number > 1 && !finding.paths.is_empty() && finding.paths.len() < all.number {
        let limit = if verbose { usize::MAX } else { 6 };
        let mut names: Vec<String> = finding.paths.iter().take(limit).cloned().collect();
        if finding.paths.len() > limit {
            names.push(format!("and {} more", finding.paths.len() - limit));
        }
        let what = if finding.paths.len() == 1 { "path" } else { "paths" };
        notes.push((what, vec![names.join(", ")]));
    } else if finding.paths.len() > 1 {
        notes.push(("paths", vec![format!("all {}", finding.paths.len())]));
    }
    notes.extend(leaving(finding, all).map(|text| ("domains", vec![text])));
    notes
}

/// The sender domains that leave by the paths of a finding: some by name, the rest counted.
fn leaving(finding: &FindingView, all: &Paths) -> Option<String> {
    let paths: Vec<&PathView> = finding.paths.iter().filter_map(|id| all.by_id.get(id.as_str()).copied()).collect();
    let domains: BTreeSet<&str> =
        paths.iter().filter_map(|path| path.sender_domains.as_ref()).flatten().map(|domain| &**domain).collect();
    let others = paths.iter().any(|path| path.sender_selection == SenderSelection::ListedAndOthers);
    if domains.is_empty() {
        return None;
    }
    let mut names: Vec<String> = domains.iter().take(DOMAINS_NAMED).map(|domain| (*domain).to_owned()).collect();
    if domains.len() > DOMAINS_NAMED {
        names.push(format!("{} more", domains.len() - DOMAINS_NAMED));
    }
    if others {
        names.push("all that no list names".to_owned());
    }
    let alone = domains.len() == 1 && !others;
    Some(format!("{} {} this way", list(&names), if alone { "leaves" } else { "leave" }))
}

/// A line for each question and answer, with everybody who gave it.
fn evidence(finding: &FindingView) -> Vec<String> {
    let mut said: Vec<(&str, &str, Vec<&str>, Option<u32>)> = Vec::new();
    for item in &finding.evidence {
        match said.iter_mut().find(|(question, answer, ..)| (*question, *answer) == (&item.question, &item.answer)) {
            Some((_, _, from, ttl)) => {
                from.push(&item.from);
                *ttl = (*ttl).max(item.ttl);
            }
            None => said.push((&item.question, &item.answer, vec![&item.from], item.ttl)),
        }
    }
    let lines = said.iter().map(|(question, answer, from, ttl)| {
        let until = ttl.map(|ttl| format!(", {}", glued(&format!("TTL {ttl} s")))).unwrap_or_default();
        format!("{question}: {answer} ({}{until})", from.join(", "))
    });
    lines.collect()
}
