//! Facts of a host and what the DNS says of it: what `check`, `snapshot` and `questions` have in common.

mod apart;
mod asks;
mod domains;
mod live;
mod logs;
mod moved;
mod port25;
mod profile;
mod zones;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::cli::{DnsArgs, FactArgs};
use crate::collect::kernel::{self, KernelFacts, PendingFqdn};
use crate::collect::processes::Found;
use crate::collect::root::Root;
use crate::collect::{self, system};
use crate::domains::MailDomains;
use crate::error::Error;
use crate::escape;
use crate::facts::{Expectations, Facts, HostFqdn, NatEntry, Origin, Overrides};
use crate::inputs::{Host, Input, Inputs, ZoneInputs};
use crate::observe::recorded::Zones;
use crate::observe::resolver::{self, Options, Progress, ResolverSpec, Transport, Trust, discover};
use crate::observe::source::{Answers, Source};
use crate::observe::{Observations, VantageKind};
use crate::settings::{self, Settings};
use crate::{identity, output, process, progress, remedy, snapshot};
pub(crate) use apart::{Done, answered, apart, apart_telling};
pub(super) use profile::refused;
pub(crate) use zones::overlay;

/// How long `hostname -f` is waited for before the DNS is asked without it: an answer from the hosts file comes at once.
const FQDN_FIRST_LOOK: Duration = Duration::from_millis(40);

/// Facts and answers.
pub(crate) struct Gathered {
    /// What the host says about itself.
    pub facts: Facts,
    /// What the DNS says.
    pub dns: Observations,
    /// What both were made from, as far as a plan needs it.
    pub sources: Sources,
    /// When the snapshot was taken that facts and answers come from, as it writes it.
    pub taken: Option<String>,
}

/// What facts and answers were made from, as far as a plan needs it.
pub(crate) struct Sources {
    /// The files that were read; `None` where there are none.
    pub root: Option<Root>,
    /// What the kernel said.
    pub kernel: Option<KernelFacts>,
    /// Daemons that run.
    pub running: Found,
    /// Where answers come from.
    pub source: Source,
    /// When the time for the DNS is up.
    pub deadline: Instant,
}

/// The settings of the command line or of the host that is looked at. What they say of facts and the DNS goes where the command
/// line leaves it open.
///
/// # Errors
/// Where there is a settings file, and it is not as it must be.
pub(crate) fn settings(facts: &mut FactArgs, dns: &mut DnsArgs, host: &Host) -> Result<Settings, Error> {
    let settings = match host.settings(facts)? {
        Some(file) => settings::parse(&file)
            .map_err(|settings::SettingsError { place, problem }| Error::Settings { place, problem })?,
        None => Settings::default(),
    };
    settings.complete_facts(facts);
    settings.complete_dns(dns);
    let is_live = apart::asks(facts, dns);
    match facts.cutover.filter(|cutover| is_live && *cutover < process::now()) {
        Some(cutover) => {
            Err(Error::Usage(format!("the cutover at {cutover} is past: give the hour of one that is to come")))
        }
        None => Ok(settings),
    }
}

/// Where facts and answers come from, once every file has been read.
pub(crate) struct Start {
    host: Known,
    zones: Option<ZoneInputs>,
    overlay: Option<Input>,
    /// The host before its move.
    moved_from: Option<Input>,
    /// For trials: the files as they were read, the kernel's facts, the daemons.
    held: Option<Held>,
    /// The domains that the host handles, where a command looks at them.
    domains: Option<Arc<MailDomains>>,
    /// Connections to this host's own mail servers, where they are to be talked to.
    live: Option<live::Prepared>,
    /// Connections to port 25 outside, where that is to be tried.
    port25: Option<port25::Prepared>,
    /// The system's trust roots, where a resolver is asked over TLS or HTTPS: they are files.
    trust: Trust,
    /// Logs to be read.
    logs: Option<logs::OpenLogs>,
}

