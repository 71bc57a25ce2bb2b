//! Healthy hosts and what happens to them: each drift is one thing that people forget, or that a move brings with it.

use std::fs;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::host::Host;
use crate::zone;

/// Scenarios to begin with: Postfix, Exim as packaged, Debian's, cPanel's, DirectAdmin's, Hestia's.
pub const HEALTHY: [&str; 20] = [
    "postfix-plain",
    "postfix-dual-stack",
    "postfix-inet-interfaces",
    "postfix-instances",
    "relay-by-sender",
    "content-filter",
    "docker-and-vpn",
    "cloud-nat",
    "ipv6-only",
    "exim-almalinux",
    "exim-helo-follows-ptr",
    "debian-127-0-1-1",
    "debian-exim-internet",
    "debian-exim-split",
    "directadmin-two-addresses",
    "hestia-two-addresses",
    "cpanel-plain",
    "cpanel-nat",
    "cpanel-pairs-of-families",
    "cpanel-present-shape",
];

/// An address that was this host's before, and a name of those days.
const OLD: &str = "198.51.100.7";
const OLD_NAME: &str = "mx-old.example.com";

/// Numbers that follow from a seed alone (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub fn choose<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A path of the healthy host.
struct Path {
    sending: IpAddr,
    source: IpAddr,
    helo: String,
}

type Drift = fn(&mut Host, &Path) -> Option<()>;

const DRIFTS: [(&str, Drift); 24] = [
    ("the PTR record has an old name", ptr_old),
    ("there is no PTR record", ptr_gone),
    ("the PTR record is the provider's", ptr_generic),
    ("the PTR record has two names", ptr_two),
    ("the name leads to the old address", forward_old),
    ("the name leads nowhere", forward_gone),
    ("the name leads to the old address too", forward_both),
    ("the name is an alias", alias),
    ("the configuration has an old name", name_old),
    ("the name is misspelt", name_misspelt),
    ("the host has another name", host_renamed),
    ("the host has a short name", host_short),
    ("the hosts file has the old address", hosts_old),
    ("the hosts file has the name on the loopback", hosts_loopback),
    ("mail is bound to the old address", bound_old),
    ("mail is bound to the loopback", bound_loopback),
    ("a comment stands behind a value", comment),
    ("the bound address is lost", address_lost),
    ("IPv6 came without records", ipv6_bare),
    ("local mail is from a domain that is gone", origin_gone),
    ("the HELO name is localhost", helo_localhost),
    ("the HELO name is a private one", helo_private),
    ("mailips has an old address", mailips_old),
    ("mailhelo has an old name", mailhelo_old),
];

/// One to three things happen; what they were.
pub fn apply(host: &mut Host, healthy: &Value, random: &mut Random) -> Vec<&'static str> {
    let text = |path: &Value, key: &str| path[key].as_str().map(str::to_owned);
    let paths: Vec<Path> = healthy["paths"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|path| path["relayed"].is_null())
        .filter_map(|path| {
            Some(Path {
                sending: text(path, "sending")?.parse().ok()?,
                source: text(path, "source")?.parse().ok()?,
                helo: text(path, "helo")?,
            })
        })
        .collect();
    let mut story = Vec::new();
    let wanted = 1 + random.below(3);
    for _ in 0..50 {
        if story.len() == wanted || paths.is_empty() {
            break;
        }
        let path = &paths[random.below(paths.len())];
        let (what, drift) = random.choose(&DRIFTS);
        if !story.contains(&what) && drift(host, path).is_some() {
            story.push(what);
        }
    }
    story
}

fn ptr_of(path: &Path) -> String {
    format!("{} IN PTR {}.", zone::reverse(path.sending), path.helo)
}

fn record(name: &str, addr: IpAddr) -> String {
    format!("{name}. 3600 IN {} {addr}", if addr.is_ipv4() { "A" } else { "AAAA" })
}

fn ptr_old(host: &mut Host, path: &Path) -> Option<()> {
    zone::try_withdraw(&host.zones(), &ptr_of(path)).then_some(())?;
    zone::try_publish(&host.zones(), &format!("{} 3600 IN PTR {OLD_NAME}.", zone::reverse(path.sending)))
        .then_some(())?;
    zone::try_publish(&host.zones(), &record(OLD_NAME, OLD.parse().unwrap()));
    Some(())
}

