//! A stream whose questions go to the servers of their zones too: each is a phase of its own, over servers that all of them share.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_local;

use super::client::{Client, Manners, wait};
use super::shared::Servers;
use super::{Options, run as phase};
use crate::observe::plan::FollowUps;
use crate::observe::{Observations, Question};

/// Questions that are open at one time: those that wait for slow servers hold up nobody else.
const OPEN: usize = 4_000;
/// One question has no end of its own: each packet of it has.
const WITHOUT_END: Duration = Duration::from_secs(30 * 24 * 3600);

/// Puts the questions of `client`, each to the resolvers and to the servers of its zone.
pub(super) async fn run(options: &Options, manners: &Manners, client: &mut dyn Client) {
    let (events, mut said) = unbounded_channel();
    let servers = Rc::new(Servers::new(options, manners, events));
    let options = Rc::new(Options { timeout: WITHOUT_END, ..options.clone() });
    let told = Rc::clone(&servers);
    spawn_local(async move {
        while let Some(event) = said.recv().await {
            told.hear(event);
        }
    });
    let (done, mut finished) = unbounded_channel::<(Question, Observations)>();
    let mut open = 0;
    loop {
        while open < OPEN
            && let Some(question) = client.next()
        {
            open += 1;
            let (options, servers, done) = (Rc::clone(&options), Rc::clone(&servers), done.clone());
            spawn_local(async move {
                let (questions, none) = (BTreeSet::from([question.clone()]), FollowUps::default());
                let dns = phase::run(&questions, &none, &options, Observations::default(), Some(servers)).await;
                // Nobody listens any more once the run is over.
                let _ = done.send((question, dns));
            });
        }
        if open == 0 {
            return;
        }
        let Some((question, dns)) = wait(&mut finished, client).await else { continue };
        open -= 1;
        client.answered(&question, &dns);
    }
}
