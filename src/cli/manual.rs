//! Manual pages, from the same definitions as the help texts.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;
use serde_json::Value;

use super::Cli;

/// Day of the texts, as `.TH` wants one.
const DATE: &str = "2026-11-20";
/// Characters of a line of the source (mandoc's style).
const WIDTH: usize = 80;

/// A manual page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The file's name, such as `helolint.1`.
    pub file: String,
    /// The folder of its section, such as `man1`.
    pub folder: &'static str,
    /// Its text in man(7).
    pub text: String,
}

/// helolint(1).
///
/// # Errors
/// None in practice: it is written to memory.
pub(crate) fn main_page() -> io::Result<Page> {
    page(&built(), None)
}

/// Every page: helolint(1), one for each command, helolint-rules(7) and helolint.toml(5), whose keys stand in the JSON Schema of the
/// settings.
///
/// # Errors
/// None in practice: they are written to memory.
pub(crate) fn all_pages(settings: &str) -> io::Result<Vec<Page>> {
    let command = built();
    let mut pages = vec![page(&command, None)?];
    for sub in command.get_subcommands() {
        pages.push(page(sub, Some(sub.get_name()))?);
    }
    let rules = crate::catalogue::rules_page(DATE, &source());
    pages.push(Page { file: "helolint-rules.7".into(), folder: "man7", text: tidy(&rules) });
    pages.push(Page { file: "helolint.toml.5".into(), folder: "man5", text: tidy(&settings_page(settings)) });
    Ok(pages)
}

fn built() -> clap::Command {
    let mut command = <Cli as CommandFactory>::command().disable_help_subcommand(true);
    command.build();
    command
}

fn source() -> String {
    format!("helolint {}", env!("CARGO_PKG_VERSION"))
}

fn page(command: &clap::Command, sub: Option<&str>) -> io::Result<Page> {
    let name = sub.map_or("helolint".to_owned(), |sub| format!("helolint-{sub}"));
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        .date(DATE)
        .source(source())
        .manual("helolint");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    out.extend(synopsis(command).into_bytes());
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    let mut text = String::from_utf8_lossy(&out).into_owned();
    if let Some(help) = command.get_after_help() {
        text += &examples(&help.to_string());
    }
    if sub.is_none_or(|sub| sub == "check") {
        text += &exit_status();
        text += ".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nSet and not empty: no colour, unless \\fB\\-\\-color always\\fR.\n\
                 .TP\n\\fBCOLUMNS\\fR\nColumns of the human report.\n\
                 .TP\n\\fBLC_ALL\\fR, \\fBLC_CTYPE\\fR, \\fBLANG\\fR\n\
                 The first that is set decides whether the human report has signs outside ASCII.\n";
    }
    let also = match sub {
        None => "helolint.toml(5), helolint\\-rules(7)",
        Some(_) => "helolint(1), helolint.toml(5), helolint\\-rules(7)",
    };
    text += &format!(".SH \"SEE ALSO\"\n{also}\n");
    Ok(Page { file: format!("{name}.1"), folder: "man1", text: tidy(&text) })
}

/// The section SYNOPSIS: each option with the names of its values, an ellipsis behind what may be repeated.
fn synopsis(command: &clap::Command) -> String {
    // `helolint check`, as it is typed.
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut out = format!(".SH SYNOPSIS\n\\fB{}\\fR", escaped(name));
    let values = |arg: &clap::Arg| {
        let names: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
        format!("\\fI{}\\fR", escaped(&names.join(" ")))
    };
    let repeated = |arg: &clap::Arg| matches!(arg.get_action(), clap::ArgAction::Append);
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set() && !arg.is_positional()) {
        let names = [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
        let names: Vec<String> =
            names.into_iter().flatten().map(|name| format!("\\fB{}\\fR", escaped(&name))).collect();
        let value = if arg.get_action().takes_values() { format!(" {}", values(arg)) } else { String::new() };
        let more = if repeated(arg) { "..." } else { "" };
        out += &format!(" [{}{value}]{more}", names.join("|"));
    }
    for arg in command.get_positionals().filter(|arg| !arg.is_hide_set()) {
        let more = if repeated(arg) { "..." } else { "" };
        let value = values(arg);
        out += &if arg.is_required_set() { format!(" {value}{more}") } else { format!(" [{value}]{more}") };
    }
    if command.has_subcommands() {
        out += " [\\fICOMMAND\\fR]";
    }
    out + "\n"
}

/// helolint.toml(5): the tables and keys of the settings' schema with their descriptions.
fn settings_page(schema: &str) -> String {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let mut out = format!(
        ".TH HELOLINT.TOML 5 {DATE} \"{}\" helolint\n.SH NAME\nhelolint.toml \\- settings of helolint\n.SH DESCRIPTION\n\
         {}\n\\fBhelolint\\fR reads it from \\fI/etc/helolint.toml\\fR, below \\fB\\-\\-root\\fR too, or from the file that \
         \\fB\\-\\-config\\fR names. It is TOML; options of the command line come first. An unknown key ends the run.\n\
         .SH TABLES\n",
        source(),
        prose(&schema["description"]),
    );
    for (name, table) in schema["properties"].as_object().into_iter().flatten() {
        let list = table["items"].is_object();
        let title = if list { format!("[[{name}]]") } else { format!("[{name}]") };
        out += &format!(".SS \"{title}\"\n{}\n", prose(&table["description"]));
        keys(&mut out, &schema, if list { &table["items"] } else { table }, "");
    }
    out + ".SH \"SEE ALSO\"\nhelolint(1), helolint\\-rules(7)\n"
}

