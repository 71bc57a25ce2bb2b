//! The outbound paths of a copy of a host's files, and what the rules say of them, with answers from zone files:
//!
//!     cargo run --example paths -- testdata/hosts/postfix-plain/root testdata/hosts/postfix-plain/zones/*.zone

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use helolint::collect::{self, root::Root};
use helolint::facts::Overrides;
use helolint::observe::Observations;
use helolint::observe::plan::Plan;
use helolint::observe::recorded::Zones;
use helolint::observe::source::{Answers, Source};
use helolint::{identity, rules};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let root = Root::open(Path::new(&args.next().ok_or("a folder that holds a copy of a host's files is wanted")?))?;

    // What the files say, and what follows for mail that leaves.
    let mut facts = collect::collect(&root, None);
    identity::apply(&mut facts, Overrides::default());
    for path in &facts.paths {
        let helo = path.helo_name().map_or("undecided", |name| name.value.as_str());
        let sending = path.sending.as_ref().map_or("unknown".to_owned(), |address| address.value.to_string());
        println!("{}: {sending}, HELO {helo}", path.id);
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
        println!("{} {}: {}", finding.meta.code, finding.subject, finding.message);
    }
    Ok(())
}
