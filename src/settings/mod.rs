//! The settings file (`/etc/helolint.toml`): what is always expected of this host, and what is to be passed over.
//!
//! Nothing in it is guessed at: an unknown key, a rule that there is not, or an ignore without reason ends the run, with file and
//! line.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::catalogue;
use crate::cli::{self, DnsArgs, FactArgs, OutputArgs, Resolver, RuleArgs};
use crate::exit::FailOn;
use crate::facts::{ExpectedHelo, Fact, NatEntry, Origin};
use crate::findings::{Ignore, Severity};
use crate::name::DomainName;
use crate::source::SourceFile;

/// Where the settings are read from when no other file is named.
pub(crate) const DEFAULT_FILE: &str = "/etc/helolint.toml";
/// Largest settings file, in bytes: thousands of ignores.
pub(crate) const SIZE_LIMIT: u64 = 1 << 20;

/// What is wrong with a settings file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub(crate) struct SettingsError {
    /// `file:line`.
    pub place: String,
    /// What is wrong, in a sentence.
    pub problem: String,
}

/// What the settings say. Without a file: nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// The name that the host is meant to have.
    pub hostname: Option<DomainName>,
    /// HELO names of single paths.
    pub helo: Vec<ExpectedHelo>,
    /// Images of local addresses.
    pub nat: Vec<NatEntry>,
    /// Recursive resolvers, in place of the default ones.
    pub resolvers: Vec<Resolver>,
    /// Whether authoritative servers are asked.
    pub authoritative: Option<bool>,
    /// Time for the whole DNS phase.
    pub timeout: Option<Duration>,
    /// The weakest severity that counts in the exit status.
    pub fail_on: Option<FailOn>,
    /// Rules to judge by.
    pub select: Vec<String>,
    /// Rules not to judge by.
    pub ignore_rules: Vec<String>,
    /// Severities by the rule's code.
    pub severity: BTreeMap<&'static str, Severity>,
    /// Findings that do not count.
    pub ignores: Vec<Ignore>,
}

/// The settings file of helolint.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Settings of helolint")]
struct Document {
    /// What this host is meant to be called.
    expect: Expect,
    /// What private addresses look like from outside.
    nat: Vec<Nat>,
    /// How the DNS is asked.
    dns: Dns,
    /// What comes out.
    report: ReportDoc,
    /// Which rules judge, and how severely.
    rules: Rules,
    /// Findings that do not count.
    ignore: Vec<IgnoreDoc>,
}

/// What this host is meant to be called.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    /// The host's name, as with `--expect-hostname`.
    #[schemars(with = "Option<String>")]
    hostname: Option<Spanned<String>>,
    /// HELO names of single paths.
    helo: Vec<HeloDoc>,
}

/// The HELO name of some paths: those that fit all of `path`, `service` and `source` that are given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HeloDoc {
    /// The name.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// A path as reports name it, such as `postfix/ipv4/1`.
    path: Option<String>,
    /// A service of master.cf or a transport.
    service: Option<String>,
    /// The source address.
    #[schemars(with = "Option<String>")]
    source: Option<Spanned<String>>,
}

/// What a private address looks like from outside, as with `--public-ip`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nat {
    /// The address on the interface; without it, every private one of the family.
    #[schemars(with = "Option<String>")]
    local: Option<Spanned<String>>,
    /// What the outside sees.
    #[schemars(with = "String")]
    public: Spanned<String>,
}

/// How the DNS is asked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Dns {
    /// Recursive resolvers, `[NAME=]ADDR[:PORT]`, in place of the default ones.
    #[schemars(with = "Vec<String>")]
    resolvers: Vec<Spanned<String>>,
    /// Whether authoritative servers are asked too.
    authoritative: Option<bool>,
    /// Seconds for the whole DNS phase.
    #[schemars(with = "Option<f64>")]
    timeout: Option<Spanned<Seconds>>,
}

/// A number with or without a fraction.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Part(f64),
}

/// What comes out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ReportDoc {
    /// The weakest severity that makes the exit status other than 0.
    fail_on: Option<FailOnDoc>,
}

/// A severity, or none.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FailOnDoc {
    /// Errors alone.
    Error,
    /// Errors and warnings.
    Warning,
    /// Every finding.
    Info,
    /// None.
    Never,
}

/// Which rules judge, and how severely.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Rules {
    /// Judge by these alone: codes, names or families.
    #[schemars(with = "Vec<String>")]
    select: Vec<Spanned<String>>,
    /// Do not judge by these.
    #[schemars(with = "Vec<String>")]
    ignore: Vec<Spanned<String>>,
    /// The severity of a rule's findings, by code, name or family, in place of its own.
    #[schemars(with = "BTreeMap<String, Severity>")]
    severity: BTreeMap<Spanned<String>, Severity>,
}

