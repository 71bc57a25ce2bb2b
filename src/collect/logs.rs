//! Where the mail logs of a host stand: by its MTAs' configuration, else in their usual places. They are opened here and read elsewhere.

use std::collections::BTreeSet;

use crate::collect::root::{OpenLog, ReadError, Root};
use crate::facts::{ConfigFile, Exim, Facts, Mta, Origin, OutboundPath, Postfix};

/// Where syslog daemons put what Postfix says: Debian and its kind, Red Hat's, SUSE's and Alpine's.
const SYSLOG: [&str; 4] = ["/var/log/mail.log", "/var/log/maillog", "/var/log/mail", "/var/log/mail.info"];
/// Exim's own log: Debian, built as Exim comes, Red Hat, cPanel.
const EXIM: [&str; 4] =
    ["/var/log/exim4/mainlog", "/var/log/exim/mainlog", "/var/log/exim/main.log", "/var/log/exim_mainlog"];
/// The zone of the host's clock (tzset(3)).
const ZONE: &str = "/etc/localtime";
/// What rotated logs may be packed with, by their names; those that cannot be unpacked are told by what reads them.
const PACKED: [&str; 6] = [".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4"];
/// Logs that are opened at most, the newest; logrotate(8) keeps fourteen or fewer almost everywhere.
const LOGS: usize = 64;
/// Names in the folder of a log that are looked at.
const NAMES: usize = 10_000;

/// The logs of a host, opened.
#[derive(Debug, Default)]
pub(crate) struct HostLogs {
    /// Each with its path as the host sees it.
    pub logs: Vec<(String, OpenLog)>,
    /// What could not be opened, a sentence each.
    pub notes: Vec<String>,
}

/// Opens the logs of the live MTAs that were written to at `since` or later, seconds since 1970; all where that is `None`.
pub(crate) fn open(root: &Root, facts: &Facts, since: Option<i64>) -> HostLogs {
    let mut found = HostLogs::default();
    let named = places(facts);
    let mut seen = BTreeSet::new();
    // Twice: a log that is rotated meanwhile has another name then.
    for _ in 0..2 {
        for place in &named {
            for path in with_rotated(root, place) {
                let old = |modified: i64| since.is_some_and(|since| modified < since);
                if found.logs.len() >= LOGS || root.status_now(&path).is_none_or(|status| old(status.modified)) {
                    continue;
                }
                match root.open_log(&path) {
                    Ok(log) if seen.insert(log.id) => found.logs.push((path, log)),
                    Ok(_) | Err(ReadError::NotFound) => {}
                    Err(error) => {
                        let note = format!("{path} was not read: {error}");
                        if !found.notes.contains(&note) {
                            found.notes.push(note);
                        }
                    }
                }
            }
        }
    }
    if found.logs.is_empty() && found.notes.is_empty() {
        let recent = if since.is_some() { " that was written to in the last fourteen days" } else { "" };
        found.notes.push(match named.join(", ") {
            none if none.is_empty() => "there is no mail log, since no MTA is configured".to_owned(),
            places => format!(
                "there is no mail log{recent}: looked for {places}; where the journal holds it: journalctl -o export -u 'postfix*' -u 'exim*' | \
                 helolint check --log -"
            ),
        });
    }
    found
}

/// When files were last changed that set the names and addresses of paths.
pub(crate) fn changed(root: &Root, facts: &Facts) -> Vec<ConfigFile> {
    let origins = facts.paths.iter().flat_map(OutboundPath::origins);
    let paths: BTreeSet<&str> = origins.filter_map(Origin::span).map(|span| span.file().path()).collect();
    let files = paths.into_iter();
    files.filter_map(|path| Some(ConfigFile { modified: root.modified(path)?, path: path.to_owned() })).collect()
}

/// Zones by which a host's logs are stamped, as zone files hold them.
#[derive(Debug, Default)]
pub(crate) struct HostZones {
    /// That of its clock; `None`: it is not known.
    pub host: Option<HostZone>,
    /// That of Exim's log, where it is another.
    pub exim: Option<Vec<u8>>,
}

