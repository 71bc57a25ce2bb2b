//! The phase as a whole: which question goes to which server and when, by what has been answered so far.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::authority::{Job, ZoneCuts, delegation};
use super::closing::finished;
use super::limits::{ALIASES, FOLLOW_UPS, PATIENCE, PATIENCE_IN_STREAMS, SERVERS_COUNTED, SILENCE, packets_for, part};
use super::lines::Lines;
use super::server::{Event, Packets, Purpose};
use super::shared::Guest;
use super::table::Table;
use super::wire::Response;
use super::{Options, Transport, resolvers};
use crate::name::DomainName;
use crate::observe::plan::FollowUps;
use crate::observe::truth::{self, End};
use crate::observe::zones::Zone;
use crate::observe::{Answer, Observations, Outcome, Question, RecordType, Vantage, VantageKind, Why, plan};

/// The state of a phase.
pub(crate) struct Run<'a> {
    plan: &'a FollowUps,
    pub(super) options: &'a Options,
    vantages: Vec<Vantage>,
    /// The ways to the servers, by vantage point.
    lines: Lines,
    by_address: HashMap<std::net::SocketAddr, usize>,
    table: Table,
    outstanding: usize,
    budget: usize,
    /// How many aliases led to a question.
    alias_depth: HashMap<Arc<Question>, usize>,
    cuts: ZoneCuts,
    /// Questions on their way to servers that are not waited for.
    released: HashSet<(Arc<Question>, usize)>,
    /// Questions about zones, with the end of the patience with each; the first to end stands first.
    patience: VecDeque<(Instant, Arc<Question>)>,
    zone_patience: Duration,
    /// Replies waited for, by vantage point.
    waiting: HashMap<usize, usize>,
    /// Vantage points that said anything.
    answering: HashSet<usize>,
    /// The part of what each server may get that is not for the questions that facts bring.
    beyond: usize,
    /// Questions about zones that a server may still get, by vantage point.
    zone_questions: HashMap<usize, usize>,
}

/// Asks, and ends when all is answered or the time is over. In a stream, its servers are asked (`shared`).
pub(crate) async fn run(
    questions: &BTreeSet<Question>,
    follow_ups: &FollowUps,
    options: &Options,
    dns: Observations,
    shared: Option<Guest>,
) -> Observations {
    let (end, is_stream) = (Instant::now() + options.timeout, shared.is_some());
    let (events, inbox) = unbounded_channel();
    let (own, beyond) = packets_for(questions);
    let ptr = questions.iter().filter(|question| question.rtype == RecordType::Ptr).count();
    let servers = options.resolvers.len() + if options.authoritative { SERVERS_COUNTED + 3 * ptr } else { 0 };
    let all = Packets::new((own + beyond).saturating_mul(servers));
    let mut run = Run {
        plan: follow_ups,
        options,
        vantages: Vec::new(),
        lines: Lines::new(shared, events, (own + beyond, beyond), all),
        by_address: HashMap::new(),
        table: Table::default(),
        outstanding: 0,
        budget: questions.len().saturating_mul(4).saturating_add(FOLLOW_UPS),
        alias_depth: HashMap::new(),
        cuts: ZoneCuts::default(),
        released: HashSet::new(),
        patience: VecDeque::new(),
        zone_patience: if is_stream { PATIENCE_IN_STREAMS } else { PATIENCE },
        waiting: HashMap::new(),
        answering: HashSet::new(),
        beyond,
        zone_questions: HashMap::new(),
    };
    let known = run.take_over(dns);
    for question in questions {
        run.observe(question);
    }
    for (question, answers) in known {
        for answer in answers {
            run.follow(&question, &answer);
        }
    }
    run.listen(inbox, end).await;
    run.into_observations()
}