/// Findings that do not count.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IgnoreDoc {
    /// Code, name or family of the rule.
    #[schemars(with = "String")]
    rule: Spanned<String>,
    /// What the finding is about, as reports name it; `*` stands for any characters.
    #[schemars(with = "String")]
    subject: Spanned<String>,
    /// Why it is to be ignored.
    #[schemars(with = "String", length(min = 1))]
    reason: Spanned<String>,
    /// The last day (UTC) on which it counts.
    #[schemars(with = "Option<String>")]
    expires: Option<Spanned<Datetime>>,
}

/// Reads a settings file.
///
/// # Errors
/// The first thing wrong in it.
pub(crate) fn parse(file: &Arc<SourceFile>) -> Result<Settings, SettingsError> {
    let document: Document = toml::from_str(file.text()).map_err(|error| syntax(file, &error))?;
    let reader = Reader { file };
    let mut settings = Settings {
        hostname: document.expect.hostname.as_ref().map(|name| reader.name(name)).transpose()?,
        authoritative: document.dns.authoritative,
        fail_on: document.report.fail_on.map(FailOn::from),
        ..Settings::default()
    };
    for entry in &document.expect.helo {
        settings.helo.push(reader.helo(entry)?);
    }
    for entry in &document.nat {
        settings.nat.push(reader.nat(entry)?);
    }
    for text in &document.dns.resolvers {
        let resolver = cli::resolver(text.get_ref()).map_err(|problem| reader.wrong(text, problem))?;
        settings.resolvers.push(resolver);
    }
    if let Some(seconds) = &document.dns.timeout {
        let number = match seconds.get_ref() {
            Seconds::Whole(number) => number.to_string(),
            Seconds::Part(number) => number.to_string(),
        };
        settings.timeout = Some(cli::seconds(&number).map_err(|problem| reader.wrong(seconds, problem))?);
    }
    settings.select = document.rules.select.iter().map(|word| reader.rule(word)).collect::<Result<_, _>>()?;
    settings.ignore_rules = document.rules.ignore.iter().map(|word| reader.rule(word)).collect::<Result<_, _>>()?;
    // A rule named by its code or name goes before its family.
    let mut severities: Vec<(String, Severity)> = Vec::new();
    for (word, severity) in &document.rules.severity {
        severities.push((reader.rule(word)?, *severity));
    }
    severities.sort_by_key(|(word, _)| catalogue::find(word).is_some());
    for (word, severity) in severities {
        settings.severity.extend(catalogue::called(&word).map(|meta| (meta.code, severity)));
    }
    for entry in &document.ignore {
        settings.ignores.push(reader.ignore(entry)?);
    }
    Ok(settings)
}

/// The JSON Schema of the settings file.
pub(crate) fn schema() -> schemars::Schema {
    schemars::schema_for!(Document)
}

impl Settings {
    /// Puts what the settings say into options that the command line leaves open.
    pub(crate) fn complete_facts(&self, args: &mut FactArgs) {
        if args.expect_hostname.is_none() {
            args.expect_hostname = self.hostname.clone();
        }
        args.nat = self.nat.clone();
        args.expected_helo = self.helo.clone();
    }

    /// The same for the DNS.
    pub(crate) fn complete_dns(&self, args: &mut DnsArgs) {
        if args.resolver.is_empty() {
            args.resolver = self.resolvers.clone();
        }
        args.no_authoritative |= self.authoritative == Some(false);
        args.timeout = args.timeout.or(self.timeout);
    }

    /// The same for what comes out.
    pub(crate) fn complete_output(&self, args: &mut OutputArgs) {
        args.fail_on.set_default(self.fail_on);
        self.complete_rules(&mut args.rules);
    }

    /// The same for the rules. `--select` leaves neither of the settings' lists of rules in force, `--ignore` not theirs of rules to
    /// ignore.
    pub(crate) fn complete_rules(&self, args: &mut RuleArgs) {
        let by_rule = args.select.is_empty();
        if by_rule {
            args.select = self.select.clone();
        }
        if by_rule && args.ignore.is_empty() {
            args.ignore = self.ignore_rules.clone();
        }
    }
}

impl From<FailOnDoc> for FailOn {
    fn from(document: FailOnDoc) -> FailOn {
        match document {
            FailOnDoc::Error => FailOn::Error,
            FailOnDoc::Warning => FailOn::Warning,
            FailOnDoc::Info => FailOn::Info,
            FailOnDoc::Never => FailOn::Never,
        }
    }
}

struct Reader<'a> {
    file: &'a Arc<SourceFile>,
}

