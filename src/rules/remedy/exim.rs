//! Fixes of Exim, plain, Debian's and cPanel's: each has its own file that an administrator may edit.

use super::rename_host;
use crate::facts::{Cpanel, Exim, Fact, Facts, Origin, OutboundPath, SenderDomains};
use crate::findings::{Fix, Who};
use crate::name::{DomainName, HeloName};
use crate::rules::edit;
use crate::rules::panel::{has_flag, key};

/// cPanel's map of HELO names.
const MAILHELO: &str = "/etc/mailhelo";
/// Where Debian puts the configuration that it generates for Exim.
const DEBIAN_EXIM: &str = "/var/lib/exim4/";
/// Debian's file of macros that its configuration takes values from.
const LOCALMACROS: &str = "/etc/exim4/exim4.conf.localmacros";
/// Lines of a map that one fix proposes.
const MAP_LINES: usize = 20;
/// Files that hold the host's own name.
const HOST_FILES: [&str; 2] = ["/etc/hosts", "/etc/hostname"];
/// What cPanel builds `/etc/exim.conf` from.
const EXIM_CONF_LOCAL: &str = "/etc/exim.conf.local";

/// How to make a path of Exim introduce itself by `name`.
pub(super) fn exim_helo(facts: &Facts, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    if let Some(cpanel) = &facts.cpanel {
        return cpanel_helo(facts, cpanel, path, helo, name);
    }
    let Some(exim) = facts.exim.first() else {
        return Fix::new(Who::Host, format!("Make Exim introduce itself as `{name}`."));
    };
    if is_debian(exim) {
        return set_debian_macro("REMOTE_SMTP_HELO_DATA", name.as_str());
    }
    let own = exim.main.get("primary_hostname").is_some_and(|own| own.origin == helo.origin);
    // Where the name comes from the host's files, Exim has no setting of its own yet; and others read those files too.
    let set = helo.origin.span().filter(|span| !HOST_FILES.contains(&span.path()));
    let option = if own || set.is_none() { "primary_hostname" } else { "helo_data" };
    let place = set.map_or_else(|| exim.file.clone(), |_| helo.origin.describe());
    let fix = Fix::new(Who::Host, format!("Set `{option} = {name}` in {place}, then reload Exim."));
    let edit: Vec<String> = match set {
        Some(_) => edit::replace(&helo.origin, helo.value.as_str(), name.as_str()).into_iter().collect(),
        None => set_first(exim, &format!("primary_hostname = {name}")),
    };
    edit.into_iter().fold(fix, Fix::command).command(format!("systemctl reload {}", exim_unit(exim)))
}

/// How to set a main option, which stands before the first `begin`. sed(1) has no first line in a file without any, as one without
/// drivers may be.
fn set_first(exim: &Exim, option: &str) -> Vec<String> {
    let file = edit::word(&exim.file);
    let empty = exim.transports.is_empty() && exim.routers.is_empty();
    let line = empty.then(|| format!(r"printf '%s\n' '' >> {file}"));
    line.into_iter().chain([format!("sed -i '1i {option}' {file}")]).collect()
}

/// How to define a macro of Debian's Exim configuration, whatever is defined now.
pub fn set_debian_macro(name: &str, value: &str) -> Fix {
    let text = format!(
        "Define `{name} = {value}` in {LOCALMACROS} (with the split configuration, in a file of its own in /etc/exim4/conf.d/main/, \
         such as 000_localmacros, instead), generate the configuration and reload."
    );
    let fix = Fix::new(Who::Host, text)
        .command(format!("touch {LOCALMACROS}"))
        .command(format!("sed -i '/^{name} *=/d' {LOCALMACROS}"));
    edit::append(LOCALMACROS, &[format!("{name} = {value}")], true)
        .into_iter()
        .fold(fix, Fix::command)
        .command("update-exim4.conf")
        .command("systemctl reload exim4")
}

