//! A scenario's folder: copied whole, its files dated as every clone of the project is to see them.
#![allow(dead_code)] // Each test uses a part.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

/// When every file of a host was last changed, unless `times` says otherwise: 2026-11-01, in seconds since 1970.
pub const LAST_CHANGE: u64 = 1_793_491_200;

/// Copies a scenario's files into a folder, links and permissions as they are, and dates its files.
pub fn copy(scenario: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-aT").arg(scenario).arg(to).status().unwrap().success(), "{}", scenario.display());
    set_times(to);
}

/// Dates the files below `root/`: [`LAST_CHANGE`], and for those that `times` lists so many seconds later.
pub fn set_times(scenario: &Path) {
    let root = scenario.join("root");
    let listed = fs::read_to_string(scenario.join("times")).unwrap_or_default();
    let later: BTreeMap<PathBuf, u64> = listed
        .lines()
        .map(|line| {
            let (path, seconds) =
                line.split_once(' ').unwrap_or_else(|| panic!("{}/times: {line}", scenario.display()));
            (root.join(path.trim_start_matches('/')), seconds.trim().parse().expect("whole seconds"))
        })
        .collect();
    for path in later.keys() {
        assert!(path.is_file(), "{}/times names {}", scenario.display(), path.display());
    }
    for entry in walkdir::WalkDir::new(&root).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        set_time(entry.path(), LAST_CHANGE + later.get(entry.path()).copied().unwrap_or_default());
    }
}

/// Dates a file, in seconds since 1970. One that has the time already is left alone: tests that run beside this one may read it.
pub fn set_time(file: &Path, seconds: u64) {
    let time = UNIX_EPOCH + Duration::from_secs(seconds);
    if file.metadata().and_then(|known| known.modified()).ok() != Some(time) {
        let file = File::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        file.set_modified(time).unwrap();
    }
}
