//! `helolint wait`: asks again, no oftener than needed, until every server agrees with what this host needs.

mod answers;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use super::gather::{self, Done, Start};
use super::judging::Judging;
use crate::cli::{DnsArgs, FactArgs, RuleArgs, WaitArgs, WaitFormat};
use crate::collect::system;
use crate::error::Error;
use crate::exit::{self, FailOn};
use crate::facts::Facts;
use crate::findings::{Finding, Need, Severity, Verdict};
use crate::inputs::{Host, Inputs};
use crate::observe::plan::Plan;
use crate::observe::resolver::{self, Only, Options, Progress};
use crate::observe::{Observations, Question, VantageKind};
use crate::sandbox::Listener;
use crate::settings::Settings;
use crate::wait::{End, Next, Round, RoundAnswer, Timing, Wait};
use crate::{output, process};
use tell::{Teller, Told};

/// Rules that speak of what single resolvers say, not of what is true.
const OF_COPIES: [&str; 7] = ["DNS001", "DNS002", "DNS004", "DNS005", "DNS010", "DNS013", "DNS014"];
/// The least time that a round of questions gets, however soon the waiting ends.
const LEAST_ROUND: Duration = Duration::from_secs(2);

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where it cannot be run.
pub(crate) fn run(args: WaitArgs) -> Result<u8, Error> {
    let WaitArgs { mut facts, mut dns, until, time, format } = args;
    if dns.zones.is_some() || dns.offline || dns.overlay.is_some() || facts.replay {
        let text = "wait asks servers again and again: it goes with none of --zones, --overlay, --offline and --replay";
        return Err(Error::Usage(text.to_owned()));
    }
    let host = Host::open(&facts)?;
    let settings = gather::settings(&mut facts, &mut dns, &host)?;
    let inputs = Inputs::open(host, &facts, &dns)?;
    let start = gather::start(&facts, &dns, inputs)?;
    let most = time + dns.timeout() + LEAST_ROUND;
    let mut failed = None;
    let hear = |text: &str| {
        // What cannot be written is told of once, at the end.
        if failed.is_none() {
            failed = output::to_stdout(text.as_bytes()).err();
        }
    };
    let stdout = std::io::stdout();
    let mut listener = Listener::new(hear, stdout.as_fd());
    let work = |start: Start, tell: &mut dyn FnMut(&str)| {
        let teller = Teller::new(format == WaitFormat::Ndjson, tell);
        waited(&facts, &dns, start, Awaited { until, settings, time }, teller)
    };
    let done = gather::apart_telling((), &facts, (&dns, most), start, false, work, &mut listener);
    drop(listener);
    let (done, ()) = match done {
        // Whoever wanted to know has gone.
        Err(_) if output::is_stdout_unread() => return Ok(exit::UNDETERMINED),
        other => other?,
    };
    match failed {
        Some(error) => Err(error),
        None => Ok(done.status),
    }
}

/// What is waited for.
struct Awaited {
    until: Vec<String>,
    settings: Settings,
    time: Duration,
}

impl Awaited {
    /// What is found, as `check` has it.
    fn findings(&self, facts: &Facts, dns: &Observations) -> Vec<Finding> {
        // `--until` may name what the settings leave out.
        Judging::new(&RuleArgs::default(), &self.settings, None).findings(facts, dns)
    }

    /// Whether a finding is among what is waited for.
    fn is_one(&self, finding: &Finding) -> bool {
        match self.until.is_empty() {
            true => finding.severity == Severity::Error && finding.meta.needs(Need::Dns),
            false => self.until.iter().any(|word| finding.meta.is_called(word)),
        }
    }

    /// The exit status of the last state: of what was asked for where something was, else as `check` has it.
    fn status(&self, findings: &[Finding]) -> u8 {
        match self.until.is_empty() {
            true => exit::status(findings, FailOn::Error),
            false => {
                let own: Vec<Finding> = findings.iter().filter(|finding| self.is_one(finding)).cloned().collect();
                exit::status(&own, FailOn::Info)
            }
        }
    }
}

