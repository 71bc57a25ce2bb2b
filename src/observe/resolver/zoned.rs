//! A stream whose questions go to the servers of their zones too: each is a phase of its own, over servers that all of them share.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::spawn_local;

use super::answered::{Answered, AnsweredQuestions};
use super::client::{Manners, Put};
use super::shared::Servers;
use super::{Options, run as phase};
use crate::observe::plan::FollowUps;
use crate::observe::{Observations, Question};

/// One question has no end of its own: each packet of it has.
const WITHOUT_END: Duration = Duration::from_secs(30 * 24 * 3600);

/// Puts each of the questions to the resolvers and to the servers of its zone, until no more can come.
pub(super) async fn run(
    options: &Options,
    manners: &Manners,
    mut questions: UnboundedReceiver<Vec<Put>>,
    said: &Sender<AnsweredQuestions>,
) {
    let (events, mut replies) = unbounded_channel();
    let servers = Rc::new(Servers::new(options, manners, events));
    let options = Rc::new(Options { timeout: WITHOUT_END, ..options.clone() });
    let told = Rc::clone(&servers);
    spawn_local(async move {
        while let Some(event) = replies.recv().await {
            told.hear(event);
        }
    });
    let (done, mut finished) = unbounded_channel::<(Question, Observations)>();
    loop {
        tokio::select! {
            together = questions.recv() => {
                let Some(together) = together else { return };
                for Put { question, sake } in together {
                    let (options, done) = (Rc::clone(&options), done.clone());
                    let guest = servers.guest(sake.as_ref().unwrap_or(&question.name));
                    spawn_local(async move {
                        let (asked, none) = (BTreeSet::from([question.clone()]), FollowUps::default());
                        let dns = phase::run(&asked, &none, &options, Observations::default(), Some(guest)).await;
                        // Nobody listens any more once the run is over.
                        let _ = done.send((question, dns));
                    });
                }
            }
            answered = finished.recv() => {
                let sent = answered.map(|(question, dns)| said.send(vec![(question, Answered::All(Box::new(dns)))]));
                if sent.is_some_and(|sent| sent.is_err()) {
                    return;
                }
            }
        }
    }
}
