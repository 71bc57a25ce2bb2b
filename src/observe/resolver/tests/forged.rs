//! Packets of strangers, who have guessed something of what is on its way.

use std::collections::HashMap;

use super::*;

#[test]
fn a_reply_on_another_socket_than_its_questions_is_none() {
    // Right id, question and case, from the server's own address and port: only the port that it goes to is that of another question.
    let replies: Mutex<HashMap<SocketAddr, Vec<u8>>> = Mutex::new(HashMap::new());
    let crossed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&crossed);
    stays_unanswered(move |query| {
        let from = query.from.unwrap();
        let mut replies = replies.lock().unwrap();
        let others = replies.iter().filter(|(to, _)| **to != from).map(|(_, reply)| reply.clone()).collect::<Vec<_>>();
        seen.fetch_or(!others.is_empty(), Ordering::Relaxed);
        if query.rtype == Type::PTR {
            replies.insert(from, healthy(query).remove(0));
            return others;
        }
        [healthy(query), others].concat()
    });
    assert!(crossed.load(Ordering::Relaxed), "the questions came from two ports");
}

/// Which of the questions that a resolver got had EDNS, and whose names had letters of both cases, where `forge` makes the first reply to each.
fn questions_after(forge: impl Fn(&Query) -> Vec<u8> + Send + Sync + 'static) -> (Vec<bool>, Vec<bool>) {
    let seen = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let (kept, asked) = (Arc::clone(&seen), Mutex::new(HashSet::new()));
    let server = serve(1, 0, move |query| {
        let text = query.message.queries[0].name.to_ascii();
        let mixed = text.contains(char::is_lowercase) && text.contains(char::is_uppercase);
        let mut seen = kept.lock().unwrap();
        seen.0.push(query.message.edns.is_some());
        seen.1.push(mixed);
        let first = asked.lock().unwrap().insert((query.name.clone(), query.rtype));
        if first { vec![forge(query)] } else { healthy(query) }
    });
    let dns = ask(&host(), &options(&[&server]));
    assert!(dns.replies.values().flatten().all(|reply| matches!(reply.outcome, Outcome::Answer(_))), "{dns:?}");
    assert_eq!(server.asked(), 10, "each is put once more");
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[test]
fn one_reply_takes_neither_edns_nor_random_case_from_any_question() {
    let (edns, mixed) = questions_after(|query| {
        query.reply(|m| {
            m.metadata.response_code = ResponseCode::FormErr;
            m.queries.clear();
        })
    });
    assert!(edns.iter().all(|edns| *edns), "{edns:?}");
    // Fourteen letters are of one case by chance, once in eight thousand times.
    assert!(mixed.iter().filter(|mixed| **mixed).count() >= 9, "{mixed:?}");
    let (edns, mixed) = questions_after(|query| {
        query.reply(|m| {
            m.queries[0].name = m.queries[0].name.to_lowercase();
            m.add_answer(record(&query.name, RData::A(A::new(198, 18, 0, 1))));
        })
    });
    assert!(edns.iter().all(|edns| *edns), "{edns:?}");
    assert!(mixed.iter().filter(|mixed| **mixed).count() >= 9, "{mixed:?}");
}
