//! Whether port 25 outside can be reached (`--port25`): connections from each source address, made while there is the right to.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::options;
use super::profile::{profile, refused};
use crate::addr::{self, Family};
use crate::cli::{DnsArgs, Target, TargetHost};
use crate::error::Error;
use crate::facts::{Facts, Port25, Port25Try};
use crate::name::DomainName;
use crate::observe::plan::FollowUps;
use crate::observe::resolver::{self, Options, Progress, Transport, Trust};
use crate::observe::smtp::{self, Call, Depth, Manners, Wanted};
use crate::observe::{Observations, Question, RecordType, VantageKind};
use crate::process;
use crate::sandbox::{self, Listener, Message};
use crate::tls::Roots;

/// Source addresses that are tried.
const SOURCES: usize = 32;
/// Addresses of a name that are kept: a connection is made to one of each family.
const ADDRESSES: usize = 16;
/// How long connections may take: three attempts of the kernel (tcp(7)).
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the conversations take at the most.
pub(super) const TIME: Duration = Duration::from_secs(20);

/// Connections, and what they are for.
pub(super) struct Prepared {
    tried: Port25,
    calls: Vec<Call>,
    manners: Manners,
}

/// Connects. A name is asked for in a process without rights, of which nothing but addresses counts here.
///
/// # Errors
/// Where there is no such process.
pub(super) fn prepare(facts: &Facts, dns: &DnsArgs, target: &Target) -> Result<Prepared, Error> {
    let mut tried = Port25 { host: target.host.text(), port: target.port, open: None, tries: Vec::new() };
    let addresses = match &target.host {
        TargetHost::Address(address) => vec![*address],
        TargetHost::Name(_) if dns.offline || dns.zones.is_some() => {
            tried.open = Some("with --offline and --zones no name is asked for: give an address".to_owned());
            Vec::new()
        }
        TargetHost::Name(name) => {
            // Whoever runs the zone says where root connects: not to what stands behind this host.
            let (outside, inside): (Vec<IpAddr>, Vec<IpAddr>) =
                asked(facts, dns, name)?.into_iter().partition(|address| addr::is_public(*address));
            tried.open = match (outside.is_empty(), inside.first()) {
                (false, _) => None,
                (true, None) => Some("this host's resolvers told no address of it".to_owned()),
                (true, Some(address)) => {
                    Some(format!("it leads to {address}, which is not outside: give the address itself to try it"))
                }
            };
            outside
        }
    };
    let sources: BTreeSet<IpAddr> = facts.paths.iter().filter_map(|path| Some(path.source.as_ref()?.value)).collect();
    if sources.is_empty() {
        tried.open.get_or_insert_with(|| "no source address of this host's mail is known".to_owned());
    }
    let mut wanted = Vec::new();
    for source in sources.into_iter().take(SOURCES) {
        let to = addresses.iter().find(|to| Family::from(**to) == Family::from(source));
        let to = to.map(|to| SocketAddr::new(*to, target.port));
        wanted.extend(to.map(|to| Wanted { from: Some(source), to }));
        if tried.open.is_none() {
            tried.tries.push(Port25Try { source, to, said: None });
        }
    }
    let made = smtp::connect(&wanted, PATIENCE).into_iter();
    let calls = made.map(|connection| Call { connection, depth: Depth::Greeting, name: None });
    let manners = Manners::new(String::new(), Roots::new([]), process::now().as_second());
    Ok(Prepared { tried, calls: calls.collect(), manners })
}

impl Prepared {
    /// Reads the greetings.
    pub(super) fn talk(self) -> Port25 {
        let Prepared { mut tried, calls, manners } = self;
        let heard = smtp::hold(calls.into_iter().map(|call| vec![call]).collect(), &manners);
        let mut heard = heard.into_iter().map(|mut said| said.pop());
        for one in tried.tries.iter_mut().filter(|one| one.to.is_some()) {
            one.said = heard.next().flatten();
        }
        tried
    }
}

/// The addresses of a name, by this host's own resolvers or those of the command line.
fn asked(facts: &Facts, dns: &DnsArgs, name: &DomainName) -> Result<Vec<IpAddr>, Error> {
    let deadline = Instant::now() + dns.timeout();
    let mut options = options(facts, dns, deadline, &Progress::default());
    if options.resolvers.iter().any(|spec| spec.kind == VantageKind::System) {
        options.resolvers.retain(|spec| spec.kind == VantageKind::System);
    }
    options.authoritative = false;
    if options.resolvers.iter().any(|spec| spec.transport != Transport::Plain) {
        options.trust = Trust::of_the_system();
    }
    let profile = profile(dns, dns.timeout());
    let work = |options: Options, missing: Vec<sandbox::Missing>| {
        if let Some(refused) = refused(dns.require_sandbox, &missing) {
            return refused;
        }
        let questions = [RecordType::A, RecordType::Aaaa].map(|rtype| Question::new(name, rtype)).into();
        let nothing = FollowUps::new(&Facts::new(crate::facts::Host::unknown("")));
        let said = resolver::ask(&questions, &nothing, &options, Observations::default());
        let found = Family::BOTH.iter().flat_map(|family| said.addresses(name, *family).found().to_vec());
        Message::Done { status: 0, texts: found.take(ADDRESSES).map(|address| address.to_string()).collect() }
    };
    let (message, ()) =
        sandbox::run((), &profile, move || options, work, &mut Listener::nobody()).map_err(Error::Apart)?;
    match message {
        Message::Done { texts, .. } => Ok(texts.iter().take(ADDRESSES).filter_map(|text| text.parse().ok()).collect()),
        Message::Failed(words) => Err(Error::Apart(words)),
    }
}
