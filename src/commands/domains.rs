//! `helolint domains`: looks at every domain that this host handles mail for.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::gather::{self, Done, Start};
use crate::cli::{DomainsArgs, DomainsFormat};
use crate::compare::{self, Change};
use crate::domains::{Answers, Host, MailDomain, MailDomains, Signing, Step, observe};
use crate::error::Error;
use crate::exit;
use crate::facts::Origin;
use crate::findings::{Finding, Severity, Verdict, Who};
use crate::inputs::{self, Input, Inputs};
use crate::name::DomainName;
use crate::observe::plan::{FollowUps, Plan};
use crate::observe::resolver::{Options, Progress, ResolverSpec, Transport};
use crate::observe::source::{self, Source};
use crate::observe::{Observations, Outcome, Question, VantageKind, Why};
use crate::output::{self, Output, Readers};
use crate::report::domains::{self as report, DomainView, GapView};
use crate::rules::{self, DomainContext, Selection};
use crate::sandbox::Listener;

/// The run has no limit; what may hang is a single question. A process needs one all the same.
const LONGEST_RUN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Domains that are looked at side by side: what waits for one silent server holds up no more.
const SIDE_BY_SIDE: usize = 200;
/// Questions that go out in one go where nothing limits them.
const BATCH: usize = 2_000;
/// How often a question is put again that got no answer.
const REPEATS: usize = 2;
/// Domains after which what is done is kept (`--resume`).
const KEPT_EVERY: usize = 500;
/// Octets of standard input that are read: a million domains.
const STDIN_LIMIT: u64 = 64 << 20;

/// What a told text begins with: for standard output, or to be kept.
const FOR_STDOUT: char = 'O';
const TO_KEEP: char = 'K';

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
    // The other formats have it in the report.
    if matches!(args.format, DomainsFormat::Ndjson | DomainsFormat::Csv | DomainsFormat::Prometheus) {
        for gap in report::gaps(start.gaps()) {
            output::note(&gap.words());
        }
    }
    let mut kept = Kept { path: args.resume.clone(), text: String::new(), since: 0 };
    earlier.iter().for_each(|view| kept.text.push_str(&report::json_line(view)));
    let mut failed = None;
    let hear = |text: &str| {
        let done = match text.strip_prefix(FOR_STDOUT) {
            Some(line) => output::to_stdout(line.as_bytes()),
            None => kept.add(text.trim_start_matches(TO_KEEP)),
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
    kept.write()?;
    if let [text] = done.texts.as_slice() {
        target.write(text.as_bytes())?;
    }
    Ok(done.status)
}

/// What is done so far, in the file of `--resume`.
struct Kept {
    path: Option<std::path::PathBuf>,
    text: String,
    /// Domains since it was last written.
    since: usize,
}

impl Kept {
    fn add(&mut self, line: &str) -> Result<(), Error> {
        self.text.push_str(line);
        self.since += 1;
        if self.since >= KEPT_EVERY { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Error> {
        self.since = 0;
        self.path.as_deref().map_or(Ok(()), |path| output::to_file(path, self.text.as_bytes()))
    }
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
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(DomainName::new).collect())
}

/// What an earlier run kept; nothing where there is no such file yet.
fn earlier(path: &Path) -> Result<Vec<DomainView>, Error> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(Vec::new());
    }
    let input = Input::read("--resume", path)?;
    let line = |line: &str| {
        serde_json::from_str(line).map_err(|error| input.refused(format!("a line is no domain's object: {error}")))
    };
    input.text().lines().filter(|text| !text.is_empty()).map(line).collect()
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
    let mut all = start.mail_domains();
    let facts = start.facts_of_a_move(&args.facts, args.dns.timeout())?;
    if args.facts.from.is_some() {
        all = MailDomains::of_facts(&facts);
        all.add_panels(&facts);
        all.add_senders(&facts);
    }
    if let Some(named) = named {
        all.only(named, &Origin::flag("--domains"));
    }
    let options = Options { trust, ..options(args, &facts) };
    let answers = match zones {
        _ if args.dns.offline => source::Answers::Nobody,
        Some(zones) => source::Answers::Zones(zones),
        None => source::Answers::Live(options.clone(), Instant::now()),
    };
    let mut asker = Asker::new(args, options, Source { answers, planned: overlay });
    let host = Host::new(&facts);
    let gaps = report::gaps(&all.gaps);
    let mut run = Run { args, views: Vec::new(), gaps, worst: 0, tell };
    run.head();
    let done: BTreeSet<String> = earlier.iter().map(|view| view.domain.clone()).collect();
    earlier.into_iter().for_each(|view| run.add(view, false));
    let open: Vec<&MailDomain> = all.domains.values().filter(|domain| !done.contains(domain.name.as_str())).collect();
    let mut answers = Answers::default();
    // How mail leaves: what the DNS said of it before is not asked again here.
    let changes = match &facts.moved {
        Some(moved) => compare::changes(moved, &facts, &Default::default()),
        None => Vec::new(),
    };
    let selection = Selection { select: args.rules.select.clone(), ignore: args.rules.ignore.clone() };
    for group in open.chunks(SIDE_BY_SIDE) {
        let mut left: Vec<(&MailDomain, bool)> = group.iter().map(|domain| (*domain, false)).collect();
        while !left.is_empty() {
            let mut needs = BTreeSet::new();
            let mut again = Vec::new();
            for (domain, with_zone) in left {
                let signing = all.signing(&domain.name);
                match looked_at_one(&host, domain, signing, &answers, (&selection, &changes), with_zone) {
                    Ok(view) => run.add(view, true),
                    Err((questions, with_zone)) => {
                        needs.extend(questions);
                        again.push((domain, with_zone));
                    }
                }
            }
            left = again;
            asker.ask(&needs, &mut answers);
        }
        answers.forget_all(group.iter().map(|domain| &domain.name));
    }
    run.finished()
}

