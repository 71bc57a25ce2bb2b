//! What stands behind an option: the values, and how they are read.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::exit::FailOn;
use crate::facts::Mapped;
use crate::name::DomainName;
use crate::observe::resolver::Transport;
use crate::report::{Format, Verbosity};

/// Port of the DNS (RFC 1035 section 4.2).
pub(crate) const DNS_PORT: u16 = 53;
/// Port of the DNS over TLS (RFC 7858 section 3.1).
const TLS_PORT: u16 = 853;
/// Port of HTTPS.
const HTTPS_PORT: u16 = 443;
/// Longest `--for` in seconds: a week.
const MOST_WAITED: u64 = 7 * 86_400;
/// Longest `--timeout` in seconds: a day.
const MOST_SECONDS: f64 = 86_400.0;

/// `--fail-on`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOnArg {
    Error,
    Warning,
    Info,
    Never,
}

impl FailOnArg {
    /// What it stands for.
    pub(crate) fn value(self) -> FailOn {
        match self {
            FailOnArg::Error => FailOn::Error,
            FailOnArg::Warning => FailOn::Warning,
            FailOnArg::Info => FailOn::Info,
            FailOnArg::Never => FailOn::Never,
        }
    }
}

/// `--fail-on`, of commands that settings files have a say in.
#[derive(Debug, Clone, Args)]
pub(crate) struct FailOnArgs {
    /// The weakest severity that makes the exit status other than 0 [default: error]
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<FailOnArg>,
    /// What the settings have in its place.
    #[arg(skip)]
    by_settings: Option<FailOn>,
}

impl FailOnArgs {
    /// What counts.
    pub(crate) fn value(&self) -> FailOn {
        self.fail_on.map(FailOnArg::value).or(self.by_settings).unwrap_or_default()
    }

    /// Sets what holds where the command line says nothing.
    pub(crate) fn set_default(&mut self, fail_on: Option<FailOn>) {
        self.by_settings = fail_on;
    }
}

/// How much the human report says, by `--quiet` and `--verbose`.
pub(crate) fn verbosity(quiet: bool, verbose: bool) -> Verbosity {
    match (quiet, verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

/// `--public-ip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicIp {
    /// The local address; `None`: every private one of the family.
    pub local: Option<IpAddr>,
    /// What the outside sees.
    pub public: IpAddr,
}

/// `--resolver`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolver {
    /// The name in reports: the one given, else the address.
    pub name: String,
    /// Where it is asked.
    pub server: SocketAddr,
    /// How it is asked.
    pub transport: Transport,
}

/// `--format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormatArg {
    /// The format.
    pub format: Format,
    /// The file it goes to; `None`: standard output, or that of `-o`.
    pub file: Option<PathBuf>,
}

/// A value of `--public-ip`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn public_ip(text: &str) -> Result<PublicIp, String> {
    let address = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| format!("`{text}` is not an IP address"));
    let (local, public) = match text.split_once('=') {
        Some((local, public)) => (Some(address(local)?), address(public)?),
        None => (None, address(text)?),
    };
    if local.is_some_and(|local| local.is_ipv4() != public.is_ipv4()) {
        return Err("LOCAL and PUBLIC must be of one family".into());
    }
    Ok(PublicIp { local, public })
}

/// A value of `--map`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn mapped(text: &str) -> Result<Mapped, String> {
    let wrong = || format!("`{text}` maps nothing: write OLD=NEW, two addresses or two names");
    let (old, new) = text.split_once('=').ok_or_else(wrong)?;
    let (old, new) = (old.trim(), new.trim());
    match (old.parse::<IpAddr>(), new.parse::<IpAddr>()) {
        (Ok(old), Ok(new)) if old.is_ipv4() == new.is_ipv4() => Ok(Mapped::Address { old, new }),
        (Ok(_), Ok(_)) => Err("OLD and NEW must be of one family".into()),
        (Err(_), Err(_)) => {
            let (old, new) = (DomainName::new(old), DomainName::new(new));
            let is_name = |name: &DomainName| name.is_host_name_but_for_underscores();
            if is_name(&old) && is_name(&new) { Ok(Mapped::Name { old, new }) } else { Err(wrong()) }
        }
        _ => Err(wrong()),
    }
}