/// How a cPanel server's path comes to another HELO name: by the map of HELO names where that is the administrator's; else by the
/// PTR names that cPanel keeps, or the host name.
fn cpanel_helo(facts: &Facts, cpanel: &Cpanel, path: &OutboundPath, helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    let domains: &[DomainName] = match &path.sender_domains {
        SenderDomains::Only { domains, others: false } => domains,
        _ => &[],
    };
    let from_map = helo.origin.span().is_some_and(|span| span.path() == MAILHELO);
    if has_flag(cpanel, "custom_mailhelo") && (from_map || !domains.is_empty()) {
        return own_map(cpanel, domains, helo, name);
    }
    if from_map && has_flag(cpanel, "use_rdns_for_helo") {
        let text = format!(
            "{MAILHELO} is written by cPanel from the PTR names that it keeps, and what is written there by hand is lost. Once the PTR is \
             right, press \"Rebuild Reverse DNS Cache and Update Mail HELO\" in WHM » Exim Configuration Manager; or turn on \
             \"Reference /etc/mailhelo for custom outgoing SMTP HELO\" and write `{name}` there."
        );
        return Fix::new(Who::Host, text);
    }
    if from_map || !domains.is_empty() {
        let text = format!(
            "{MAILHELO} is written by cPanel, and what is written there by hand is lost. In WHM » Exim Configuration Manager » Basic Editor » \
             Domains and IPs, turn on \"Reference /etc/mailhelo for custom outgoing SMTP HELO\" and write `{name}` there; or turn on \"Use \
             the reverse DNS entry for the mail HELO/EHLO if available\"."
        );
        return Fix::new(Who::Host, text);
    }
    // primary_hostname in exim.conf goes before the host name.
    let set = facts.exim.first().and_then(|exim| exim.main.get("primary_hostname"));
    match set.filter(|set| set.origin == helo.origin).and_then(|set| set.origin.span()) {
        Some(span) => of_exim_conf_local(&span.excerpt().text, &helo.origin, helo.value.as_str(), name.as_str()),
        None => rename_host(facts, name),
    }
}

/// The lines of the administrator's own map of HELO names: for each domain of the path its own, else the one that the name is from.
fn own_map(cpanel: &Cpanel, domains: &[DomainName], helo: &Fact<HeloName>, name: &DomainName) -> Fix {
    if domains.is_empty() {
        let place = helo.origin.describe();
        let fix = Fix::new(Who::Host, format!("Write `{name}` as the value of this line of {MAILHELO} ({place})."));
        let edit = edit::replace(&helo.origin, helo.value.as_str(), name.as_str());
        return edit.into_iter().fold(fix, Fix::command);
    }
    let listed: Vec<String> = domains.iter().take(MAP_LINES).map(|domain| format!("`{domain}: {name}`")).collect();
    let more = domains.len().saturating_sub(MAP_LINES);
    let more = if more > 0 { format!(", and so for {more} more domains") } else { String::new() };
    let mut fix = Fix::new(Who::Host, format!("In {MAILHELO}, let these lines stand: {}{more}.", listed.join(", ")));
    let mut new = Vec::new();
    for domain in domains.iter().take(MAP_LINES) {
        match cpanel.mailhelo.iter().find(|entry| key(entry) == domain.as_str()) {
            Some(own) => {
                let edit = edit::replace(&own.value.origin(), &own.value, name.as_str());
                fix = edit.into_iter().fold(fix, Fix::command);
            }
            None => new.push(format!("{domain}: {name}")),
        }
    }
    edit::append(MAILHELO, &new, !cpanel.mailhelo.is_empty()).into_iter().fold(fix, Fix::command)
}

/// How to change a line of cPanel's `/etc/exim.conf`, which is built anew from another file.
pub fn of_exim_conf_local(line: &str, origin: &Origin, old: &str, new: &str) -> Fix {
    let text = format!(
        "In WHM » Exim Configuration Manager » Advanced Editor, change `{}` to `{new}` ({}); or edit {EXIM_CONF_LOCAL}, where WHM keeps it, \
         build the configuration and restart Exim. What is changed in /etc/exim.conf itself is lost when cPanel builds that anew.",
        line.trim(),
        origin.describe()
    );
    let fix = Fix::new(Who::Host, text);
    match edit::replace_in(EXIM_CONF_LOCAL, line.trim(), old, new) {
        Some(edit) => {
            fix.command(edit).command("/usr/local/cpanel/scripts/buildeximconf").command("systemctl restart exim")
        }
        None => fix,
    }
}

/// Whether an Exim's configuration is the one that Debian's packages generate.
pub fn is_debian(exim: &Exim) -> bool {
    exim.file.starts_with(DEBIAN_EXIM)
}

/// The systemd unit of an Exim: Debian calls it `exim4`.
pub fn exim_unit(exim: &Exim) -> &'static str {
    if exim.file.starts_with("/etc/exim4/") || exim.file.starts_with(DEBIAN_EXIM) { "exim4" } else { "exim" }
}
