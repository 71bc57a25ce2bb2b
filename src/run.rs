//! The pipeline: the one place that knows every stage.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::cli::{CheckArgs, Command, DnsArgs, FactArgs, RulesFormat, SchemaDocument};
use crate::collect::kernel::{self, KernelFacts, PendingFqdn};
use crate::collect::root::{OwnError, ReadError, Root, read_given, read_own};
use crate::collect::{self, Expected, system};
use crate::error::Error;
use crate::facts::{Facts, HostFqdn, NatEntry, Origin};
use crate::findings::KnownFindings;
use crate::observe::recorded::{ZoneError, Zones};
use crate::observe::resolver::{self, Options, Progress, ResolverSpec, discover};
use crate::observe::{Observations, Question, Vantage, VantageKind, plan};
use crate::report::{self, Format, Report, Style};
use crate::rules::{self, Policy, Selection};
use crate::settings::{self, Settings};
use crate::source::SourceFile;
use crate::{catalogue, exit, findings, output, progress, receivers, schema, snapshot};

/// How long `hostname -f` is waited for before the DNS is asked without it: an answer from the hosts file comes at once.
const FQDN_FIRST_LOOK: Duration = Duration::from_millis(40);
/// Largest file of the command line that is read (snapshots, zone files, kernel facts), in bytes.
const INPUT_LIMIT: u64 = 256 << 20;

/// Runs a command; the value is the exit status. `color` is `--color`, which every command has.
///
/// # Errors
/// Where the run could not be done (exit status 2): see [`Error`].
pub fn run(command: Command, color: anstream::ColorChoice) -> Result<u8, Error> {
    let style = Style::for_stdout(color, report::Verbosity::Normal);
    let text = match command {
        Command::Check(args) => return check(*args),
        Command::Snapshot(mut args) => {
            let host = Host::of(&args.facts)?;
            settings(&mut args.facts, &mut args.dns, &host)?;
            return take_snapshot(&args.facts, &args.dns, &host, args.output.as_deref());
        }
        Command::Plan(mut args) => {
            let host = Host::of(&args.facts)?;
            settings(&mut args.facts, &mut args.dns, &host)?;
            let (facts, _) = facts(&args.facts, &args.dns, &host)?;
            plan_text(&facts, &args.facts, &args.dns, &style)?
        }
        Command::Explain(args) => catalogue::explain(&args.rule, &style).map_err(Error::Usage)?,
        Command::Rules(args) => match args.format {
            RulesFormat::Human => catalogue::rules_table(&style),
            RulesFormat::Json => catalogue::rules_json(),
        },
        Command::Schema(args) => match args.document {
            SchemaDocument::Report => schema::report(),
            SchemaDocument::Snapshot => schema::snapshot(),
            SchemaDocument::Config => schema::config(),
        },
        Command::Completions(args) => return output::to_stdout(&args.render()).map(|()| exit::OK),
        Command::Man(args) => match &args.all {
            None => crate::cli::main_page().map_err(Error::Stdout)?.text,
            Some(dir) => {
                return crate::cli::write_all(dir, &schema::config())
                    .map(|()| exit::OK)
                    .map_err(|source| Error::Output { path: dir.clone(), source });
            }
        },
    };
    output::to_stdout(text.as_bytes())?;
    Ok(exit::OK)
}

fn check(CheckArgs { mut facts, mut dns, output: mut out }: CheckArgs) -> Result<u8, Error> {
    let host = Host::of(&facts)?;
    let settings = settings(&mut facts, &mut dns, &host)?;
    settings.complete_output(&mut out);
    let now = jiff::Timestamp::now();
    let baseline = out.baseline.as_deref().map(baseline).transpose()?;
    let (facts, dns) = observe(&facts, &dns, &host)?;
    let selection = Selection { select: out.select.clone(), ignore: out.ignore.clone() };
    let judged = rules::judge(&facts, &dns, &selection);
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let policy = Policy { severity: settings.severity, ignores: settings.ignores, baseline, today };
    let settled = rules::settle(judged, &selection, &policy);
    if let Some(file) = &out.write_baseline {
        output::to_file(file, findings::baseline::write(settled.to_remember(), now).as_bytes())?;
    }
    let selected = rules::all().map(|rule| &rule.meta).filter(|meta| selection.allows(meta));
    let opinions: Vec<_> = facts.paths.iter().map(|path| receivers::opinions(path, &dns)).collect();
    let mut report =
        Report::new(&facts, &dns, &settled.findings, selected, &settled.not_checked).with_receivers(opinions);
    report.set_apart(&settled.suppressed, &settled.gone);
    report.dns.stale = rules::stale_caches(&facts, &dns, &settled.findings);
    report.first_step = rules::advice::first_step(&facts, &dns, &settled.findings, receivers::accepting);
    let style = Style::for_stdout(out.color(), out.verbosity());
    let write = |(format, file): &(Format, Option<PathBuf>), report: Cow<'_, Report>| match file {
        Some(file) => output::to_file(file, report::render(*format, report, &style.for_file()).as_bytes()),
        None => output::to_stdout(report::render(*format, report, &style).as_bytes()),
    };
    if let Some((last, others)) = out.targets().split_last() {
        others.iter().try_for_each(|target| write(target, Cow::Borrowed(&report)))?;
        write(last, Cow::Owned(report))?;
    }
    Ok(exit::status_for(out.stdout_format(), &settled.findings, out.fail_on()))
}

