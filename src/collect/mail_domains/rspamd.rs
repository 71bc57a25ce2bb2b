//! What rspamd signs with: its module dkim_signing, as rspamd.com/doc/modules/dkim_signing.html and `lua_dkim_tools.lua` have it.

use std::collections::HashMap;

use super::budget::{Budget, PATH, Spent, filled};
use super::keys::{Added, Keys, Signature};
use super::ucl::{self, Object, Value};
use crate::collect::confidential::OwnFiles;
use crate::collect::root::ReadError;
use crate::domains::GapOf;
use crate::facts::Origin;
use crate::name::DomainName;
use crate::source::SourceFile;

/// Where its settings stand.
const FOLDER: &str = "/etc/rspamd";
/// What packages bring, what is merged into it, what goes before both.
const FILES: [&str; 3] = [
    "/etc/rspamd/modules.d/dkim_signing.conf",
    "/etc/rspamd/local.d/dkim_signing.conf",
    "/etc/rspamd/override.d/dkim_signing.conf",
];
/// Files in which the module may be set up as well.
const WHOLE: [&str; 2] = ["/etc/rspamd/rspamd.conf.local", "/etc/rspamd/rspamd.conf.override"];
/// The module's name.
const MODULE: &str = "dkim_signing";
/// Defaults of a module that no file of the package describes.
const PATH_OF_KEYS: &str = "/var/lib/rspamd/dkim/$domain.$selector.key";
const SELECTOR: &str = "dkim";
/// Settings under which a key is found elsewhere than in files.
const ELSEWHERE: [&str; 5] = ["use_redis", "use_vault", "signing_table", "key_table", "use_http_headers"];
/// Paths that rspamd knows by a name.
const NAMED: [(&str, &str); 8] = [
    ("${LOCAL_CONFDIR}", "/etc/rspamd"),
    ("$LOCAL_CONFDIR", "/etc/rspamd"),
    ("${CONFDIR}", "/etc/rspamd"),
    ("$CONFDIR", "/etc/rspamd"),
    ("${DBDIR}", "/var/lib/rspamd"),
    ("$DBDIR", "/var/lib/rspamd"),
    ("${RUNDIR}", "/run/rspamd"),
    ("$RUNDIR", "/run/rspamd"),
];
/// What it costs to look at a setting of a domain, in octets compared.
const VALUE_COST: usize = 64;
/// Entries of a map that are kept: five times the domains of the largest servers.
const ENTRIES: usize = 250_000;

/// Octets of a setting that is told.
const TOLD: usize = 100;

/// What a setting says, and where.
type Place<'s> = (&'s str, &'s Origin);
/// A map: what it says of each domain.
type Map = HashMap<String, (String, Origin)>;

/// The module's settings, each with the file that sets it.
struct Settings {
    by_key: HashMap<String, (Value, usize)>,
    files: Vec<std::sync::Arc<SourceFile>>,
    whole: Origin,
}

impl Settings {
    fn read(own: &OwnFiles<'_>) -> Result<Settings, (Origin, String)> {
        let whole: Origin = SourceFile::new(FOLDER, b"").span(0, 0).into();
        let mut settings = Settings { by_key: HashMap::new(), files: Vec::new(), whole };
        for path in FILES {
            let file = match own.read(path) {
                Ok(file) => file,
                Err(ReadError::NotFound) => continue,
                Err(error) => {
                    let origin = SourceFile::new(path, b"").span(0, 0).into();
                    return Err((origin, format!("{path} cannot be read ({error})")));
                }
            };
            let is_packaged = path == FILES[0];
            // The package's own file says where the others are.
            let text = if is_packaged { without_includes(file.text()) } else { file.text().to_owned() };
            let object = ucl::read(&text).map_err(|unread| {
                (
                    file.span(unread.at, unread.at).into(),
                    format!("rspamd: {path} has {}, which is not followed", unread.what),
                )
            })?;
            let object = match (is_packaged, ucl::get(&object, MODULE)) {
                (true, Some(Value::Object(module))) => module.clone(),
                (true, _) => Object::new(),
                (false, _) => object,
            };
            settings.files.push(file);
            let place = settings.files.len() - 1;
            for (key, value) in object {
                settings.put(key, value, place, path == FILES[2]);
            }
        }
        Ok(settings)
    }