fn ptr_gone(host: &mut Host, path: &Path) -> Option<()> {
    zone::try_withdraw(&host.zones(), &ptr_of(path)).then_some(())
}

fn ptr_generic(host: &mut Host, path: &Path) -> Option<()> {
    let IpAddr::V4(v4) = path.sending else { return None };
    let name = format!("{}.static.provider.example", v4.to_string().replace('.', "-"));
    zone::try_withdraw(&host.zones(), &ptr_of(path)).then_some(())?;
    zone::try_publish(&host.zones(), &format!("{} 3600 IN PTR {name}.", zone::reverse(path.sending))).then_some(())?;
    zone::try_publish(&host.zones(), &record(&name, path.sending)).then_some(())
}

fn ptr_two(host: &mut Host, path: &Path) -> Option<()> {
    zone::try_publish(&host.zones(), &format!("{} 3600 IN PTR {OLD_NAME}.", zone::reverse(path.sending))).then_some(())
}

fn forward_old(host: &mut Host, path: &Path) -> Option<()> {
    path.sending.is_ipv4().then_some(())?;
    forward_gone(host, path)?;
    zone::try_publish(&host.zones(), &record(&path.helo, OLD.parse().unwrap())).then_some(())
}

fn forward_gone(host: &mut Host, path: &Path) -> Option<()> {
    zone::try_withdraw(&host.zones(), &record(&path.helo, path.sending)).then_some(())
}

fn forward_both(host: &mut Host, path: &Path) -> Option<()> {
    path.sending.is_ipv4().then_some(())?;
    zone::try_publish(&host.zones(), &record(&path.helo, OLD.parse().unwrap())).then_some(())
}

fn alias(host: &mut Host, path: &Path) -> Option<()> {
    zone::is_alone(&host.zones(), &path.helo).then_some(())?;
    forward_gone(host, path)?;
    zone::try_publish(&host.zones(), &record("web1.example.com", path.sending)).then_some(())?;
    zone::try_publish(&host.zones(), &format!("{}. 3600 IN CNAME web1.example.com.", path.helo)).then_some(())
}

/// The MTAs' own files that a host has.
const CONFIGURATIONS: [&str; 6] = [
    "/etc/postfix/main.cf",
    "/etc/postfix-out/main.cf",
    "/etc/exim/exim.conf",
    "/etc/virtual/helo_data",
    "/etc/exim4/exim4.conf.localmacros",
    "/etc/mailhelo",
];

/// Puts `new` in the place of `old` in the first of these files that has it.
fn replace(host: &Host, files: &[&str], old: &str, new: &str) -> Option<()> {
    for file in files {
        let path = host.file(file);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let is_setting = |line: &&str| !line.starts_with('#') && line.contains(old);
        let Some(line) = text.lines().find(is_setting) else { continue };
        let changed = text.replacen(line, &line.replacen(old, new, 1), 1);
        fs::write(path, changed).unwrap();
        return Some(());
    }
    None
}

fn append(host: &Host, file: &str, line: &str) -> Option<()> {
    let path = host.file(file);
    let text = fs::read_to_string(&path).ok()?;
    let name = line.split('=').next().unwrap().trim();
    let is_set = |known: &str| known.split('=').next().unwrap().trim() == name;
    (!text.lines().any(is_set)).then_some(())?;
    fs::write(path, format!("{}\n{line}\n", text.trim_end())).unwrap();
    Some(())
}

fn name_old(host: &mut Host, path: &Path) -> Option<()> {
    zone::try_publish(&host.zones(), &record(OLD_NAME, OLD.parse().unwrap()));
    replace(host, &CONFIGURATIONS, &path.helo, OLD_NAME)
}

fn name_misspelt(host: &mut Host, path: &Path) -> Option<()> {
    let (first, rest) = path.helo.split_once('.')?;
    replace(host, &CONFIGURATIONS, &path.helo, &format!("{first}l.{rest}"))
}

fn host_renamed(host: &mut Host, _: &Path) -> Option<()> {
    named(host, "server1.old.example")
}