/// The zone of a host's clock.
#[derive(Debug)]
pub(crate) enum HostZone {
    /// What tzset(3) goes by without a zone file.
    Utc,
    /// By its file.
    File(Vec<u8>),
}

/// The zones by which the logs of this host are stamped. A copy of a host without a zone file may have lost it.
pub(crate) fn zones(root: &Root, facts: &Facts) -> HostZones {
    let exim = facts.exim.iter().find_map(|exim| exim.main.get("timezone")?.value.as_deref());
    let is_name = |name: &&str| {
        !name.is_empty()
            && !name.contains("..")
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte))
    };
    let named = exim.filter(is_name).and_then(|name| root.zone_file(&format!("/usr/share/zoneinfo/{name}")));
    let host = match root.zone_file(ZONE) {
        Some(octets) => Some(HostZone::File(octets)),
        None => (root.is_live() && root.is_missing(ZONE)).then_some(HostZone::Utc),
    };
    HostZones { host, exim: named }
}

/// The paths of logs that are written to, as far as they are known.
fn places(facts: &Facts) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    let mut add = |path: String| {
        if !places.contains(&path) {
            places.push(path);
        }
    };
    let judged = |mta: Mta| facts.mtas.configured.contains(&mta) && facts.mtas.judges(mta);
    if judged(Mta::Postfix) {
        let own: Vec<String> = facts.postfix.iter().filter_map(postfix_log).collect();
        if own.is_empty() {
            SYSLOG.iter().for_each(|path| add((*path).to_owned()));
        }
        own.into_iter().for_each(&mut add);
    }
    if judged(Mta::Exim) {
        for exim in &facts.exim {
            exim_logs(exim).into_iter().for_each(&mut add);
        }
    }
    places
}

/// `maillog_file`, where it names a file (postlogd(8)).
fn postfix_log(postfix: &Postfix) -> Option<String> {
    let file = postfix.parameters.get("maillog_file")?.value.as_deref()?;
    (file.starts_with('/') && !file.starts_with("/dev/")).then(|| file.to_owned())
}

/// `log_file_path`: paths and `syslog`, with colons between; an empty one is where the build put it. `%s` is the name of the log, `%D` and `%M`
/// are its day or month.
fn exim_logs(exim: &Exim) -> Vec<String> {
    let value = exim.main.get("log_file_path").and_then(|setting| setting.value.as_deref()).unwrap_or_default();
    let mut logs = Vec::new();
    for part in value.split(':').map(str::trim) {
        match part {
            "syslog" => logs.extend(SYSLOG.map(str::to_owned)),
            "" => logs.extend(EXIM.map(str::to_owned)),
            path if path.starts_with('/') => logs.push(path.replace("%s", "main")),
            _ => {}
        }
    }
    logs
}

/// A log and its rotated brothers, as far as they are there.
fn with_rotated(root: &Root, place: &str) -> Vec<String> {
    let Some((folder, name)) = place.rsplit_once('/') else { return Vec::new() };
    // A date in the name: whatever begins as it does.
    let dated = name.find(['%']);
    let base = dated.and_then(|at| name.get(..at)).unwrap_or(name);
    let names = root.names_now(&format!("{folder}/"), NAMES);
    let fits = |other: &&String| match other.strip_prefix(base) {
        Some("") => dated.is_none(),
        Some(rest) => is_rotation(rest) || dated.is_some() && is_rotation(&format!(".{rest}")),
        None => false,
    };
    let mut found: Vec<String> = names.iter().filter(fits).map(|name| format!("{folder}/{name}")).collect();
    // The live one first: what is rotated meanwhile is met again, not missed.
    found.sort_by_key(|path| (path != place, path.clone()));
    found
}

