//! What the files of a host say, each value with the place that sets it: no name is resolved and nothing is judged.
//!
//!     cargo run --example collect -- testdata/hosts/postfix-old-ptr/root

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use helolint::collect::{self, root::Root};

/// Parameters of Postfix that name the host.
const NAMES: [&str; 3] = ["myhostname", "mydomain", "smtp_helo_name"];
/// Main options of Exim that do.
const EXIM_NAMES: [&str; 2] = ["primary_hostname", "qualify_domain"];

/// What is told of the host whose files stand below a folder.
///
/// # Errors
/// Where the folder cannot be read.
pub fn told(mut args: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let root = Root::open(Path::new(&args.next().ok_or("a folder that holds a copy of a host's files is wanted")?))?;
    // Without the kernel's facts: addresses are unknown then, and not guessed.
    let facts = collect::collect(&root, None);
    let mut out = String::new();
    if let Some(name) = &facts.host.node_name {
        writeln!(out, "node name {} ({})", name.value, name.origin.describe())?;
    }
    let instances = facts.postfix.iter().map(|one| ("Postfix", &one.config_directory, &one.parameters, &NAMES[..]));
    let configurations = facts.exim.iter().map(|one| ("Exim", &one.file, &one.main, &EXIM_NAMES[..]));
    for (mta, place, settings, names) in instances.chain(configurations) {
        writeln!(out, "{mta} by {place}")?;
        for name in names {
            let Some(setting) = settings.get(*name) else { continue };
            let value = setting.value.as_deref().unwrap_or("undecided");
            writeln!(out, "  {name} = {value} ({})", setting.origin.describe())?;
        }
    }
    for problem in &facts.problems {
        writeln!(out, "problem: {problem:?}")?;
    }
    Ok(out)
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", told(std::env::args().skip(1))?);
    Ok(())
}
