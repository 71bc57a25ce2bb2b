//! Which file is Exim's configuration: the list compiled into the binary, or what the daemon is started with.

use crate::collect::root::Root;

/// What Debian's binary tries, in order.
const DEBIAN: [&str; 2] = ["/etc/exim4/exim4.conf", super::debian::GENERATED];
/// cPanel's, DirectAdmin's and the source distribution's usual place.
const ETC: &str = "/etc/exim.conf";
/// EPEL and Fedora, then FreeBSD, then the source distribution's default.
const OTHERS: [&str; 3] = ["/etc/exim/exim.conf", "/usr/local/etc/exim/configure", "/usr/exim/configure"];
/// Files that say how the daemon is started.
const STARTERS: [&str; 8] = [
    "/etc/default/exim4",
    "/etc/default/exim",
    "/etc/sysconfig/exim",
    "/etc/systemd/system/exim4.service",
    "/etc/systemd/system/exim.service",
    "/lib/systemd/system/exim4.service",
    "/usr/lib/systemd/system/exim.service",
    "/lib/systemd/system/exim.service",
];

/// A configuration that is read, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The file that is read first.
    pub file: String,
    /// `-D` macros.
    pub defines: Vec<(String, String)>,
    /// Whether the build is Debian's.
    pub debian: bool,
}

/// The live configuration; `None` where there is none.
pub fn find(root: &Root, cpanel: bool) -> Option<Live> {
    let (chosen, defines) = started_with(root);
    let debian = !cpanel && (root.exists("/etc/debian_version") || root.exists("/etc/exim4"));
    let lists: Vec<Vec<String>> = if !chosen.is_empty() {
        vec![chosen]
    } else if cpanel {
        vec![vec![ETC.into()]]
    } else {
        let debian = DEBIAN.map(str::to_owned).to_vec();
        [debian, vec![ETC.to_owned()]].into_iter().chain(OTHERS.map(|file| vec![file.to_owned()])).collect()
    };
    let file = lists.into_iter().flatten().find(|file| root.exists(file))?;
    let debian = debian && file.contains("/exim4/");
    Some(Live { file, defines, debian })
}

/// The list of `-C`, and the macros of `-D`, that the files which start the daemon give.
fn started_with(root: &Root) -> (Vec<String>, Vec<(String, String)>) {
    let mut list = Vec::new();
    let mut defines = Vec::new();
    for path in STARTERS {
        let Ok(file) = root.read(path) else { continue };
        for line in file.text().lines().map(str::trim) {
            let Some((name, value)) = line.split_once('=') else { continue };
            let options =
                matches!(name, "COMMONOPTIONS" | "SMTPLISTENEROPTIONS" | "DAEMON_OPTS" | "EXIM_DAEMON_OPTIONS");
            if !(options || name == "ExecStart" && value.contains("exim")) {
                continue;
            }
            let mut words =
                value.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).filter(|w| !w.is_empty());
            while let Some(word) = words.next() {
                if let Some(rest) = word.strip_prefix("-C") {
                    let files = if rest.is_empty() { words.next().unwrap_or_default() } else { rest };
                    let files: Vec<String> = files.split(':').map(str::to_owned).collect();
                    if files.iter().all(|file| file.starts_with('/') && !file.contains('$')) {
                        list = files;
                    }
                } else if let Some(rest) = word.strip_prefix("-D").filter(|rest| !rest.is_empty()) {
                    let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
                    defines.push((name.to_owned(), value.to_owned()));
                }
            }
        }
    }
    (list, defines)
}
