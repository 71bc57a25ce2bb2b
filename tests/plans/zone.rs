//! Zone files as far as the scenarios write them: one record a line, `$ORIGIN` and `$TTL`, an owner left out, SOA records in
//! parentheses.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A record: owner, type, data; names absolute, lower case.
type Record = (String, String, String);

fn absolute(name: &str, origin: &str) -> String {
    match name {
        "@" => origin.to_owned(),
        name if name.ends_with('.') => name.to_ascii_lowercase(),
        name => format!("{name}.{origin}").to_ascii_lowercase(),
    }
}

/// A record of a line, with the owner that it has or takes over.
fn record(line: &str, origin: &str, owner: &mut String) -> Option<Record> {
    let line = line.split(';').next().unwrap();
    let mut words = line.split_whitespace().peekable();
    if !line.starts_with([' ', '\t']) {
        *owner = absolute(words.next()?, origin);
    }
    while words.peek().is_some_and(|word| *word == "IN" || word.parse::<u32>().is_ok()) {
        words.next();
    }
    let kind = words.next()?.to_owned();
    let mut data: Vec<String> = words.map(str::to_owned).collect();
    if ["PTR", "CNAME", "NS", "MX"].contains(&kind.as_str()) {
        let last = data.pop()?;
        data.push(absolute(&last, origin));
    }
    let data = match (kind.as_str(), data.join(" ")) {
        ("AAAA", text) => text.parse::<IpAddr>().map_or(text, |addr| addr.to_string()),
        (_, text) => text,
    };
    Some((owner.clone(), kind, data))
}

/// The zone file that a name belongs into; made where there is none.
fn file_of(zones: &Path, name: &str) -> PathBuf {
    let origin = |path: &PathBuf| format!("{}.", path.file_name().unwrap().to_str().unwrap().trim_end_matches(".zone"));
    let files = fs::read_dir(zones).unwrap().map(|entry| entry.unwrap().path());
    let fits = files.filter(|path| name == origin(path) || name.ends_with(&format!(".{}", origin(path))));
    if let Some(path) = fits.max_by_key(|path| origin(path).len()) {
        return path;
    }
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let count = match name {
        v4 if v4.ends_with(".in-addr.arpa.") => labels.len() - 1,
        v6 if v6.ends_with(".ip6.arpa.") => labels.len() - 16,
        _ => 2,
    };
    let zone = labels[labels.len() - count..].join(".");
    let path = zones.join(format!("{zone}.zone"));
    let soa = format!("{zone}. 3600 IN SOA ns1.example.com. hostmaster.example.com. 1 7200 900 1209600 300\n");
    fs::write(&path, soa).unwrap();
    path
}

/// The file without the records that `gone` names.
fn without(path: &Path, mut gone: impl FnMut(&Record) -> bool) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let mut origin = format!("{}.", path.file_name().unwrap().to_str().unwrap().trim_end_matches(".zone"));
    let (mut out, mut owner, mut removed) = (String::new(), origin.clone(), 0);
    let mut open = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("$ORIGIN") {
            origin = absolute(name.trim(), &origin);
        }
        let inside = open;
        open = (open || line.contains('(')) && !line.contains(')');
        let before = owner.clone();
        let found = (!inside && !line.starts_with('$')).then(|| record(line, &origin, &mut owner)).flatten();
        if found.as_ref().is_some_and(&mut gone) {
            removed += 1;
            continue;
        }
        // Its owner may have gone with the line before.
        if line.starts_with([' ', '\t']) && !inside && found.is_some() {
            out.push_str(&before);
        }
        out.push_str(line);
        out.push('\n');
    }
    fs::write(path, out).unwrap();
    removed
}

/// Publishes a record where that can be; whether it could.
pub fn try_publish(zones: &Path, text: &str) -> bool {
    let new = record(text, ".", &mut String::new()).unwrap();
    let mut fits = true;
    without(&file_of(zones, &new.0), |known| {
        fits &= *known != new && (known.0 != new.0 || known.1 != "CNAME" && new.1 != "CNAME");
        false
    });
    if fits {
        publish(zones, text);
    }
    fits
}

/// Withdraws a record where it is there; whether it was.
pub fn try_withdraw(zones: &Path, text: &str) -> bool {
    let gone = record(text, ".", &mut String::new()).unwrap();
    without(&file_of(zones, &gone.0), |known| *known == gone) > 0
}

/// Whether a name has one record alone.
pub fn is_alone(zones: &Path, name: &str) -> bool {
    let (mut count, owner) = (0, format!("{name}."));
    without(&file_of(zones, &owner), |known| {
        count += usize::from(known.0 == owner);
        false
    });
    count == 1
}

pub fn publish(zones: &Path, text: &str) {
    let (owner, kind, data) = record(text, ".", &mut String::new()).unwrap();
    let path = file_of(zones, &owner);
    let mut same = false;
    without(&path, |known| {
        same |= *known == (owner.clone(), kind.clone(), data.clone());
        assert!(known.0 != owner || known.1 != "CNAME", "beside an alias: {text}");
        false
    });
    assert!(!same, "it is there already: {text}");
    let file = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{file}{text}\n")).unwrap();
}

pub fn withdraw(zones: &Path, text: &str) {
    let gone = record(text, ".", &mut String::new()).unwrap();
    assert_eq!(without(&file_of(zones, &gone.0), |known| *known == gone), 1, "{text}");
}

pub fn set_ptr(zones: &Path, addr: IpAddr, name: &str) {
    let mut owner = reverse(addr);
    // Where the reverse name is an alias (RFC 2317), the record stands at its end.
    let mut target = None;
    without(&file_of(zones, &owner), |known| {
        if known.0 == owner && known.1 == "CNAME" {
            target = Some(known.2.clone());
        }
        false
    });
    owner = target.unwrap_or(owner);
    let path = file_of(zones, &owner);
    without(&path, |known| known.0 == owner && known.1 == "PTR");
    let file = fs::read_to_string(&path).unwrap();
    fs::write(path, format!("{file}{owner} 3600 IN PTR {name}.\n")).unwrap();
}

pub fn reverse(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(v6) => {
            let digits: Vec<char> =
                v6.octets().iter().flat_map(|octet| format!("{octet:02x}").chars().collect::<Vec<_>>()).collect();
            digits.iter().rev().map(|digit| format!("{digit}.")).collect::<String>() + "ip6.arpa."
        }
    }
}