/// What is looked at.
enum Host {
    /// A host's files.
    Files(Root),
    /// A snapshot (`--from`).
    Snapshot(PathBuf),
}

impl Host {
    fn of(args: &FactArgs) -> Result<Host, Error> {
        if let Some(path) = &args.from {
            return Ok(Host::Snapshot(path.clone()));
        }
        let dir = args.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        Root::open(&dir).map(Host::Files).map_err(|source| Error::Root { path: dir, source })
    }
}

/// The settings: those of `--config`, else those of the host that is looked at. What they say of facts and the DNS goes where the
/// command line leaves it open.
fn settings(facts: &mut FactArgs, dns: &mut DnsArgs, host: &Host) -> Result<Settings, Error> {
    let settings = match settings_file(facts, host)? {
        Some(file) => settings::parse(&file)
            .map_err(|settings::SettingsError { place, problem }| Error::Settings { place, problem })?,
        None => Settings::default(),
    };
    settings.complete_facts(facts);
    settings.complete_dns(dns);
    Ok(settings)
}

fn settings_file(args: &FactArgs, host: &Host) -> Result<Option<Arc<SourceFile>>, Error> {
    let bad = |place: String, problem: String| Error::Settings { place, problem };
    let live = matches!(host, Host::Files(root) if root.is_live());
    let (path, shown) = match (&args.config, live) {
        (Some(path), _) => (path.clone(), path.display().to_string()),
        (None, true) => (PathBuf::from(settings::DEFAULT_FILE), settings::DEFAULT_FILE.to_owned()),
        (None, false) => {
            let Host::Files(root) = host else { return Ok(None) };
            return match root.read(settings::DEFAULT_FILE) {
                Ok(file) => Ok(Some(file)),
                Err(ReadError::NotFound) => Ok(None),
                Err(error) => Err(bad(settings::DEFAULT_FILE.to_owned(), error.to_string())),
            };
        }
    };
    match read_own(&path, settings::SIZE_LIMIT, live) {
        Ok(bytes) => Ok(Some(SourceFile::new(shown, bytes))),
        Err(OwnError::Io(error)) if args.config.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(bad(shown, error.to_string())),
    }
}

fn baseline(path: &Path) -> Result<KnownFindings, Error> {
    let text = input("--baseline", path)?;
    KnownFindings::read(&text).map_err(|error| bad_input("--baseline", path, error.to_string()))
}

fn take_snapshot(facts: &FactArgs, dns: &DnsArgs, host: &Host, file: Option<&Path>) -> Result<u8, Error> {
    let (facts, dns) = observe(facts, dns, host)?;
    // One time for the whole: that of the answers, where they have one.
    let text = snapshot::write(&facts, &dns, dns.taken.unwrap_or_else(jiff::Timestamp::now))
        .map_err(|error| Error::Usage(format!("the snapshot cannot be written: {error}")))?;
    match file {
        Some(file) => output::to_file(file, text.as_bytes())?,
        None => output::to_stdout(text.as_bytes())?,
    }
    Ok(exit::OK)
}

