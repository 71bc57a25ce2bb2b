//! A reader that ends when the time for logs is up, whatever reads from it: what unpacks may read for ever and give nothing, and one line or
//! one field may have no end.

use std::io::{self, Read};
use std::time::Instant;

/// A reader that gives nothing after its deadline.
pub(super) struct Timely<R> {
    from: R,
    deadline: Instant,
}

impl<R> Timely<R> {
    pub(super) fn new(from: R, deadline: Instant) -> Timely<R> {
        Timely { from, deadline }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }
}

impl<R: Read> Read for Timely<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.is_late() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match self.from.read(room) {
            // What unpacks has words of its own for a reader within it that was late.
            Err(_) if self.is_late() => Err(io::ErrorKind::TimedOut.into()),
            read => read,
        }
    }
}