/// The view of a domain, or the questions that it takes, with whether who serves its zone has to be known too: only somebody who is told to
/// change a zone has to know.
fn looked_at_one<'a>(
    host: &'a Host<'a>,
    domain: &'a MailDomain,
    signing: Signing<'a>,
    answers: &Answers,
    by: (&Selection, &[Change]),
    mut with_zone: bool,
) -> Result<DomainView, (BTreeSet<Question>, bool)> {
    loop {
        let seen = match observe(host, domain, signing, answers, with_zone) {
            Step::Needs(questions) => return Err((questions, with_zone)),
            Step::Done(seen) => seen,
        };
        let findings = rules::judge_domain(&DomainContext { host, seen: &seen, changes: by.1 }, by.0);
        let for_zone = |finding: &Finding| {
            let wants_change = finding.fix.as_ref().is_some_and(|fix| fix.who == Who::DnsZone);
            wants_change && report::is_about(&finding.subject, &domain.name)
        };
        if with_zone || !findings.iter().any(for_zone) {
            return Ok(report::view(&seen, &findings));
        }
        with_zone = true;
    }
}

/// What is said of a run.
struct Run<'a> {
    args: &'a DomainsArgs,
    /// For the formats that show all together.
    views: Vec<DomainView>,
    /// What files do not decide.
    gaps: Vec<GapView>,
    worst: u8,
    tell: &'a mut dyn FnMut(&str),
}

