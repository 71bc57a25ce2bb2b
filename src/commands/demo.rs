//! `helolint demo`: what a report looks like, of a broken host that the program brings along.

use std::path::Path;

use super::check::{self, Reported};
use super::gather;
use super::judging::Judging;
use crate::cli::{CheckArgs, Cli, Command, DemoArgs, RuleArgs};
use crate::collect::root::Root;
use crate::error::Error;
use crate::inputs::{Host, Input, Inputs, LogInput, ZoneInputs};
use crate::output::{self, Output, Readers};
use crate::report::{Format, Style};
use crate::settings::Settings;
use crate::{exit, process};

/// What the run is a check of, as a command line: the words behind the options name nothing on this host.
const CHECK: [&str; 8] = ["helolint", "check", "--root", "demo", "--kernel", "kernel", "--zones", "zones"];
/// What comes first, since the report itself could be one of this host.
const MADE_UP: &str =
    "A made-up host, to show what a report is like: nothing was read on this host, and nothing was sent.";
/// When the made-up host's files were last changed: 2026-11-01, in seconds since 1970.
const LAST_CHANGE: i64 = 1_793_491_200;

/// A file of the scenario.
macro_rules! scenario {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/hosts/postfix-old-ptr/", $path))
    };
}

/// The host's files.
const FILES: [(&str, &[u8]); 8] = [
    ("/etc/aliases", scenario!("root/etc/aliases")),
    ("/etc/aliases.db", scenario!("root/etc/aliases.db")),
    ("/etc/hostname", scenario!("root/etc/hostname")),
    ("/etc/hosts", scenario!("root/etc/hosts")),
    ("/etc/mailname", scenario!("root/etc/mailname")),
    ("/etc/postfix/main.cf", scenario!("root/etc/postfix/main.cf")),
    ("/etc/postfix/master.cf", scenario!("root/etc/postfix/master.cf")),
    ("/etc/resolv.conf", scenario!("root/etc/resolv.conf")),
];
/// What its kernel says.
const KERNEL: &[u8] = scenario!("kernel");
/// The zones in which its names and addresses stand.
const ZONES: [(&str, &[u8]); 2] = [
    ("zones/113.0.203.in-addr.arpa.zone", scenario!("zones/113.0.203.in-addr.arpa.zone")),
    ("zones/example.com.zone", scenario!("zones/example.com.zone")),
];

/// Runs the command; the value is the exit status, 0 though the host is broken: the demonstration is not.
///
/// # Errors
/// Where the report cannot be written.
pub(crate) fn run(args: &DemoArgs, color: anstream::ColorChoice) -> Result<u8, Error> {
    let output = Output::open(args.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    let style = Style::for_stdout(color, args.verbosity());
    let style = if output.is_stdout() { style } else { style.for_file() };
    let mut text = report(args.format(), &style)?;
    match args.format() {
        Format::Human => text.insert_str(0, &format!("{MADE_UP}\n\n")),
        // Other programs read these: a line of words would break them.
        _ => output::note(MADE_UP),
    }
    output.write(text.as_bytes())?;
    Ok(exit::OK)
}

fn report(format: Format, style: &Style) -> Result<String, Error> {
    let words = CHECK.map(Into::into);
    let Ok(Command::Check(args)) = Cli::read(words).map(Cli::into_command) else { return Err(Error::Fault) };
    let CheckArgs { facts, dns, output, .. } = *args;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let inputs = Inputs {
        log: LogInput::Nothing,
        host: Host::Files(Root::held(&FILES, LAST_CHANGE)),
        kernel: Some(Input::held("--kernel", "kernel", text(KERNEL))),
        zones: Some(ZoneInputs::held("zones", ZONES.map(|(name, bytes)| (name, text(bytes))))),
        overlay: None,
        moved_from: None,
    };
    let start = gather::start(&facts, &dns, inputs)?;
    let how = Judging::new(&RuleArgs::default(), &Settings::default(), None);
    let told = Reported { out: output, how, wanted: vec![(format, *style)] };
    check::check(&facts, &dns, start, told, process::now())?.only().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    #[test]
    fn the_whole_scenario_is_brought_along() {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts/postfix-old-ptr");
        let below = |name: &str| -> BTreeSet<String> {
            let files = walkdir::WalkDir::new(scenario.join(name)).into_iter().map(Result::unwrap);
            let path = |path: PathBuf| path.strip_prefix(&scenario).unwrap().to_str().unwrap().to_owned();
            files.filter(|entry| entry.file_type().is_file()).map(|entry| path(entry.into_path())).collect()
        };
        let files = FILES.iter().map(|(path, _)| format!("root{path}"));
        assert_eq!(files.collect::<BTreeSet<_>>(), below("root"));
        let zones = ZONES.iter().map(|(path, _)| (*path).to_owned());
        assert_eq!(zones.collect::<BTreeSet<_>>(), below("zones"));
        assert!(!scenario.join("args").exists() && !scenario.join("times").exists());
    }

    #[test]
    fn every_format_has_its_demonstration() {
        for format in Format::ALL {
            let text = report(*format, &Style::plain()).unwrap();
            // The pages of findings for programs carry codes; a monitoring line of a state alone would show nothing.
            assert!(text.contains("PTR003") && text.contains("203.0.113.10"), "{format:?}: {text}");
        }
    }
}
