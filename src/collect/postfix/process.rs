//! The parameters as one program of Postfix sees them: its `-o` settings, main.cf, and the defaults of what it has read so far.

use std::collections::HashMap;

use super::check::{self, OwnAddresses};
use super::choices;
use super::compare;
use super::defaults::{self, Program};
use super::environment::Environment;
use super::expand::{Expander, Fault, Found, Scope, sole_reference};
use super::guess;
use super::lines::trim;
use super::main_cf::{MainCf, READ_ONLY};
use super::typed::{self, Kind};
use super::version::Version;
use crate::collect::root::ReadError;
use crate::facts::{Fact, Origin, Setting};

/// References that are followed to find the place that decides a value.
const TRAIL_LIMIT: usize = 100;

/// The manual page of the parameters.
pub const MANUAL: Origin = Origin::default_of("postconf(5)");

/// Unexpanded text and its place.
#[derive(Debug, Clone)]
struct Raw {
    text: String,
    origin: Origin,
}

/// What a program refuses when it starts.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Its words.
    pub message: String,
    /// The parameter, where it is one's fault.
    pub parameter: &'static str,
    /// The place of its value.
    pub origin: Origin,
    /// What stands there and what was meant by it, where that can be guessed.
    pub correction: Option<(String, String)>,
}

/// One program with what it has loaded.
pub struct Process<'a> {
    main: Option<&'a MainCf>,
    overrides: HashMap<String, Raw>,
    fixed: HashMap<&'static str, String>,
    loaded: HashMap<String, Raw>,
    values: HashMap<String, Result<String, Fault>>,
    /// Whose parameters are loaded beside those in `values`: nobody asks for them but by reference.
    beside: Option<Program>,
    /// The first thing that ends the program at its start.
    pub refused: Option<Refused>,
    /// The same, as far as all programs share it.
    pub refused_by_all: bool,
}

/// What a process is made from.
pub struct Start<'a> {
    /// main.cf, where there is one.
    pub main: Option<&'a MainCf>,
    /// The configuration directory.
    pub directory: &'a str,
    /// Which program.
    pub program: Program,
    /// Basename of the command.
    pub process_name: &'a str,
    /// First field of its entry in master.cf.
    pub service_name: &'a str,
    /// Its `-o` settings, in order.
    pub overrides: &'a [(String, Fact<String>)],
}

impl Scope for Process<'_> {
    fn lookup(&self, name: &str) -> Found {
        if let Some(raw) = self.overrides.get(name) {
            return Found::Text(raw.text.clone(), raw.origin.clone());
        }
        if let Some(found) = self.main.and_then(|main| main.settings.get(name)) {
            return Found::Text(found.value.clone(), Origin::File(found.span.clone()));
        }
        if let Some(text) = self.fixed.get(name) {
            return Found::Text(text.clone(), MANUAL);
        }
        if let Some(raw) = self.loaded.get(name) {
            return Found::Text(raw.text.clone(), raw.origin.clone());
        }
        match self.values.get(name) {
            Some(Err(Fault::Undecided(why))) => Found::Undecided(why.clone()),
            None if self.beside.is_some_and(|program| defaults::also_loads(program, name)) => {
                Found::Text(defaults::default_of(name).unwrap_or("").to_owned(), MANUAL)
            }
            _ if name == "mynetworks" => Found::Undecided("mynetworks follows the networks of the interfaces".into()),
            _ => Found::Undefined,
        }
    }
}