/// Whether this is what stands behind the name of a log when it was rotated: `.1`, `.0`, `-20261128`, `.2.gz`.
fn is_rotation(rest: &str) -> bool {
    let rest = PACKED.iter().find_map(|packed| rest.strip_suffix(packed)).unwrap_or(rest);
    let Some(number) = rest.strip_prefix(['.', '-', '_']) else { return false };
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || b"-._T".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use crate::collect;

    fn host(files: &[(&str, &str, u64)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text, modified) in files {
            let place = crate::collect::testing::put(dir.path(), path, text);
            let file = fs::File::options().write(true).open(&place).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(*modified)).unwrap();
        }
        dir
    }

    fn opened(dir: &Path, since: Option<i64>) -> (Vec<String>, Vec<String>) {
        let root = Root::open(dir).unwrap();
        let mut facts = collect::collect(&root, None);
        crate::identity::apply(&mut facts, Default::default());
        let found = open(&root, &facts, since);
        (found.logs.into_iter().map(|(path, _)| path).collect(), found.notes)
    }

    #[test]
    fn the_live_mtas_logs_with_their_rotated_brothers() {
        let main = ("/etc/postfix/main.cf", "myhostname = a.example.com\n", 5);
        let dir = host(&[
            main,
            ("/var/log/mail.log", "", 900),
            ("/var/log/mail.log.1", "", 800),
            ("/var/log/mail.log.2.gz", "", 700),
            ("/var/log/mail.log.3.gz", "", 600),
            ("/var/log/mail.log.lock", "", 900),
            ("/var/log/mail.log-old", "", 900),
            ("/var/log/maillog-20261128", "", 900),
            ("/var/log/exim4/mainlog", "", 900),
        ]);
        fs::hard_link(dir.path().join("var/log/mail.log.1"), dir.path().join("var/log/mail.log.9")).unwrap();
        let expected =
            ["/var/log/mail.log", "/var/log/mail.log.1", "/var/log/mail.log.2.gz", "/var/log/maillog-20261128"];
        assert_eq!(opened(dir.path(), Some(700)).0, expected);
        assert_eq!(opened(dir.path(), None).0.len(), 5);
        let (none, notes) = opened(dir.path(), Some(901));
        assert!(none.is_empty() && notes[0].contains("looked for /var/log/mail.log,"), "{notes:?}");
    }

    #[test]
    fn where_the_configuration_says() {
        let main = ("/etc/postfix/main.cf", "myhostname = a.example.com\nmaillog_file = /var/log/postfix.log\n", 5);
        let master = ("/etc/postfix/master.cf", "smtp unix - - n - - smtp\n", 5);
        let dir = host(&[main, master, ("/var/log/postfix.log", "", 9), ("/var/log/mail.log", "", 9)]);
        assert_eq!(opened(dir.path(), None).0, ["/var/log/postfix.log"]);
        for (setting, expected) in [
            ("", "/var/log/exim/mainlog"),
            ("log_file_path = /srv/%slog\n", "/srv/mainlog"),
            ("log_file_path = :syslog\n", "/var/log/exim/mainlog /var/log/maillog"),
            ("log_file_path = syslog : /srv/exim-%s-%D\n", "/var/log/maillog /srv/exim-main-20261128"),
        ] {
            let exim = format!("primary_hostname = a.example.com\n{setting}");
            let dir = host(&[
                ("/etc/exim/exim.conf", &exim, 5),
                ("/var/log/exim/mainlog", "", 9),
                ("/var/log/maillog", "", 9),
                ("/srv/mainlog", "", 9),
                ("/srv/exim-main-20261128", "", 9),
                ("/srv/exim-reject-20261128", "", 9),
            ]);
            assert_eq!(opened(dir.path(), None).0.join(" "), expected, "{setting}");
        }
    }

    #[test]
    fn names_of_rotated_logs() {
        for (rest, is) in [
            (".1", true),
            (".0", true),
            ("-20261128", true),
            (".2.gz", true),
            ("-20261128.zst", true),
            ("-20261128-1700000000.gz", true),
            (".gz", false),
            (".err", false),
            ("", false),
            ("s", false),
            (".1.gz.tmp", false),
        ] {
            assert_eq!(is_rotation(rest), is, "{rest}");
        }
    }
}
