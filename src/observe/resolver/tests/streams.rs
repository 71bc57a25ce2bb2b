//! Questions without end.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use super::super::server::{Packets, Request};
use super::super::{client::Manners, exchange};
use super::*;

/// Puts questions, and keeps what was said; of some, further questions follow.
#[derive(Default)]
struct Asks {
    next: Vec<Question>,
    said: HashMap<Question, Observations>,
    /// Put when another is answered.
    after: HashMap<Question, Question>,
    /// Open at one time, and the most there were.
    open: usize,
    most: usize,
}

impl Client for Asks {
    fn next(&mut self) -> Option<Question> {
        let question = self.next.pop()?;
        self.open += 1;
        self.most = self.most.max(self.open);
        Some(question)
    }

    fn answered(&mut self, question: &Question, dns: &Observations) {
        self.open -= 1;
        assert!(self.said.insert(question.clone(), dns.clone()).is_none(), "{question} twice");
        self.next.extend(self.after.remove(question));
    }

    fn pause(&mut self) {}
}

fn txt(n: usize) -> Question {
    Question::new(&DomainName::new(&format!("h{n}.example")), RecordType::Txt)
}

fn manners(patience: Duration) -> Manners {
    Manners::new(None, BTreeSet::new(), patience)
}

fn text(query: &Query) -> Vec<Vec<u8>> {
    vec![query.reply(|m| {
        m.add_answer(record(&query.name, RData::TXT(TXT::new(vec![query.name.clone()]))));
    })]
}

/// Whether every question has the answer that [`text`] gives.
fn all_said(asks: &Asks, count: usize) {
    assert_eq!(asks.said.len(), count);
    for (question, dns) in &asks.said {
        let lookup = dns.truth(question).lookup.filter_map(|record| Some(record.data));
        let wanted = format!("{}.", question.name);
        assert_eq!(lookup, Lookup::Found(vec![crate::observe::RecordData::Txt(wanted)]), "{question}");
    }
}

/// No question came to the server under two ids.
fn once(server: &TestServer) {
    let mut seen = HashSet::new();
    for (_, name, rtype) in server.asked.lock().unwrap().iter() {
        assert!(seen.insert((name.clone(), *rtype)), "{name} {rtype} twice");
    }
}

#[test]
fn no_answer_is_lost_where_packets_are_and_a_further_question_waits_for_no_round() {
    let count = AtomicUsize::new(0);
    // Every seventh packet is lost, whichever way it goes.
    let server = serve(1, 0, move |query| match count.fetch_add(1, Ordering::Relaxed) % 7 {
        3 => Vec::new(),
        _ => text(query),
    });
    let after = (0..500).map(|n| (txt(n), txt(500 + n))).collect();
    let mut asks = Asks { next: (0..500).map(txt).collect(), after, ..Asks::default() };
    stream(&options(&[&server]), &manners(Duration::from_secs(20)), &mut asks);
    all_said(&asks, 1000);
    once(&server);
}

#[test]
fn a_server_has_no_more_than_its_window_and_one_that_is_silent_ends_the_run() {
    let server = serve(1, 0, |_| Vec::new());
    let mut asks = Asks { next: (0..2000).map(txt).collect(), ..Asks::default() };
    let manners = manners(Duration::from_millis(400));
    stream(&options(&[&server]), &manners, &mut asks);
    assert_eq!(manners.given_up.all().into_keys().collect::<Vec<_>>(), [server.address]);
    assert!(asks.said.iter().all(|(question, dns)| { dns.truth(question).lookup == Lookup::Unanswered(Why::Timeout) }));
    assert_eq!(asks.said.len(), 2000);
    // The window begins with 64, and nothing has opened it; then one goes now and then.
    let put = server.asked.lock().unwrap().iter().filter(|(_, name, _)| name != ".").count();
    assert!((1..=64 + 16).contains(&put), "{put}");
    assert!(asks.most <= 1024, "{}", asks.most);
}

