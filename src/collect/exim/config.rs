//! The configuration as a whole: sections, options, named lists, drivers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::Refused;
use super::checks;
pub(crate) use super::driver::Driver;
use super::expand::Evaluator;
use super::hidden;
use super::lines::{Lines, Logical};
use super::macros::{self, Macros};
use super::options::{self, Line, Options};
use super::sections::{self, Acls};
use super::syntax;
use super::tables::{self, Class};
use super::users::Users;
use super::version;
use crate::collect::confidential::OwnFiles;
use crate::collect::root::Root;
use crate::facts::Fact;
use crate::source::SourceFile;

/// What Exim takes from its files.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Main options that are set: text after macros and quoting; `true` or `false`.
    pub main: Options,
    /// Named lists by kind (`domainlist`, ...) and name.
    pub lists: HashMap<(String, String), Fact<String>>,
    /// Transports in file order.
    pub transports: Vec<Driver>,
    /// Routers in file order.
    pub routers: Vec<Driver>,
    /// Macros as they are at the end.
    pub macros: Macros,
    /// Every logical line.
    pub lines: Vec<String>,
    /// Builtin macros that its conditionals ask for and that not every build has.
    pub build: BTreeSet<String>,
    /// Files read, the first is the configuration itself.
    pub files: Vec<Arc<SourceFile>>,
}

impl Config {
    /// An evaluator over the host's files, with the named lists.
    pub fn evaluator<'r>(&'r self, root: &'r Root) -> Evaluator<'r> {
        let own = OwnFiles::of_exim(root, self.files.iter().map(|file| file.path()));
        let mut evaluator = Evaluator::over(root, own, Some(&self.lists));
        evaluator.allows_tainted = self.main.get("allow_insecure_tainted_data").is_some_and(|set| set.value == "true");
        evaluator.version_hint = version::named(&self.macros);
        evaluator
    }
}

/// How the reader is to behave.
pub(crate) struct Reading<'a> {
    /// Where files are.
    pub root: &'a Root,
    /// Users that options may name.
    pub users: &'a Users,
    /// Whether the build is known to be Debian's: with GnuTLS and without DMARC.
    pub debian: bool,
    /// Whether [`Config::lines`] is wanted.
    pub keep_lines: bool,
    /// Whether names that are not known are passed over.
    pub lenient: bool,
}

/// Main options that Debian's packages of today do not know: of other builds, or gone since.
const GONE: [&str; 7] = [
    "allow_insecure_tainted_data",
    "bmi_config_file",
    "dccifd_address",
    "ibase_servers",
    "limits_advertise_hosts",
    "redis_servers",
    "srs_config",
];

/// Whether the installed release, which is Debian's, may not know a main option.
fn is_gone(how: &Reading, name: &str) -> bool {
    let known = match name {
        "allow_insecure_tainted_data" => &["4.94", "4.95"][..],
        "limits_advertise_hosts" => &["4.98", "4.99"],
        _ => &[],
    };
    let installed = || version::installed(how.root).unwrap_or_default();
    GONE.contains(&name) && (known.is_empty() || !known.iter().any(|release| installed().starts_with(release)))
}

const SECTIONS: [&str; 7] = ["acls", "authenticators", "local_scans", "retrys", "rewrites", "routers", "transports"];

/// Reads the whole configuration. Beside an error stand the macros and files seen until then.
///
/// # Errors
/// What makes Exim refuse it.
pub(crate) fn read(how: &Reading, file: Arc<SourceFile>, macros: Macros) -> Result<Config, Box<(Refused, Config)>> {
    let mut config = Config::default();
    let mut lines = Lines::new(how.root, file, macros);
    let outcome = sections(how, &mut lines, &mut config);
    hidden::mark(&lines.files, &lines.macros, &lines.uses);
    config.macros = std::mem::take(&mut lines.macros);
    config.files = std::mem::take(&mut lines.files);
    config.build = std::mem::take(&mut lines.build);
    match outcome {
        Ok(()) => Ok(config),
        Err(refused) => Err(Box::new((refused, config))),
    }
}

