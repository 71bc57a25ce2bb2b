//! Types of lookups: their names, and what stands around them.

/// Lookups with a key and a file.
const SINGLE: &[&str] = &[
    "cdb",
    "dbm",
    "dbmjz",
    "dbmnz",
    "dsearch",
    "iplsearch",
    "json",
    "lsearch",
    "nis",
    "nis0",
    "nwildlsearch",
    "wildlsearch",
    "lmdb",
];
/// Lookups with a query.
const QUERY: &[&str] = &[
    "dnsdb", "ibase", "ldap", "ldapdn", "ldapm", "mysql", "nisplus", "oracle", "passwd", "pgsql", "readsock", "redis",
    "spf", "sqlite", "testdb", "whoson", "psl",
];
/// Labels that partial matching keeps, where no number says otherwise.
const PARTIAL_DEFAULT: usize = 2;
/// Partial matching's wildcard.
const AFFIX: &str = "*.";

/// A lookup's type, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Type<'t> {
    /// The type itself.
    pub name: &'t str,
    /// Labels that partial matching keeps; `None`: no partial matching.
    pub partial: Option<usize>,
    pub(super) affix: &'t str,
    /// Whether `*` is the last resort.
    pub star: bool,
    pub(super) star_at: bool,
    pub(super) options: &'t str,
}

impl<'t> Type<'t> {
    /// Takes apart what stands between key and file.
    pub(crate) fn parse(text: &'t str) -> Type<'t> {
        let (text, options) = text.split_once(',').unwrap_or((text, ""));
        let mut found = Type { name: text, partial: None, affix: AFFIX, star: false, star_at: false, options };
        if let Some(rest) = text.strip_prefix("partial") {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            found.partial = Some(rest[..digits].parse().unwrap_or(PARTIAL_DEFAULT));
            let rest = &rest[digits..];
            if let Some(rest) = rest.strip_prefix('-') {
                found.name = rest;
            } else if let Some((affix, rest)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                (found.affix, found.name) = (affix, rest);
            }
        }
        // What follows the star counts for nothing, unless it is an `@`.
        if let Some((name, rest)) = found.name.split_once('*') {
            (found.name, found.star, found.star_at) = (name, true, rest.starts_with('@'));
        }
        found
    }
}

/// Whether Exim takes a lookup of this type, with or without key.
///
/// # Errors
/// Its message.
pub(crate) fn check(text: &str, key: bool) -> Result<(), String> {
    let affix = text.strip_prefix("partial").map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    if let Some(affix) = affix.and_then(|rest| rest.strip_prefix('('))
        && !affix.split_once(')').is_some_and(|(affix, _)| affix.bytes().all(|byte| byte.is_ascii_punctuation()))
    {
        return Err(format!("format error in lookup type \"{text}\""));
    }
    let name = Type::parse(text).name;
    match (SINGLE.contains(&name), QUERY.contains(&name)) {
        (true, _) if !key => Err(format!("missing {{key}} for single-key \"{text}\" lookup")),
        (_, true) if key => {
            Err(format!("a single key was given for lookup type \"{text}\", which is not a single-key lookup type"))
        }
        (false, false) => Err(format!("unknown lookup type \"{name}\"")),
        _ => Ok(()),
    }
}
