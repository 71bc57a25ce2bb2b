//! Certificates of servers: what one says, which names it fits, whether a chain leads to an issuer that the system trusts.
//!
//! Name, dates and chain are each judged for itself: webpki alone would say the first fault that it meets.

mod certificate;
mod chain;
#[cfg(test)]
pub(crate) mod made;

pub use certificate::{Certificate, fits};
pub use chain::Roots;