impl Run<'_> {
    fn head(&mut self) {
        if self.args.format == DomainsFormat::Csv {
            (self.tell)(&format!("{FOR_STDOUT}{}", report::CSV_HEAD));
        }
    }

    fn add(&mut self, view: DomainView, is_new: bool) {
        if is_new && self.args.resume.is_some() {
            (self.tell)(&format!("{TO_KEEP}{}", report::json_line(&view)));
        }
        let errors = view.findings.iter().filter(|finding| finding.severity == Severity::Error);
        for finding in errors {
            let weight = if finding.verdict == Verdict::Fail { 2 } else { 1 };
            self.worst = self.worst.max(weight);
        }
        match self.args.format {
            DomainsFormat::Ndjson => (self.tell)(&format!("{FOR_STDOUT}{}", report::json_line(&view))),
            DomainsFormat::Csv => (self.tell)(&format!("{FOR_STDOUT}{}", report::csv(&view))),
            DomainsFormat::Human
            | DomainsFormat::Json
            | DomainsFormat::Markdown
            | DomainsFormat::Html
            | DomainsFormat::Prometheus => self.views.push(view),
        }
    }

    fn finished(mut self) -> Result<Done, Error> {
        self.views.sort_by(|one, other| one.domain.cmp(&other.domain));
        let texts = match self.args.format {
            DomainsFormat::Human => vec![report::human(&self.views, &self.gaps)],
            DomainsFormat::Json => vec![report::json(&self.views, &self.gaps)],
            DomainsFormat::Markdown => vec![report::markdown(&self.views, &self.gaps)],
            DomainsFormat::Html => vec![report::page(&self.views, &self.gaps)],
            DomainsFormat::Prometheus => vec![report::prometheus(&self.views)],
            DomainsFormat::Ndjson | DomainsFormat::Csv => Vec::new(),
        };
        let status = match self.worst {
            0 => exit::OK,
            1 => exit::UNDETERMINED,
            _ => exit::FOUND,
        };
        Ok(Done { status, texts })
    }
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

/// Puts questions, each once, no faster than it may.
struct Asker {
    source: Source,
    options: Options,
    timeout: Duration,
    /// Questions a second; `None`: no limit.
    rate: Option<u32>,
}

impl Asker {
    fn new(args: &DomainsArgs, options: Options, source: Source) -> Asker {
        let is_away = options.resolvers.iter().any(|spec| !spec.server.ip().is_loopback()) || options.authoritative;
        let rate = Some(args.qps).filter(|rate| *rate > 0 && is_away && source.is_live());
        Asker { source, options, timeout: args.dns.timeout(), rate }
    }

    fn ask(&mut self, questions: &BTreeSet<Question>, answers: &mut Answers) {
        let size = self.rate.map_or(BATCH, |rate| (rate as usize).div_ceil(4).clamp(1, BATCH));
        let all: Vec<&Question> = questions.iter().collect();
        for batch in all.chunks(size) {
            let mut open: BTreeSet<Question> = batch.iter().map(|question| (*question).clone()).collect();
            for _ in 0..=REPEATS {
                let dns = self.round(&open);
                answers.take(&open, &dns);
                open.retain(|question| may_be_lost(&dns, question));
                if open.is_empty() || !self.source.is_live() {
                    break;
                }
            }
        }
    }

    fn round(&mut self, open: &BTreeSet<Question>) -> Observations {
        let began = Instant::now();
        if let source::Answers::Live(options, end) = &mut self.source.answers {
            *options = self.options.clone();
            *end = began + self.timeout;
        }
        let plan = Plan { initial: open.clone(), follow_ups: FollowUps::default() };
        let dns = self.source.answer(&plan, Observations::default());
        if let Some(rate) = self.rate {
            let least = Duration::from_secs_f64(open.len() as f64 / f64::from(rate));
            thread::sleep(least.saturating_sub(began.elapsed()));
        }
        dns
    }
}

/// Whether a question has no answer and may get one when it is put again: a packet was lost, or there were too many at once.
fn may_be_lost(dns: &Observations, question: &Question) -> bool {
    let mut outcomes = dns.replies(question).map(|(_, outcome)| outcome).peekable();
    outcomes.peek().is_some()
        && outcomes.all(|outcome| matches!(outcome, Outcome::Unanswered(Why::Timeout | Why::PacketLimit)))
}
