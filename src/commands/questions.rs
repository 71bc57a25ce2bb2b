//! `helolint questions`: what `check` would ask the DNS, and servers.

use std::time::Instant;

use super::gather::{self, Done};
use crate::cli::QuestionsArgs;
use crate::error::Error;
use crate::exit;
use crate::facts::Facts;
use crate::inputs::{Host, Inputs};
use crate::observe::recorded::Zones;
use crate::observe::resolver::{self, Progress};
use crate::observe::{Question, Vantage, VantageKind, plan};
use crate::report::{self, Style};

/// Runs the command; the value is its text.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(mut args: QuestionsArgs, style: &Style) -> Result<String, Error> {
    let host = Host::open(&args.facts)?;
    gather::settings(&mut args.facts, &mut args.dns, &host)?;
    let inputs = Inputs::open(host, &args.facts, &args.dns)?;
    let start = gather::start(&args.facts, &args.dns, inputs)?;
    // `hostname -f` alone may send something.
    let (done, ()) = gather::apart((), &args.facts, &args.dns, start, false, |start| {
        let overlay = start.overlay()?;
        let (facts, _) = start.facts(&args.facts)?;
        Ok(Done { status: exit::OK, texts: vec![text(&facts, &args, overlay.as_ref(), style)] })
    })?;
    done.only().cloned()
}

fn text(facts: &Facts, args: &QuestionsArgs, overlay: Option<&(String, Zones)>, style: &Style) -> String {
    let options = gather::options(facts, &args.dns, Instant::now() + args.dns.timeout(), &Progress::default());
    let covered = |question: &Question| overlay.is_some_and(|(_, planned)| planned.covers(question));
    let (planned, asked): (Vec<Question>, Vec<Question>) = plan::initial(facts).into_iter().partition(covered);
    let follow_ups = plan::FollowUps::new(facts);
    let (inside, asked): (Vec<Question>, Vec<Question>) =
        asked.into_iter().partition(|one| args.dns.zones.is_none() && follow_ups.is_inside(one));
    let (servers, authoritative) = match &args.dns.zones {
        _ if args.dns.offline || args.facts.replay => (Vec::new(), false),
        Some(dir) => {
            let name = format!("the zone files in {}", dir.display());
            (vec![Vantage { name, server: None, kind: VantageKind::Authoritative }], false)
        }
        None => (resolver::resolvers(&options), options.authoritative),
    };
    report::plan(&asked, &planned, &inside, &servers, authoritative, style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn the_questions_of_a_run_that_asks_nobody_name_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("plan"), "10.113.0.203.in-addr.arpa. PTR mail1.example.com.\n").unwrap();
        std::fs::write(file("example.com.zone"), "").unwrap();
        std::fs::write(file("snapshot"), "").unwrap();
        let text = |line: &str| {
            let line = line.replace("DIR", dir.path().to_str().unwrap());
            let words = ["helolint", "questions"].into_iter().chain(line.split_ascii_whitespace()).map(Into::into);
            let Command::Questions(args) = Cli::read(words).unwrap().into_command() else { unreachable!() };
            let inputs = Inputs::open(Host::open(&args.facts).unwrap(), &args.facts, &args.dns).unwrap();
            let overlay = inputs.overlay.as_ref().map(|input| gather::overlay(input).unwrap());
            text(&crate::report::sample::facts(), &args, overlay.as_ref(), &Style::plain())
        };
        assert!(text("").contains("9.9.9.9"));
        for line in ["--zones DIR", "--offline", "--from DIR/snapshot --replay"] {
            let text = text(line);
            assert!(!text.contains("9.9.9.9") && !text.contains("authoritative servers"), "{line}: {text}");
        }
        let planned = text("--overlay DIR/plan");
        assert!(planned.contains("1 question that planned records (--overlay) answer:\n  10.113.0.203"), "{planned}");
    }
}
