//! What fuzzers begin with: files of `testdata/hosts` and of `fuzz/seeds`, and what helolint itself writes.

use std::fs;
use std::path::{Path, PathBuf};

use super::world::{hosts, with_host};
use super::{CPANEL_FILES, HOST_FILES, PANEL_FILES, PLANNED_FILES};
use crate::observe::Observations;
use crate::{findings, replies, rules, snapshot};

/// The seeds of a target, in the same order each time.
///
/// # Panics
/// Where the project's own files cannot be read.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds: Vec<Vec<u8>> = sorted(&own).iter().filter_map(|path| fs::read(path).ok()).collect();
    match target {
        "arguments" => seeds.extend(of_hosts("args")),
        "baseline" => {
            seeds.extend(of_hosts("baseline"));
            let facts = with_host("exim-node-name-localhost", |host| host.facts(&[]));
            let judged = rules::judge(&facts, &Observations::offline(), &rules::Selection::default()).findings;
            seeds.push(findings::baseline::write(&judged, jiff::Timestamp::UNIX_EPOCH).into());
        }
        "cpanel_map" => seeds.extend(numbered(CPANEL_FILES.iter().copied())),
        "exim_config" => {
            for path in ["etc/exim/exim.conf", "etc/exim.conf", "etc/exim4/exim4.conf.template"] {
                seeds.extend(of_hosts(&format!("root/{path}")));
            }
        }
        "host_file" => seeds.extend(numbered(HOST_FILES.iter().copied())),
        "kernel" => seeds.extend(of_hosts("kernel")),
        "log" => {
            for path in ["mail.log", "mail.log.1.gz", "exim/mainlog"] {
                seeds.extend(of_hosts(&format!("root/var/log/{path}")));
            }
        }
        "map" => {
            for path in ["etc/mailips", "etc/mailhelo", "etc/userdomains", "etc/aliases"] {
                seeds.extend(of_hosts(&format!("root/{path}")));
            }
        }
        "merge" => {
            for name in ["json", "ndjson"] {
                seeds.extend(of_hosts(&format!("expected/{name}")));
            }
            seeds.extend(of_hosts("snapshot"));
        }
        "panel_map" => seeds.extend(numbered(PANEL_FILES.iter().map(|(_, path)| *path))),
        "plan" => seeds.extend(numbered(PLANNED_FILES.iter().map(|(_, path)| *path))),
        "postfix_main" => seeds.extend(of_hosts("root/etc/postfix/main.cf")),
        "postfix_master" => seeds.extend(of_hosts("root/etc/postfix/master.cf")),
        "reply" => seeds.extend(replies::all().map(|reply| reply.example.into())),
        "secrets" => {
            for path in ["etc/postfix/main.cf", "etc/exim/exim.conf", "etc/exim.conf.localopts"] {
                seeds.extend(of_hosts(&format!("root/{path}")));
            }
        }
        "settings" => seeds.extend(of_hosts("root/etc/helolint.toml")),
        "snapshot" => {
            seeds.extend(of_hosts("snapshot"));
            for host in ["postfix-plain", "exim-almalinux", "cpanel-nat"] {
                let facts = with_host(host, |host| host.facts(&[]));
                let text = snapshot::write(&facts, &Observations::offline(), jiff::Timestamp::UNIX_EPOCH);
                seeds.push(text.expect("a snapshot can be written").into());
            }
        }
        "zone" => {
            let zones = sorted(&hosts()).into_iter().flat_map(|host| sorted(&host.join("zones")));
            seeds.extend(zones.filter_map(|path| fs::read(path).ok()));
        }
        _ => {}
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

/// The file at `path` of every host that has it.
fn of_hosts(path: &str) -> Vec<Vec<u8>> {
    sorted(&hosts()).iter().filter_map(|host| fs::read(host.join(path)).ok()).collect()
}

/// Files of hosts behind the number that their path has among `files`.
fn numbered<'f>(files: impl Iterator<Item = &'f str>) -> Vec<Vec<u8>> {
    let numbers = b'0'..;
    let all = numbers.zip(files).flat_map(|(number, path)| {
        of_hosts(&format!("root{path}")).into_iter().map(move |text| [&[number], &*text].concat())
    });
    all.collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