#[test]
fn domains_that_nobody_answers_for_cost_no_resolver() {
    // Two windows full of them, and the first of all: nothing was ever heard when these have had their time.
    let lame = 130;
    let server = serve(1, 0, move |query| {
        let number =
            query.name.trim_start_matches('h').split('.').next().and_then(|number| number.parse::<usize>().ok());
        if number.is_some_and(|number| number < lame) { Vec::new() } else { text(query) }
    });
    // Popped from the end.
    let mut asks = Asks { next: (0..600).rev().map(txt).collect(), ..Asks::default() };
    let manners = manners(Duration::from_millis(2_000));
    stream(&options(&[&server]), &manners, &mut asks);
    assert!(manners.given_up.is_empty());
    for n in 0..lame {
        assert_eq!(asks.said.remove(&txt(n)).unwrap().truth(&txt(n)).lookup, Lookup::Unanswered(Why::Timeout));
    }
    all_said(&asks, 470);
}

/// Puts questions to one server, as a stream does; the first is the one before the last. Returns what was said to the last.
fn after_silence(server: &TestServer, between: Duration) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (events, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        let asked = manners(Duration::from_millis(1_000)).server(0, server.address, true);
        let requests = exchange::start(asked, Packets::new(usize::MAX), events);
        requests.send(Request { token: 0, question: Arc::new(txt(0)) }).unwrap();
        let first = inbox.recv().await.unwrap();
        assert_eq!((first.response.outcome, first.given_up), (Outcome::Unanswered(Why::Timeout), true));
        tokio::time::sleep(between).await;
        let mut said = Vec::new();
        for n in 1..=20 {
            requests.send(Request { token: n, question: Arc::new(txt(n)) }).unwrap();
        }
        while said.len() < 20 {
            said.push(inbox.recv().await.unwrap().response.outcome);
        }
        said
    })
}

#[test]
fn a_late_reply_is_a_sign_of_life() {
    let late = Mutex::new(None);
    let server = serve(1, 0, move |query| match query.name.as_str() {
        "." => Vec::new(),
        "h0.example." => {
            let mut late = late.lock().unwrap();
            let first = *late.get_or_insert_with(Instant::now);
            drop(late);
            // As the one thread of the server reads one packet after the other, the reply is late by this, and so are those to repeats.
            std::thread::sleep(Duration::from_millis(1_500).saturating_sub(first.elapsed()));
            query.rcode(ResponseCode::ServFail)
        }
        _ => text(query),
    });
    let said = after_silence(&server, Duration::from_millis(1_500));
    assert!(said.iter().all(|outcome| matches!(outcome, Outcome::Answer(_))), "{said:?}");
}

#[test]
fn a_resolver_that_was_given_up_is_asked_again() {
    let server = serve(1, 0, |query| match query.name.as_str() {
        "." | "h0.example." => Vec::new(),
        _ => text(query),
    });
    // One is put at once, and its answer is a sign of life for those to come.
    let said = after_silence(&server, Duration::ZERO);
    assert!(said.iter().any(|outcome| matches!(outcome, Outcome::Answer(_))), "{said:?}");
}

#[test]
fn what_is_slow_holds_up_nothing_else() {
    let end = AtomicBool::new(false);
    // The first question is answered when all others have been: where these waited for it, nothing would end.
    let server = serve(1, 0, move |query| {
        end.fetch_or(query.name == "last.example.", Ordering::Relaxed);
        match query.name.as_str() {
            "h0.example." if !end.load(Ordering::Relaxed) => Vec::new(),
            _ => text(query),
        }
    });
    let last = Question::new(&DomainName::new("last.example"), RecordType::Txt);
    // Popped from the end: the slow one goes first.
    let mut asks = Asks { next: (0..300).rev().map(txt).collect(), ..Asks::default() };
    asks.after = HashMap::from([(txt(299), last)]);
    stream(&options(&[&server]), &manners(Duration::from_secs(20)), &mut asks);
    all_said(&asks, 301);
}

