//! Lookups: types and their options, partial matching, defaults.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

pub(crate) use super::lookup_type::{Type, check};
use super::parse::{Expr, Kind, Lookup};
use super::table::{Table, full};
use super::{Evaluator, PTR_NAME, PTR_OTHER, Ptr, Scope, Stop, parse, undecided};
use crate::facts::MapEntry;

/// What it costs to expand a key of a table, in octets touched.
const EXPANSION: usize = 256;

/// What a lookup found.
pub(crate) struct Found {
    /// The data.
    pub value: String,
    /// `$1` and `$2` of partial matching, and of a default.
    pub parts: Option<[String; 2]>,
}

/// Looks up; `None` where nothing is found.
pub(crate) fn find(of: &Evaluator, scope: &mut Scope, lookup: &Lookup) -> Result<Option<Found>, Stop> {
    let kind = Type::parse(&lookup.kind);
    let Some(key) = &lookup.key else {
        if let (Some(ptr), "dnsdb", Some(separator)) = (scope.ptr, kind.name, asks_ptr(&lookup.file)) {
            let found = |value: String| Ok(Some(Found { value, parts: None }));
            return match ptr {
                Ptr::Found => found(PTR_NAME.to_owned()),
                Ptr::Several => found(format!("{PTR_NAME}{separator}{PTR_OTHER}")),
                Ptr::Missing => Ok(None),
            };
        }
        let what = if kind.name == "dnsdb" { "asks the DNS" } else { "asks a database" };
        return undecided(format!("a `{}` lookup {what} when the mail is sent", kind.name));
    };
    of.may_open(&lookup.file, scope)?;
    match of.expand(key, scope) {
        Err(Stop::Undecided { .. }) if scope.free.is_some() && is_text(kind.name) => {
            let file = of.expand(&lookup.file, scope)?;
            any(of, scope, &kind, file.trim())
        }
        Err(stop @ Stop::Undecided { .. }) if is_text(kind.name) => {
            // Whatever the key is, a table must be there.
            let table = of.expand(&lookup.file, scope).and_then(|file| of.table(file.trim()));
            Err(table.err().filter(|other| matches!(other, Stop::Fails(_))).unwrap_or(stop))
        }
        key => {
            let key = key?;
            let file = of.expand(&lookup.file, scope)?;
            search(of, scope, &kind, &key, file.trim())
        }
    }
}

/// Whether a lookup searches a text of keys and values.
fn is_text(name: &str) -> bool {
    matches!(name, "lsearch" | "wildlsearch" | "nwildlsearch" | "iplsearch")
}

/// Looks up with a key that files do not decide: the entry that is assumed, else the default.
fn any(of: &Evaluator, scope: &mut Scope, kind: &Type, file: &str) -> Result<Option<Found>, Stop> {
    let table = of.table(file)?;
    let Some(free) = &mut scope.free else { return Ok(None) };
    free.tables.insert(file.to_owned());
    let own = free.key.as_deref().filter(|key| *key != "*").and_then(|key| table.get(key));
    let Some(entry) = own.or_else(|| table.get("*").filter(|_| kind.star)) else { return Ok(None) };
    match kind.options.split(',').find_map(|option| option.strip_prefix("ret=")) {
        Some("key") => undecided("the key that is looked up is known only when the mail is sent".to_owned()),
        Some("full") => Ok(Some(Found { value: full(entry), parts: None })),
        _ => Ok(Some(Found { value: entry.value.to_string(), parts: None })),
    }
}

/// Where a query asks for the PTR records of the sending address: what stands between several.
fn asks_ptr(query: &Expr) -> Option<char> {
    let mut text = String::new();
    for node in &query.0 {
        match &node.kind {
            Kind::Text(piece) => text.push_str(piece),
            Kind::Variable(name) => text.push_str(&format!("${name}")),
            _ => return None,
        }
    }
    let text = text.trim();
    if !text.ends_with("ptr=$sending_ip_address") {
        return None;
    }
    Some(text.strip_prefix('>').and_then(|rest| rest.chars().next()).unwrap_or('\n'))
}

/// Looks `key` up in `file`.
pub(crate) fn search(
    of: &Evaluator,
    scope: &mut Scope,
    kind: &Type,
    key: &str,
    file: &str,
) -> Result<Option<Found>, Stop> {
    let found = match kind.name {
        "dsearch" if !file.starts_with('/') => {
            return undecided("a folder without `/` before it is looked for where Exim happens to run".to_owned());
        }
        "dsearch" => {
            if !of.status(file)?.is_some_and(|status| status.is_dir) {
                let message = format!("failed to open {file} for directory search: No such file or directory");
                return Err(Stop::absent(file, message));
            }
            return entry(of, kind, key, file);
        }
        "lsearch" | "wildlsearch" | "nwildlsearch" | "iplsearch" => of.table(file)?,
        other => return undecided(format!("a `{other}` lookup reads a compiled table")),
    };
    let table = Rc::clone(&found);
    let mut parts = None;
    let mut hit = one(of, scope, kind, &table, key)?;
    if let (None, Some(keep)) = (hit, kind.partial) {
        (hit, parts) = partial(of, scope, kind, &table, key, keep)?;
    } else if kind.partial.is_some() && hit.is_some() {
        parts = Some([String::new(), key.to_owned()]);
    }
    if hit.is_none()
        && kind.star_at
        && let Some((_, domain)) = key.rsplit_once('@')
    {
        hit = one(of, scope, kind, &table, &format!("*@{domain}"))?;
        parts = hit.map(|_| [key[..key.len() - domain.len() - 1].to_owned(), String::new()]);
    }
    if hit.is_none() && kind.star {
        hit = one(of, scope, kind, &table, "*")?;
        parts = hit.map(|_| [key.to_owned(), String::new()]);
    }
    Ok(hit.map(|entry| Found {
        value: match kind.options.split(',').find_map(|option| option.strip_prefix("ret=")) {
            // The key as it was asked for, whatever the entry's own is.
            Some("key") => key.to_owned(),
            Some("full") => full(entry),
            _ => entry.value.to_string(),
        },
        parts,
    }))
}

