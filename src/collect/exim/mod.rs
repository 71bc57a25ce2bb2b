//! Exim's configuration, read as Exim 4.96 reads it, and what follows from it for mail that leaves the host.

mod arithmetic;
mod builtin;
pub mod config;
mod describe;
pub mod expand;
pub mod hostname;
mod lines;
mod lists;
pub mod macros;
mod options;
mod tables;
pub mod users;

use crate::collect::root::Root;
use crate::facts;
use crate::facts::{Fact, Origin, Refusal};
use crate::source::Span;
use config::Config;
use expand::Evaluator;
use hostname::Names;
use macros::Macros;
use users::Users;

/// What makes Exim refuse its configuration.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Exim's message.
    pub message: String,
    /// The place that it names, or that leads there.
    pub at: Option<Span>,
    /// A file that could not be read, where that is the reason.
    pub file: Option<String>,
}

/// One configuration to be read.
pub struct Request<'a> {
    /// Where files are.
    pub root: &'a Root,
    /// The file that Exim reads first.
    pub file: &'a str,
    /// `-D` macros of the daemon's command line.
    pub defines: &'a [(String, String)],
    /// What the host is called.
    pub names: Names<'a>,
    /// Whether the build is known to be Debian's.
    pub debian: bool,
    /// Whether the logical lines are wanted.
    pub keep_lines: bool,
}

/// A configuration that was read.
pub struct Read {
    /// As the snapshot shows it.
    pub facts: facts::Exim,
    /// What Exim holds of it; up to the refusal, where there is one.
    pub config: Config,
    /// `primary_hostname`, or why it is undecided.
    pub primary_hostname: Result<Fact<String>, String>,
    /// What makes Exim refuse it.
    pub refused: Option<Refused>,
}

/// Reads one configuration.
///
/// # Errors
/// Where its first file cannot be read.
pub fn read(request: &Request) -> Result<Read, crate::collect::root::ReadError> {
    let file = request.root.read(request.file)?;
    let users = Users::of(request.root);
    let how =
        config::Reading { root: request.root, users: &users, debian: request.debian, keep_lines: request.keep_lines };
    let (config, refused) = match config::read(&how, file, Macros::new(request.defines)) {
        Ok(config) => (config, None),
        Err(both) => {
            let (refused, config) = *both;
            (config, Some(refused))
        }
    };
    let primary_hostname = primary_hostname(request, &config);
    let error = refused.as_ref().map(|refused| Refusal {
        message: refused.message.clone(),
        origin: refused.at.clone().map_or(Origin::default_of("Exim"), Origin::File),
    });
    let mut facts = facts::Exim {
        file: request.file.to_owned(),
        version_hint: version_hint(&config),
        error,
        main: Default::default(),
        transports: Vec::new(),
        routers: Vec::new(),
    };
    if refused.is_none() {
        facts.main = describe::main(&config, &primary_hostname);
        let transports = config.transports.iter();
        facts.transports = transports.map(|driver| describe::driver(driver, tables::Class::Transport)).collect();
        let routers = config.routers.iter();
        facts.routers = routers.map(|driver| describe::driver(driver, tables::Class::Router)).collect();
    }
    Ok(Read { facts, config, primary_hostname, refused })
}

fn primary_hostname(request: &Request, config: &Config) -> Result<Fact<String>, String> {
    if let Some(set) = config.main.get("primary_hostname") {
        return Ok(set.clone());
    }
    let disabled = config.main.get("disable_ipv6").is_some_and(|set| set.value == "true");
    let lookup = config.main.get("dns_ipv4_lookup").map_or("", |set| set.value.as_str());
    let evaluator = Evaluator::new(request.root, Some(&config.lists));
    hostname::default(request.root, request.names, &evaluator, disabled, lookup)
}

/// The version that Debian's generated file names in its macro `MAIN_PACKAGE_VERSION` (`4.96-15+deb12u10`).
fn version_hint(config: &Config) -> Option<String> {
    let found = config.macros.user().iter().find(|found| found.name == "MAIN_PACKAGE_VERSION")?;
    let version = found.value.split(['-', '+', ' ']).next().unwrap_or_default();
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}