#[test]
fn packets_go_no_faster_than_the_pace_repeats_among_them() {
    const A_SECOND: u32 = 200;
    let times = Arc::new(Mutex::new(Vec::new()));
    let (seen, count) = (Arc::clone(&times), AtomicUsize::new(0));
    let server = serve(1, 0, move |query| {
        seen.lock().unwrap().push(Instant::now());
        if count.fetch_add(1, Ordering::Relaxed) % 4 == 1 { Vec::new() } else { text(query) }
    });
    let manners = Manners { pace: NonZeroU32::new(A_SECOND), ..manners(Duration::from_secs(20)) };
    // What is on this host is not paced: as if it were elsewhere.
    let mut paced = manners.server(0, "192.0.2.1:53".parse().unwrap(), true);
    paced.address = server.address;
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answered = runtime.block_on(async {
        let (events, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        let requests = exchange::start(paced, Packets::new(usize::MAX), events);
        for n in 0..100 {
            requests.send(Request { token: n, question: Arc::new(txt(n)) }).unwrap();
        }
        let mut answered = 0;
        while answered < 100 {
            let event = inbox.recv().await.unwrap();
            assert!(matches!(event.response.outcome, Outcome::Answer(_)), "{:?}", event.response);
            answered += 1;
        }
        answered
    });
    let times = times.lock().unwrap();
    assert!(answered == 100 && times.len() > 120, "{}", times.len());
    // Fifty milliseconds' worth may go at once; a busy machine makes it slower alone.
    let least = (times.len() as f64 - 12.0) / f64::from(A_SECOND);
    assert!(began.elapsed().as_secs_f64() >= least, "{:?} for {}", began.elapsed(), times.len());
}

#[test]
fn servers_on_this_host_are_not_paced() {
    let own: IpAddr = addr("192.0.2.10");
    let manners = Manners { pace: NonZeroU32::new(100), own: BTreeSet::from([own]), ..manners(DEFAULT_TIMEOUT) };
    let paced = |text: &str| manners.server(0, SocketAddr::new(addr(text), 53), true).pace.is_some();
    assert!(paced("192.0.2.11") && paced("2001:db8::1"));
    assert!(!paced("127.0.0.53") && !paced("::1") && !paced("192.0.2.10"));
    let unlimited = Manners { pace: None, ..manners };
    assert!(unlimited.server(0, "192.0.2.11:53".parse().unwrap(), true).pace.is_none());
}

#[test]
fn each_server_of_a_zone_gets_each_question_once_whoever_asks() {
    let lost = AtomicUsize::new(0);
    let tree = |query: &Query| {
        vec![query.reply(|m| match (query.name.as_str(), query.rtype) {
            ("example.", Type::NS) => {
                for server in ["ns1.net.", "ns2.net."] {
                    m.add_answer(record("example.", RData::NS(NS(name(server)))));
                }
            }
            ("ns1.net.", Type::A) => drop(m.add_answer(record("ns1.net.", RData::A(A::new(127, 0, 0, 2))))),
            ("ns2.net.", Type::A) => drop(m.add_answer(record("ns2.net.", RData::A(A::new(127, 0, 0, 3))))),
            (_, Type::TXT) => drop(m.add_answer(record(&query.name, RData::TXT(TXT::new(vec!["cached".into()]))))),
            _ => drop(m.add_authority(soa("example.", 1))),
        })]
    };
    let resolver = serve(1, 0, tree);
    let port = resolver.address.port();
    let says = |query: &Query| {
        let mut packets = text(query);
        let mut message = Message::from_vec(&packets[0]).unwrap();
        message.metadata.authoritative = true;
        if query.rtype != Type::TXT {
            message.answers.clear();
            message.add_authority(soa("example.", 1));
        }
        packets[0] = message.to_vec().unwrap();
        packets
    };
    let one = serve(2, port, says);
    let other = serve(3, port, move |query| match lost.fetch_add(1, Ordering::Relaxed) % 5 {
        1 => Vec::new(),
        _ => says(query),
    });
    let mut options = options(&[&resolver]);
    (options.authoritative, options.authoritative_port) = (true, port);
    let mut asks = Asks { next: (0..60).map(txt).collect(), ..Asks::default() };
    stream(&options, &manners(Duration::from_secs(20)), &mut asks);
    all_said(&asks, 60);
    for dns in asks.said.values() {
        assert_eq!(
            dns.replies.values().flatten().filter(|reply| matches!(reply.outcome, Outcome::Answer(_))).count() % 3,
            0
        );
    }
    [&resolver, &one, &other].into_iter().for_each(once);
    assert!(one.asked() >= 60 && other.asked() >= 60, "{} {}", one.asked(), other.asked());
}