/// What `dsearch` finds: the name of an entry of a folder.
fn entry(of: &Evaluator, kind: &Type, key: &str, folder: &str) -> Result<Option<Found>, Stop> {
    if kind.partial.is_some() || kind.star_at {
        return undecided("partial matching in a folder is not followed".to_owned());
    }
    let (mut wanted, mut full) = (None, false);
    for option in kind.options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("filter", filter @ ("file" | "dir" | "subdir"))) => wanted = Some(filter),
            Some(("ret", "full")) => full = true,
            _ => return undecided(format!("the option `{option}` of a `dsearch` lookup is not followed")),
        }
    }
    for name in [Some(key), Some("*").filter(|_| kind.star)].into_iter().flatten() {
        if name.contains('/') {
            return Err(Stop::fails(format!("key for dsearch lookup contains a slash: {name}")));
        }
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        let Some(status) = of.status(&path)?.filter(|_| !name.is_empty()) else { continue };
        let fits = match wanted {
            None => true,
            Some("file") => !status.is_dir,
            Some("dir") => status.is_dir,
            Some(_) => status.is_dir && !matches!(name, "." | ".."),
        };
        if fits {
            let value = if full { format!("{folder}/{name}") } else { name.to_owned() };
            return Ok(Some(Found { value, parts: None }));
        }
    }
    Ok(None)
}

/// An entry, and what partial matching splits the key into.
type Partial<'t> = (Option<&'t MapEntry>, Option<[String; 2]>);

/// Partial matching: labels go from the left, a wildcard stands for them.
fn partial<'t>(
    of: &Evaluator,
    scope: &mut Scope,
    kind: &Type,
    table: &'t Table,
    key: &str,
    keep: usize,
) -> Result<Partial<'t>, Stop> {
    if let Some(entry) = one(of, scope, kind, table, &format!("{}{key}", kind.affix))? {
        return Ok((Some(entry), Some([String::new(), key.to_owned()])));
    }
    let dots = key.matches('.').count();
    let mut rest = key;
    for left in (keep..=dots).rev() {
        let _ = left;
        let fixed = match rest.split_once('.') {
            Some((_, fixed)) => fixed,
            None if kind.affix.is_empty() => break,
            None => "",
        };
        let affix = match fixed {
            "" if kind.affix.len() > 1 => kind.affix.trim_end_matches('.'),
            _ => kind.affix,
        };
        if let Some(entry) = one(of, scope, kind, table, &format!("{affix}{fixed}"))? {
            // Exim counts a dot before the fixed part even where there is none: `$1` then lacks its last character.
            let wild = (key.len() - fixed.len()).saturating_sub(1);
            let wild = key.get(..wild).unwrap_or_default().to_owned();
            return Ok((Some(entry), Some([wild, fixed.to_owned()])));
        }
        rest = fixed;
    }
    Ok((None, None))
}

/// The entry of exactly this key, by the type's own comparison.
fn one<'t>(
    of: &Evaluator,
    scope: &mut Scope,
    kind: &Type,
    table: &'t Table,
    key: &str,
) -> Result<Option<&'t MapEntry>, Stop> {
    if key.is_empty() {
        return Ok(None);
    }
    match kind.name {
        "lsearch" => return Ok(table.get(key)),
        "iplsearch" => {
            if key == "*" {
                return Ok(table.get("*"));
            }
            let Ok(address) = key.parse::<IpAddr>() else {
                return Err(Stop::fails(format!(
                    "lookup of \"{key}\" gave DEFER: \"{key}\" is not a valid iplsearch key (an IP address, with optional \
                     CIDR mask, is wanted): in a host list, use net-iplsearch as the search type"
                )));
            };
            of.step()?;
            return table.network(address, |octets| of.spend(octets));
        }
        _ => {}
    }
    scope.capture(&[]);
    for entry in &table.entries {
        of.step()?;
        let pattern = match kind.name {
            "wildlsearch" if entry.key.contains(['$', '\\']) => {
                of.spend(EXPANSION)?;
                Cow::Owned(scope.deeper(|scope| of.expand(&parse::parse(&entry.key), scope))?)
            }
            _ => Cow::Borrowed(&*entry.key),
        };
        if of.matches_pattern(&pattern, key)? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}
