use super::*;
use crate::name::DomainName;
use crate::observe::RecordType;

const SECOND: Duration = Duration::from_secs(1);

/// A zone and its resolvers, by a clock that nobody waits for.
struct World {
    now: Elapsed,
    /// When the record becomes right at its source.
    published: Elapsed,
    negative_ttl: Duration,
    ttl: Duration,
    /// What each resolver keeps: whether that is right, and until when.
    copies: Vec<Option<(bool, Elapsed)>>,
    silent: Vec<usize>,
    source: SourceAnswer,
    asked: Vec<(Elapsed, Option<usize>)>,
}

impl World {
    fn new(published: u64, resolvers: usize) -> World {
        World {
            now: Elapsed::ZERO,
            published: Duration::from_secs(published),
            negative_ttl: Duration::from_secs(1800),
            ttl: Duration::from_secs(300),
            copies: vec![None; resolvers],
            silent: Vec::new(),
            source: SourceAnswer::Answered,
            asked: Vec::new(),
        }
    }

    fn is_right(&self) -> bool {
        self.now >= self.published
    }

    /// What a resolver says, which it keeps.
    fn resolve(&mut self, number: usize) -> CopyAnswer {
        self.asked.push((self.now, Some(number)));
        if self.silent.contains(&number) {
            return CopyAnswer::Unanswered;
        }
        let right = self.is_right();
        let fresh = (right, self.now + if right { self.ttl } else { self.negative_ttl });
        let now = self.now;
        let kept = self.copies[number].filter(|(_, until)| *until > now).unwrap_or(fresh);
        self.copies[number] = Some(kept);
        match kept.0 == right || self.source == SourceAnswer::Absent && !right {
            true if kept.0 == right => CopyAnswer::Agrees,
            _ => CopyAnswer::Differs(Some(kept.1 - self.now)),
        }
    }

    fn run(&mut self, wait: &mut Wait) -> End {
        for _ in 0..10_000 {
            match wait.next(self.now) {
                Next::End(end) => return end,
                Next::Sleep(until) => {
                    assert!(until > self.now, "sleeps at {:?} until {until:?}", self.now);
                    self.now = until;
                }
                Next::Ask(round) => {
                    let source = match self.source {
                        SourceAnswer::Answered if round.source.is_empty() => SourceAnswer::Answered,
                        other => other,
                    };
                    if !round.source.is_empty() {
                        self.asked.push((self.now, None));
                    }
                    let numbers: Vec<usize> = round.copies.iter().map(|(_, number)| *number).collect();
                    let copies = numbers.into_iter().map(|number| (number, self.resolve(number))).collect();
                    let wrong = !self.is_right();
                    let heard = RoundAnswer { question: question(), wrong, source, copies };
                    wait.record(self.now, &[heard], &round);
                }
            }
        }
        panic!("it never ends");
    }

    fn resolvers_asked(&self) -> Vec<(Elapsed, usize)> {
        self.asked.iter().filter_map(|(at, who)| Some((*at, (*who)?))).collect()
    }
}

fn question() -> Question {
    Question::new(&DomainName::new("mail.example.com"), RecordType::A)
}

fn wait(resolvers: usize, source: bool, end: u64) -> Wait {
    Wait::new([question()], resolvers, source, Duration::from_secs(end), Timing::new(7))
}

#[test]
fn no_resolver_is_asked_before_the_source_is_right() {
    for seed in 0..50 {
        let mut world = World::new(60, 4);
        let mut waiting = Wait::new([question()], 4, true, 3600 * SECOND, Timing::new(seed));
        assert_eq!(world.run(&mut waiting), End::Right);
        // Within one interval with its jitter of the publication, whatever the negative TTL is.
        assert!(world.now >= 60 * SECOND && world.now <= 60 * SECOND + 17 * SECOND, "{:?}", world.now);
        let resolvers = world.resolvers_asked();
        assert!(resolvers.iter().all(|(at, _)| *at >= 60 * SECOND), "{resolvers:?}");
        assert_eq!(resolvers.len(), 4, "each once: they had kept nothing");
        assert!(world.asked.len() - 4 <= 6, "{:?}", world.asked);
    }
}

#[test]
fn a_stale_copy_is_asked_again_when_it_can_have_expired() {
    let mut world = World::new(0, 3);
    world.copies = vec![Some((false, 400 * SECOND)), None, Some((false, 90 * SECOND))];
    let mut waiting = wait(3, true, 3600);
    assert_eq!(world.run(&mut waiting), End::Right);
    let of = |number| world.resolvers_asked().iter().filter(|(_, who)| *who == number).count();
    assert_eq!((of(0), of(1), of(2)), (2, 1, 2), "{:?}", world.asked);
    assert!(world.now >= 400 * SECOND && world.now <= 445 * SECOND, "{:?}", world.now);
}

