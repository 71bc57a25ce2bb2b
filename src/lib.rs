//! helolint reads how a mail host is configured, asks the DNS what the world sees, and says where the two disagree.
//!
//! # As a library
//!
//! Most use the program. What it does can be used in parts, each on its own; a snapshot (`helolint snapshot`), judged again without the host and
//! without a packet:
//!
//! ```no_run
//! use helolint::{facts::Overrides, identity, rules, snapshot};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut facts, dns) = snapshot::read(&std::fs::read_to_string("snapshot.json")?)?;
//! identity::apply(&mut facts, Overrides::default());
//! for finding in rules::judge(&facts, &dns, &rules::Selection::default()).findings {
//!     println!("{} {}: {}", finding.severity, finding.meta.code, finding.message);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The examples are programs of a page each: `collect` (what a copy of a host's files says), `paths` (how mail leaves it), `observe` (what the
//! DNS says of an address), `rules` (what is wrong), `remedy` (what to do, as data). Until 1.0 a minor version may change what is public, and
//! CHANGELOG.md says how. Report, snapshot and other documents change more slowly than types here: other programs read those.
//!
//! # Architecture: data flows one way
//!
//! ```text
//! commands → collect → facts → identity → observe → rules → remedy → report
//! ```
//!
//! Each stage hands the next a plain value; nothing downstream reaches back for more. `commands` alone know every stage.
//!
//! | stage | from | to |
//! | --- | --- | --- |
//! | [`collect`] | files below a root, the kernel | [`facts::Facts`]: what this host says about itself, each value with its place |
//! | [`identity`] | facts, what the command line puts in their place | outbound paths, the host's names and addresses |
//! | [`observe`] | facts | [`observe::Observations`]: what each server answered, and what is true by that |
//! | [`compare`] | two hosts' facts and answers | what a move changed |
//! | [`merge`] | reports of many hosts | what two of them claim, and what all come to |
//! | [`rules`] | facts, observations | [`findings::Finding`]s; who can set a PTR record, and how, is in [`providers`] |
//! | [`remedy`] | all of these, and the root again | what to do, tried on a copy in memory |
//! | [`receivers`] | paths, observations | what each known receiver will do, and what that stands on |
//! | [`replies`] | an SMTP reply, a bounce, a log line | who says so, what it means, which rules look into it |
//! | [`logs`] | mail logs | which of these replies receivers gave, and where mail left from |
//! | [`report`] | all of these | text for people and machines |
//!
//! Few doors open to the outside: [`collect::root`] (files), [`collect::kernel`] (the kernel and the C library),
//! [`observe::resolver`] (the network), and `inputs` with `output` (the files that the command line names). Each of the first
//! three has a recorded twin: `--root`, `--kernel` and `--zones`, or a snapshot for all of
//! them. So a whole run can be replayed from a folder: that is how the scenarios in `testdata/hosts` work, and how a bug report
//! becomes a test.
//!
//! What is secret is known on the ground floor, `secret`: no excerpt of a file and no fact holds a password.
//!
//! An outbound path ([`facts::OutboundPath`]) is the centre of it: one way in which mail leaves this host, with MTA, service,
//! family, source address, the address that receivers see, HELO name and sender domains. A [`observe::Lookup`] keeps "no such
//! record" and "no answer" apart, and a rule that meets the latter gives an undetermined finding.
//!
//! A good order to read: this page, `rules/ptr/ptr_missing.rs`, its scenario in `testdata/hosts`, `observe/plan.rs`,
//! `commands/check.rs`.
#![deny(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

pub mod addr;
pub mod catalogue;
mod cli;
pub mod collect;
mod commands;
pub mod compare;
pub mod dkim;
pub mod dmarc;
pub mod domains;
mod error;
mod escape;
mod exit;
pub mod facts;
pub mod findings;
#[cfg(any(test, fuzzing))]
#[doc(hidden)] // For `fuzz/`.
pub mod fuzzing;
pub mod identity;
mod inputs;
#[cfg(test)]
mod layers;
pub mod logs;
pub mod managers;
pub mod merge;
pub mod name;
pub mod observe;
mod output;
mod process;
pub mod program;
mod progress;
pub mod providers;
pub mod receivers;
pub mod remedy;
pub mod replies;
pub mod report;
pub mod rules;
mod sandbox;
pub mod schema;
pub mod secret;
pub mod settings;
mod shell;
pub mod snapshot;
pub mod source;
pub mod spf;
pub mod tls;
pub mod wait;

/// The README's example of the library, run as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