/// What trials of a plan go by, once nothing is read any more.
struct Held {
    root: Root,
    kernel: Option<KernelFacts>,
    running: Found,
}

/// What is known of the host.
enum Known {
    /// What its files and the kernel say, and `hostname -f` where that is still to come.
    Facts(Box<Facts>, Option<PendingFqdn>),
    /// A snapshot (`--from`).
    Snapshot(Input),
}

/// Reads the host. Nothing is read below its root afterwards.
///
/// # Errors
/// Where an input is not what it should be.
pub(crate) fn start(args: &FactArgs, dns: &DnsArgs, inputs: Inputs) -> Result<Start, Error> {
    read_host(args, dns, inputs, false)
}

/// As [`start`], and the domains that the host handles, with its signing keys' public parts.
///
/// # Errors
/// As [`start`].
pub(crate) fn start_with_domains(args: &FactArgs, dns: &DnsArgs, inputs: Inputs) -> Result<Start, Error> {
    read_host(args, dns, inputs, true)
}

fn read_host(args: &FactArgs, dns: &DnsArgs, inputs: Inputs, with_domains: bool) -> Result<Start, Error> {
    let (mut domains, mut live, mut port25) = (None, None, None);
    let Inputs { host, kernel, zones, overlay, moved_from, log } = inputs;
    let open;
    let (host, held) = match host {
        Host::Snapshot(input) => {
            open = logs::open(log, None);
            (Known::Snapshot(input), None)
        }
        Host::Files(root) => {
            let read = read(args, dns, &root, kernel.as_ref())?;
            open = logs::open(log, Some((&root, &read.facts)));
            remedy::read_ahead(&root, &read.facts, read.kernel.as_ref(), &read.running);
            if moved_from.is_some() {
                moved::read_ahead(&root, &read.facts);
            }
            if args.evidence.live && root.is_live() {
                live = Some(live::prepare(&root, &read.facts, !dns.offline));
            }
            if let Some(target) = args.evidence.port25.as_ref().filter(|_| root.is_live()) {
                port25 = Some(port25::prepare(&read.facts, dns, target)?);
            }
            let compares = moved_from.is_some();
            domains = (with_domains || compares)
                .then(|| Arc::new(collect::mail_domains(&root, &read.facts, &read.running.daemons)));
            let held = Held { root: root.closed(), kernel: read.kernel, running: read.running };
            (Known::Facts(Box::new(read.facts), read.pending), Some(held))
        }
    };
    let encrypted =
        apart::sends(args, dns) && dns.resolver.iter().any(|resolver| resolver.transport != Transport::Plain);
    let trust = if encrypted { Trust::of_the_system() } else { Trust::nobody() };
    Ok(Start { host, zones, overlay, moved_from, held, domains, live, port25, trust, logs: open })
}

impl Start {
    /// The zone files of `--zones`.
    ///
    /// # Errors
    /// Where one is no master file.
    pub(crate) fn zones(&self) -> Result<Option<Zones>, Error> {
        self.zones.as_ref().map(zones::zones).transpose()
    }

    /// The answers that a snapshot has, where they alone count (`--replay`).
    ///
    /// # Errors
    /// Where it is not what it should be.
    pub(crate) fn recorded(&self, args: &FactArgs) -> Result<Option<Observations>, Error> {
        match &self.host {
            Known::Snapshot(input) if args.replay => Ok(Some(read_snapshot(input, args)?.1)),
            Known::Snapshot(_) | Known::Facts(..) => Ok(None),
        }
    }

    /// Whom resolvers' certificates must come from.
    pub(crate) fn trust(&self) -> Trust {
        self.trust.clone()
    }

