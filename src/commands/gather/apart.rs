//! What is done in a process without rights, and what comes back of it: finished texts, or answers for what root does itself.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::logs::READING;
use super::profile::{profile, refused};
use super::{Gathered, Held, Known, Sources, Start, live, moved, observe, port25};
use crate::cli::{DnsArgs, FactArgs};
use crate::collect::system;
use crate::error::Error;
use crate::facts::HostFqdn;
use crate::name::DomainName;
use crate::observe::source::{Answers, Source};
use crate::sandbox::{self, Listener, Message};
use crate::{output, snapshot};

/// Whether a packet is sent.
pub(super) fn sends(args: &FactArgs, dns: &DnsArgs) -> bool {
    asks(args, dns) || (args.evidence.sends() && args.from.is_none())
}

/// Whether the DNS is asked.
pub(super) fn asks(args: &FactArgs, dns: &DnsArgs) -> bool {
    dns.asks() && !args.replay
}

/// Does `work`, in a process without rights where it sends packets. `parents` is what that process must not have; it comes back,
/// with exit status and texts. `verbose` says what of the sandbox the system does not have.
///
/// # Errors
/// Those of `work`; where there is no such process, or no sandbox as `--require-sandbox` wants it.
pub(crate) fn apart<P>(
    parents: P,
    args: &FactArgs,
    dns: &DnsArgs,
    start: Start,
    verbose: bool,
    work: impl FnOnce(Start) -> Result<Done, Error>,
) -> Result<(Done, P), Error> {
    let time = dns.timeout().saturating_add(evidence_time(args));
    apart_telling(parents, args, (dns, time), start, verbose, |start, _| work(start), &mut Listener::nobody())
}

/// As [`apart`], for at most so long; `work` tells texts on the way, which `listener` hears at once.
///
/// # Errors
/// As those of [`apart`].
pub(crate) fn apart_telling<P>(
    parents: P,
    args: &FactArgs,
    (dns, time): (&DnsArgs, Duration),
    start: Start,
    verbose: bool,
    work: impl FnOnce(Start, &mut dyn FnMut(&str)) -> Result<Done, Error>,
    listener: &mut Listener<'_>,
) -> Result<(Done, P), Error> {
    // What stands in a log was written by strangers, too.
    match sends(args, dns) || start.logs.is_some() {
        true => in_a_child(parents, (dns, time), Rc::new(Cell::new(Some(start))), verbose, work, listener),
        false => Ok((work(start, &mut |text| listener.hear(text))?, parents)),
    }
}

/// Facts and answers for what root itself will do with them. Where packets are sent, a process without rights asks, `work` says in it what came
/// of that as a snapshot, and of the snapshot nothing but answers counts here, each read as what it should be.
///
/// # Errors
/// As [`apart`].
pub(crate) fn answered(
    args: &FactArgs,
    dns: &DnsArgs,
    start: Start,
    verbose: bool,
    work: impl FnOnce(Start) -> Result<Done, Error>,
) -> Result<Gathered, Error> {
    if !sends(args, dns) {
        return observe(args, dns, start);
    }
    // The child takes its own copy.
    let start = Rc::new(Cell::new(Some(start)));
    let work = |start, _: &mut dyn FnMut(&str)| work(start);
    let (done, ()) = in_a_child((), (dns, dns.timeout()), Rc::clone(&start), verbose, work, &mut Listener::nobody())?;
    let bad =
        |error: snapshot::SnapshotError| Error::Apart(format!("what the process that asks the DNS gave back: {error}"));
    let (said, dns) = snapshot::read(done.only()?).map_err(bad)?;
    let mut start = start.take().ok_or(Error::Fault)?;
    let planned = start.overlay()?;
    let before = start.moved_from.take().map(|input| moved::read(&input)).transpose()?;
    let domains = start.domains()?;
    let (Known::Facts(mut facts, _), Some(Held { root, kernel, running })) = (start.host, start.held) else {
        return Err(Error::Fault);
    };
    let is_name = |name: &str| DomainName::new(name).is_host_name();
    let fqdn = match said.host.fqdn {
        HostFqdn::Name(name) if !is_name(&name.value) => {
            HostFqdn::Unknown("what the C library said is no host name".into())
        }
        other => other,
    };
    system::set_fqdn(&mut facts.host, fqdn);
    if let Some(before) = &before {
        let here = domains.of(&facts);
        moved::put(&mut facts, before, &args.moved.map, Some(&root), &here);
    }
    let source = Source { answers: Answers::Recorded(dns.clone()), planned };
    let sources = Sources { root: Some(root), kernel, running, source, deadline: Instant::now() };
    Ok(Gathered { facts: *facts, dns, taken: None, sources })
}

/// How long evidence takes at the most that is asked for.
fn evidence_time(args: &FactArgs) -> Duration {
    let live = if args.evidence.live { live::TIME } else { Duration::ZERO };
    if args.evidence.port25.is_some() { live.saturating_add(port25::TIME) } else { live }
}

/// Does `work` in a process without rights, which has `start` as it is now. Unless somebody else holds `start` too, the connections in it
/// are that process's alone.
fn in_a_child<P>(
    parents: P,
    (dns, time): (&DnsArgs, Duration),
    start: Rc<Cell<Option<Start>>>,
    verbose: bool,
    work: impl FnOnce(Start, &mut dyn FnMut(&str)) -> Result<Done, Error>,
    listener: &mut Listener<'_>,
) -> Result<(Done, P), Error> {
    let mut begin = start.take();
    // Moved into what the child alone goes on with: here they are closed once it has begun.
    let logs = begin.as_mut().and_then(|start| start.logs.take());
    start.set(begin);
    let time = if logs.is_some() { time.saturating_add(READING) } else { time };
    let profile = profile(dns, time);
    let prepare = move || {
        let mut start = start.take();
        if let Some(start) = &mut start {
            start.logs = logs;
        }
        if let Some(Start { host: Known::Facts(_, Some(pending)), .. }) = &mut start {
            pending.start();
        }
        start
    };
    let required = dns.require_sandbox;
    let within = |start: Option<Start>, missing: Vec<sandbox::Missing>| {
        if let Some(refused) = refused(required, &missing) {
            return refused;
        }
        if verbose {
            missing.iter().for_each(|layer| output::note(&format!("sandbox: not here: {layer}")));
        }
        match start.ok_or(Error::Fault).and_then(|start| work(start, &mut sandbox::tell)) {
            Ok(Done { status, texts }) => Message::Done { status, texts },
            Err(error) => Message::Failed(error.to_string()),
        }
    };
    let (message, parents) = sandbox::run(parents, &profile, prepare, within, listener).map_err(Error::Apart)?;
    match message {
        Message::Done { status, texts } => Ok((Done { status, texts }, parents)),
        Message::Failed(words) => Err(Error::Apart(words)),
    }
}

/// What came of work that may have been done in another process.
pub(crate) struct Done {
    /// The exit status.
    pub status: u8,
    /// Finished texts, in an order that both sides know.
    pub texts: Vec<String>,
}

impl Done {
    /// The text, where there is one alone.
    ///
    /// # Errors
    /// Where there is not.
    pub(crate) fn only(&self) -> Result<&String, Error> {
        match self.texts.as_slice() {
            [text] => Ok(text),
            _ => Err(Error::Apart("the process that asks the DNS gave no text".to_owned())),
        }
    }
}
