//! How a program starts: what it loads, in which order, and what it refuses.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::by_name::{ByName, Names};
use super::super::check::{self, OwnAddresses};
use super::super::choices;
use super::super::compare;
use super::super::defaults::{self, Program};
use super::super::environment::Environment;
use super::super::expand::Expander;
use super::super::guess;
use super::super::lines::trim;
use super::super::main_cf::READ_ONLY;
use super::super::typed::{self, Kind, Typed};
use super::super::version::Version;
use super::{Common, Fault, Process, Raw, Start, Started};
use crate::collect::root::ReadError;
use crate::facts::Origin;

impl<'a> Process<'a> {
    /// Loads the parameters of a program in its order; what it shares with those in `started` is not loaded again.
    pub fn start(start: &Start<'a>, started: &Started, env: &Environment<'_>, expander: &Expander) -> Process<'a> {
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
            fixed: ByName::from_iter(fixed),
            loaded: ByName::default(),
            values: ByName::default(),
            common: None,
            asked: Default::default(),
            beside: None,
            refused: None,
            refused_by_all: false,
        };
        process.share(started, env, expander);
        process.beside = Some(Program::Other);
        process.refused_by_all = process.refused.is_some();
        process.beside = Some(start.program);
        let typed = process.set_among(start.process_name, started);
        process.load_typed(&typed, &[Kind::Time, Kind::Number, Kind::Long], expander);
        for name in start.program.own_parameters() {
            process.load(name, expander);
        }
        process.load_typed(&typed, &[Kind::Text, Kind::Boolean], expander);
        process.check_choices(start.program, env, expander);
        process.check_watchdog(start.process_name);
        process
    }

    /// Loads what all programs share, or takes it from one that was started before, where no setting of its own bears on it.
    fn share(&mut self, started: &Started, env: &Environment<'_>, expander: &Expander) {
        let of_itself = |name: &str| matches!(name, "process_name" | "service_name");
        let kept = started.common.borrow().clone();
        let known =
            kept.filter(|common| !common.asked.iter().any(|name| self.overrides.contains_key(name) || of_itself(name)));
        if let Some(common) = known {
            self.refused.clone_from(&common.refused);
            self.common = Some(common);
            return;
        }
        let is_plain = self.overrides.is_empty();
        *self.asked.borrow_mut() = is_plain.then(Names::default);
        self.load_shared(started, env, expander);
        if let Some(asked) = self.asked.borrow_mut().take() {
            let (loaded, values) = (std::mem::take(&mut self.loaded), std::mem::take(&mut self.values));
            let common = Rc::new(Common { loaded, values, refused: self.refused.clone(), asked });
            *started.common.borrow_mut() = Some(Rc::clone(&common));
            self.common = Some(common);
        }
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

    /// The typed parameters of a program that are set, in its order.
    fn set_among(&self, program: &str, started: &Started) -> Vec<&'static Typed> {
        let all = typed::parameters_of(program);
        // That it depends on those that are not set is noted as well.
        if self.asked.borrow().is_some() {
            all.iter().for_each(|typed| self.note(typed.name));
        }
        let settings = || self.main.iter().flat_map(|main| main.settings.keys().map(String::as_str));
        let of_main = started.typed.get_or_init(|| typed::among(settings())).get(program).into_iter().flatten();
        let own = typed::among(self.overrides.keys().map(String::as_str)).remove(program).unwrap_or_default();
        let places: BTreeSet<usize> = of_main.copied().chain(own).collect();
        places.into_iter().filter_map(|place| all.get(place)).collect()
    }

    /// Reads those of some kinds, and what is no such value among them.
    fn load_typed(&mut self, set: &[&'static Typed], kinds: &[Kind], expander: &Expander) {
        for kind in kinds {
            for typed in set.iter().filter(|typed| typed.kind == *kind) {
                self.load(typed.name, expander);
                if let Some(message) = self.value(typed.name).and_then(|value| typed.refusal(value)) {
                    self.refuse(typed.name, message);
                }
            }
        }
    }

    fn load_shared(&mut self, started: &Started, env: &Environment<'_>, expander: &Expander) {
        let count = defaults::FIRST.len() + defaults::SHARED.len() + defaults::SHARED_NUMBERS.len();
        self.loaded.reserve(count);
        self.values.reserve(count);
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
        let typed = self.set_among("shared", started);
        self.load_typed(&typed, &[Kind::Text, Kind::Number, Kind::Long, Kind::Boolean, Kind::Time], expander);
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
        let host = self.known("myhostname").cloned();
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
                    self.values.insert("myorigin", Ok(name.to_owned()));
                    let start = file.text().find(name).unwrap_or(0);
                    let origin = Origin::File(file.span(start, start + name.len()));
                    self.loaded.insert("myorigin file", Raw { text: name.to_owned(), origin });
                    return;
                }
            },
            Err(error @ (ReadError::Confidential | ReadError::Denied | ReadError::Io(_) | ReadError::Changing)) => {
                let why = format!("{path} is read, and {error}");
                self.values.insert("myorigin", Err(Fault::Undecided(why)));
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
}
