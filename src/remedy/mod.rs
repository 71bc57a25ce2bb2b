//! What is to be done: candidates for what was found, a plan that was carried out on a copy in memory, and its steps as typed actions
//! with the commands that do the same.
//!
//! | part | what |
//! | --- | --- |
//! | [`action`] | the actions, as data |
//! | [`edit`] | edits of configuration files as text |
//! | [`world`], `trial` | trials: a changed host, collected and judged again |
//! | [`candidates`] | what could be done about findings |
//! | [`plan`] | the search for the changes that leave least |
//! | `bound` | what states can still come to, by what was tried |
//! | `shapes`, `sample` | large hosts: paths that stand for others, and files cut down to them |
//! | `loopback` | the names in the hosts file that no trial takes away |
//! | `ahead` | what trials may want to read, read before nothing is read any more |
//! | `steps`, `place` | their order, whose each is |
//! | `writer`, `because`, `reloads` | words and commands, reasons, what daemons are told |
//! | [`step`] | the plan as data |
//! | [`apply`] | the steps that this host takes by itself, carried out on request |

pub mod action;
mod ahead;
pub mod apply;
mod because;
mod bound;
pub mod candidates;
pub(crate) mod diff;
pub mod edit;
mod loopback;
mod needed;
pub mod op;
mod place;
pub mod plan;
mod reloads;
mod sample;
mod shapes;
pub mod step;
mod steps;
mod trial;
pub mod world;
mod writer;

pub use action::Action;
pub use ahead::read_ahead;
pub use plan::{Found, search};
pub use step::{Plan, Remaining, Settled, Step};
pub(crate) use steps::{AFTER_GENERATOR, NO_FILES, is_run};
pub use world::Ground;