    /// The facts without any answer but that of `hostname -f`, where it comes at once.
    ///
    /// # Errors
    /// Where a snapshot is not what it should be.
    pub(crate) fn facts(self, args: &FactArgs) -> Result<(Facts, Option<PendingFqdn>), Error> {
        match self.host {
            Known::Snapshot(input) => Ok((read_snapshot(&input, args)?.0, None)),
            Known::Facts(mut facts, mut pending) => {
                if let Some(fqdn) = pending.as_mut().and_then(|pending| pending.wait(FQDN_FIRST_LOOK)) {
                    system::set_fqdn(&mut facts.host, fqdn);
                    pending = None;
                }
                Ok((*facts, pending))
            }
        }
    }

    /// The facts without any answer but that of `hostname -f`, for which it waits so long; what is known of the host before its move is among
    /// them.
    ///
    /// # Errors
    /// Where a snapshot is not what it should be.
    pub(crate) fn facts_of_a_move(mut self, args: &FactArgs, patience: Duration) -> Result<Facts, Error> {
        let before = self.moved_from.take().map(|input| moved::read(&input)).transpose()?;
        let domains = before.is_some().then(|| self.domains()).transpose()?;
        let (mut facts, pending) = self.facts(args)?;
        if let Some(fqdn) = pending.and_then(|mut pending| pending.wait(patience)) {
            system::set_fqdn(&mut facts.host, fqdn);
        }
        if let Some((before, domains)) = before.as_ref().zip(domains) {
            let here = domains.of(&facts);
            moved::put(&mut facts, before, &args.moved.map, None, &here);
        }
        Ok(facts)
    }

    /// The folders of the files that were read, without links.
    pub(crate) fn folders(&self) -> BTreeSet<String> {
        let Some(Held { root, .. }) = &self.held else { return BTreeSet::new() };
        let places = root.asked_for().into_iter().flat_map(|path| [root.place(&path), path]);
        let folder = |path: String| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        places.filter_map(folder).map(|folder| root.canonical(&folder).unwrap_or(folder)).collect()
    }

    /// Whether this is a mail host, as far as its files say; a snapshot counts as one.
    pub(crate) fn has_mta(&self) -> bool {
        match &self.host {
            Known::Snapshot(_) => true,
            Known::Facts(facts, _) => !facts.mtas.configured.is_empty(),
        }
    }

    /// The planned records of `--overlay`, with the name that they go by.
    ///
    /// # Errors
    /// Where it is no master file.
    pub(crate) fn overlay(&self) -> Result<Option<(String, Zones)>, Error> {
        self.overlay.as_ref().map(overlay).transpose()
    }
}

