//! `helolint domains`: looks at every domain that this host handles mail for.

mod asking;
mod told;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::num::NonZeroU32;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gather::{self, Done, Start};
use crate::cli::{DomainsArgs, DomainsFormat};
use crate::compare;
use crate::domains::{Flow, Host, MailDomain, is_mail_domain, looked_in};
use crate::error::Error;
use crate::facts::{Facts, Origin};
use crate::inputs::{self, Input, Inputs};
use crate::name::DomainName;
use crate::observe::VantageKind;
use crate::observe::resolver::{Manners, Options, Progress, ResolverSpec, Transport};
use crate::observe::source::{self, Source};
use crate::output::{self, Journal, Output, Readers};
use crate::progress;
use crate::report::domains::{self as report, DomainView};
use crate::rules::{DomainRules, Selection};
use crate::sandbox::Listener;
use asking::{Asking, Judge};
use told::{FOR_STDERR, FOR_STDOUT, TO_KEEP, Told};

/// The run has no limit; what may hang is a single question. A process needs one all the same.
const LONGEST_RUN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Lines of `--domains` that are told of, where they name no domain: whoever sees these sees what is wrong with the others.
const LINES_TOLD: usize = 20;
/// Octets of standard input that are read: a million domains.
const STDIN_LIMIT: u64 = 64 << 20;

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(mut args: DomainsArgs) -> Result<u8, Error> {
    args.facts.moved = args.moved.clone();
    let host = inputs::Host::open(&args.facts)?;
    gather::settings(&mut args.facts, &mut args.dns, &host)?;
    let named = args.domains.as_deref().map(names).transpose()?;
    let earlier = args.resume.as_deref().map(earlier).transpose()?.unwrap_or_default();
    let inputs = Inputs::open(host, &args.facts, &args.dns)?;
    if args.output.is_some() && matches!(args.format, DomainsFormat::Ndjson | DomainsFormat::Csv) {
        return Err(Error::Usage(
            "--output is for the formats that are written whole; ndjson and csv come as domains are done".into(),
        ));
    }
    let target = Output::open(args.output.as_deref().unwrap_or(Path::new("-")), Readers::Usual)?;
    let start = gather::start_with_domains(&args.facts, &args.dns, inputs)?;
    let lines: String = earlier.iter().map(report::json_line).collect();
    let mut kept = args.resume.as_deref().map(|path| Journal::open(path, lines.as_bytes())).transpose()?;
    drop(lines);
    let mut failed = None;
    let hear = |text: &str| {
        if let Some(line) = text.strip_prefix(FOR_STDERR) {
            return output::note(line);
        }
        let done = match text.strip_prefix(FOR_STDOUT) {
            Some(line) => output::to_stdout(line.as_bytes()),
            None => kept.as_mut().map_or(Ok(()), |kept| kept.add(text.trim_start_matches(TO_KEEP))),
        };
        // The first is told of, once, at the end.
        failed = failed.take().or(done.err());
    };
    let verbose = args.verbose;
    let (facts, dns) = (args.facts.clone(), args.dns.clone());
    let work = |start: Start, tell: &mut dyn FnMut(&str)| looked_at(&args, start, named, earlier, tell);
    let stdout = std::io::stdout();
    let mut listener = Listener::new(hear, stdout.as_fd());
    let done = gather::apart_telling(target, &facts, (&dns, LONGEST_RUN), start, verbose, work, &mut listener);
    drop(listener);
    let (done, target) = done?;
    if let Some(error) = failed {
        return Err(error);
    }
    if let [text] = done.texts.as_slice() {
        target.write(text.as_bytes())?;
    }
    Ok(done.status)
}

/// The domains of `--domains`.
fn names(path: &Path) -> Result<Vec<DomainName>, Error> {
    let text = match path == Path::new("-") {
        true => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(STDIN_LIMIT).read_to_end(&mut bytes);
            read.map_err(|error| Error::Usage(format!("--domains -: standard input cannot be read: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        false => Input::read("--domains", path)?.text().to_owned(),
    };
    let (names, faults) = names_of(&text);
    for (number, why) in faults.iter().take(LINES_TOLD) {
        output::note(&format!("--domains {}:{number}: left out: {why}", path.display()));
    }
    if faults.len() > LINES_TOLD {
        output::note(&format!("--domains {}: {} more lines left out", path.display(), faults.len() - LINES_TOLD));
    }
    Ok(names)
}

/// The domains in a text, one a line, and the lines that name none, with their numbers and why.
fn names_of(text: &str) -> (Vec<DomainName>, Vec<(usize, String)>) {
    let (mut names, mut faults) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = DomainName::new(line);
        match is_mail_domain(&name) {
            true => names.push(name),
            false if !line.is_ascii() => {
                faults.push((
                    number,
                    format!("`{line}`: a domain with other letters than a to z is written by its A-label (xn--...)"),
                ));
            }
            false => {
                let why = name.host_fault().unwrap_or_else(|| "no domain of mail in the public DNS".to_owned());
                faults.push((number, format!("`{line}`: {why}")));
            }
        }
    }
    (names, faults)
}

/// What an earlier run kept; nothing where there is no such file yet.
fn earlier(path: &Path) -> Result<Vec<DomainView>, Error> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(Vec::new());
    }
    let input = Input::read("--resume", path)?;
    // A run that was ended while it wrote leaves a part of a line.
    let whole = input.text().rfind('\n').map_or(0, |end| end + 1);
    let (text, part) = input.text().split_at_checked(whole).unwrap_or_default();
    const BEGINS: &str = "{\"domain\":";
    if !(part.starts_with(BEGINS) || BEGINS.starts_with(part)) {
        return Err(input.refused("it ends in something else than a domain's object"));
    }
    let line = |line: &str| {
        serde_json::from_str(line).map_err(|error| input.refused(format!("a line is no domain's object: {error}")))
    };
    text.lines().filter(|text| !text.is_empty()).map(line).collect()
}