/// A resolver as `--resolver` and the settings write it.
///
/// # Errors
/// What to write instead.
pub(crate) fn resolver(text: &str) -> Result<Resolver, String> {
    let (name, place) = match text.split_once('=') {
        Some((name, _)) if name.contains("://") => (text, text),
        Some((name, place)) if !name.is_empty() => (name, place),
        Some((_, place)) => (place, place),
        None => (text, text),
    };
    let name = name.to_owned();
    let Some((scheme, rest)) = place.split_once("://") else {
        let server = address(place, DNS_PORT).ok_or_else(|| {
            format!("`{place}` is no address: write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353")
        })?;
        return Ok(Resolver { name, server, transport: Transport::Plain });
    };
    let (rest, certificate) = match rest.split_once('#') {
        Some((rest, certificate)) => (rest, Some(certificate.to_owned())),
        None => (rest, None),
    };
    let wrong = || {
        format!(
            "`{place}` is no resolver: write tls://192.0.2.53, tls://192.0.2.53#dns.example or \
             https://192.0.2.53/dns-query, with the address in figures"
        )
    };
    let names_nobody = certificate.as_ref().is_some_and(|name| !is_host_name(name));
    let (server, transport) = match scheme {
        _ if names_nobody => return Err(wrong()),
        "tls" => (address(rest.trim_end_matches('/'), TLS_PORT), Transport::Tls { name: certificate }),
        "https" => {
            let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
            (address(host, HTTPS_PORT), Transport::Https { name: certificate, path: format!("/{path}") })
        }
        _ => return Err(wrong()),
    };
    Ok(Resolver { name, server: server.ok_or_else(wrong)?, transport })
}

fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().map(|addr| SocketAddr::new(addr, port)).or_else(|_| text.parse()).ok()
}

fn is_host_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'))
}

/// A number of seconds as `--timeout` and the settings write it.
///
/// # Errors
/// What is expected.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= MOST_SECONDS => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("a number of seconds over 0 and up to {MOST_SECONDS} is expected")),
    }
}

/// A value of `--cutover`.
///
/// # Errors
/// What is expected.
pub(crate) fn timestamp(text: &str) -> Result<jiff::Timestamp, String> {
    text.trim().parse().map_err(|_| {
        format!("`{text}` is no time with its zone: write 2026-12-01T22:00:00Z or 2026-12-01T22:00:00+01:00")
    })
}

/// A value of `--for`: a number with `s`, `m` or `h`, several of them in a row; a number alone is seconds.
///
/// # Errors
/// What is expected.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration: write 90s, 30m, 1h30m, up to 7 days");
    let (mut total, mut number) = (0u64, String::new());
    for c in text.trim().chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u64 = number.parse().map_err(|_| wrong())?;
        total = count.checked_mul(unit).and_then(|more| total.checked_add(more)).ok_or_else(wrong)?;
        number.clear();
    }
    if !number.is_empty() {
        total = number.parse().ok().and_then(|more| total.checked_add(more)).ok_or_else(wrong)?;
    }
    if total == 0 || total > MOST_WAITED { Err(wrong()) } else { Ok(Duration::from_secs(total)) }
}

/// A value of `--format`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn report_format(text: &str) -> Result<FormatArg, String> {
    let (id, file) = match text.split_once('=') {
        Some((_, "")) => return Err("a file name is expected behind `=`".into()),
        Some((id, file)) => (id, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let all: Vec<&str> = Format::ALL.iter().map(|format| format.id()).collect();
    match Format::ALL.iter().find(|format| format.id() == id) {
        Some(format) => Ok(FormatArg { format: *format, file }),
        None => {
            Err(format!("no format `{id}`{}: there are {}", crate::catalogue::did_you_mean(id, &all), all.join(", ")))
        }
    }
}

/// The long help of `--format`.
pub(crate) fn format_help() -> String {
    let all: Vec<&str> = Format::ALL.iter().map(|format| format.id()).collect();
    format!(
        "The format on standard output [default: human], or with =FILE one more in a file; repeatable.\n\nFormats: {}",
        all.join(", ")
    )
}

/// A word of `--select` and `--ignore`.
///
/// # Errors
/// Where no rule is called so.
pub(crate) fn rule_word(text: &str) -> Result<String, String> {
    let word = text.trim();
    if crate::catalogue::is_known_word(word) { Ok(word.to_owned()) } else { Err(crate::catalogue::unknown(word)) }
}