/// Facts, and what the DNS says of them.
///
/// # Errors
/// Where an input is not what it should be.
pub(crate) fn observe(fact_args: &FactArgs, args: &DnsArgs, mut start: Start) -> Result<Gathered, Error> {
    // The servers of this host come first: they wait for us, and the time for the DNS is its own.
    let (served, spares) = start.live.take().map(live::Prepared::talk).unzip();
    let port25 = start.port25.take().map(port25::Prepared::talk);
    let log = start.logs.take().map(|open| Arc::new(logs::read(open)));
    let deadline = Instant::now() + args.timeout();
    let planned = start.overlay()?;
    let before = start.moved_from.take().map(|input| moved::read(&input)).transpose()?;
    let domains = before.is_some().then(|| start.domains()).transpose()?;
    let (root, kernel, running) = match start.held.take() {
        Some(Held { root, kernel, running }) => (Some(root), kernel, running),
        None => (None, None, Found::default()),
    };
    if let (Known::Snapshot(input), true) = (&start.host, fact_args.replay) {
        let (mut facts, dns, taken) = read_snapshot(input, fact_args)?;
        if let Some((before, domains)) = before.as_ref().zip(domains) {
            let here = domains.of(&facts);
            moved::put(&mut facts, before, &fact_args.moved.map, None, &here);
        }
        let sources = |source| Sources { root, kernel, running, source, deadline };
        let source = Source { answers: Answers::Recorded(dns), planned };
        let dns = source.answer_for(&facts, Observations::default());
        return Ok(Gathered { facts, dns, sources: sources(source), taken: Some(taken) });
    }
    let zones = start.zones.as_ref().map(zones::zones).transpose()?;
    let trust = start.trust.clone();
    let (mut facts, pending) = start.facts(fact_args)?;
    // Those of a snapshot stay.
    facts.log = log.or(facts.log);
    facts.served = served.map(Arc::new).or(facts.served);
    facts.port25 = port25.map(Arc::new).or(facts.port25);
    if fact_args.discover_public_ip && !args.offline {
        discover(&mut facts, deadline);
    }
    let before = before.as_ref().zip(domains).map(|(before, domains)| (before, domains.of(&facts)));
    let moved = |facts: &mut Facts| {
        if let Some((before, here)) = &before {
            moved::put(facts, before, &fact_args.moved.map, root.as_ref(), here);
        }
    };
    moved(&mut facts);
    let watched = Progress::default();
    let _shown = progress::show(&watched);
    let answers = match zones {
        _ if args.offline => Answers::Nobody,
        Some(zones) => Answers::Zones(zones),
        None => Answers::Live(Options { trust, ..options(&facts, args, deadline, &watched) }, deadline),
    };
    let source = Source { answers, planned };
    let mut dns = source.answer_for(&facts, Observations::default());
    if let Some(mut pending) = pending {
        let left = deadline.saturating_duration_since(Instant::now());
        match pending.wait(left) {
            Some(fqdn) => {
                system::set_fqdn(&mut facts.host, fqdn);
                moved(&mut facts);
                dns = source.answer_for(&facts, dns);
            }
            None => {
                let why = format!("no answer within {} s", args.timeout().as_secs_f32());
                facts.host.fqdn = HostFqdn::Unknown(why);
            }
        }
    }
    if let Some(spares) = spares {
        spares.talk(&mut facts, &dns);
    }
    if source.is_live() {
        // Seconds, as a snapshot keeps them.
        dns.taken = jiff::Timestamp::from_second(process::now().as_second()).ok();
    }
    let sources = Sources { root, kernel, running, source, deadline };
    Ok(Gathered { facts, dns, sources, taken: None })
}

/// What the host's files and the kernel say.
struct Read {
    facts: Facts,
    /// `hostname -f`, where it is still to come.
    pending: Option<PendingFqdn>,
    kernel: Option<KernelFacts>,
    running: Found,
}

/// Reads the host's files and the kernel's facts.
fn read(args: &FactArgs, dns: &DnsArgs, root: &Root, recorded: Option<&Input>) -> Result<Read, Error> {
    // `hostname -f` may ask the system's resolver: not where nobody or only zone files are to be asked.
    let asks = dns.asks();
    let mut pending = None;
    let kernel = match (recorded, root.is_live()) {
        (Some(input), _) => Some(kernel::from_file(input.text()).map_err(|problem| input.refused(problem))?),
        (None, false) => None,
        (None, true) => {
            let (facts, fqdn) = kernel::live();
            pending = asks.then_some(fqdn);
            Some(facts)
        }
    };
    let live = recorded.is_none() && root.is_live();
    let running = collect::running(root);
    let mut facts = collect::collect_beside(root, kernel.clone(), &running);
    facts.expect(expectations(args));
    identity::apply(&mut facts, overrides(args));
    if live && !asks {
        let node_name = facts.host.node_name.as_ref().map(|name| name.value.clone()).unwrap_or_default();
        let fqdn = system::fqdn_from_hosts(&node_name, &facts.host.hosts);
        system::set_fqdn(&mut facts.host, fqdn);
    }
    Ok(Read { facts, pending, kernel, running })
}

