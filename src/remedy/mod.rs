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
//! | `shapes`, `sample` | large hosts: paths that stand for others, and files cut down to them |
//! | `steps`, `place`, `writer` | their order, whose each is, words and commands |
//! | [`step`] | the plan as data |
//! | [`apply`] | the steps that this host takes by itself, carried out on request |

pub mod action;
pub mod apply;
pub mod candidates;
mod diff;
pub mod edit;
pub mod op;
mod place;
pub mod plan;
mod sample;
mod shapes;
pub mod step;
mod steps;
mod trial;
pub mod world;
mod writer;

use crate::collect::root::Root;
use crate::facts::Facts;

/// Files that a plan may change though nothing else has read them.
const FILES: [&str; 14] = [
    "/etc/hosts",
    "/etc/hostname",
    "/etc/mailname",
    "/etc/exim4/update-exim4.conf.conf",
    "/etc/exim4/exim4.conf.localmacros",
    "/etc/exim4/conf.d/main/000_localmacros",
    "/etc/exim.conf.local",
    "/etc/exim.conf.localopts",
    "/etc/wwwacct.conf",
    "/etc/mailhelo",
    "/etc/mailips",
    "/etc/mail_reverse_dns",
    "/var/cpanel/mainip",
    "/var/cpanel/custom_mailhelo",
];

/// Reads the files that trials may want, before nothing is read any more.
pub fn read_ahead(root: &Root, facts: &Facts) {
    let configured = facts
        .postfix
        .iter()
        .flat_map(|postfix| ["main.cf", "master.cf"].map(|name| format!("{}/{name}", postfix.config_directory)));
    let tables = facts.exim.iter().flat_map(|exim| &exim.transports).flat_map(|driver| driver.options.values());
    let tables = tables.filter_map(|set| set.value.as_deref()).flat_map(candidates::tables_of);
    let exim = facts.exim.iter().map(|exim| exim.file.clone());
    for file in FILES.iter().map(|file| (*file).to_owned()).chain(configured).chain(exim).chain(tables) {
        let _ = root.read(&file);
        root.place(&file);
        root.status(&file);
    }
}

pub use action::Action;
pub use plan::{Found, search};
pub use step::{Plan, Remaining, Settled, Step};
pub(crate) use steps::NO_FILES;
pub use world::Ground;
