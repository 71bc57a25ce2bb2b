//! README.md and the pages of docs/ stay true: their examples run, their blocks of output are what the program prints, and
//! docs/rules.md is what the rules' own documentation says.
//!
//! A fence ```` ```sh run ```` is executed and compared with the ```` ```text ```` fence below it. Other lines that begin with
//! `helolint` (after `sudo`, or as a path or a cron line) need a real host or the network: that the program understands them is
//! tested. Lines of a fence ```` ```conf FILE ```` stand so in that file. `HELOLINT_BLESS=1` writes the blocks anew.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use helolint::{catalogue, program};

/// Words that README.md may have at the most: it is read standing.
const README_WORDS: usize = 1500;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(project().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The pages for people, docs/rules.md apart, which is made: path below the project's folder, and text.
fn pages() -> Vec<(String, String)> {
    let mut names: Vec<String> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned).into();
    for entry in fs::read_dir(project().join("docs")).expect("docs is there") {
        let name = entry.expect("an entry").file_name().into_string().expect("plain names");
        if name.ends_with(".md") && name != "rules.md" {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// What a command line behind `helolint` prints, in a plain environment.
fn output(args: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("COLUMNS", "100");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args.split_whitespace());
    let output = command.output().expect("the binary runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{args}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The text between `<!-- name -->` and `<!-- /name -->`.
fn between<'a>(text: &'a str, name: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<!-- {name} -->\n")).unwrap_or_else(|| panic!("no <!-- {name} -->"));
    rest.split_once(&format!("<!-- /{name} -->")).unwrap_or_else(|| panic!("no <!-- /{name} -->")).0
}

fn fence(text: &str) -> String {
    format!("```text\n{text}```\n")
}

/// The page with every block as the program prints it today.
fn current(text: &str) -> String {
    let mut new = text.to_owned();
    if text.contains("<!-- try -->") {
        let line = between(text, "try").lines().nth(1).expect("a command");
        let args = line.split_once(" -- ").expect("cargo run -- ...").1;
        let old = format!("<!-- output -->\n{}", between(text, "output"));
        new = new.replace(&old, &format!("<!-- output -->\n{}", fence(&output(args))));
    }
    let mut out = String::new();
    let mut rest = new.as_str();
    while let Some((before, behind)) = rest.split_once("```sh run\n") {
        let (command, behind) = behind.split_once("\n```\n```text\n").expect("an output below the command");
        let (_, behind) = behind.split_once("```\n").expect("an end of the output");
        let args = command.strip_prefix("helolint ").expect("a command of helolint");
        out += &format!("{before}```sh run\n{command}\n```\n{}", fence(&output(args)));
        rest = behind;
    }
    out + rest
}

/// Compares a page with what it should be; with `HELOLINT_BLESS` set, writes it.
fn compare(name: &str, text: &str, now: &str) {
    if env::var_os("HELOLINT_BLESS").is_some() {
        return fs::write(project().join(name), now).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let diff = similar::TextDiff::from_lines(text, now);
    let diff = diff.unified_diff().context_radius(2).header(name, "now").to_string();
    assert!(diff.is_empty(), "\n{diff}\nHELOLINT_BLESS=1 writes the page anew; read it first.");
}

#[test]
fn blocks_are_what_the_program_prints() {
    for (name, text) in pages() {
        compare(&name, &text, &current(&text));
    }
}

#[test]
fn lines_of_files_stand_in_them() {
    let mut seen = 0;
    for (name, text) in pages() {
        for part in text.split("```conf ").skip(1) {
            let (file, behind) = part.split_once('\n').expect("a file's name ends its line");
            let lines = behind.split("```").next().expect("an end of the lines");
            seen += 1;
            assert!(!lines.trim().is_empty() && read(file).contains(lines), "{name}: {file} has not\n{lines}");
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn the_page_of_rules_is_what_the_rules_say() {
    let text = fs::read_to_string(project().join("docs/rules.md")).unwrap_or_default();
    compare("docs/rules.md", &text, &catalogue::rules_markdown());
}

#[test]
fn the_readme_is_short() {
    let words = read("README.md").split_whitespace().count();
    assert!(words < README_WORDS, "{words} words: what is for few belongs to docs/");
}

/// Command lines of helolint in code: those of fences, and those in running text.
fn commands(text: &str) -> Vec<Vec<OsString>> {
    let mut found = Vec::new();
    let mut in_shell = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            in_shell = line.starts_with("```sh");
        }
        let spans: Vec<&str> =
            if in_shell { vec![line] } else { line.split('`').skip(1).step_by(2).collect::<Vec<_>>() };
        for span in spans {
            let words: Vec<&str> = span.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "helolint" || word.ends_with("/helolint"));
            // A name alone, or the path of a file, is no command line.
            if let Some(at) = at.filter(|at| at + 1 < words.len()) {
                found.push(words[at..].iter().map(OsString::from).collect());
            }
        }
    }
    found
}

#[test]
fn every_command_line_is_understood() {
    let found: Vec<_> = pages().iter().flat_map(|(_, text)| commands(text)).collect();
    assert!(found.len() >= 15, "{found:?}");
    for words in found {
        if let Some(error) = program::refusal(words.iter().cloned()) {
            panic!("{words:?}: {error}");
        }
    }
}

#[test]
fn every_option_named_in_the_readme_is_one() {
    let text = read("README.md");
    let help = output("check --help") + &output("fix --help");
    for line in text.lines() {
        for span in line.split('`').skip(1).step_by(2).filter(|span| span.starts_with("--")) {
            let option = span.split([' ', '=', '[']).next().unwrap_or_default();
            assert!(help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")), "{option}");
        }
    }
}

#[test]
fn files_that_are_linked_are_there() {
    for (name, text) in pages() {
        let folder = project().join(&name).parent().expect("a folder").to_owned();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap_or_default();
            let file = target.split('#').next().unwrap_or_default();
            if !target.contains("://") && !file.is_empty() {
                assert!(folder.join(file).exists(), "{name}: {target}");
            }
        }
    }
}
