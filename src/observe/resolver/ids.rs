//! Tables by the ids of questions.

use std::hash::Hasher;

/// Ids are random: they need no hashing.
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |known, byte| known << 8 | u64::from(*byte));
    }

    fn write_u16(&mut self, id: u16) {
        // The table looks at the lowest bits and the highest seven.
        self.0 = u64::from(id) | u64::from(id) << 48;
    }
}