impl Run<'_> {
    /// Takes earlier observations over and starts the resolvers; returns the answers that are there already.
    fn take_over(&mut self, dns: Observations) -> Vec<(Question, Vec<Answer>)> {
        self.vantages = dns.vantages;
        for (vantage, spec) in resolvers(self.options).into_iter().zip(&self.options.resolvers) {
            let number = self.vantages.iter().position(|known| *known == vantage).unwrap_or_else(|| {
                self.vantages.push(vantage);
                self.vantages.len() - 1
            });
            if spec.transport != Transport::Plain {
                self.lines.transports.insert(number, spec.transport.clone());
            }
            self.start(number);
        }
        self.cuts.public_only = self.options.sees_the_public_dns();
        self.take_over_zones(&dns.zones);
        let mut known = Vec::new();
        for (question, replies) in dns.replies {
            let answers = replies.iter().filter_map(|reply| match &reply.outcome {
                Outcome::Answer(answer) => Some(answer.clone()),
                Outcome::Unanswered(_) => None,
            });
            known.push((question.clone(), answers.collect()));
            self.table.add(Arc::new(question), replies);
        }
        known
    }

    fn take_over_zones(&mut self, zones: &[Zone]) {
        if !self.options.authoritative {
            return;
        }
        for zone in zones {
            let vantages = &self.vantages;
            self.cuts.remember(zone, |number| Some(vantages.get(number)?.server?.ip()));
            for number in zone.servers.keys().copied() {
                self.start(number);
                let address = self.vantages.get(number).and_then(|vantage| vantage.server);
                self.by_address.extend(address.map(|address| (address, number)));
            }
        }
    }

    /// Starts the task of a vantage point, unless it runs.
    fn start(&mut self, number: usize) {
        if let Some(vantage) = self.vantages.get(number) {
            self.lines.start(number, vantage, &self.options.trust);
        }
    }

    /// The vantage point of an authoritative server of a zone; `None` where there are too many.
    pub(super) fn authority(
        &mut self,
        zone: &DomainName,
        name: &DomainName,
        address: std::net::SocketAddr,
    ) -> Option<usize> {
        /// Authoritative servers in one phase: each takes sockets.
        const LIMIT: usize = 256;
        /// As many are left for the zones that questions are in.
        const KEPT: usize = 128;
        let limit = if self.cuts.is_concerned(zone) { LIMIT } else { LIMIT - KEPT };
        if let Some(number) = self.by_address.get(&address) {
            return Some(*number);
        }
        if self.by_address.len() >= limit {
            return None;
        }
        let same = |v: &Vantage| v.kind == VantageKind::Authoritative && v.server == Some(address);
        let number = self.vantages.iter().position(same).unwrap_or_else(|| {
            let name = format!("{name} ({})", address.ip());
            self.vantages.push(Vantage { name, server: Some(address), kind: VantageKind::Authoritative });
            self.vantages.len() - 1
        });
        self.start(number);
        self.by_address.insert(address, number);
        Some(number)
    }

    /// The recursive resolvers' numbers.
    pub(super) fn recursive(&self) -> Vec<usize> {
        let recursive = self.vantages.iter().enumerate().filter(|(_, v)| v.kind != VantageKind::Authoritative);
        recursive.map(|(number, _)| number).filter(|number| self.lines.lead_to(*number)).collect()
    }

    /// Puts a question to every resolver and to the servers of its zone, once.
    fn observe(&mut self, question: &Question) {
        let options = self.options;
        if self.table.contains(question) && options.only.is_none() {
            return;
        }
        let inside = self.plan.is_inside(question);
        let question = Arc::new(question.clone());
        let mut resolvers = self.recursive();
        let mut at_source = options.authoritative && !inside;
        // What only this host's own resolver knows is asked of it: nobody else keeps the answer.
        if let Some(only) = options.only.as_ref().filter(|_| !inside) {
            resolvers.retain(|number| {
                let place = self.vantages.get(*number).and_then(|vantage| {
                    options
                        .resolvers
                        .iter()
                        .position(|spec| (&spec.name, Some(spec.server)) == (&vantage.name, vantage.server))
                });
                place.is_some_and(|place| only.copies.contains(&(Question::clone(&question), place)))
            });
            at_source &= only.source.contains(&*question) || !self.table.contains(&question);
        }
        if inside {
            let own = |number: &usize| self.vantages.get(*number).is_some_and(|v| v.kind == VantageKind::System);
            resolvers.retain(own);
            if resolvers.is_empty() {
                return;
            }
        }
        let number = self
            .table
            .place(&question)
            .unwrap_or_else(|| self.table.add(Arc::clone(&question), Vec::with_capacity(resolvers.len())));
        for server in resolvers {
            self.put(server, number, &question);
        }
        if at_source {
            let jobs = self.cuts.want(&question);
            self.perform(jobs);
        }
    }

    /// Puts a question to the servers of its zone alone.
    fn observe_at_source(&mut self, question: Question) -> bool {
        if self.table.contains(&question) || !self.options.authoritative {
            return false;
        }
        let question = Arc::new(question);
        self.table.add(Arc::clone(&question), Vec::new());
        let jobs = self.cuts.want(&question);
        self.perform(jobs);
        true
    }

    /// Puts a question that is in the table to a server, once.
    fn put(&mut self, server: usize, number: usize, question: &Arc<Question>) {
        if self.lines.lead_to(server) && self.table.ask(number, server) {
            self.send(server, Purpose::Observe(number), question);
        }
    }

    fn send(&mut self, server: usize, purpose: Purpose, question: &Arc<Question>) {
        if self.lines.send(server, purpose, question) {
            self.outstanding += 1;
            *self.waiting.entry(server).or_default() += 1;
        }
    }

    /// Hears until nothing is outstanding or the time is over.
    async fn listen(&mut self, mut inbox: UnboundedReceiver<Event<Purpose>>, end: Instant) {
        let silence = Instant::now() + SILENCE;
        while self.outstanding > 0 {
            self.options.progress.set(self.table.len(), self.outstanding);
            let over = Instant::now() >= silence;
            if over && self.only_silent_resolvers_are_left() {
                return;
            }
            let wake = self.patience.front().map_or(end, |(at, _)| end.min(*at));
            let wake = if over { wake } else { wake.min(silence) };
            match timeout_at(wake, inbox.recv()).await {
                Ok(Some(event)) => self.handle(event),
                Ok(None) => return,
                Err(_) if wake >= end => return,
                Err(_) => {
                    let due = self.patience.front().is_some_and(|(at, _)| *at <= wake);
                    if let Some((_, question)) = due.then(|| self.patience.pop_front()).flatten() {
                        let jobs = self.cuts.overdue(&question);
                        self.perform(jobs);
                    }
                    continue;
                }
            }
            while let Ok(event) = inbox.try_recv() {
                self.handle(event);
            }
        }
    }

    /// Whether all that is waited for are resolvers that never said anything, and nothing of what they were asked is open.
    fn only_silent_resolvers_are_left(&self) -> bool {
        let silent: HashSet<usize> =
            self.recursive().into_iter().filter(|number| !self.answering.contains(number)).collect();
        let waiting: usize = silent.iter().filter_map(|number| self.waiting.get(number)).sum();
        self.outstanding <= waiting && self.table.has_answers_without(&silent)
    }

    fn handle(&mut self, event: Event<Purpose>) {
        let Event { server, token, question, response, .. } = event;
        if let Some(waiting) = self.waiting.get_mut(&server) {
            *waiting = waiting.saturating_sub(1);
        }
        if response.outcome != Outcome::Unanswered(Why::Timeout) {
            self.answering.insert(server);
        }
        let released = !self.released.is_empty() && self.released.remove(&(Arc::clone(&question), server));
        self.outstanding = self.outstanding.saturating_sub(usize::from(!released));
        let Purpose::Observe(number) = token else {
            let resolvers = self.recursive();
            let jobs = self.cuts.found(&question, server, &response.outcome, &resolvers);
            return self.perform(jobs);
        };
        if self.vantages.get(server).is_some_and(|v| v.kind == VantageKind::Authoritative) {
            return self.handle_authority(server, number, &question, response);
        }
        if let Outcome::Answer(answer) = &response.outcome {
            self.cuts.is_fast(server, answer.rtt_micros);
            self.follow(&question, answer);
        }
        self.table.reply(number, server, response.outcome);
    }

    fn handle_authority(&mut self, server: usize, number: usize, question: &Arc<Question>, response: Response) {
        let Response { mut outcome, referral } = response;
        let delegation = referral.as_ref().and_then(|referral| delegation(question, referral));
        if self.cuts.is_surveyed(question, server) {
            let jobs = self.cuts.surveyed(question, server, &outcome, referral.as_deref());
            if let Some(names) = delegation {
                outcome = Outcome::Unanswered(Why::Delegates(names));
            }
            self.perform(jobs);
        } else if let Some(referral) = referral
            && let Some(jobs) = self.cuts.refer(question, server, &referral)
        {
            // Where it turns out to be a server of the zone below as well, it is asked again.
            self.table.forget(number, server);
            return self.perform(jobs);
        } else if let Some(names) = delegation {
            outcome = Outcome::Unanswered(Why::Delegates(names));
        }
        if let Outcome::Answer(answer) = &mut outcome {
            if answer.authoritative {
                self.cuts.confine(question, answer);
                let jobs = self.cuts.named(question, server, answer);
                self.perform(jobs);
                self.follow_alias(question, answer);
            }
            self.follow(question, answer);
        }
        self.table.reply(number, server, outcome);
        self.compare(number);
    }

    /// The questions that an answer brings.
    fn follow(&mut self, question: &Question, answer: &Answer) {
        for next in self.plan.after(question, answer) {
            if self.budget == 0 {
                return;
            }
            if !self.table.contains(&next) {
                self.budget -= 1;
                self.observe(&next);
            }
        }
    }

    /// An alias that leads out of the zone: its end is asked where it is served.
    fn follow_alias(&mut self, question: &Arc<Question>, answer: &Answer) {
        if question.rtype == RecordType::Ns {
            return;
        }
        let chain = truth::chain(question, answer);
        let End::Elsewhere(target) = chain.end else { return };
        let depth = self.alias_depth.get(question).copied().unwrap_or(0) + chain.aliases.len();
        if depth > ALIASES || self.budget == 0 || !plan::is_representable(&target) {
            return;
        }
        let next = Question::new(&target, question.rtype);
        if self.observe_at_source(next.clone()) {
            self.budget -= 1;
            self.alias_depth.insert(Arc::new(next), depth);
        }
    }

    /// Where two servers of a zone differ, the zone's serials decide: they are asked for.
    fn compare(&mut self, number: usize) {
        let Some(question) = self.table.disputed(number, &self.vantages) else { return };
        if let Some(zone) = self.cuts.zone(&question) {
            self.observe_at_source(Question::new(&zone, RecordType::Soa));
        }
    }

    /// Puts a question to a server of its zone, or of the zone above.
    fn ask(&mut self, server: usize, question: &Arc<Question>) {
        let known = self.table.place(question);
        let number = known.unwrap_or_else(|| self.table.add(Arc::clone(question), Vec::new()));
        self.put(server, number, question);
    }

    /// Does not wait for what these servers have not replied yet.
    fn release(&mut self, question: &Arc<Question>, servers: &[usize]) {
        for server in servers {
            if self.released.insert((Arc::clone(question), *server)) {
                self.outstanding = self.outstanding.saturating_sub(1);
            }
        }
    }

    /// Whether a resolver may get one question about zones more.
    fn may_find(&mut self, number: usize) -> bool {
        let left = self.zone_questions.entry(number).or_insert(part(self.beyond));
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    fn perform(&mut self, jobs: Vec<Job>) {
        let mut jobs = jobs;
        while let Some(job) = jobs.pop() {
            match job {
                Job::Find { question, of } => {
                    let resolvers = self.recursive();
                    self.patience.push_back((Instant::now() + self.zone_patience, Arc::clone(&question)));
                    for number in of.into_iter().filter(|n| resolvers.contains(n)) {
                        if self.may_find(number) {
                            self.send(number, Purpose::Find, &question);
                        } else {
                            let nothing = Outcome::Unanswered(Why::PacketLimit);
                            jobs.extend(self.cuts.found(&question, number, &nothing, &resolvers));
                        }
                    }
                }
                Job::FindByAny { question } => {
                    let resolvers = self.recursive();
                    let of = self.cuts.choose(&question, &resolvers);
                    if of.is_empty() {
                        let nobody = Outcome::Unanswered(Why::NotAsked);
                        jobs.extend(self.cuts.found(&question, usize::MAX, &nobody, &resolvers));
                    } else {
                        jobs.push(Job::Find { question, of });
                    }
                }
                Job::Server { zone, name, address } => {
                    let address = std::net::SocketAddr::new(address, self.options.authoritative_port);
                    if let Some(number) = self.authority(&zone, &name, address) {
                        jobs.extend(self.cuts.add_server(&zone, &name, number));
                    }
                }
                Job::Enough { question, servers } => self.release(&question, &servers),
                Job::Ask { question, servers } => {
                    for number in servers {
                        self.ask(number, &question);
                    }
                }
            }
        }
    }

    /// What was answered; what is still open is a time-out.
    fn into_observations(self) -> Observations {
        finished(self.table, self.vantages, &self.cuts, self.released)
    }
}
