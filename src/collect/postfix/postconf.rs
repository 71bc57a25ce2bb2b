//! What postconf(1) prints for the same files: it sees every default, splits `-o` in its own way and joins blanks.
//! Daemons do otherwise (see [`super::process`]); this view is for people who compare, and for tests against the real one.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::check;
use super::defaults;
use super::environment::Environment;
use super::expand::{Expander, Fault, Found, Scope};
use super::main_cf::{MainCf, READ_ONLY, split_setting};
use super::master_cf::{Entry, MasterCf, in_braces};
use super::process::MANUAL;
use crate::facts::Origin;

/// Columns at which `postconf -M` begins the fields of an entry.
const COLUMNS: [usize; 8] = [0, 11, 17, 25, 33, 41, 49, 57];

/// The files of one instance as `postconf` sees them.
pub struct Postconf<'a> {
    main: Option<&'a MainCf>,
    master: Option<&'a MasterCf>,
    directory: &'a str,
    services: HashSet<&'a str>,
    myhostname: Result<String, Fault>,
    mydomain: Result<String, Fault>,
    families: Result<String, Fault>,
    interfaces: Result<String, Fault>,
}

/// main.cf alone: what postconf evaluates host name and interfaces in.
struct Dictionary<'a>(Option<&'a MainCf>, &'a str);

impl Scope for Dictionary<'_> {
    fn lookup(&self, name: &str) -> Found {
        match self.0.and_then(|main| main.settings.get(name)) {
            Some(found) => Found::Text(found.value.clone(), Origin::File(found.span.clone())),
            None if name == "config_directory" => Found::Text(self.1.to_owned(), MANUAL),
            None => Found::Undefined,
        }
    }
}

/// main.cf, defaults and, for `-P`, the settings of one entry.
struct View<'a> {
    postconf: &'a Postconf<'a>,
    overrides: HashMap<String, String>,
    process_name: &'a str,
    service_name: &'a str,
}

impl Scope for View<'_> {
    fn lookup(&self, name: &str) -> Found {
        let text = |text: &str| Found::Text(text.to_owned(), MANUAL);
        if let Some(value) = self.overrides.get(name) {
            return text(value);
        }
        if let Some(found) = self.postconf.main.and_then(|main| main.settings.get(name)) {
            return Found::Text(found.value.clone(), Origin::File(found.span.clone()));
        }
        let decided = |value: &Result<String, Fault>| match value {
            Ok(value) => text(value),
            Err(_) => Found::Undecided(format!("{name} is not known here")),
        };
        match name {
            "config_directory" => text(self.postconf.directory),
            "process_name" => text(self.process_name),
            "service_name" => text(self.service_name),
            "myhostname" => decided(&self.postconf.myhostname),
            "mydomain" => decided(&self.postconf.mydomain),
            "mynetworks" => Found::Undecided("mynetworks follows the networks of the interfaces".into()),
            _ => match defaults::default_of(name) {
                Some(default) => text(default),
                None => match self.postconf.service_default(name) {
                    Some(default) => text(&format!("${default}")),
                    None => Found::Undefined,
                },
            },
        }
    }
}