impl<'a> Process<'a> {
    /// Loads the parameters of a program in its order.
    pub fn start(start: &Start<'a>, env: &Environment<'_>, expander: &Expander) -> Process<'a> {
        let overrides = start
            .overrides
            .iter()
            .map(|(name, fact)| (name.clone(), Raw { text: fact.value.clone(), origin: fact.origin.clone() }));
        let fixed = [
            ("process_name", start.process_name.to_owned()),
            ("service_name", start.service_name.to_owned()),
            ("config_directory", start.directory.to_owned()),
        ];
        let mut process = Process {
            main: start.main,
            overrides: overrides.filter(|(name, _)| !READ_ONLY.contains(&name.as_str())).collect(),
            fixed: HashMap::from(fixed),
            loaded: HashMap::new(),
            values: HashMap::new(),
            beside: None,
            refused: None,
            refused_by_all: false,
        };
        process.load_shared(env, expander);
        process.refused_by_all = process.refused.is_some();
        process.beside = Some(start.program);
        process.load_typed(start.process_name, &[Kind::Time, Kind::Number, Kind::Long], expander);
        for name in start.program.own_parameters() {
            process.load(name, expander);
        }
        process.load_typed(start.process_name, &[Kind::Text, Kind::Boolean], expander);
        process.check_choices(start.program, env, expander);
        process.check_watchdog(start.process_name);
        process
    }

    /// A daemon's watchdog looks at it three times within `daemon_timeout`: with less than a second between, the daemon ends (watchdog.c).
    /// Commands have none; the master and the queue manager have times of their own.
    fn check_watchdog(&mut self, process_name: &str) {
        const STEPS: i64 = 3;
        if matches!(process_name, "" | "master" | "qmgr" | "nqmgr" | "oqmgr") || !self.sets("daemon_timeout") {
            return;
        }
        if let Some(found) =
            self.value("daemon_timeout").and_then(|value| typed::seconds(value)).filter(|found| *found < STEPS)
        {
            self.refuse("daemon_timeout", format!("watchdog_create: timeout {found} is too small"));
        }
    }

    /// What the program refuses of values that it takes a few of alone.
    fn check_choices(&mut self, program: Program, env: &Environment<'_>, expander: &Expander) {
        let lmtp = match program {
            Program::Smtp => false,
            Program::Lmtp => true,
            Program::TrivialRewrite => return self.check_destinations(env),
            Program::Smtpd => {
                if self.value("inet_protocols").is_some_and(|value| check::words(value).next().is_none()) {
                    self.refuse("inet_protocols", "all network protocols are disabled (inet_protocols = )".into());
                }
                return self.check_destinations(env);
            }
            _ => return,
        };
        for name in choices::of_client(lmtp) {
            if self.sets(name) {
                self.load(name, expander);
            }
        }
        if let Some((name, message)) =
            choices::client(|name| self.value(name).cloned(), lmtp, |name| self.fault(name).is_none())
        {
            self.refuse(name, message);
        }
        self.check_destinations(env);
    }

    fn check_destinations(&mut self, env: &Environment<'_>) {
        let list = self.value("mydestination").cloned().unwrap_or_default();
        if let Some(message) = choices::list(&list, env) {
            self.refuse("mydestination", message);
        }
    }

    /// Reads the parameters of some kinds that are set, and what is no such value among them. Of the others the defaults are.
    fn load_typed(&mut self, program: &str, kinds: &[Kind], expander: &Expander) {
        for kind in kinds {
            for typed in typed::parameters_of(program).iter().filter(|typed| typed.kind == *kind) {
                if !self.sets(typed.name) {
                    continue;
                }
                self.load(typed.name, expander);
                if let Some(message) = self.value(typed.name).and_then(|value| typed.refusal(value)) {
                    self.refuse(typed.name, message);
                }
            }
        }
    }

    fn load_shared(&mut self, env: &Environment<'_>, expander: &Expander) {
        for name in defaults::FIRST {
            self.load(name, expander);
            let value = self.value(name).cloned().unwrap_or_default();
            match name {
                "compatibility_level" if self.is_known(name) => {
                    let version = env.version.as_ref().and_then(|version| Version::parse(&version.value));
                    let plain = version.is_some_and(|version| version < Version::KNOWN_PORTS);
                    if plain && value.parse::<i32>().is_err() {
                        // Before they had dots, levels were numbers.
                        self.refuse(name, format!("bad numerical configuration: {name} = {value}"));
                    } else if let Err(message) = compare::level(&value) {
                        self.refuse("compatibility_level", message);
                    }
                }
                _ => {}
            }
        }
        let families = check::families(self.value("inet_protocols").map_or("", |value| value));
        if let Err(message) = &families {
            self.refuse("inet_protocols", message.clone());
        }
        self.load_names(env, expander);
        for name in defaults::SHARED {
            self.load(name, expander);
        }
        defaults::SHARED_NUMBERS.iter().for_each(|name| self.load(name, expander));
        self.load_typed("shared", &[Kind::Text, Kind::Number, Kind::Long, Kind::Boolean, Kind::Time], expander);
        self.beside = Some(Program::Other);
        let owner = self.value("mail_owner").cloned().unwrap_or_default();
        if self.sets("mail_owner") && env.users.as_ref().is_some_and(|users| !users.contains(&owner)) {
            let file = self.main.map_or("main.cf", |main| main.file.path());
            let message = format!("file {file}: parameter mail_owner: unknown user name value: {owner}");
            self.refuse("mail_owner", message);
        }
        let file = self.main.map_or("main.cf", |main| main.file.path()).to_owned();
        let set = |name: &'static str| self.sets(name).then(|| self.value(name).cloned()).flatten();
        if let Some((name, message)) = choices::shared(set) {
            let message = if message.starts_with("parameter") { format!("file {file}: {message}") } else { message };
            self.refuse(name, message);
        }
        self.read_myorigin(env);
        let interfaces = self.value("inet_interfaces").cloned();
        if let (Some(value), Ok(families)) = (interfaces, families)
            && let Err(message) = check::own_addresses(&value, &families, env)
        {
            self.refuse("inet_interfaces", message);
            let takes = |text: &str| {
                matches!(
                    check::own_addresses(text, &families, env),
                    Ok(OwnAddresses::Only(_) | OwnAddresses::Interfaces)
                )
            };
            self.guess("inet_interfaces", |text| guess::interfaces(text, takes));
        }
        let relay = self.value("relayhost").cloned().unwrap_or_default();
        if self.value("myhostname").is_some_and(|host| !host.is_empty() && host.eq_ignore_ascii_case(&relay)) {
            let message = format!("myhostname and relayhost parameter settings must not be identical: {relay}");
            self.refuse("relayhost", message);
        }
        let origin = self.value("myorigin").cloned().unwrap_or_default();
        if origin.contains([' ', '\t', '\r', '\n', ',']) {
            let message = format!("myorigin parameter setting must not contain multiple values: {origin}");
            self.refuse("myorigin", message);
            // The host's own name is what Postfix takes where nothing is set.
            self.guess("myorigin", |text| (text != "$myhostname").then(|| "$myhostname".to_owned()));
        }
    }

    /// `myhostname`, then `mydomain`: neither sees the other's default before its turn.
    fn load_names(&mut self, env: &Environment<'_>, expander: &Expander) {
        if self.sets("myhostname") {
            self.load("myhostname", expander);
        } else {
            match &env.node_name {
                Some(node) if node.value.contains('.') => {
                    self.put("myhostname", node.value.clone(), node.origin.clone())
                }
                Some(node) => {
                    let domain = match self.raw("mydomain") {
                        Some(raw) => expander.expand(self, &raw.text, Some(&raw.origin)),
                        None => Ok("localdomain".into()),
                    };
                    match domain {
                        Ok(domain) => {
                            self.put("myhostname", format!("{}.{domain}", node.value), node.origin.clone());
                        }
                        Err(fault) => self.fail("myhostname", fault),
                    }
                }
                None => {
                    let why = "it is the host's node name, which is not known here";
                    self.fail("myhostname", Fault::Undecided(why.into()));
                }
            }
        }
        let host = self.values.get("myhostname").cloned();
        if self.sets("mydomain") {
            self.load("mydomain", expander);
        } else {
            match host {
                Some(Ok(host)) => {
                    let domain = host.split_once('.').map_or("localdomain", |(_, domain)| domain).to_owned();
                    let origin = self.trail("myhostname").0;
                    // A default is expanded like any other value.
                    match expander.expand(self, &domain, Some(&origin)) {
                        Ok(domain) => self.put("mydomain", domain, origin),
                        Err(fault) => self.fail("mydomain", fault),
                    }
                }
                Some(Err(fault)) => self.fail("mydomain", fault),
                None => {}
            }
        }
        let names = ["myhostname", "mydomain"].map(|name| (name, self.value(name).cloned()));
        for (name, _) in names.iter().filter(|(_, value)| value.as_ref().is_some_and(String::is_empty)) {
            self.refuse(name, format!("bad string length 0 < 1: {name} = "));
        }
        for (name, value) in names {
            let Some(value) = value.filter(|value| !check::is_valid_hostname(value)) else { continue };
            let file = self.main.map_or("main.cf", |main| main.file.path());
            self.refuse(name, format!("file {file}: parameter {name}: bad parameter value: {value}"));
        }
    }

    /// Debian's rule: a value that begins with `/` names the file whose first line it is.
    fn read_myorigin(&mut self, env: &Environment<'_>) {
        let Some(path) = self.value("myorigin").filter(|value| env.debian && value.starts_with('/')).cloned() else {
            return;
        };
        let message = match (env.read)(&path) {
            Ok(file) => match trim(file.text().lines().next().unwrap_or("")) {
                "" => format!("myorigin file {path} is empty"),
                name => {
                    self.values.insert("myorigin".into(), Ok(name.to_owned()));
                    let start = file.text().find(name).unwrap_or(0);
                    let origin = Origin::File(file.span(start, start + name.len()));
                    self.loaded.insert("myorigin file".into(), Raw { text: name.to_owned(), origin });
                    return;
                }
            },
            Err(error @ (ReadError::Confidential | ReadError::Denied | ReadError::Io(_) | ReadError::Changing)) => {
                let why = format!("{path} is read, and {error}");
                self.values.insert("myorigin".into(), Err(Fault::Undecided(why)));
                return;
            }
            // It opens folders, then counts their names: each has two, and one more for each folder in it.
            Err(ReadError::NotRegular("a folder")) => format!("{path}: file has 2 hard links"),
            Err(ReadError::NotFound) => format!("{path}: cannot open file: No such file or directory"),
            Err(error) => format!("{path}: cannot open file: {error}"),
        };
        self.refuse("myorigin", message);
        // The host's own name is what Postfix takes where nothing is set.
        self.guess("myorigin", |text| (text != "$myhostname").then(|| "$myhostname".to_owned()));
        self.values.remove("myorigin");
    }

    /// Reads one parameter: its setting, else its default, expanded with what is known so far.
    fn load(&mut self, name: &'static str, expander: &Expander) {
        if self.values.contains_key(name) {
            return;
        }
        let set = self.raw(name);
        let is_set = set.is_some();
        let raw =
            set.unwrap_or_else(|| Raw { text: defaults::default_of(name).unwrap_or("").to_owned(), origin: MANUAL });
        match expander.expand(self, &raw.text, Some(&raw.origin)) {
            Ok(value) => {
                if value.is_empty() && defaults::NOT_EMPTY.contains(&name) && !matches!(name, "myhostname" | "mydomain")
                {
                    self.refuse(name, format!("bad string length 0 < 1: {name} = "));
                }
                if !is_set {
                    let (origin, _) = self.follow(raw);
                    self.loaded.insert(name.to_owned(), Raw { text: value.clone(), origin });
                }
                self.values.insert(name.to_owned(), Ok(value));
            }
            Err(fault) => self.fail(name, fault),
        }
    }

    fn put(&mut self, name: &str, value: String, origin: Origin) {
        self.loaded.insert(name.to_owned(), Raw { text: value.clone(), origin });
        self.values.insert(name.to_owned(), Ok(value));
    }

    fn fail(&mut self, name: &'static str, fault: Fault) {
        match &fault {
            Fault::Syntax(words) => {
                self.refuse(name, format!("{words}; dictionary mail_dict: macro processing error"));
            }
            Fault::Fatal(words) => self.refuse(name, words.clone()),
            Fault::Undecided(_) => {}
        }
        self.values.insert(name.to_owned(), Err(fault));
    }

    fn refuse(&mut self, parameter: &'static str, message: String) {
        if self.refused.is_none() {
            let origin = self.raw(parameter).map_or_else(|| self.trail(parameter).0, |raw| raw.origin);
            self.refused = Some(Refused { message, parameter, origin, correction: None });
        }
    }

    /// Notes what was meant by the text of a parameter, where that is what was refused.
    fn guess(&mut self, parameter: &str, guess: impl FnOnce(&str) -> Option<String>) {
        let text = self.raw(parameter).map(|raw| raw.text).unwrap_or_default();
        if let Some(refused) = self.refused.as_mut().filter(|refused| refused.parameter == parameter) {
            refused.correction = guess(&text).map(|correction| (text, correction));
        }
    }

    /// The unexpanded setting of a parameter, `-o` before main.cf.
    fn raw(&self, name: &str) -> Option<Raw> {
        let own = self.overrides.get(name).cloned();
        own.or_else(|| {
            let found = self.main?.settings.get(name)?;
            Some(Raw { text: found.value.clone(), origin: Origin::File(found.span.clone()) })
        })
    }

    /// Whether `-o` or main.cf sets a parameter.
    pub fn sets(&self, name: &str) -> bool {
        self.overrides.contains_key(name) || self.main.is_some_and(|main| main.settings.contains_key(name))
    }

    /// Whether one of the names is set by `-o`.
    pub fn overrides_any(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.overrides.contains_key(name))
    }

    fn is_known(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Ok(_)))
    }

    /// The value of a parameter that the program reads; `None` where it has none, or does not read it.
    pub fn value(&self, name: &str) -> Option<&String> {
        self.values.get(name)?.as_ref().ok()
    }

    /// Why a parameter has no value.
    pub fn fault(&self, name: &str) -> Option<&Fault> {
        self.values.get(name)?.as_ref().err()
    }

    /// The place that decides a parameter, and those that lead there, the parameter's own first.
    pub fn trail(&self, name: &str) -> (Origin, Vec<Origin>) {
        let default = || Raw { text: defaults::default_of(name).unwrap_or("").to_owned(), origin: MANUAL };
        match self.raw(name) {
            Some(raw) => self.follow(raw),
            None => match self.loaded.get(name).filter(|_| defaults::default_of(name).is_none()) {
                Some(raw) => (raw.origin.clone(), Vec::new()),
                None => self.follow(default()),
            },
        }
    }

    fn follow(&self, mut raw: Raw) -> (Origin, Vec<Origin>) {
        let mut via = Vec::new();
        while let Some(name) = sole_reference(&raw.text).filter(|_| via.len() < TRAIL_LIMIT) {
            let Found::Text(text, origin) = self.lookup(name) else { break };
            via.push(std::mem::replace(&mut raw, Raw { text, origin }).origin);
        }
        (raw.origin, via)
    }

    /// A parameter as the snapshot shows it, without `postconf`'s view.
    pub fn setting(&self, name: &str) -> Setting {
        let (origin, via) = self.trail(name);
        let mut setting = match self.values.get(name) {
            Some(Ok(value)) => Setting::known(value.clone(), origin),
            Some(Err(Fault::Undecided(why))) => Setting::undecided(why.clone(), origin),
            Some(Err(Fault::Syntax(words) | Fault::Fatal(words))) => {
                Setting::undecided(format!("Postfix refuses it: {words}"), origin)
            }
            None => Setting::undecided("no program has a value for it", origin),
        };
        setting.via = via.into();
        if let Some(file) = self.loaded.get("myorigin file").filter(|_| name == "myorigin") {
            setting.via.add_farthest(std::mem::replace(&mut setting.origin, file.origin.clone()));
        }
        setting
    }

    /// A parameter's value with its place.
    pub fn fact(&self, name: &str) -> Option<Fact<String>> {
        self.setting(name).fact()
    }

    /// The value of any text in this program's scope: an `-o` setting, or a parameter that is not among those loaded.
    pub fn expand(&self, expander: &Expander, text: &str, origin: &Origin) -> Setting {
        let (at, via) = self.follow(Raw { text: text.to_owned(), origin: origin.clone() });
        let mut setting = match expander.expand(self, text, Some(origin)) {
            Ok(value) => Setting::known(value, at),
            Err(Fault::Undecided(why)) => Setting::undecided(why, at),
            Err(Fault::Syntax(words) | Fault::Fatal(words)) => {
                Setting::undecided(format!("Postfix refuses it: {words}"), at)
            }
        };
        setting.via = via.into();
        setting
    }
}
