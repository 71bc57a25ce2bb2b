//! A copy of a scenario, and what the commands of reports do to it.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// A copy of a scenario's files, kernel facts and zones.
pub struct Host {
    dir: PathBuf,
    args: Vec<String>,
}

/// Whether a command makes a daemon take over what files say.
pub fn is_reload(command: &str) -> bool {
    let last = command.split(' ').next_back().unwrap_or_default();
    let daemon = command.starts_with("postfix ") || command.starts_with("systemctl ");
    (daemon && ["reload", "stop", "start"].contains(&last))
        || command.starts_with("systemctl reload ")
        || (command.starts_with("systemctl restart ") && !command.ends_with("postfix"))
        || command == "systemctl restart exim"
}

/// The words of a command line. Single quotes group; anything that a shell would act upon outside of them is an error, but for `>>`.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            '\\' | '$' | '`' | '"' | '&' | ';' | '|' | '<' | '(' | ')' | '*' | '?' | '#' | '~' | '!' if !quoted => {
                return Err(format!("`{c}` stands unquoted"));
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quoted { Err("a quote is not closed".into()) } else { Ok(words) }
}

impl Host {
    /// Copies `testdata/hosts/SCENARIO` to a folder of its own.
    pub fn copy(scenario: &str, purpose: &str) -> Host {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(scenario);
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixes").join(scenario).join(purpose);
        let _ = fs::remove_dir_all(&dir);
        for entry in walkdir::WalkDir::new(&from).into_iter().map(|entry| entry.expect("a scenario can be listed")) {
            let to = dir.join(entry.path().strip_prefix(&from).expect("below"));
            if entry.file_type().is_dir() {
                fs::create_dir_all(&to).unwrap();
            } else if entry.file_type().is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), &to).unwrap();
            } else {
                fs::copy(entry.path(), &to).unwrap();
            }
        }
        let mut args: Vec<String> = Vec::new();
        for (option, file) in [("--root", "root"), ("--kernel", "kernel"), ("--zones", "zones")] {
            if dir.join(file).exists() {
                args.extend([option.to_owned(), file.to_owned()]);
            }
        }
        args.extend(fs::read_to_string(dir.join("args")).unwrap_or_default().lines().map(str::to_owned));
        Host { dir, args }
    }

    /// Whether it is a snapshot alone.
    pub fn is_replayed(&self) -> bool {
        self.args.iter().any(|arg| arg == "--replay")
    }

    /// The JSON report of this host.
    pub fn check(&self) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
        command.env_clear().current_dir(&self.dir).arg("check").args(&self.args).args(["--format", "json"]);
        let output = command.output().expect("the binary runs");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{}: {e}: {}", self.dir.display(), String::from_utf8_lossy(&output.stderr)))
    }

    /// Does what a line of a fix says: a command, a record as it should stand, or `; delete: ` and a record.
    pub fn carry_out(&mut self, line: &str) -> Result<(), String> {
        if let Some(record) = line.strip_prefix("; delete: ") {
            let [owner, "IN", kind, data] = record.split(' ').collect::<Vec<_>>()[..] else {
                return Err(format!("no record: {line}"));
            };
            return self.edit_zone(owner, kind, Some(data), None);
        }
        if let [owner, ttl, "IN", kind, _, ..] = line.split(' ').collect::<Vec<_>>()[..]
            && ttl.parse::<u32>().is_ok()
        {
            return self.edit_zone(owner, kind, None, Some(line));
        }
        if is_reload(line) {
            return Ok(());
        }
        let words = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["postconf", "-c", dir, flag, what] => self.postconf(dir, flag, what),
            ["postconf", flag, what] => self.postconf("/etc/postfix", flag, what),
            ["postmap", map] => {
                let file = map.split_once(':').map_or(map, |(_, file)| file);
                self.write(&format!("{file}.db"), "")
            }
            ["hostnamectl", "set-hostname", name] => self.rename(name),
            ["whmapi1", "sethostname", name] => {
                let name = name.strip_prefix("hostname=").ok_or("no hostname=")?;
                self.change("/etc/wwwacct.conf", |line| match line.starts_with("HOST ") {
                    true => Some(format!("HOST {name}")),
                    false => Some(line.to_owned()),
                })?;
                self.rename(name)
            }
            ["sed", "-i", script, file] => self.sed(script, file),
            ["touch", file] => self.append(file, ""),
            ["printf", r"%s\n", ref lines @ .., ">>", file] if !lines.is_empty() => {
                self.append(file, &(lines.join("\n") + "\n"))?;
                if file == "/etc/hosts" { self.resolve_name() } else { Ok(()) }
            }
            ["systemctl", "restart", "postfix"] => self.copy_to_chroot(),
            ["update-exim4.conf"] => self.update_exim4_conf(),
            ["/usr/local/cpanel/scripts/updateuserdomains"] => self.updateuserdomains(),
            ["/usr/local/cpanel/scripts/updateuserdomains", "--force"] => self.updateuserdomains(),
            ["/usr/local/cpanel/scripts/build_cpnat"] => {
                let (local, public) = (self.source(), self.address_of_name());
                self.write("/var/cpanel/cpnat", &format!("{local} {public}\n"))
            }
            ["/scripts/mainipcheck"] => self.write("/var/cpanel/mainip", &self.source()),
            ["/usr/local/cpanel/scripts/buildeximconf"] => self.buildeximconf(),
            // Commands of providers: of several ways to name the same server, each sets the same record.
            ["hcloud", _, "set-rdns", "--ip", addr, "--hostname", name, blank] if is_blank(blank) => {
                self.set_ptr(addr, name)
            }
            ["scw", "instance", "ip", "update", addr, reverse] => {
                self.set_ptr(addr, reverse.strip_prefix("reverse=").ok_or("no reverse=")?)
            }
            ["scw", "baremetal", "server", "update-ip", server, ip, reverse]
                if server.strip_prefix("server-id=").is_some_and(is_blank)
                    && ip.strip_prefix("ip-id=").is_some_and(is_blank)
                    && reverse.starts_with("reverse=") =>
            {
                Ok(())
            }
            ["helolint", "check", "--public-ip", pair] => {
                self.args.extend(["--public-ip".to_owned(), pair.to_owned()]);
                Ok(())
            }
            _ => Err(format!("nobody knows what this does: {line}")),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.join("root").join(file.trim_start_matches('/'))
    }

    /// What a file of the copy holds.
    pub fn read(&self, file: &str) -> Result<String, String> {
        fs::read_to_string(self.path(file)).map_err(|e| format!("{file}: {e}"))
    }

    /// Gives a file of the copy another content.
    pub fn write(&self, file: &str, text: &str) -> Result<(), String> {
        fs::write(self.path(file), text).map_err(|e| format!("{file}: {e}"))
    }

    fn append(&self, file: &str, text: &str) -> Result<(), String> {
        let now = self.read(file).unwrap_or_default();
        self.write(file, &(now + text))
    }

    /// Passes each line of a file through `change`; `None` removes it.
    fn change(&self, file: &str, change: impl FnMut(&str) -> Option<String>) -> Result<(), String> {
        let lines: Vec<String> = self.read(file)?.lines().filter_map(change).collect();
        self.write(file, &(lines.join("\n") + "\n"))
    }

    /// The real sed, on the copy. What it changes nothing in was no advice.
    fn sed(&self, script: &str, file: &str) -> Result<(), String> {
        let path = self.path(file);
        let before = self.read(file)?;
        let output = Command::new("sed").args(["-i", script]).arg(&path).output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(format!("sed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        if file == "/etc/hosts" {
            self.resolve_name()?;
        }
        // What deletes, or ends the last line, makes way for what comes: there may be nothing to do.
        let makes_way = script.ends_with("/d") || script == r"$a\";
        if self.read(file)? == before && !makes_way {
            Err(format!("sed '{script}' changes nothing in {file}"))
        } else {
            Ok(())
        }
    }

    fn kernel(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.dir.join("kernel")).expect("kernel facts")).expect("JSON")
    }

    fn source(&self) -> String {
        self.kernel()["source"]["ipv4"].as_str().unwrap_or_default().to_owned()
    }

    /// What an outside service would say this host's address is: the one that its name has in the zones.
    fn address_of_name(&self) -> String {
        let name = self.kernel()["fqdn"].as_str().unwrap_or_default().to_owned();
        let first = name.split('.').next().unwrap_or_default().to_owned();
        let zones = fs::read_dir(self.dir.join("zones")).expect("zones");
        let texts = zones.flatten().map(|zone| fs::read_to_string(zone.path()).unwrap());
        let lines: Vec<String> = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let of_name = |line: &&String| line.split(' ').next() == Some(&first) && line.contains(" A ");
        lines.iter().find(of_name).and_then(|line| line.split(' ').next_back()).unwrap_or_default().to_owned()
    }

    /// sethostname(2), /etc/hostname, and what `hostname -f` prints then.
    fn rename(&self, name: &str) -> Result<(), String> {
        let mut kernel = self.kernel();
        kernel["node_name"] = json!(name);
        fs::write(self.dir.join("kernel"), kernel.to_string()).map_err(|e| e.to_string())?;
        self.resolve_name()?;
        self.write("/etc/hostname", &format!("{name}\n"))
    }

    /// Finds what `hostname -f` prints: the first name on the node name's line of the hosts file.
    fn resolve_name(&self) -> Result<(), String> {
        let hosts = self.read("/etc/hosts").unwrap_or_default();
        let mut kernel = self.kernel();
        let name = kernel["node_name"].as_str().unwrap_or_default().to_owned();
        let named = |line: &&str| line.split_whitespace().skip(1).any(|word| word == name);
        let canonical = hosts.lines().find(named).and_then(|line| line.split_whitespace().nth(1));
        kernel["fqdn"] = json!(canonical.unwrap_or(&name));
        fs::write(self.dir.join("kernel"), kernel.to_string()).map_err(|e| e.to_string())
    }

    /// postconf(1): `-e` main.cf, `-P` an option of a master.cf entry, `-X` removes a parameter, `-MX` an entry, `-PX` an option.
    fn postconf(&self, dir: &str, flag: &str, what: &str) -> Result<(), String> {
        let main = format!("{dir}/main.cf");
        let master = format!("{dir}/master.cf");
        match flag {
            "-e" => {
                let (name, value) = what.split_once('=').ok_or("no =")?;
                let (name, value) = (name.trim(), value.trim());
                let mut done = false;
                self.change_logical(&main, |first| {
                    if first.split('=').next().map(str::trim) != Some(name) {
                        return Kept::Whole;
                    }
                    if std::mem::replace(&mut done, true) {
                        Kept::Nothing
                    } else {
                        Kept::Instead(format!("{name} = {value}"))
                    }
                })?;
                if done { Ok(()) } else { self.append(&main, &format!("{name} = {value}\n")) }
            }
            "-X" => self.change_logical(&main, |first| match first.split('=').next().map(str::trim) == Some(what) {
                true => Kept::Nothing,
                false => Kept::Whole,
            }),
            "-P" | "-PX" => {
                let (target, value) = what.split_once('=').unwrap_or((what, ""));
                let [service, kind, parameter] = target.split('/').collect::<Vec<_>>()[..] else {
                    return Err(format!("no service/type/parameter: {what}"));
                };
                let mut inside = false;
                let mut seen = false;
                self.change(&master, |line| {
                    if !line.starts_with([' ', '\t', '#']) && !line.is_empty() {
                        let mut fields = line.split_whitespace();
                        inside = fields.next() == Some(service) && fields.next() == Some(kind);
                    }
                    let option = line.trim_start().strip_prefix("-o").map(str::trim_start);
                    let this = inside && option.is_some_and(|o| o.split('=').next().map(str::trim) == Some(parameter));
                    match (this, flag) {
                        (false, _) => Some(line.to_owned()),
                        (true, "-PX") => {
                            seen = true;
                            None
                        }
                        (true, _) => {
                            seen = true;
                            Some(format!("  -o {parameter}={value}"))
                        }
                    }
                })?;
                if seen {
                    Ok(())
                } else {
                    Err(format!("{master}: no `-o {parameter}` of {service}/{kind} on a line of its own"))
                }
            }
            _ => Err(format!("postconf {flag} is not known")),
        }
    }

    /// Changes the logical lines of main.cf by their first line.
    fn change_logical(&self, file: &str, mut change: impl FnMut(&str) -> Kept) -> Result<(), String> {
        let mut dropping = false;
        self.change(file, |line| {
            if line.starts_with('#') || line.is_empty() {
                return Some(line.to_owned());
            }
            if line.starts_with([' ', '\t']) {
                return (!dropping).then(|| line.to_owned());
            }
            let kept = change(line);
            dropping = !matches!(kept, Kept::Whole);
            match kept {
                Kept::Whole => Some(line.to_owned()),
                Kept::Instead(text) => Some(text),
                Kept::Nothing => None,
            }
        })
    }

    /// What Debian's start-up script of Postfix does.
    fn copy_to_chroot(&self) -> Result<(), String> {
        for file in ["hosts", "resolv.conf", "nsswitch.conf", "services"] {
            let copy = format!("/var/spool/postfix/etc/{file}");
            if let (true, Ok(text)) = (self.path(&copy).exists(), self.read(&format!("/etc/{file}"))) {
                self.write(&copy, &text)?;
            }
        }
        Ok(())
    }

    /// What update-exim4.conf(8) does with macros: those of exim4.conf.localmacros stand first.
    fn update_exim4_conf(&self) -> Result<(), String> {
        let local = self.read("/etc/exim4/exim4.conf.localmacros").unwrap_or_default();
        let split = self.read("/etc/exim4/conf.d/main/000_localmacros").unwrap_or_default();
        let macros: Vec<String> = local.lines().chain(split.lines()).map(str::to_owned).collect();
        let names: Vec<&str> = macros.iter().filter_map(|line| line.split('=').next()).map(str::trim).collect();
        let file = "/var/lib/exim4/config.autogenerated";
        let mut above = true;
        let mut rest = Vec::new();
        for line in self.read(file)?.lines() {
            above &= !line.starts_with("UPEX4C");
            let name = line.split('=').next().unwrap_or_default().trim();
            if !(above && names.contains(&name)) {
                rest.push(line.to_owned());
            }
        }
        let all: Vec<String> = macros.into_iter().chain(rest).collect();
        self.write(file, &(all.join("\n") + "\n"))
    }

    /// cPanel's buildeximconf, as far as lines of exim.conf.local are concerned that have changed: they replace the same in exim.conf.
    fn buildeximconf(&self) -> Result<(), String> {
        let name = self.dir.parent().and_then(Path::file_name).expect("a scenario");
        let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name);
        let was = fs::read_to_string(hosts.join("root/etc/exim.conf.local")).map_err(|e| e.to_string())?;
        let is = self.read("/etc/exim.conf.local")?;
        let changed: Vec<(&str, &str)> = was.lines().zip(is.lines()).filter(|(was, is)| was != is).collect();
        self.change("/etc/exim.conf", |line| {
            let new = changed.iter().find(|(was, _)| *was == line).map_or(line, |(_, is)| is);
            Some(new.to_owned())
        })
    }

    /// What cPanel's updateuserdomains writes (spec of the two maps): nothing where the administrator owns a map and it exists.
    fn updateuserdomains(&self) -> Result<(), String> {
        let flag = |name: &str| self.path(&format!("/var/cpanel/{name}")).exists();
        let pairs = |file: &str| -> Vec<(String, String)> {
            let text = self.read(file).unwrap_or_default();
            let pair = |line: &str| line.split_once(": ").map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()));
            text.lines().filter_map(pair).collect()
        };
        let wwwacct = self.read("/etc/wwwacct.conf").unwrap_or_default();
        let shared = wwwacct.lines().find_map(|line| line.strip_prefix("ADDR ")).unwrap_or_default().trim().to_owned();
        let accounts: BTreeMap<String, String> = pairs("/etc/userips").into_iter().collect();
        let known: Vec<(String, String)> = pairs("/etc/mail_reverse_dns");
        let ptr = |ip: &str| known.iter().find(|(addr, _)| addr == ip).map(|(_, name)| name.clone());
        let (mut ips, mut helos) = (String::new(), String::new());
        if flag("per_domain_mailips") {
            for (domain, user) in pairs("/etc/userdomains").iter().filter(|(domain, _)| domain != "*") {
                let Some(ip) = accounts.get(user).filter(|ip| **ip != shared) else { continue };
                ips += &format!("{domain}: {ip}\n");
                let name = ptr(ip).filter(|_| flag("use_rdns_for_helo")).unwrap_or_else(|| domain.clone());
                helos += &format!("{domain}: {name}\n");
            }
            if !ips.is_empty() {
                ips += &format!("*: {shared}\n");
            }
        }
        if let Some(name) = ptr(&shared).filter(|_| flag("use_rdns_for_helo")) {
            helos += &format!("*: {name}\n");
        }
        for (file, own, text) in [("/etc/mailips", "custom_mailips", ips), ("/etc/mailhelo", "custom_mailhelo", helos)]
        {
            if !(flag(own) && self.path(file).exists()) {
                self.write(file, &text)?;
            }
        }
        Ok(())
    }

    /// What a provider does when asked for the PTR record of an IPv4 address: whatever was there goes.
    fn set_ptr(&self, addr: &str, name: &str) -> Result<(), String> {
        let addr: std::net::Ipv4Addr = addr.parse().map_err(|e| format!("{addr}: {e}"))?;
        let [a, b, c, d] = addr.octets();
        let owner = format!("{d}.{c}.{b}.{a}.in-addr.arpa.");
        self.edit_zone(&owner, "PTR", None, Some(&format!("{owner} 3600 IN PTR {name}.")))
    }

    /// Takes records out of the zone that holds `owner`, and puts one in. Without `only`, all of the type and any alias go.
    fn edit_zone(&self, owner: &str, kind: &str, only: Option<&str>, add: Option<&str>) -> Result<(), String> {
        let name = owner.trim_end_matches('.').to_lowercase();
        let zones = fs::read_dir(self.dir.join("zones")).map_err(|_| "this scenario has no zones")?;
        let origin_of = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let within = |origin: &str| name == origin || name.ends_with(&format!(".{origin}"));
        let mut paths: Vec<PathBuf> = zones.flatten().map(|zone| zone.path()).collect();
        paths.retain(|path| within(&origin_of(path)));
        paths.sort_by_key(|path| path.as_os_str().len());
        let path = match paths.last() {
            Some(path) => path.clone(),
            None => return Err(format!("no zone of the scenario holds {owner}")),
        };
        let origin = origin_of(&path);
        let mut last = String::new();
        let mut removed = 0;
        let mut lines = Vec::new();
        for line in fs::read_to_string(&path).map_err(|e| e.to_string())?.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if !line.starts_with([' ', '\t', ';', '$']) && !words.is_empty() {
                last = match words[0] {
                    "@" => origin.clone(),
                    word => word.strip_suffix('.').map_or_else(|| format!("{word}.{origin}"), str::to_owned),
                };
            }
            let has = |word: &str| words.iter().skip(1).any(|w| w.eq_ignore_ascii_case(word));
            let same = |data: &str| match (data.parse::<IpAddr>(), words.last().and_then(|w| w.parse::<IpAddr>().ok()))
            {
                (Ok(a), Some(b)) => a == b,
                _ => words.last() == Some(&data),
            };
            let mine = last.eq_ignore_ascii_case(&name) && !line.starts_with('$');
            let gone = mine
                && match only {
                    Some(data) => has(kind) && same(data),
                    None => has(kind) || has("CNAME"),
                };
            if gone { removed += 1 } else { lines.push(line.to_owned()) }
        }
        if only.is_some() && removed == 0 {
            return Err(format!("there is no {kind} record of {owner} to delete"));
        }
        lines.extend(add.map(str::to_owned));
        self.plan_no_more(&name, kind)?;
        fs::write(&path, lines.join("\n") + "\n").map_err(|e| e.to_string())
    }

    /// Takes records out of the plan, where there is one: what is published otherwise is not planned any more.
    fn plan_no_more(&self, name: &str, kind: &str) -> Result<(), String> {
        let plan = self.dir.join("planned.zone");
        let Ok(text) = fs::read_to_string(&plan) else { return Ok(()) };
        let is_other = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let own = words.first().is_some_and(|owner| owner.trim_end_matches('.').eq_ignore_ascii_case(name));
            !(own && words.contains(&kind))
        };
        let kept: Vec<&str> = text.lines().filter(is_other).collect();
        fs::write(&plan, kept.join("\n") + "\n").map_err(|e| e.to_string())
    }
}

/// Whether a word is left for the administrator to fill in, such as `<SERVER>`.
fn is_blank(word: &str) -> bool {
    word.strip_prefix('<').is_some_and(|rest| rest.ends_with('>'))
}

/// What becomes of a logical line.
enum Kept {
    Whole,
    Instead(String),
    Nothing,
}