impl<'a> Postconf<'a> {
    /// The view of one instance's files.
    pub fn new(
        main: Option<&'a MainCf>,
        master: Option<&'a MasterCf>,
        directory: &'a str,
        env: &Environment<'_>,
        expander: &Expander,
    ) -> Postconf<'a> {
        let dictionary = Dictionary(main, directory);
        let set = |name: &str| {
            let found = main?.settings.get(name)?;
            Some(expander.expand(&dictionary, &found.value, None))
        };
        let unknown = || Err(Fault::Undecided("the host's node name is not known here".into()));
        let myhostname = set("myhostname").unwrap_or_else(|| match &env.node_name {
            Some(node) if node.value.contains('.') => Ok(node.value.clone()),
            Some(node) => {
                set("mydomain").unwrap_or(Ok("localdomain".into())).map(|domain| format!("{}.{domain}", node.value))
            }
            None => unknown(),
        });
        let mydomain = match &myhostname {
            Ok(host) => Ok(host.split_once('.').map_or("localdomain", |(_, domain)| domain).to_owned()),
            Err(fault) => Err(fault.clone()),
        };
        let families = set("inet_protocols").unwrap_or(Ok("all".into()));
        let interfaces = set("inet_interfaces").unwrap_or(Ok("all".into()));
        let services = master.iter().flat_map(|master| master.entries.iter().map(Entry::name)).collect();
        Postconf { main, master, directory, services, myhostname, mydomain, families, interfaces }
    }

    fn view(&'a self) -> View<'a> {
        View { postconf: self, overrides: HashMap::new(), process_name: "postconf", service_name: "" }
    }

    fn service_default(&self, name: &str) -> Option<&'static str> {
        defaults::service_default(name, |service| self.services.contains(service))
    }

    fn knows(&self, name: &str) -> bool {
        defaults::is_parameter(name) || self.service_default(name).is_some()
    }

    /// The value of a parameter before `postconf -x` joins blanks.
    ///
    /// # Errors
    /// Where it cannot be expanded.
    pub fn exact(&'a self, name: &str, expander: &Expander) -> Result<String, Fault> {
        let view = self.view();
        match view.lookup(name) {
            Found::Text(text, _) => expander.expand(&view, &text, None),
            Found::Undefined => Ok(String::new()),
            Found::Undecided(why) => Err(Fault::Undecided(why)),
        }
    }

    /// All that could make every `postconf` command fail; it ends at the first that it meets, in the order of its hash
    /// table. For a reference that Postfix refuses its warning comes first, then `; `.
    pub fn refusals(&'a self, env: &Environment<'_>, expander: &Expander) -> Vec<String> {
        if let Some(error) = self.main.and_then(|main| main.error.as_ref()) {
            return vec![error.message.clone()];
        }
        if let Some(error) = self.master.and_then(|master| master.postconf_error.as_ref()) {
            return vec![error.message.clone()];
        }
        let words = |fault: Fault| match fault {
            Fault::Syntax(words) => Some(format!("{words}; macro processing error")),
            Fault::Fatal(words) => Some(words),
            Fault::Undecided(_) => None,
        };
        let sets_networks = self.main.is_some_and(|main| main.settings.contains_key("mynetworks"));
        let mut names: Vec<&str> = self.main.iter().flat_map(|main| main.settings.keys()).map(String::as_str).collect();
        names.push("mydomain");
        // It works out the networks, hence their style, unless main.cf sets them.
        names.extend((!sets_networks).then_some("mynetworks_style"));
        names.retain(|name| self.knows(name) && !defaults::UNEXPANDED.contains(name));
        let mut found: Vec<String> =
            names.into_iter().filter_map(|name| self.exact(name, expander).err().and_then(words)).collect();
        for entry in self.master.iter().flat_map(|master| &master.entries) {
            let view = self.entry_view(entry);
            let known = view.overrides.iter().filter(|(name, _)| self.knows(name));
            found.extend(known.filter_map(|(_, value)| expander.expand(&view, value, None).err().and_then(words)));
        }
        if !sets_networks {
            match check::families(self.families.as_deref().unwrap_or("all")) {
                Ok(families) => {
                    let interfaces = self.interfaces.as_deref().unwrap_or("all");
                    found.extend(check::own_addresses(interfaces, &families, env).err());
                }
                Err(message) => found.push(message),
            }
        }
        found
    }

    /// The lines of `postconf -M`.
    pub fn entries(&self) -> Vec<String> {
        self.master.iter().flat_map(|master| &master.entries).map(show_entry).collect()
    }

    /// What `postconf -P` shows, by `service/type`; with `expander` as `postconf -x -P` does.
    pub fn overrides(&'a self, expander: Option<&Expander>) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for entry in self.master.iter().flat_map(|master| &master.entries) {
            let view = self.entry_view(entry);
            for (name, value) in &view.overrides {
                let value = match expander {
                    Some(expander) => expander.expand(&view, value, None).unwrap_or_default(),
                    None => value.clone(),
                };
                let key = format!("{}/{}", entry.name(), entry.kind());
                all.entry(key).or_default().insert(name.clone(), squeeze(&value));
            }
        }
        all
    }

    /// Whether `postconf -x -P` ends because an override cannot be expanded.
    pub fn overrides_fail(&'a self, expander: &Expander) -> bool {
        self.master.iter().flat_map(|master| &master.entries).any(|entry| {
            let view = self.entry_view(entry);
            view.overrides.values().any(|value| expander.expand(&view, value, None).is_err())
        })
    }

    fn entry_view(&'a self, entry: &'a Entry) -> View<'a> {
        let mut overrides = HashMap::new();
        let arguments = normalise(&entry.arguments);
        let mut rest = arguments.iter();
        while let Some(option) = rest.next().filter(|option| option.starts_with('-') && *option != "--") {
            if option != "-o" {
                continue;
            }
            if let Some((name, value)) = rest.next().and_then(|setting| split_setting(setting).ok()) {
                overrides.insert(name.to_owned(), value.to_owned());
            }
        }
        overrides.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        View { postconf: self, overrides, process_name: entry.process_name(), service_name: entry.name() }
    }
}

