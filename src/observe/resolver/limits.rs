//! How much a phase may ask, and how long it waits.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::observe::{Question, RecordType};

/// Questions on their way to one server. It is not ours, and may limit what it answers. A host with 64 addresses has three times as
/// many questions at once, and waits for no window.
pub(crate) const WINDOW: usize = 256;
/// Questions that answers may bring, beyond four for each that facts bring: a bound for answers that lead on and on.
pub(crate) const FOLLOW_UPS: usize = 512;
/// Packets that one server gets beyond one for each question that facts bring: for what answers bring, for repetitions, and for the search of
/// zones. A host with one address and a healthy network needs thirty.
pub(crate) const PACKETS: usize = 40;
/// The same for each PTR question that facts bring, where that is more: each may be in a zone of its own.
pub(crate) const PACKETS_BY_PTR: usize = 16;
/// Of these, the part that questions about zones may take, and that repetitions may take.
pub(crate) const fn part(beyond: usize) -> usize {
    beyond / 5 * 3
}
/// Servers of zones that packets are counted for, beyond three for each PTR question: a host with one address meets ten.
pub(crate) const SERVERS_COUNTED: usize = 12;
/// How long a question about zones is waited for before its search goes on one label up as well.
pub(crate) const PATIENCE: Duration = Duration::from_millis(400);
/// The same in a stream, where questions wait for their turn at the resolver: one label up, every server of a registry would be asked.
pub(crate) const PATIENCE_IN_STREAMS: Duration = Duration::from_secs(3);
/// How long a resolver is waited for that has never answered anything, where every question has its answer elsewhere: firewalls that let
/// only the system's resolver out are common.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);
/// Aliases followed from question to question.
pub(crate) const ALIASES: usize = 24;

/// Packets that one server gets for these questions, and those that it gets for what they bring.
pub(crate) fn packets_for(questions: &BTreeSet<Question>) -> (usize, usize) {
    let by_ptr = questions.iter().filter(|question| question.rtype == RecordType::Ptr).count() * PACKETS_BY_PTR;
    (questions.len(), PACKETS.max(by_ptr))
}