    fn put(&mut self, key: String, value: Value, place: usize, replaces: bool) {
        match (self.by_key.get_mut(&key), value) {
            // Objects of one key are merged.
            (Some((Value::Object(known), at)), Value::Object(more)) if !replaces || *at == place => known.extend(more),
            (_, value) => drop(self.by_key.insert(key, (value, place))),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.by_key.get(key)?.0.text()
    }

    fn is_on(&self, key: &str, default: bool) -> bool {
        self.text(key).map_or(default, ucl::is_on)
    }

    fn origin(&self, key: &str) -> Origin {
        match self.by_key.get(key) {
            Some((Value::Text(text, at), place)) => self.files[*place].span(*at, at + text.len()).into(),
            Some((_, place)) => self.files[*place].span(0, 0).into(),
            None => self.whole.clone(),
        }
    }

    /// A map of text: what it says of each domain.
    fn map(&self, own: &OwnFiles<'_>, key: &str) -> Result<Map, (Origin, String)> {
        let Some((value, _)) = self.by_key.get(key) else { return Ok(Map::new()) };
        let origin = self.origin(key);
        let path = value.text().and_then(|text| filled(text, &NAMED)).unwrap_or_default();
        let path = path.strip_prefix("file://").unwrap_or(&path);
        if !path.starts_with('/') {
            return Err((origin, format!("rspamd: {key} is no file of text, and is not read")));
        }
        let file = match own.read(path) {
            Ok(file) => file,
            Err(error) => return Err((origin, format!("rspamd: {path} cannot be read ({error})"))),
        };
        let entry = |(at, line): (usize, &str)| {
            let text = line.split('#').next().unwrap_or_default().trim();
            let (key, value) = text.split_once(char::is_whitespace)?;
            let origin: Origin = file.span(at, at + line.trim_end().len()).into();
            Some((key.to_ascii_lowercase(), (value.trim().trim_matches('"').to_owned(), origin)))
        };
        let mut entries = crate::collect::reading::lines(file.text()).filter_map(entry);
        let map = entries.by_ref().take(ENTRIES).collect();
        match entries.next() {
            Some(_) => Err((origin, format!("rspamd: {path} has more than {ENTRIES} entries"))),
            None => Ok(map),
        }
    }
}

/// The package's file without its lines of includes.
fn without_includes(text: &str) -> String {
    let blank = |line: &str| if line.trim_start().starts_with(".include") { "\n".to_owned() } else { line.to_owned() };
    text.split_inclusive('\n').map(blank).collect()
}

/// One signature, as far as it is set.
#[derive(Default)]
struct Sets<'s> {
    selector: Option<Place<'s>>,
    path: Option<Place<'s>>,
}

/// Adds the keys that rspamd signs with, where it is there.
pub(super) fn keys(keys: &mut Keys<'_>) {
    let root = keys.root;
    if root.is_missing(FOLDER) {
        return;
    }
    let own = OwnFiles::of_rspamd(root);
    for path in WHOLE {
        let file = match own.read(path) {
            Ok(file) => file,
            Err(ReadError::NotFound) => continue,
            Err(error) => {
                let origin = SourceFile::new(path, b"").span(0, 0).into();
                return keys.gap(GapOf::Keys, &origin, format!("rspamd: {path} cannot be read ({error})"));
            }
        };
        let mut lines = crate::collect::reading::lines(file.text());
        if let Some((at, line)) = lines.find(|(_, line)| line.split('#').next().unwrap_or_default().contains(MODULE)) {
            let origin = file.span(at, at + line.len()).into();
            return keys.gap(
                GapOf::Keys,
                &origin,
                format!("rspamd: {path} sets up {MODULE} too, which is not followed"),
            );
        }
    }
    let settings = match Settings::read(&own) {
        Ok(settings) => settings,
        Err((origin, words)) => return keys.gap(GapOf::Keys, &origin, words),
    };
    if !settings.is_on("enabled", true) {
        return;
    }
    for key in ELSEWHERE {
        let is_set = settings
            .by_key
            .get(key)
            .is_some_and(|(value, _)| value.text().is_none_or(ucl::is_on) || key.ends_with("table"));
        if is_set {
            let words = format!("rspamd: `{key}` is set: with which keys it signs is not seen from its files");
            return keys.gap(GapOf::Keys, &settings.origin(key), words);
        }
    }
    let (selectors, paths) = match (settings.map(&own, "selector_map"), settings.map(&own, "path_map")) {
        (Ok(selectors), Ok(paths)) => (selectors, paths),
        (Err((origin, words)), _) | (_, Err((origin, words))) => return keys.gap(GapOf::Keys, &origin, words),
    };
    let fixed = match settings.text("use_domain").unwrap_or("header") {
        "header" | "envelope" => None,
        name if name.contains('.') => Some(DomainName::new(name)),
        name => {
            let name = if name.len() <= TOLD { name } else { "..." };
            let words = format!("rspamd: `use_domain` is `{name}`: in which domain's name it signs differs by message");
            return keys.gap(GapOf::Keys, &settings.origin("use_domain"), words);
        }
    };
    if let Err(spent) = by_domains(keys, &settings, (&selectors, &paths), fixed.as_ref()) {
        keys.gap(GapOf::Keys, &settings.whole, format!("rspamd: with which keys mail is signed: {spent}"));
    }
}