/// Looks at all domains; tells what is done as it is, and gives the text of the formats that show all of them together.
fn looked_at(
    args: &DomainsArgs,
    start: Start,
    named: Option<Vec<DomainName>>,
    earlier: Vec<DomainView>,
    tell: &mut dyn FnMut(&str),
) -> Result<Done, Error> {
    let trust = start.trust();
    let zones = start.zones()?;
    let overlay = start.overlay()?;
    let recorded = start.recorded(&args.facts)?;
    let domains = start.domains()?;
    let facts = start.facts_of_a_move(&args.facts, args.dns.timeout())?;
    let mut all = Arc::unwrap_or_clone(domains.of(&facts));
    if let Some(named) = named {
        all.only(named, &Origin::flag("--domains"));
    }
    let gaps = report::gaps(&all.gaps);
    // The other formats have it in the report.
    if matches!(args.format, DomainsFormat::Ndjson | DomainsFormat::Csv | DomainsFormat::Prometheus) {
        gaps.iter().for_each(|gap| output::note(&gap.words()));
    }
    let options = Options { trust, ..options(args, &facts) };
    let answers = match zones {
        _ if args.dns.offline => source::Answers::Nobody,
        _ if let Some(recorded) = recorded => source::Answers::Recorded(recorded),
        Some(zones) => source::Answers::Zones(zones),
        None => source::Answers::Live(options.clone(), Instant::now()),
    };
    let source = Source { answers, planned: overlay };
    let host = Host::new(&facts);
    let done: BTreeSet<Arc<str>> = earlier.iter().map(|view| Arc::clone(&view.domain)).collect();
    let open: Vec<&MailDomain> = all.domains.values().filter(|domain| !done.contains(domain.name.as_str())).collect();
    let mut told = Told::new(args, gaps, &all.zones, tell);
    earlier.into_iter().for_each(|view| told.add_earlier(view));
    // How mail leaves: what the DNS said of it before is not asked again here.
    let (changes, became) = match &facts.moved {
        Some(moved) => (compare::changes(moved, &facts, &Default::default()), compare::became(moved, &facts)),
        None => Default::default(),
    };
    let selection = Selection { select: args.rules.select.clone(), ignore: args.rules.ignore.clone() };
    let progress = progress::Domains::new(open.len());
    let shown = progress.show();
    let keys = all.keys.iter().flat_map(|(author, keys)| keys.iter().filter(move |key| key.domain != *author));
    let manners = manners(args, &facts);
    let mut asking = Asking {
        flow: Flow::new(open, keys.map(|key| &key.domain)),
        judge: Judge {
            host: &host,
            domains: &all,
            changes: &changes,
            became: &became,
            is_asked: !args.dns.offline,
            rules: DomainRules::new(&selection),
            told: &mut told,
            given_up: &manners.given_up,
            progress: &progress,
        },
    };
    source.stream(&manners, &mut asking);
    drop(shown);
    // The process ends soon: a hundred thousand answers need not be taken apart one by one before.
    std::mem::forget(asking.flow);
    told.gave_up(&manners.given_up.all());
    told.finished(&looked_in(&facts))
}

/// Who is asked: this host's own resolvers, unless the command line names others.
fn options(args: &DomainsArgs, facts: &crate::facts::Facts) -> Options {
    let mut options = gather::options(facts, &args.dns, Instant::now(), &Progress::default());
    if args.dns.resolver.is_empty() {
        options.resolvers.retain(|spec| spec.kind == VantageKind::System);
        if options.resolvers.is_empty() {
            // What resolv.conf(5) says where it names none.
            let server = (std::net::Ipv4Addr::LOCALHOST, crate::observe::resolver::PORT).into();
            let (kind, transport) = (VantageKind::System, Transport::Plain);
            options.resolvers.push(ResolverSpec { name: "system".into(), server, kind, transport });
        }
        // The C library asks the next one where one is silent; here the first is enough, and each question goes out once.
        options.resolvers.truncate(1);
    }
    options.authoritative = args.authoritative;
    options
}

/// How servers are treated.
fn manners(args: &DomainsArgs, facts: &Facts) -> Manners {
    let own = facts.host.own_addresses().map(|own| own.address).collect();
    Manners::new(NonZeroU32::new(args.qps), own, args.dns.timeout())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_no_domain_are_told_with_their_numbers() {
        let text = "# customers\nShop.Example.\n\nhttp://shop.example/\nuser@moved.example\nm\u{fc}nchen.de\nxn--mnchen-3ya.de\nlocalhost\n";
        let (names, faults) = names_of(text);
        assert_eq!(names.iter().map(DomainName::as_str).collect::<Vec<_>>(), ["shop.example", "xn--mnchen-3ya.de"]);
        assert_eq!(faults.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 5, 6, 8]);
        assert!(faults[2].1.contains("A-label"), "{faults:?}");
        assert!(faults.iter().all(|(_, why)| !why.ends_with(": ")), "{faults:?}");
    }
}