fn sections(how: &Reading, lines: &mut Lines, config: &mut Config) -> Result<(), Refused> {
    let mut next = main_section(how, lines, config)?;
    let mut seen = HashSet::new();
    while let Some((name, line)) = next {
        let mut full = name.to_ascii_lowercase();
        if !full.ends_with('s') {
            full.push('s');
        }
        let Some(section) = SECTIONS.iter().find(|known| **known == full) else {
            return Err(refused(&line, format!("\"{name}\" is not a known configuration section name")));
        };
        if !seen.insert(*section) {
            return Err(refused(&line, format!("\"{name}\" section is repeated in the configuration file")));
        }
        if how.debian && !how.lenient && *section == "local_scans" {
            let why = "local_scan() options not supported: (LOCAL_SCAN_HAS_OPTIONS not defined in Local/Makefile)";
            return Err(Refused { of_build: true, ..refused(&line, why.into()) });
        }
        next = match *section {
            "transports" => drivers(how, lines, config, Class::Transport)?,
            "routers" => drivers(how, lines, config, Class::Router)?,
            "authenticators" => drivers(how, lines, config, Class::Authenticator)?,
            "acls" => acls(how, lines, config)?,
            "retrys" => rules(how, lines, config, sections::retry)?,
            "rewrites" => rules(how, lines, config, sections::rewrite)?,
            _ => other(how, lines, config)?,
        };
    }
    if how.debian
        && !how.lenient
        && let Some(set) = config.main.get("openssl_options")
    {
        let at = set.origin.span().cloned();
        let message = "openssl_options is set but we're using GnuTLS".into();
        return Err(Refused { message, at, file: None, note: None, unknown: false, of_build: true, bounded: false });
    }
    Ok(())
}

/// The next line of a section; the name of the next section where one begins.
enum Next {
    Line(Logical),
    Section(Option<(String, Logical)>),
}

fn next(how: &Reading, lines: &mut Lines, config: &mut Config) -> Result<Next, Refused> {
    let Some(line) = lines.next_line()? else { return Ok(Next::Section(None)) };
    if how.keep_lines {
        config.lines.push(line.text.clone());
    }
    match syntax::section(&line.text) {
        Some(name) => Ok(Next::Section(Some((name, line)))),
        None => Ok(Next::Line(line)),
    }
}

type Section = Option<(String, Logical)>;

fn main_section(how: &Reading, lines: &mut Lines, config: &mut Config) -> Result<Section, Refused> {
    loop {
        let line = match next(how, lines, config)? {
            Next::Line(line) => line,
            Next::Section(section) => return Ok(section),
        };
        if line.text.starts_with(|c: char| c.is_ascii_uppercase()) {
            if !define(lines, &line)? {
                return Err(refused(&line, "malformed macro definition".into()));
            }
        } else if let Some(list) = syntax::named_list(&line.text) {
            let value = options::origin(&line, &lines.macros, list.value.clone());
            let key = (list.kind.to_owned(), list.name.to_owned());
            if config.lists.insert(key, value).is_some() {
                let kind = list.kind.trim_end_matches("list");
                return Err(refused(&line, format!("duplicate name \"{}\" for a named {kind} list", list.name)));
            }
        } else if let Some(message) = syntax::broken_list(&line.text) {
            return Err(refused(&line, message));
        } else {
            let reading = how;
            let how =
                Line { line: &line, macros: &lines.macros, users: how.users, unknown: "main option \"%s\" unknown" };
            passed(reading, options::set(&how, &[tables::main()], &mut config.main))?;
        }
        if how.debian
            && !how.lenient
            && let Some((name, set)) =
                config.main.iter().find(|(name, _)| name.starts_with("dmarc_") || is_gone(how, name))
            && set.origin.span().is_some()
        {
            return Err(Refused { of_build: true, ..refused(&line, format!("main option \"{name}\" unknown")) });
        }
    }
}

/// Takes up a macro definition; false where the line is none.
fn define(lines: &mut Lines, line: &Logical) -> Result<bool, Refused> {
    let Some(found) = syntax::macro_definition(&line.text) else { return Ok(false) };
    let at = line.span(found.value.start, found.value.end);
    lines
        .macros
        .define(found.name, &line.text[found.value.clone()], found.redefine, at)
        .map_err(|message| Refused { bounded: message == macros::TOO_MANY, ..refused(line, message) })?;
    Ok(true)
}

/// What stops the reading: everything but a name that is let pass.
fn passed(how: &Reading, result: Result<(), Refused>) -> Result<(), Refused> {
    match result {
        Err(refused) if refused.unknown && how.lenient => Ok(()),
        result => result,
    }
}

/// The section `acl`.
fn acls(how: &Reading, lines: &mut Lines, config: &mut Config) -> Result<Section, Refused> {
    let mut acls = Acls::default();
    loop {
        match next(how, lines, config)? {
            Next::Line(line) if is_definition(&line) => {
                acls.end();
                define(lines, &line)?;
            }
            Next::Line(line) => {
                passed(how, acls.line(&line.text).map_err(|fault| fault.at(&line)))?;
                let words = line.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').take(3);
                let asked = line.text.split('=').next().unwrap_or_default();
                let of_build = words
                    .into_iter()
                    .any(|word| ["dmarc_status", "dcc", "bmi_optin"].contains(&word) && asked.contains(word));
                if how.debian && !how.lenient && of_build {
                    let message = format!("error in ACL: unknown ACL condition/modifier in \"{}\"", line.text);
                    return Err(Refused { of_build: true, ..refused(&line, message) });
                }
            }
            Next::Section(section) => return Ok(section),
        }
    }
}