impl Reader<'_> {
    fn origin<T>(&self, value: &Spanned<T>) -> Origin {
        self.file.span(value.span().start, value.span().end).into()
    }

    fn wrong<T>(&self, value: &Spanned<T>, problem: impl Into<String>) -> SettingsError {
        SettingsError { place: place(self.file, value.span().start), problem: problem.into() }
    }

    fn name(&self, text: &Spanned<String>) -> Result<DomainName, SettingsError> {
        let name = DomainName::new(text.get_ref().trim());
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if name.as_str().is_empty() || !name.as_str().chars().all(fits) {
            return Err(self.wrong(text, format!("`{}` is no host name", text.get_ref())));
        }
        Ok(name)
    }

    fn address(&self, text: &Spanned<String>) -> Result<IpAddr, SettingsError> {
        let address = text.get_ref().trim().parse();
        address.map_err(|_| self.wrong(text, format!("`{}` is not an IP address", text.get_ref())))
    }

    fn rule(&self, word: &Spanned<String>) -> Result<String, SettingsError> {
        let text = word.get_ref().trim();
        match catalogue::is_known_word(text) {
            true => Ok(text.to_owned()),
            false => Err(self.wrong(word, catalogue::unknown(text))),
        }
    }

    fn helo(&self, entry: &HeloDoc) -> Result<ExpectedHelo, SettingsError> {
        if entry.path.is_none() && entry.service.is_none() && entry.source.is_none() {
            let problem =
                "say which paths are meant: `path`, `service` or `source` (`expect.hostname` is for the host)";
            return Err(self.wrong(&entry.name, problem));
        }
        Ok(ExpectedHelo {
            path: entry.path.clone(),
            service: entry.service.clone(),
            source: entry.source.as_ref().map(|text| self.address(text)).transpose()?,
            name: Fact::new(self.name(&entry.name)?, self.origin(&entry.name)),
        })
    }

    fn nat(&self, entry: &Nat) -> Result<NatEntry, SettingsError> {
        let local = entry.local.as_ref().map(|text| self.address(text)).transpose()?;
        let public = self.address(&entry.public)?;
        if local.is_some_and(|local| local.is_ipv4() != public.is_ipv4()) {
            return Err(self.wrong(&entry.public, "`local` and `public` must be of one family"));
        }
        let origin = self.origin(entry.local.as_ref().unwrap_or(&entry.public));
        Ok(NatEntry { local, public, origin })
    }

    fn ignore(&self, entry: &IgnoreDoc) -> Result<Ignore, SettingsError> {
        let reason = entry.reason.get_ref().trim();
        if reason.is_empty() {
            return Err(self.wrong(&entry.reason, "an ignore needs a reason: whoever comes next will ask for it"));
        }
        if entry.subject.get_ref().trim().is_empty() {
            let problem = "an ignore needs a subject, as reports name it; `*` stands for every one";
            return Err(self.wrong(&entry.subject, problem));
        }
        Ok(Ignore {
            rule: self.rule(&entry.rule)?,
            subject: entry.subject.get_ref().trim().to_owned(),
            reason: reason.to_owned(),
            expires: entry.expires.as_ref().map(|day| self.day(day)).transpose()?,
            origin: self.origin(&entry.rule),
        })
    }

    fn day(&self, value: &Spanned<Datetime>) -> Result<Date, SettingsError> {
        let Datetime { date: Some(date), time: None, offset: None } = value.get_ref() else {
            return Err(self.wrong(value, "a day is expected, such as 2027-01-31, without quotes or time"));
        };
        let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
        let day = match parts {
            (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
            _ => None,
        };
        day.ok_or_else(|| self.wrong(value, format!("there is no day {date}")))
    }
}

fn place(file: &Arc<SourceFile>, at: usize) -> String {
    Origin::File(file.span(at, at)).describe()
}

/// What the parser says, with a suggestion where a key is misspelt.
fn syntax(file: &Arc<SourceFile>, error: &toml::de::Error) -> SettingsError {
    let place = place(file, error.span().map_or(0, |span| span.start));
    let message = error.message().trim();
    let problem = match unknown_key(message) {
        Some((key, known)) => {
            let present = also_called(key).filter(|name| known.contains(name));
            let suggestion = match present {
                Some(name) => format!(", did you mean `{name}`?"),
                None => catalogue::did_you_mean(key, &known),
            };
            let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            format!("there is no key `{key}` here{suggestion} (there are {list})")
        }
        None => message.to_owned(),
    };
    SettingsError { place, problem }
}

/// The key that goes by another name elsewhere: reports have `code`, and say `message` and `until`.
fn also_called(key: &str) -> Option<&'static str> {
    match key {
        "code" | "name" | "id" => Some("rule"),
        "message" | "comment" | "why" => Some("reason"),
        "until" | "expiry" => Some("expires"),
        _ => None,
    }
}

/// The key and the known ones of serde's message: "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, known) = rest.split_once('`')?;
    Some((key, known.split('`').skip(1).step_by(2).collect()))
}

#[cfg(test)]
mod tests;