/// Runs of blanks become one, those at the ends go.
pub fn squeeze(text: &str) -> String {
    let words: Vec<&str> = text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Arguments as postconf splits them: any letter `o` in an option ends one and begins another.
fn normalise(arguments: &[String]) -> Vec<String> {
    let mut todo: Vec<String> = arguments.iter().rev().cloned().collect();
    let mut done = Vec::new();
    while let Some(argument) = todo.pop() {
        if !argument.starts_with('-') || argument == "--" {
            done.push(argument);
            break;
        }
        let split = argument.char_indices().skip(2).find(|(_, letter)| *letter == 'o').map(|(at, _)| at);
        let option = match split {
            Some(at) => {
                todo.push(format!("-{}", &argument[at..]));
                &argument[..at]
            }
            None => &argument[..],
        };
        match option.strip_prefix("-o") {
            None => done.push(option.to_owned()),
            Some("") => {
                done.push("-o".into());
                if let Some(value) = todo.pop() {
                    done.push(normal_setting(&value));
                }
            }
            Some(glued) => {
                done.push("-o".into());
                done.push(normal_setting(glued));
            }
        }
    }
    done.extend(todo.into_iter().rev());
    // Behind the options braces go too, with the blanks in them at either end, and what is broken.
    let mut options = true;
    let mut expects_value = false;
    for argument in &mut done {
        let is_value = std::mem::replace(&mut expects_value, false);
        options &= is_value || (argument.starts_with('-') && argument != "--");
        expects_value = options && !is_value && argument == "-o";
        if let Some((inner, _)) = in_braces(argument).filter(|_| !options) {
            *argument = inner.to_owned();
        }
    }
    done
}

/// `name=value` from `{ name = value }`; what is broken in it is left out.
fn normal_setting(setting: &str) -> String {
    let Some((inner, _)) = in_braces(setting) else { return setting.to_owned() };
    split_setting(inner).map_or_else(|_| inner.to_owned(), |(name, value)| format!("{name}={value}"))
}

fn show_entry(entry: &Entry) -> String {
    let mut line = String::new();
    for (field, column) in entry.fields.iter().zip(COLUMNS) {
        if column > 0 {
            line.push(' ');
        }
        while line.len() < column {
            line.push(' ');
        }
        line.push_str(field);
    }
    let mut options = true;
    let mut expects_value = false;
    for argument in normalise(&entry.arguments) {
        line.push(' ');
        // The argument that ends the options is shown bare, whatever is in it.
        let ends_options = options && !expects_value && !argument.starts_with('-');
        match argument.contains([' ', '\t', '\r', '\n']) && !ends_options {
            true => line.push_str(&format!("{{{argument}}}")),
            false => line.push_str(&argument),
        }
        expects_value = options && !expects_value && argument == "-o";
        options &= !ends_options;
    }
    line
}