fn waited(
    fact_args: &FactArgs,
    args: &DnsArgs,
    start: Start,
    awaited: Awaited,
    mut teller: Teller<'_>,
) -> Result<Done, Error> {
    let began = Instant::now();
    let trust = start.trust();
    let (mut facts, pending) = start.facts(fact_args)?;
    if let Some(fqdn) = pending.and_then(|mut pending| pending.wait(args.timeout())) {
        system::set_fqdn(&mut facts.host, fqdn);
    }
    let options = gather::options(&facts, args, Instant::now() + args.timeout(), &Progress::default());
    let options = Options { trust, ..options };
    let plan = Plan::new(&facts);
    let seed = process::now().as_nanosecond() as u64;
    let outside = plan.initial.iter().filter(|question| !plan.follow_ups.is_inside(question)).cloned();
    let timing = Timing::new(seed);
    let mut wait = Wait::new(outside, options.resolvers.len(), options.authoritative, awaited.time, timing);
    let mut dns = Observations::default();
    let mut findings = Vec::new();
    teller.begins(awaited.time, options.authoritative);
    let end = loop {
        match wait.next(began.elapsed()) {
            Next::End(end) => break end,
            Next::Sleep(until) => thread::sleep(until.saturating_sub(began.elapsed())),
            Next::Ask(round) => {
                let left = awaited.time.saturating_sub(began.elapsed()).max(LEAST_ROUND);
                let options = Options { timeout: args.timeout().min(left), ..options.clone() };
                dns = asked(&round, &plan, &options, dns);
                findings = awaited.findings(&facts, &dns);
                let wrong = wrong_questions(&findings, &awaited, &dns);
                let all: Vec<RoundAnswer> = answers::all(&dns, &options, &plan, &wrong, &findings);
                wait.record(began.elapsed(), &all, &round);
                teller.asked(&round, wait.polls());
                teller.state(&told(&findings, &awaited, &wait, &options, began.elapsed()));
            }
        }
    };
    let left: Vec<&Finding> =
        findings.iter().filter(|finding| awaited.is_one(finding) && finding.verdict == Verdict::Fail).collect();
    let status = awaited.status(&findings);
    let answered = dns.summary().answered > 0;
    let because = match end {
        End::Right if !answered => "no server answers anything".to_owned(),
        End::Right if left.is_empty() => "every server that answers agrees".to_owned(),
        End::Right => format!("waiting does not help what is left: {}", codes(&left)),
        End::TimeUp => "the time is up".to_owned(),
        End::Helpless => {
            let (_, dead) = wait.at_source();
            let names: BTreeSet<String> = dead.iter().map(|question| question.to_string()).collect();
            match names.is_empty() {
                true => "no server answers what is asked: that is no sign of a change under way".to_owned(),
                false => format!(
                    "the servers that the zone is delegated to refuse it, and no waiting changes that: {}",
                    names.into_iter().collect::<Vec<_>>().join(", ")
                ),
            }
        }
    };
    teller.ends(end == End::Right && left.is_empty() && answered, &because, status);
    Ok(Done { status, texts: Vec::new() })
}

fn codes(findings: &[&Finding]) -> String {
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.meta.code).collect();
    codes.into_iter().collect::<Vec<_>>().join(", ")
}

/// The observations with the round's answers in the place of earlier ones.
fn asked(round: &Round, plan: &Plan, options: &Options, mut dns: Observations) -> Observations {
    let place = |vantages: &[crate::observe::Vantage], number: usize| {
        let spec = options.resolvers.get(number)?;
        vantages.iter().position(|vantage| (&vantage.name, vantage.server) == (&spec.name, Some(spec.server)))
    };
    let kinds: Vec<VantageKind> = dns.vantages.iter().map(|vantage| vantage.kind).collect();
    for question in &round.source {
        if let Some(replies) = dns.replies.get_mut(question) {
            replies.retain(|reply| kinds.get(reply.vantage) != Some(&VantageKind::Authoritative));
        }
    }
    for (question, number) in &round.copies {
        let at = place(&dns.vantages, *number);
        if let Some(replies) = dns.replies.get_mut(question) {
            replies.retain(|reply| Some(reply.vantage) != at);
        }
    }
    let first = dns.replies.is_empty();
    let inside = plan.initial.iter().filter(|question| first && plan.follow_ups.is_inside(question));
    let copies = round.copies.iter().map(|(question, _)| question);
    let questions: BTreeSet<Question> = round.source.iter().chain(copies).chain(inside).cloned().collect();
    let only = Only { source: round.source.clone(), copies: round.copies.clone() };
    let options = Options { only: Some(only), ..options.clone() };
    let mut dns = resolver::ask(&questions, &plan.follow_ups, &options, dns);
    dns.taken = jiff::Timestamp::from_second(process::now().as_second()).ok();
    dns
}

/// The questions that something awaited is found wrong by.
fn wrong_questions(findings: &[Finding], awaited: &Awaited, dns: &Observations) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for finding in findings {
        if finding.verdict != Verdict::Fail || !awaited.is_one(finding) || OF_COPIES.contains(&finding.meta.code) {
            continue;
        }
        let named = finding.evidence.iter().map(|said| said.question.clone());
        let before = wrong.len();
        wrong.extend(named);
        if wrong.len() == before {
            let of_subject = dns.replies.keys().filter(|question| question.name.as_str() == finding.subject);
            wrong.extend(of_subject.map(ToString::to_string));
        }
    }
    wrong
}

/// The state in lines, each under a key that stays.
fn told(
    findings: &[Finding],
    awaited: &Awaited,
    wait: &Wait,
    options: &Options,
    now: Duration,
) -> BTreeMap<String, Told> {
    let mut all = BTreeMap::new();
    for finding in findings.iter().filter(|finding| awaited.is_one(finding) && finding.verdict == Verdict::Fail) {
        if OF_COPIES.contains(&finding.meta.code) {
            continue;
        }
        let key = format!("finding {} {}", finding.meta.code, finding.subject);
        let questions: BTreeSet<&str> = finding.evidence.iter().map(|said| said.question.as_str()).collect();
        all.insert(
            key,
            Told::Wrong {
                code: finding.meta.code,
                subject: finding.subject.clone(),
                message: finding.message.clone(),
                questions: questions.into_iter().map(str::to_owned).collect(),
            },
        );
    }
    for (question, at) in wait.unheard() {
        let seconds = at.saturating_sub(now).as_secs();
        all.insert(format!("unheard {question}"), Told::Unheard { question: question.to_string(), seconds });
    }
    for (question, number, at) in wait.behind() {
        let Some(spec) = options.resolvers.get(number) else { continue };
        let key = format!("copy {question} {}", spec.name);
        let seconds = at.saturating_sub(now).as_secs();
        all.insert(key, Told::Behind { question: question.to_string(), resolver: spec.name.clone(), seconds });
    }
    all
}
