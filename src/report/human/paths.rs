//! How mail leaves: each path from its source address to the address that its PTR name leads back to, with its HELO name.

use std::collections::HashSet;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::text::{BAD, DOUBTFUL, GOOD, Signs, count, glued, put};
use crate::findings::Severity;
use crate::observe::iprev::Iprev;
use crate::report::{PathView, Report, SenderSelection, Style, Verbosity, alike, verdict};

/// Paths shown without `-v`; those with something wrong come before the healthy ones.
const SHOWN: usize = 12;
/// Of more, those of one shape.
const OF_A_SHAPE: usize = 2;
/// Healthy paths from which on they stand apart from the others.
const APART: usize = 3;
/// PTR names or services shown of one path without `-v`.
const NAMES_SHOWN: usize = 4;

/// The cell of a path that is right.
const PASSES: &str = "iprev pass";

/// The section, with an empty line before it.
pub(crate) fn section(report: &Report, style: &Style) -> String {
    let mut out = String::from("\n");
    if report.mta.live.len() < report.mta.configured.len() {
        let names: Vec<String> = report.mta.live.iter().map(ToString::to_string).collect();
        put(&mut out, "", "", &format!("Judged is {}, because {}.", names.join(" and "), report.mta.how), style.width);
        out.push('\n');
    }
    if report.paths.is_empty() {
        put(&mut out, "", "", verdict::pathless_sentence(report), style.width);
        return out;
    }
    let (bad, good) = parted(report);
    out.push_str(&match stand_apart(&bad, &good) {
        true => drawn(report, bad, style),
        false => drawn(report, report.paths.iter().collect(), style),
    });
    out
}

/// The paths without a finding, where they do not stand among the others; with an empty line before them.
pub(crate) fn healthy(report: &Report, style: &Style) -> String {
    let (bad, good) = parted(report);
    match stand_apart(&bad, &good) {
        true => format!("\n{}\n{}", style.heading("Paths without an error or warning"), drawn(report, good, style)),
        false => String::new(),
    }
}

/// Paths with and without an error or warning.
fn parted(report: &Report) -> (Vec<&PathView>, Vec<&PathView>) {
    let troubled = troubled(report);
    report.paths.iter().partition(|path| troubled.contains(path.id.as_str()))
}

/// Whether the healthy ones are shown behind what is to be done; a few beside the others show what right looks like.
fn stand_apart(bad: &[&PathView], good: &[&PathView]) -> bool {
    !bad.is_empty() && good.len() >= APART
}

fn drawn(report: &Report, paths: Vec<&PathView>, style: &Style) -> String {
    let mut out = String::new();
    let (shown, hidden) = chosen(report, paths, style);
    let named = table(&shown, style, true).or_else(|| table(&shown, style, false));
    match named {
        Some(text) => out.push_str(&text),
        None => shown.iter().for_each(|path| chain(&mut out, path, style)),
    }
    let last = hidden.len();
    for (at, (id, number)) in (1..).zip(&hidden) {
        let like = id.map_or_else(String::new, |id| format!(" like {id}"));
        let all = if at == last { " (-v shows all)" } else { "" };
        put(&mut out, "", "  ", &format!("... and {}{like}{all}", count(*number, "more path")), style.width);
    }
    out
}

/// The paths to show, and how many are left out: like which, where one is shown. With many, two of each shape are, those with findings first.
fn chosen<'a>(
    report: &'a Report,
    mut all: Vec<&'a PathView>,
    style: &Style,
) -> (Vec<&'a PathView>, Vec<(Option<&'a str>, usize)>) {
    if style.verbosity == Verbosity::Verbose || all.len() <= SHOWN {
        return (all, Vec::new());
    }
    let troubled = troubled(report);
    all.sort_by_key(|path| !troubled.contains(path.id.as_str()));
    let (mut shown, mut hidden, mut others) = (Vec::new(), Vec::new(), 0);
    for group in alike::paths(report, &all) {
        let room = SHOWN.saturating_sub(shown.len());
        let take = if group.len() <= alike::EACH { group.len() } else { OF_A_SHAPE }.min(room);
        shown.extend(group.iter().take(take));
        match group.first().filter(|_| take > 0 && take < group.len()) {
            Some(first) => hidden.push((Some(first.id.as_str()), group.len() - take)),
            None => others += group.len() - take,
        }
    }
    if others > 0 {
        hidden.push((None, others));
    }
    (shown, hidden)
}

