//! helolint reads how a mail host is configured, asks the DNS what the world sees, and says where the two disagree.
#![forbid(unsafe_code)]

pub mod addr;
pub mod collect;
pub mod facts;
pub mod findings;
pub mod name;
pub mod observe;
pub mod rules;
pub mod source;