#[test]
fn a_copy_of_days_is_looked_at_every_half_hour() {
    let mut world = World::new(0, 1);
    world.copies = vec![Some((false, 86_400 * SECOND))];
    assert_eq!(world.run(&mut wait(1, true, 7200)), End::TimeUp);
    let asked = world.resolvers_asked().len();
    assert!((4..=5).contains(&asked), "{asked}");
}

#[test]
fn a_copy_about_to_expire_is_not_hammered() {
    let mut world = World::new(0, 1);
    world.copies = vec![Some((false, SECOND))];
    assert_eq!(world.run(&mut wait(1, true, 3600)), End::Right);
    let asked = world.resolvers_asked();
    assert!(asked.len() == 2 && asked[1].0 >= 5 * SECOND, "{asked:?}");
}

#[test]
fn who_never_answers_is_no_reason_to_wait() {
    let mut world = World::new(0, 2);
    world.silent = vec![1];
    assert_eq!(world.run(&mut wait(2, true, 3600)), End::Right);
    let of = |number| world.resolvers_asked().iter().filter(|(_, who)| *who == number).count();
    assert_eq!((of(0), of(1)), (1, 3));
    assert!(world.now < 60 * SECOND, "{:?}", world.now);
}

#[test]
fn where_nobody_answers_it_ends() {
    let others: Vec<Question> =
        ["a.example", "b.example"].iter().map(|name| Question::new(&DomainName::new(name), RecordType::A)).collect();
    let mut waiting = Wait::new(others.clone(), 2, true, 3600 * SECOND, Timing::new(3));
    let (mut now, mut rounds) = (Elapsed::ZERO, 0);
    loop {
        match waiting.next(now) {
            Next::End(end) => break assert_eq!(end, End::Right),
            Next::Sleep(until) => now = until,
            Next::Ask(round) => {
                rounds += 1;
                let silent = |question: &Question| RoundAnswer {
                    question: question.clone(),
                    wrong: false,
                    source: SourceAnswer::Silent,
                    copies: (0..2).map(|number| (number, CopyAnswer::Unanswered)).collect(),
                };
                waiting.record(now, &others.iter().map(silent).collect::<Vec<_>>(), &round);
                if rounds == 1 {
                    let open: Vec<&Question> = waiting.unheard().into_iter().map(|(question, _)| question).collect();
                    assert_eq!(open, others.iter().collect::<Vec<_>>());
                }
                now += 2 * SECOND;
            }
        }
        assert!(rounds < 30, "{now:?}");
    }
    assert!(now < 180 * SECOND, "{now:?}");
    assert!(waiting.unheard().is_empty(), "resolvers alone are asked then");
}

#[test]
fn a_dead_delegation_ends_it() {
    let mut world = World::new(600, 3);
    world.source = SourceAnswer::Refusing;
    assert_eq!(world.run(&mut wait(3, true, 3600)), End::Helpless);
    assert!(world.now < 30 * SECOND, "{:?}", world.now);
    assert!(world.resolvers_asked().is_empty());
}

#[test]
fn where_no_server_of_the_zone_is_reached_resolvers_are_asked_and_that_is_known() {
    let mut world = World::new(10_000, 2);
    world.source = SourceAnswer::Silent;
    let mut waiting = wait(2, true, 600);
    assert!(!waiting.polls());
    assert_eq!(world.run(&mut waiting), End::TimeUp);
    assert!(waiting.polls() && !world.resolvers_asked().is_empty(), "{:?}", world.asked);
}

#[test]
fn without_source_resolvers_are_asked_at_intervals_of_the_negative_ttl() {
    let mut world = World::new(60, 2);
    world.source = SourceAnswer::Absent;
    world.negative_ttl = 120 * SECOND;
    let mut waiting = wait(2, false, 3600);
    assert!(waiting.polls());
    assert_eq!(world.run(&mut waiting), End::Right);
    let mut last: BTreeMap<usize, Elapsed> = BTreeMap::new();
    for (at, number) in world.resolvers_asked() {
        if let Some(before) = last.insert(number, at) {
            assert!(at - before >= 60 * SECOND, "{:?}", world.asked);
        }
    }
}

#[test]
fn the_time_is_up_in_the_end() {
    let mut world = World::new(100_000, 2);
    assert_eq!(world.run(&mut wait(2, true, 3600)), End::TimeUp);
    assert!(world.now <= 3600 * SECOND && world.resolvers_asked().is_empty());
    // 15 s for ten minutes, then a minute.
    let asked = world.asked.len();
    assert!((75..=95).contains(&asked), "{asked}");
}

#[test]
fn what_is_right_from_the_start_takes_one_round_each() {
    let mut world = World::new(0, 3);
    assert_eq!(world.run(&mut wait(3, true, 3600)), End::Right);
    assert_eq!((world.now, world.asked.len()), (Elapsed::ZERO, 4));
}