/// Facts, and what the DNS says of them.
fn observe(fact_args: &FactArgs, args: &DnsArgs, host: &Host) -> Result<(Facts, Observations), Error> {
    let deadline = Instant::now() + args.timeout();
    let overlay = args.overlay.as_deref().map(overlay).transpose()?;
    if let (Host::Snapshot(path), true) = (host, fact_args.replay) {
        let (facts, dns) = read_snapshot(path, fact_args)?;
        let dns = with_plan(overlay.as_ref(), &facts, dns);
        return Ok((facts, dns));
    }
    let (mut facts, pending) = facts(fact_args, args, host)?;
    if args.offline {
        let dns = with_plan(overlay.as_ref(), &facts, Observations::offline());
        return Ok((facts, dns));
    }
    if fact_args.discover_public_ip {
        discover(&mut facts, deadline);
    }
    let watched = Progress::default();
    let _shown = progress::show(&watched);
    let zones = args.zones.as_deref().map(zones).transpose()?;
    let ask = |facts: &Facts, dns: Observations| match (&zones, &overlay) {
        (Some(zones), None) => zones.answer_all(facts),
        (None, None) => resolver::ask_more(facts, &options(facts, args, deadline, &watched), dns),
        (zones, Some((name, planned))) => planned.overlay(name, facts, dns, |questions, dns| match zones {
            Some(zones) => zones.answer_more(questions, facts, dns),
            None => resolver::ask_these(questions, facts, &options(facts, args, deadline, &watched), dns),
        }),
    };
    let mut dns = ask(&facts, Observations::default());
    if let Some(mut pending) = pending {
        let left = deadline.saturating_duration_since(Instant::now());
        match pending.wait(left) {
            Some(fqdn) => {
                system::set_fqdn(&mut facts.host, fqdn);
                dns = ask(&facts, dns);
            }
            None => {
                let why = format!("no answer within {} s", args.timeout().as_secs_f32());
                facts.host.fqdn = HostFqdn::Unknown(why);
            }
        }
    }
    if zones.is_none() {
        // Seconds, as a snapshot keeps them.
        dns.taken = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).ok();
    }
    Ok((facts, dns))
}

/// The facts, and `hostname -f` where it is still to come.
fn facts(args: &FactArgs, dns: &DnsArgs, host: &Host) -> Result<(Facts, Option<PendingFqdn>), Error> {
    let root = match host {
        Host::Snapshot(path) => return read_snapshot(path, args).map(|(facts, _)| (facts, None)),
        Host::Files(root) => root,
    };
    // `hostname -f` may ask the system's resolver: not where nobody or only zone files are to be asked.
    let asks = !dns.offline && dns.zones.is_none();
    let mut pending = None;
    let kernel = match (&args.kernel, root.is_live()) {
        (Some(path), _) => Some(recorded_kernel(path)?),
        (None, false) => None,
        (None, true) => {
            let (facts, mut fqdn) = kernel::live();
            if asks {
                fqdn.start();
                pending = Some(fqdn);
            }
            Some(facts)
        }
    };
    let live = args.kernel.is_none() && root.is_live();
    let mut facts = collect::collect(root, kernel, expected(args));
    if live && !asks {
        let node_name = facts.host.node_name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
        let fqdn = system::fqdn_from_hosts(&node_name, &facts.host.hosts);
        system::set_fqdn(&mut facts.host, fqdn);
    }
    if let Some(fqdn) = pending.as_mut().and_then(|pending| pending.wait(FQDN_FIRST_LOOK)) {
        system::set_fqdn(&mut facts.host, fqdn);
        pending = None;
    }
    Ok((facts, pending))
}

fn expected(args: &FactArgs) -> Expected {
    let nat = |ip: &crate::cli::PublicIp| NatEntry {
        local: ip.local,
        public: ip.public,
        origin: Origin::flag("--public-ip"),
    };
    Expected {
        mta: args.mta,
        nat: args.public_ip.iter().map(nat).chain(args.nat.iter().cloned()).collect(),
        helo: args.expected_helo.clone(),
        hostname: args.expect_hostname.clone(),
        old_addresses: args.old_ip.clone(),
    }
}

fn read_snapshot(path: &Path, args: &FactArgs) -> Result<(Facts, Observations), Error> {
    let (mut facts, dns) =
        snapshot::read(&input("--from", path)?).map_err(|error| bad_input("--from", path, error.to_string()))?;
    if args.expect_hostname.is_some() {
        facts.expected_hostname = args.expect_hostname.clone();
    }
    facts.old_addresses.extend(args.old_ip.iter().copied());
    facts.expected_helo.extend(args.expected_helo.iter().cloned());
    Ok((facts, dns))
}

fn recorded_kernel(path: &Path) -> Result<KernelFacts, Error> {
    kernel::from_file(&input("--kernel", path)?).map_err(|problem| bad_input("--kernel", path, problem))
}

/// The zones in a folder: every file `ORIGIN.zone`.
fn zones(dir: &Path) -> Result<Zones, Error> {
    let entries = std::fs::read_dir(dir).map_err(|error| bad_input("--zones", dir, error.to_string()))?;
    let is_zone = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "zone");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_zone).collect();
    paths.sort();
    if paths.is_empty() {
        return Err(bad_input("--zones", dir, "there is no file ORIGIN.zone in it, such as example.com.zone".into()));
    }
    let mut files = Vec::new();
    for path in paths {
        files.push((path.display().to_string(), input("--zones", &path)?));
    }
    Zones::load(files).map_err(|errors| bad_input("--zones", dir, zone_errors(&errors)))
}

