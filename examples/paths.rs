//! The outbound paths of a copy of a host's files, with what its kernel says of addresses, and what the rules say of them by zone files:
//!
//!     cd testdata/hosts/postfix-old-ptr && cargo run --example paths -- root kernel zones/*.zone

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use helolint::collect::{self, kernel, root::Root};
use helolint::facts::Overrides;
use helolint::observe::Observations;
use helolint::observe::plan::Plan;
use helolint::observe::recorded::Zones;
use helolint::observe::source::{Answers, Source};
use helolint::{identity, rules};

/// What is told of a folder with a copy of a host's files, and of a file with what its kernel says (`helolint kernel`); behind them are zone
/// files, and without these nobody is asked.
///
/// # Errors
/// Where there is no such folder, or a file cannot be read.
pub fn told(mut args: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let root = Root::open(Path::new(&args.next().ok_or("a folder that holds a copy of a host's files is wanted")?))?;

    let kernel =
        fs::read_to_string(args.next().ok_or("a file with what the kernel says is wanted (helolint kernel)")?)?;

    let mut out = String::new();
    // What the files say, and what follows for mail that leaves.
    let mut facts = collect::collect(&root, Some(kernel::from_file(&kernel)?));
    identity::apply(&mut facts, Overrides::default());
    for path in &facts.paths {
        let helo = path.helo_name().map_or("undecided", |name| name.value.as_str());
        let sending = path.sending.as_ref().map_or("unknown".to_owned(), |address| address.value.to_string());
        writeln!(out, "{}: {sending}, HELO {helo}", path.id)?;
    }

    // What the DNS says: here by zone files; `Answers::Live` asks servers.
    let mut files = Vec::new();
    for path in args {
        files.push((path.clone(), fs::read_to_string(path)?));
    }
    let answers = match files.is_empty() {
        true => Answers::Nobody,
        false => Answers::Zones(Zones::load(files).map_err(|errors| errors[0].to_string())?),
    };
    let dns = Source::new(answers).answer(&Plan::new(&facts), Observations::default());

    for finding in rules::judge(&facts, &dns, &rules::Selection::default()).findings {
        writeln!(out, "{} {}: {}", finding.meta.code, finding.subject, finding.message)?;
    }
    Ok(out)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", told(std::env::args().skip(1))?);
    Ok(())
}