fn host_short(host: &mut Host, _: &Path) -> Option<()> {
    named(host, "server1")
}

fn named(host: &mut Host, name: &str) -> Option<()> {
    fs::write(host.file("/etc/hostname"), format!("{name}\n")).ok()?;
    host.kernel(|kernel| {
        kernel["node_name"] = json!(name);
        kernel["fqdn"] = if name.contains('.') { json!(name) } else { Value::Null };
    });
    Some(())
}

fn hosts_old(host: &mut Host, path: &Path) -> Option<()> {
    path.source.is_ipv4().then_some(())?;
    replace(host, &["/etc/hosts"], &path.source.to_string(), OLD)
}

fn hosts_loopback(host: &mut Host, path: &Path) -> Option<()> {
    path.source.is_ipv4().then_some(())?;
    replace(host, &["/etc/hosts"], &path.source.to_string(), "127.0.0.1")
}

fn bound(host: &Host, addr: &str) -> Option<()> {
    append(host, "/etc/postfix/main.cf", &format!("smtp_bind_address = {addr}"))
        .or_else(|| {
            replace(host, &["/etc/exim/exim.conf"], "driver = smtp", &format!("driver = smtp\n  interface = {addr}"))
        })
        .or_else(|| append(host, "/etc/exim4/exim4.conf.localmacros", &format!("REMOTE_SMTP_INTERFACE = {addr}")))
}

fn bound_old(host: &mut Host, path: &Path) -> Option<()> {
    path.source.is_ipv4().then_some(())?;
    bound(host, OLD)
}

fn bound_loopback(host: &mut Host, path: &Path) -> Option<()> {
    path.source.is_ipv4().then_some(())?;
    bound(host, "127.0.0.1")
}

fn comment(host: &mut Host, path: &Path) -> Option<()> {
    let files = ["/etc/postfix/main.cf"];
    replace(host, &files, &format!("myhostname = {}", path.helo), &format!("myhostname = {} # this host", path.helo))
}

fn address_lost(host: &mut Host, path: &Path) -> Option<()> {
    let lost = path.source.to_string();
    let mut kept = None;
    host.kernel(|kernel| {
        let chosen = [&kernel["source"]["ipv4"], &kernel["source"]["ipv6"]].iter().any(|own| **own == json!(lost));
        let all = kernel["addresses"].as_array_mut().unwrap();
        let before = all.len();
        if !chosen {
            all.retain(|own| own["address"] != json!(lost));
            kept = (all.len() < before).then_some(());
        }
    });
    kept
}

fn ipv6_bare(host: &mut Host, _: &Path) -> Option<()> {
    let mut done = None;
    host.kernel(|kernel| {
        if kernel["source"]["ipv6"].is_null() {
            kernel["source"]["ipv6"] = json!("2001:db8:5::25");
            let own = json!({"interface": "eth0", "address": "2001:db8:5::25", "prefix_length": 64, "flags": []});
            kernel["addresses"].as_array_mut().unwrap().push(own);
            done = Some(());
        }
    });
    done
}

fn origin_gone(host: &mut Host, _: &Path) -> Option<()> {
    append(host, "/etc/postfix/main.cf", "myorigin = gone.example.com")
}

fn helo_localhost(host: &mut Host, _: &Path) -> Option<()> {
    append(host, "/etc/postfix/main.cf", "smtp_helo_name = localhost")
        .or_else(|| append(host, "/etc/exim4/exim4.conf.localmacros", "REMOTE_SMTP_HELO_DATA = localhost"))
}

fn helo_private(host: &mut Host, _: &Path) -> Option<()> {
    append(host, "/etc/postfix/main.cf", "smtp_helo_name = mail.corp.internal")
        .or_else(|| append(host, "/etc/exim4/exim4.conf.localmacros", "REMOTE_SMTP_HELO_DATA = mail.corp.internal"))
}

fn mailips_old(host: &mut Host, path: &Path) -> Option<()> {
    replace(host, &["/etc/mailips"], &path.source.to_string(), OLD)
}

fn mailhelo_old(host: &mut Host, path: &Path) -> Option<()> {
    replace(host, &["/etc/mailhelo"], &path.helo, OLD_NAME)
}