fn overlay(path: &Path) -> Result<(String, Zones), Error> {
    let text = input("--overlay", path)?;
    let planned = Zones::planned(&path.display().to_string(), &text)
        .map_err(|errors| bad_input("--overlay", path, zone_errors(&errors)))?;
    Ok(("planned".to_owned(), planned))
}

/// Answers that are there already, with the planned ones in front: nothing more is asked. Where nothing was to be asked, the plan is no
/// answer either, and stands there as what it is.
fn with_plan(overlay: Option<&(String, Zones)>, facts: &Facts, mut dns: Observations) -> Observations {
    match overlay {
        Some((name, _)) if dns.offline => {
            dns.vantages.push(Vantage { name: name.clone(), server: None, kind: VantageKind::Overlay });
            dns
        }
        Some((name, planned)) => planned.overlay(name, facts, dns, |_, dns| dns),
        None => dns,
    }
}

fn zone_errors(errors: &[ZoneError]) -> String {
    let lines: Vec<String> = errors.iter().take(10).map(ToString::to_string).collect();
    lines.join("\n  ")
}

fn input(option: &'static str, path: &Path) -> Result<String, Error> {
    match read_given(path, INPUT_LIMIT) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(bad_input(option, path, error.to_string())),
    }
}

fn bad_input(option: &'static str, path: &Path, problem: String) -> Error {
    Error::Input { option, path: path.to_owned(), problem }
}

/// Adds what the outside sees of private source addresses, where services agree on it (`--discover-public-ip`).
fn discover(facts: &mut Facts, deadline: Instant) {
    let unknown = facts.paths.iter().filter(|path| path.sending.is_none()).filter_map(|path| path.source.as_ref());
    let sources: BTreeSet<IpAddr> = unknown.map(|source| source.value).collect();
    for source in sources {
        let services = discover::services(Family::of(source));
        let seen = discover::public_address(source, &services, deadline.saturating_duration_since(Instant::now()));
        match seen.agreed() {
            Some(public) => {
                let origin = Origin::flag("--discover-public-ip");
                facts.nat.0.push(NatEntry { local: Some(source), public, origin });
            }
            None => {
                let said = seen.said.iter().map(|(name, said)| match said {
                    Ok(addr) => format!("{name} sees {addr}"),
                    Err(why) => format!("{name}: {why}"),
                });
                let said: Vec<String> = said.collect();
                let text = format!("--discover-public-ip: no two services agree on {source}: {}", said.join(", "));
                eprintln!("helolint: {}", report::escape::line(&text));
            }
        }
    }
    for path in facts.paths.iter_mut().filter(|path| path.sending.is_none()) {
        path.sending = path.source.as_ref().and_then(|source| facts.nat.sending(source));
    }
}

fn options(facts: &Facts, args: &DnsArgs, deadline: Instant, progress: &Progress) -> Options {
    let mut options = Options { progress: progress.clone(), ..Options::for_host(facts) };
    if !args.resolver.is_empty() {
        let spec = |given: &crate::cli::Resolver| ResolverSpec {
            name: given.name.clone(),
            server: given.server,
            // A resolver given by the name `system` stands for the system's own.
            kind: if given.name.starts_with("system") { VantageKind::System } else { VantageKind::Public },
        };
        options.resolvers = args.resolver.iter().map(spec).collect();
    }
    options.authoritative = !args.no_authoritative;
    options.authoritative_port = args.authoritative_port;
    options.timeout = deadline.saturating_duration_since(Instant::now());
    options
}

/// What `check` would ask, and whom.
fn plan_text(facts: &Facts, fact_args: &FactArgs, args: &DnsArgs, style: &Style) -> Result<String, Error> {
    let options = options(facts, args, Instant::now() + args.timeout(), &Progress::default());
    let overlay = args.overlay.as_deref().map(overlay).transpose()?;
    let spared = |question: &Question| overlay.as_ref().is_some_and(|(_, planned)| planned.spares(question));
    let (planned, asked): (Vec<Question>, Vec<Question>) = plan::initial(facts).into_iter().partition(spared);
    let (whom, authoritative) = match &args.zones {
        _ if args.offline || fact_args.replay => (Vec::new(), false),
        Some(dir) => {
            let name = format!("the zone files in {}", dir.display());
            (vec![Vantage { name, server: None, kind: VantageKind::Authoritative }], false)
        }
        None => (resolver::resolvers(&options), options.authoritative),
    };
    Ok(report::plan(&asked, &planned, &whom, authoritative, style))
}

#[cfg(test)]
mod tests;