/// Identifiers of the paths with a finding that is more than worth knowing.
pub(crate) fn troubled(report: &Report) -> HashSet<&str> {
    let findings = report.findings.iter().filter(|f| f.severity > Severity::Info);
    findings.flat_map(|f| f.paths.iter().map(String::as_str)).collect()
}

/// The table, unless it is wider than the terminal.
fn table(paths: &[&PathView], style: &Style, by_name: bool) -> Option<String> {
    let signs = style.signs();
    let mut table = Table::new();
    table.load_style(
        TableStyle::new()
            .header_separator(LineStyle::none().fill(signs.rule))
            .row_separator(LineStyle::none().fill(' ')),
    );
    let source = format!("source {} sending", signs.arrow);
    table.set_header(["path", &source, "PTR", "address back", "HELO", "domains"]);
    for path in paths {
        let back = back(path, signs, style);
        let names: Vec<&str> = back.iter().map(|(name, _)| name.as_str()).collect();
        let mut addresses: Vec<&str> = back.iter().map(|(_, back)| back.as_str()).filter(|b| !b.is_empty()).collect();
        let iprev = iprev(path, signs);
        addresses.push(&iprev);
        table.add_row([
            who(path, style).join("\n"),
            source_lines(path, signs).join("\n"),
            names.join("\n"),
            addresses.join("\n"),
            helo(path, signs).join("\n"),
            domains(path, by_name),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(column) = table.column_mut(5) {
        column.set_padding((0, 0)).set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    if lines.iter().any(|line| line.chars().count() > style.width) {
        return None;
    }
    let painted: Vec<String> = lines.iter().map(|line| paint_signs(line, signs, style)).collect();
    Some(painted.join("\n") + "\n")
}

/// Colours what follows a sign, up to the end of its cell (two blanks or the line's end).
fn paint_signs(line: &str, signs: Signs, style: &Style) -> String {
    if !style.color {
        return line.to_owned();
    }
    let cells = line.split("  ").map(|cell| {
        let start = cell.trim_start();
        let lead = &cell[..cell.len() - start.len()];
        if start.starts_with(&format!("{} ", signs.broken)) {
            format!("{lead}{}", style.paint(BAD, start))
        } else if start.starts_with(&format!("{} ", signs.unknown)) {
            format!("{lead}{}", style.paint(DOUBTFUL, start))
        } else if start == PASSES {
            format!("{lead}{}", style.paint(GOOD, start))
        } else {
            cell.to_owned()
        }
    });
    cells.collect::<Vec<_>>().join("  ")
}

/// The path where the table does not fit: one line a step, broken at arrows.
fn chain(out: &mut String, path: &PathView, style: &Style) {
    let signs = style.signs();
    let mut who = who(path, style);
    let id = if who.is_empty() { String::new() } else { who.remove(0) };
    put(out, "", "  ", &format!("{}  {}", style.heading(&id), who.join(" ")), style.width.max(id.len() + 20));
    let mut steps = source_lines(path, signs).join(" ");
    let back = back(path, signs, style);
    for (at, (name, address)) in back.iter().enumerate() {
        let lead = if at == 0 { format!(" {} PTR ", signs.arrow) } else { ", ".to_owned() };
        let tail = if address.is_empty() { String::new() } else { format!(" {} {}", signs.arrow, glued(address)) };
        steps += &format!("{lead}{}{tail}", glued(name));
    }
    put(out, "  ", "    ", &format!("{steps}, {}", glued(&iprev(path, signs))), style.width);
    put(
        out,
        "  ",
        "    ",
        &format!(
            "HELO {}; sender domains: {}",
            helo(path, signs).iter().map(|part| glued(part)).collect::<Vec<_>>().join(" "),
            domains(path, true)
        ),
        style.width,
    );
}

/// Identifier, services, next hop.
fn who(path: &PathView, style: &Style) -> Vec<String> {
    let mut lines = vec![path.id.clone()];
    let limit = if style.verbosity == Verbosity::Verbose { usize::MAX } else { NAMES_SHOWN };
    let mut services: Vec<String> = path.services.iter().take(limit).map(ToString::to_string).collect();
    if path.services.len() > limit {
        services.push(format!("+{}", path.services.len() - limit));
    }
    lines.extend(super::text::wrap(&services.join(", "), 26).into_iter().filter(|line| !line.is_empty()));
    lines.extend(path.relayed.iter().map(|hop| format!("via {hop}")));
    if path.unused {
        lines.push("(unused)".into());
    }
    lines
}

fn source_lines(path: &PathView, signs: Signs) -> Vec<String> {
    match (path.source, path.sending) {
        (Some(source), Some(sending)) if source == sending => vec![source.to_string()],
        (Some(source), Some(sending)) => vec![source.to_string(), format!("{} {sending}", signs.arrow)],
        (Some(source), None) => vec![source.to_string(), format!("{} {} unknown", signs.arrow, signs.unknown)],
        (None, Some(sending)) => vec![format!("{} undecided", signs.unknown), format!("{} {sending}", signs.arrow)],
        (None, None) => vec![format!("{} undecided", signs.unknown)],
    }
}

/// Each PTR name with the address that it leads back to.
fn back(path: &PathView, signs: Signs, style: &Style) -> Vec<(String, String)> {
    let Some(names) = &path.ptr else {
        let text = match (path.sending, path.iprev) {
            (None, _) => "-".to_owned(),
            (Some(_), None) => "not asked".to_owned(),
            (Some(_), Some(_)) => format!("{} no answer", signs.unknown),
        };
        return vec![(text, String::new())];
    };
    if names.is_empty() {
        return vec![(format!("{} no PTR record", signs.broken), String::new())];
    }
    let limit = if style.verbosity == Verbosity::Verbose { usize::MAX } else { NAMES_SHOWN };
    let confirmed = path.iprev == Some(Iprev::Pass);
    let mut lines: Vec<(String, String)> = Vec::new();
    for forward in path.forward.iter().take(limit) {
        // With one name that leads back, the others are no break in the chain.
        let sign = if confirmed { String::new() } else { format!("{} ", signs.broken) };
        let back = match &forward.addresses {
            None => format!("{} no answer", signs.unknown),
            Some(all) if all.is_empty() => format!("{sign}no {} record", path.family.record()),
            Some(all) => match path.sending.filter(|sending| all.contains(sending)) {
                Some(sending) if all.len() == 1 => sending.to_string(),
                Some(sending) => format!("{sending} +{}", all.len() - 1),
                None if all.len() == 1 => format!("{sign}{}", all[0]),
                None => format!("{sign}{} +{}", all[0], all.len() - 1),
            },
        };
        lines.push((forward.name.clone(), back));
    }
    if path.forward.len() > limit {
        lines.push((format!("+{}", path.forward.len() - limit), String::new()));
    }
    lines
}

fn iprev(path: &PathView, signs: Signs) -> String {
    match path.iprev {
        None => "iprev -".into(),
        Some(Iprev::Pass) => PASSES.into(),
        Some(Iprev::Fail) => format!("{} iprev fail", signs.broken),
        Some(Iprev::PermError) => format!("{} iprev permerror", signs.broken),
        Some(Iprev::TempError) => format!("{} iprev temperror", signs.unknown),
    }
}

/// The HELO name, and below it what is wrong with it.
fn helo(path: &PathView, signs: Signs) -> Vec<String> {
    let Some(name) = &path.helo else {
        return vec![if path.mta.is_none() { "-".into() } else { format!("{} undecided", signs.unknown) }];
    };
    let mut lines = vec![if name.is_empty() { format!("{} (empty)", signs.broken) } else { name.to_string() }];
    if let (Some(addresses), Some(sending)) = (&path.helo_addresses, path.sending)
        && !addresses.contains(&sending)
    {
        lines.push(match addresses.first() {
            None => format!("{} no {} record", signs.broken, path.family.record()),
            Some(first) if addresses.len() == 1 => format!("{} is {first}", signs.broken),
            Some(first) => format!("{} is {first} +{}", signs.broken, addresses.len() - 1),
        });
    }
    lines
}

fn domains(path: &PathView, by_name: bool) -> String {
    let number = path.sender_domains.as_ref().map_or(0, Vec::len);
    match path.sender_selection {
        SenderSelection::Any => "any".into(),
        SenderSelection::Listed => alike::domains(path).filter(|_| by_name).unwrap_or_else(|| number.to_string()),
        SenderSelection::ListedAndOthers if number == 0 => "the rest".into(),
        SenderSelection::ListedAndOthers => format!("{number} + rest"),
        SenderSelection::Undecided => "?".into(),
    }
}
