//! cPanel & WHM's own files: what they say, and their lines that Exim and WHM do not read alike.

mod check;
mod complaints;
mod maps;
mod settings;
mod zones;

use crate::collect::reading::optional;
use crate::collect::root::Root;
use crate::collect::system::first_line;
use crate::facts::{Cpanel, Fact, Problem};
use crate::source::SourceFile;
use check::Kind;
use maps::{domains, entries, reverse};
#[cfg(any(test, fuzzing))]
pub(crate) use zones::removed_in;
pub(crate) use zones::{MARK, read_zones, removed_records};

const VERSION: &str = "/usr/local/cpanel/version";
const WWWACCT: &str = "/etc/wwwacct.conf";
const MAINIP: &str = "/var/cpanel/mainip";
const CPNAT: &str = "/var/cpanel/cpnat";
const LOCALOPTS: &str = "/etc/exim.conf.localopts";
/// An executable that WHM runs after it wrote the maps.
const HOOK: &str = "/usr/local/cpanel/scripts/postupdateuserdomains";
/// Any of these stands on every cPanel server, and nothing else brings it. `/etc/mailips` and its like do not count: they stay
/// behind when accounts move away, and other panels' administrators use them too.
const SIGNS: [&str; 4] = [WWWACCT, VERSION, MAINIP, "/var/cpanel/cpanel.config"];
/// Files whose mere existence is a setting of WHM's Exim Configuration Manager, below `/var/cpanel`.
const FLAGS: [&str; 4] = ["custom_mailhelo", "custom_mailips", "per_domain_mailips", "use_rdns_for_helo"];
/// Files that [`Cpanel::files`] names where they stand.
const FILES: [&str; 13] = [
    "/etc/mailips",
    "/etc/mailhelo",
    "/etc/mail_reverse_dns",
    "/etc/userdomains",
    "/etc/userips",
    "/etc/localdomains",
    "/etc/remotedomains",
    "/etc/secondarymx",
    WWWACCT,
    LOCALOPTS,
    MAINIP,
    CPNAT,
    HOOK,
];

/// What the panel's files say, with the lines of them that are not as their readers want them; `None` where this is no cPanel
/// server.
pub(crate) fn collect(root: &Root) -> Option<(Cpanel, Vec<Problem>)> {
    if !SIGNS.iter().any(|path| root.exists(path)) {
        return None;
    }
    let mut problems = Vec::new();
    let all = &mut problems;
    let setting = |path| (path, "The setting in it is not judged");
    let map = |path| (path, "Exim defers mail where it cannot look a key up; nothing in it is judged");
    let read = |(path, consequence), all: &mut Vec<Problem>| optional(root, path, consequence, all);

    let version = read(setting(VERSION), all).and_then(|file| first_line(&file));
    let basic = read(setting(WWWACCT), all).map(|file| settings::wwwacct(&file, all)).unwrap_or_default();
    let main_ip = read(setting(MAINIP), all).and_then(|file| settings::main_ip(&file, all));
    let nat = read(setting(CPNAT), all).map(|file| settings::cpnat(&file, all)).unwrap_or_default();
    let localopts = read(setting(LOCALOPTS), all).map(|file| settings::localopts(&file)).unwrap_or_default();
    let mut pairs = |path, kind| read(map(path), all).map(|file| entries(&file, kind, all)).unwrap_or_default();
    let mailips = pairs("/etc/mailips", Kind::Addresses);
    let mailhelo = pairs("/etc/mailhelo", Kind::HeloName);
    let mut userdomains = pairs("/etc/userdomains", Kind::Account);
    let userips = pairs("/etc/userips", Kind::Account);
    // `*: nobody` says that no other domain is an account's; it is none itself.
    userdomains.retain(|entry| &*entry.key != "*");
    let mut list = |path| read(map(path), all).map(|file| domains(&file, all)).unwrap_or_default();
    let localdomains = list("/etc/localdomains");
    let remotedomains = list("/etc/remotedomains");
    let secondarymx = list("/etc/secondarymx");
    let reverse = read(setting("/etc/mail_reverse_dns"), all).map(|file| reverse(&file, all)).unwrap_or_default();
    let files = FILES.into_iter().filter(|path| root.exists(path)).map(str::to_owned).collect();

    let cpanel = Cpanel {
        version,
        host: basic.host,
        shared_ip: basic.shared_ip,
        main_ip,
        nat,
        mailips,
        mailhelo,
        reverse,
        userdomains,
        userips,
        localdomains,
        remotedomains,
        secondarymx,
        flags: flags(root),
        localopts,
        files,
    };
    Some((cpanel, problems))
}

/// The flag files that stand below `/var/cpanel`. Their content means nothing, so it is not read.
fn flags(root: &Root) -> Vec<Fact<String>> {
    let flag = |name: &str| {
        let path = format!("/var/cpanel/{name}");
        root.exists(&path).then(|| Fact::new(name.to_owned(), SourceFile::new(path, b"").span(0, 0)))
    };
    FLAGS.into_iter().filter_map(flag).collect()
}

#[cfg(test)]
mod tests;