/// The keys of a table, and of the tables in it.
fn keys(out: &mut String, schema: &Value, table: &Value, before: &str) {
    // `#/$defs/Dns` is a JSON pointer behind the number sign; a table does not hold itself, so this ends.
    let table = match table["$ref"].as_str().and_then(|reference| schema.pointer(reference.trim_start_matches('#'))) {
        Some(table) if before.matches('.').count() < 3 => table,
        _ => return,
    };
    for (key, value) in table["properties"].as_object().into_iter().flatten() {
        let name = format!("{before}{key}");
        out.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", escaped(&name), prose(&value["description"])));
        let inner = if value["items"].is_object() { &value["items"] } else { value };
        keys(out, schema, inner, &format!("{name}."));
    }
}

/// A description, in which text between backticks is bold.
fn prose(description: &Value) -> String {
    let text = description.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        1 => format!("\\fB{}\\fR", escaped(part)),
        _ => escaped(part),
    });
    parts.collect()
}

/// The examples of a help text: command, two or more blanks, what it does.
fn examples(help: &str) -> String {
    let mut out = String::from(".SH EXAMPLES\n");
    for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
        let (command, text) = line.split_once("  ").unwrap_or((line, ""));
        out += &format!(".TP\n\\fB{}\\fR\n{}\n", escaped(command.trim()), escaped(text.trim()));
    }
    out
}

fn exit_status() -> String {
    let mut out = String::from(".SH \"EXIT STATUS\"\n");
    let mut rest = Vec::new();
    for line in crate::exit::TABLE.lines().skip(1) {
        match line.strip_prefix("  ").and_then(|line| line.split_once("  ")) {
            Some((status, meaning)) => out += &format!(".TP\n{status}\n{}\n", escaped(meaning)),
            None => rest.push(line),
        }
    }
    out + ".PP\n" + &escaped(&rest.join(" ")) + "\n"
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}

/// The source as man(7) and mandoc's lint want it: text lines broken at blanks, no break beside a space.
fn tidy(source: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut lines = source.lines().peekable();
    let (mut tag, mut kept) = (false, false);
    while let Some(line) = lines.next() {
        let line = line.trim_end();
        // A blank line between breaks is a space.
        if line == ".br" && lines.peek().is_some_and(|next| next.trim().is_empty()) {
            lines.next();
            if lines.peek() == Some(&".br") {
                lines.next();
            }
            out.push(".sp".into());
            continue;
        }
        if line.is_empty() {
            continue;
        }
        kept = if line == ".nf" { true } else { kept && line != ".fi" };
        // A tag is one line, an example stands as it is.
        if line.starts_with(['.', '\'']) || tag || kept {
            out.push(line.to_owned());
        } else {
            out.extend(broken(line));
        }
        tag = line == ".TP";
    }
    out.join("\n") + "\n"
}

/// Characters of a text as mandoc counts them: one outside ASCII as its escape, `\[u00BB]`.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { "\\[u00BB]".len() + 1 }).sum()
}

fn broken(line: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(last) if width(last) + 1 + width(word) <= WIDTH => {
                last.push(' ');
                last.push_str(word);
            }
            // A control character at the start of a line would be one.
            _ if word.starts_with(['.', '\'']) => lines.push(format!("\\&{word}")),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r##"{"description": "The settings.", "properties": {"dns": {"description": "How.", "$ref": "#/$defs/D"}},
        "$defs": {"D": {"properties": {"timeout": {"description": "Seconds of `x`."}}}}}"##;

    #[test]
    fn settings_have_a_page_with_every_key() {
        let page = settings_page(SETTINGS);
        assert!(page.contains(".SS \"[dns]\"\nHow.\n.TP\n\\fBtimeout\\fR\nSeconds of \\fBx\\fR.\n"), "{page}");
    }

    #[test]
    fn every_command_has_a_page_and_the_main_page_all_sections() {
        let pages = all_pages(SETTINGS).unwrap();
        let files: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
        for file in [
            "helolint.1",
            "helolint-check.1",
            "helolint-explain.1",
            "helolint-man.1",
            "helolint-rules.7",
            "helolint.toml.5",
        ] {
            assert!(files.contains(&file), "{file} in {files:?}");
        }
        let main = &pages[0].text;
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT"] {
            assert!(main.contains(&format!("\n.SH {section}\n")), "{section} in {main}");
        }
        assert_eq!(main_page().unwrap(), pages[0]);
        let check = pages.iter().find(|page| page.file == "helolint-check.1").unwrap().text.replace('\n', " ");
        for part in [
            "[\\fB\\-\\-root\\fR \\fIDIR\\fR]",
            "[\\fB\\-\\-old\\-ip\\fR \\fIADDR\\fR]...",
            "[\\fB\\-o\\fR|\\fB\\-\\-output\\fR \\fIFILE\\fR]",
            "[\\fB\\-\\-offline\\fR]",
        ] {
            assert!(check.contains(part), "{part} in {check}");
        }
    }

    #[test]
    fn lines_are_short_and_no_word_becomes_a_request() {
        assert_eq!(broken(&format!("{} .br", "x".repeat(79))), ["x".repeat(79), "\\&.br".to_owned()]);
        assert_eq!(tidy("a\n.br\n\n.br\nb  \n.TP\n\\fB-x\\fR"), "a\n.sp\nb\n.TP\n\\fB-x\\fR\n");
        for page in all_pages(SETTINGS).unwrap() {
            let long = page.text.lines().find(|line| line.chars().count() > 120);
            assert_eq!(long, None, "{}", page.file);
        }
    }
}