/// Adds the keys of each domain.
fn by_domains(
    keys: &mut Keys<'_>,
    settings: &Settings,
    (selectors, paths): (&Map, &Map),
    fixed: Option<&DomainName>,
) -> Result<(), Spent> {
    let budget = Budget::default();
    let by_domain: HashMap<String, &Object> = match settings.by_key.get("domain") {
        Some((Value::Object(domains), _)) => domains
            .iter()
            .filter_map(|(name, value)| match value {
                Value::Object(object) => Some((name.to_ascii_lowercase(), object)),
                _ => None,
            })
            .collect(),
        _ => HashMap::new(),
    };
    let normalises = settings.is_on("use_esld", true);
    let falls_back = settings.is_on("try_fallback", true);
    let (of_domains, of_path, of_selector) =
        (settings.origin("domain"), settings.origin("path"), settings.origin("selector"));
    let default_path = (settings.text("path").unwrap_or(PATH_OF_KEYS), &of_path);
    let default_selector = (settings.text("selector").unwrap_or(SELECTOR), &of_selector);
    for author in keys.domains() {
        let named_domain = fixed.unwrap_or(&author);
        let registrable = normalises.then(|| named_domain.registrable()).flatten();
        let domain = registrable.unwrap_or_else(|| named_domain.clone());
        budget.octets(domain.as_str().len())?;
        let mut all = match by_domain.get(domain.as_str()) {
            Some(object) => signatures(object, &of_domains, &budget)?,
            None => Vec::new(),
        };
        let [selector, path] =
            [selectors, paths].map(|map| map.get(domain.as_str()).map(|(text, origin)| (text.as_str(), origin)));
        fill(&mut all, selector, |one| &mut one.selector);
        fill(&mut all, path, |one| &mut one.path);
        if all.is_empty() && !falls_back {
            continue;
        }
        let is_named = !all.is_empty();
        fill(&mut all, Some(default_path), |one| &mut one.path);
        fill(&mut all, Some(default_selector), |one| &mut one.selector);
        for Sets { selector, path } in all {
            let (Some((selector, named_at)), Some((path, path_at))) = (selector, path) else { continue };
            let signature = Signature { author: &author, domain: &domain, selector, named_at };
            let texts = [
                ("${domain}", domain.as_str()),
                ("$domain", domain.as_str()),
                ("${selector}", selector),
                ("$selector", selector),
            ];
            // Each place in a path is looked at for every name.
            budget.octets(path.len().min(PATH).saturating_mul(NAMED.len() + texts.len()))?;
            let added = match filled(path, &[&NAMED[..], &texts].concat()) {
                None => {
                    let words = format!("rspamd: the path of a key has more than {PATH} octets, and is none");
                    keys.gap_of(&author, path_at, words);
                    Added::Done
                }
                Some(path) if !path.starts_with('/') => {
                    keys.gap_of(&author, path_at, format!("rspamd: the key of {domain} is no file, and is not read"));
                    Added::Done
                }
                Some(path) if is_named => keys.add_named(&signature, (&path, path_at)),
                Some(path) => keys.add(&signature, &path),
            };
            if added == Added::Full {
                break;
            }
        }
    }
    Ok(())
}

/// What a domain's own settings say: a selector and a path, and a list of such.
fn signatures<'s>(object: &'s Object, origin: &'s Origin, budget: &Budget) -> Result<Vec<Sets<'s>>, Spent> {
    let one = |object: &'s Object| {
        let place = |key| ucl::get(object, key).and_then(Value::text).map(|text| (text, origin));
        Sets { selector: place("selector"), path: place("path") }
    };
    budget.octets(object.len().saturating_mul(VALUE_COST))?;
    let own = one(object);
    let mut all: Vec<Sets<'_>> = Vec::new();
    if own.selector.is_some() || own.path.is_some() {
        all.push(own);
    }
    if let Some(Value::List(list)) = ucl::get(object, "selectors") {
        for value in list {
            let Value::Object(object) = value else { continue };
            budget.octets(object.len().saturating_add(1).saturating_mul(VALUE_COST))?;
            all.push(one(object));
        }
    }
    Ok(all)
}

/// Fills in what a signature does not say; without any there is one then.
fn fill<'s>(
    all: &mut Vec<Sets<'s>>,
    place: Option<Place<'s>>,
    part: impl for<'a> Fn(&'a mut Sets<'s>) -> &'a mut Option<Place<'s>>,
) {
    let Some(place) = place else { return };
    if all.is_empty() {
        all.push(Sets::default());
    }
    for one in all {
        part(one).get_or_insert(place);
    }
}