/// What the command line and the settings put in the place of what files say.
fn overrides(args: &FactArgs) -> Overrides {
    let nat = |ip: &crate::cli::PublicIp| NatEntry {
        local: ip.local,
        public: ip.public,
        origin: Origin::flag("--public-ip"),
    };
    Overrides { mta: args.mta, nat: args.public_ip.iter().map(nat).chain(args.nat.iter().cloned()).collect() }
}

fn expectations(args: &FactArgs) -> Expectations {
    Expectations {
        hostname: args.expect_hostname.clone(),
        helo: args.expected_helo.clone(),
        old_addresses: args.old_ip.clone(),
        block_lists: args.dnsbl.clone(),
        log: None,
        cutover: args.cutover.map(|at| at.to_string()),
        moved: None,
    }
}

fn read_snapshot(input: &Input, args: &FactArgs) -> Result<(Facts, Observations, String), Error> {
    let (mut facts, dns, taken) = snapshot::read_dated(input.text()).map_err(|error| input.refused(error))?;
    if args.evidence.live && facts.served.is_none() {
        return Err(input.refused(
            "with --live, a snapshot is wanted that was taken with --live: it has no conversation with a server",
        ));
    }
    if !args.replay && !args.evidence.live {
        // Then and not now: what is asked afresh is not judged beside it.
        (facts.served, facts.port25) = (None, None);
    }
    facts.expect(expectations(args));
    identity::apply(&mut facts, overrides(args));
    Ok((facts, dns, taken))
}

/// Adds what the outside sees of private source addresses, where services agree on it (`--discover-public-ip`).
fn discover(facts: &mut Facts, deadline: Instant) {
    let unknown = facts.paths.iter().filter(|path| path.sending.is_none()).filter_map(|path| path.source.as_ref());
    let sources: BTreeSet<IpAddr> = unknown.map(|source| source.value).collect();
    let mut nat = Vec::new();
    for source in sources {
        let services = discover::services(Family::from(source));
        let seen = discover::public_address(source, &services, deadline.saturating_duration_since(Instant::now()));
        match seen.agreed() {
            Some(public) => {
                let origin = Origin::flag("--discover-public-ip");
                nat.push(NatEntry { local: Some(source), public, origin });
            }
            None => {
                let said = seen.said.iter().map(|(name, said)| match said {
                    Ok(addr) => format!("{name} sees {addr}"),
                    Err(why) => format!("{name}: {why}"),
                });
                let said: Vec<String> = said.collect();
                let text = format!("--discover-public-ip: no two services agree on {source}: {}", said.join(", "));
                output::note(&escape::line(&text));
            }
        }
    }
    identity::apply(facts, Overrides { mta: None, nat });
}

/// How the DNS is asked.
pub(crate) fn options(facts: &Facts, args: &DnsArgs, deadline: Instant, progress: &Progress) -> Options {
    let nameservers: Vec<IpAddr> = facts.host.nameservers.iter().map(|fact| fact.value).collect();
    let source = &facts.host.source;
    let only_ipv6 = source.known && source.ipv4.is_none() && source.ipv6.is_some();
    let mut options = Options { progress: progress.clone(), ..Options::new(&nameservers, only_ipv6) };
    if !args.resolver.is_empty() {
        // One that resolv.conf names as well is the system's own, whatever it is called.
        let system: BTreeSet<SocketAddr> = resolver::system_servers(&nameservers).collect();
        let spec = |given: &crate::cli::Resolver| ResolverSpec {
            name: given.name.clone(),
            server: given.server,
            kind: match given.transport {
                Transport::Plain if system.contains(&given.server) => VantageKind::System,
                _ => VantageKind::Public,
            },
            transport: given.transport.clone(),
        };
        options.resolvers = args.resolver.iter().map(spec).collect();
    }
    options.authoritative = !args.no_authoritative;
    options.authoritative_port = args.authoritative_port;
    options.timeout = deadline.saturating_duration_since(Instant::now());
    options
}

#[cfg(test)]
mod tests;