/// A section of rules, one a line: macros are not defined there.
fn rules(
    how: &Reading,
    lines: &mut Lines,
    config: &mut Config,
    rule: fn(&str) -> Result<(), sections::Fault>,
) -> Result<Section, Refused> {
    loop {
        match next(how, lines, config)? {
            Next::Line(line) => passed(how, rule(&line.text).map_err(|fault| fault.at(&line)))?,
            Next::Section(section) => return Ok(section),
        }
    }
}

/// Whether a line defines a macro.
fn is_definition(line: &Logical) -> bool {
    line.text.starts_with(|c: char| c.is_ascii_uppercase()) && syntax::macro_definition(&line.text).is_some()
}

/// A section whose lines do not matter here.
fn other(how: &Reading, lines: &mut Lines, config: &mut Config) -> Result<Section, Refused> {
    loop {
        match next(how, lines, config)? {
            Next::Line(line) => {
                if line.text.starts_with(|c: char| c.is_ascii_uppercase()) {
                    define(lines, &line)?;
                }
            }
            Next::Section(section) => return Ok(section),
        }
    }
}

fn drivers(how: &Reading, lines: &mut Lines, config: &mut Config, class: Class) -> Result<Section, Refused> {
    let mut done: Vec<Driver> = Vec::new();
    let mut names = HashSet::new();
    let mut open: Option<Driver> = None;
    let section = loop {
        let line = match next(how, lines, config)? {
            Next::Line(line) => line,
            Next::Section(section) => break section,
        };
        if is_definition(&line) {
            finish(lines, open.take(), class, &mut done)?;
            define(lines, &line)?;
            continue;
        }
        if let Some((name, rest)) = syntax::driver_name(&line.text) {
            finish(lines, open.take(), class, &mut done)?;
            if !names.insert(name.to_owned()) {
                return Err(refused(&line, format!("there are two {}s called \"{name}\"", class.word())));
            }
            if !rest.is_empty() {
                return Err(refused(&line, syntax::extra(rest, &format!("driver name {name}"))));
            }
            open = Some(Driver {
                name: name.to_owned(),
                driver: String::new(),
                origin: line.span(0, name.len()),
                options: BTreeMap::new(),
            });
            continue;
        }
        let Some(driver) = open.as_mut() else {
            return Err(refused(&line, format!("{} name missing", class.word())));
        };
        let private = tables::private(class, &driver.driver);
        let mut known = vec![tables::generic(class)];
        known.extend(private);
        let unknown = if private.is_some() {
            "option \"%s\" unknown"
        } else {
            "option \"%s\" unknown (\"driver\" must be specified before any private options)"
        };
        let setting = Line { line: &line, macros: &lines.macros, users: how.users, unknown };
        passed(how, options::set(&setting, &known, &mut driver.options))?;
        if driver.driver.is_empty()
            && let Some(named) = driver.options.get("driver")
        {
            driver.driver = named.value.clone();
            if tables::private(class, &driver.driver).is_none() {
                let (word, name, found) = (class.word(), &driver.name, &driver.driver);
                let message = format!("{word} {name}: cannot find {word} driver \"{found}\"");
                passed(how, Err(Refused { unknown: true, ..refused(&line, message) }))?;
            }
        }
        if how.debian && !how.lenient {
            not_built(class, driver).map_err(|message| Refused { of_build: true, ..refused(&line, message) })?;
        }
    };
    finish(lines, open.take(), class, &mut done)?;
    match class {
        Class::Transport => config.transports = done,
        Class::Router => {
            checks::routers(lines, &done)?;
            config.routers = done;
        }
        Class::Authenticator => checks::authenticators(lines, &done)?,
    }
    Ok(section)
}

/// What Debian's packages of today are not built with, among the drivers and their options.
fn not_built(class: Class, driver: &Driver) -> Result<(), String> {
    let (word, name) = (class.word(), &driver.name);
    match (class, driver.driver.as_str()) {
        (Class::Authenticator, found @ ("gsasl" | "heimdal_gssapi")) => {
            return Err(format!("{word} {name}: cannot find {word} driver \"{found}\""));
        }
        (Class::Transport, "smtp") | (Class::Router, "redirect") => {}
        _ => return Ok(()),
    }
    let gone = |option: &&String| *option == "arc_sign" || *option == "srs" || option.starts_with("srs_");
    driver.options.keys().find(gone).map_or(Ok(()), |option| Err(format!("option \"{option}\" unknown")))
}

fn finish(lines: &Lines, driver: Option<Driver>, class: Class, done: &mut Vec<Driver>) -> Result<(), Refused> {
    let Some(driver) = driver else { return Ok(()) };
    checks::driver(lines, &driver, class)?;
    done.push(driver);
    Ok(())
}

fn refused(line: &Logical, message: String) -> Refused {
    Refused::at(line, message)
}
