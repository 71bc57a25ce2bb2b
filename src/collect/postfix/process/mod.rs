//! The parameters as one program of Postfix sees them: its `-o` settings, main.cf, and the defaults of what it has read so far.

mod start;

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use super::by_name::{ByName, Names};
use super::defaults::{self, Program};
use super::expand::{Expander, Fault, Found, Scope, sole_reference};
use super::main_cf::MainCf;
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
    overrides: ByName<String, Raw>,
    fixed: ByName<&'static str, String>,
    loaded: ByName<&'static str, Raw>,
    values: ByName<&'static str, Result<String, Fault>>,
    /// What it shares with others: looked up where the program itself has nothing.
    common: Option<Rc<Common>>,
    /// The parameters that were asked for, while that is noted.
    asked: RefCell<Option<Names<String>>>,
    /// Whose parameters are loaded beside those in `values`: nobody asks for them but by reference.
    beside: Option<Program>,
    /// The first thing that ends the program at its start.
    pub refused: Option<Refused>,
    /// The same, as far as all programs share it.
    pub refused_by_all: bool,
}

/// What programs load first, as it is without `-o` settings.
#[derive(Debug)]
struct Common {
    loaded: ByName<&'static str, Raw>,
    values: ByName<&'static str, Result<String, Fault>>,
    refused: Option<Refused>,
    /// The parameters that it depends on: a program that sets none of them has the same.
    asked: Names<String>,
}

/// What the programs of one configuration have in common, once one of them was started.
#[derive(Debug, Default)]
pub struct Started {
    common: RefCell<Option<Rc<Common>>>,
    /// The typed parameters that main.cf sets ([`super::typed::among`]).
    typed: OnceCell<ByName<&'static str, Vec<usize>>>,
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
        self.note(name);
        if let Some(raw) = self.overrides.get(name) {
            return Found::Text(raw.text.clone(), raw.origin.clone());
        }
        if let Some(found) = self.main.and_then(|main| main.settings.get(name)) {
            return Found::Text(found.value.clone(), Origin::File(found.span.clone()));
        }
        if let Some(text) = self.fixed.get(name) {
            return Found::Text(text.clone(), MANUAL);
        }
        if let Some(raw) = self.loaded(name) {
            return Found::Text(raw.text.clone(), raw.origin.clone());
        }
        match self.known(name) {
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
    fn note(&self, name: &str) {
        if let Some(asked) = self.asked.borrow_mut().as_mut()
            && !asked.contains(name)
        {
            asked.insert(name.to_owned());
        }
    }

    fn loaded(&self, name: &str) -> Option<&Raw> {
        self.loaded.get(name).or_else(|| self.common.as_ref()?.loaded.get(name))
    }

    fn known(&self, name: &str) -> Option<&Result<String, Fault>> {
        self.values.get(name).or_else(|| self.common.as_ref()?.values.get(name))
    }

    /// Reads one parameter: its setting, else its default, expanded with what is known so far.
    fn load(&mut self, name: &'static str, expander: &Expander) {
        if self.known(name).is_some() {
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
                    self.loaded.insert(name, Raw { text: value.clone(), origin });
                }
                self.values.insert(name, Ok(value));
            }
            Err(fault) => self.fail(name, fault),
        }
    }

    fn put(&mut self, name: &'static str, value: String, origin: Origin) {
        self.loaded.insert(name, Raw { text: value.clone(), origin });
        self.values.insert(name, Ok(value));
    }

    fn fail(&mut self, name: &'static str, fault: Fault) {
        match &fault {
            Fault::Syntax(words) => {
                self.refuse(name, format!("{words}; dictionary mail_dict: macro processing error"));
            }
            Fault::Fatal(words) => self.refuse(name, words.clone()),
            Fault::Undecided(_) => {}
        }
        self.values.insert(name, Err(fault));
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
        self.note(name);
        let own = self.overrides.get(name).cloned();
        own.or_else(|| {
            let found = self.main?.settings.get(name)?;
            Some(Raw { text: found.value.clone(), origin: Origin::File(found.span.clone()) })
        })
    }

    /// Whether `-o` or main.cf sets a parameter.
    pub fn sets(&self, name: &str) -> bool {
        self.note(name);
        self.overrides.contains_key(name) || self.main.is_some_and(|main| main.settings.contains_key(name))
    }

    /// The value of a parameter that is set, whether the program loads it or not.
    pub(crate) fn set(&self, name: &str, expander: &Expander) -> Option<Fact<String>> {
        let Raw { text, origin } = self.raw(name)?;
        self.expand(expander, &text, &origin).fact()
    }

    /// Whether one of the names is set by `-o`.
    pub fn overrides_any(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.overrides.contains_key(name))
    }

    fn is_known(&self, name: &str) -> bool {
        matches!(self.known(name), Some(Ok(_)))
    }

    /// The value of a parameter that the program reads; `None` where it has none, or does not read it.
    pub fn value(&self, name: &str) -> Option<&String> {
        self.known(name)?.as_ref().ok()
    }

    /// Why a parameter has no value.
    pub fn fault(&self, name: &str) -> Option<&Fault> {
        self.known(name)?.as_ref().err()
    }

    /// The place that decides a parameter, and those that lead there, the parameter's own first.
    pub fn trail(&self, name: &str) -> (Origin, Vec<Origin>) {
        let default = || Raw { text: defaults::default_of(name).unwrap_or("").to_owned(), origin: MANUAL };
        match self.raw(name) {
            Some(raw) => self.follow(raw),
            None => match self.loaded(name).filter(|_| defaults::default_of(name).is_none()) {
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
        let mut setting = match self.known(name) {
            Some(Ok(value)) => Setting::known(value.clone(), origin),
            Some(Err(Fault::Undecided(why))) => Setting::undecided(why.clone(), origin),
            Some(Err(Fault::Syntax(words) | Fault::Fatal(words))) => {
                Setting::undecided(format!("Postfix refuses it: {words}"), origin)
            }
            None => Setting::undecided("no program has a value for it", origin),
        };
        setting.via = via.into();
        if let Some(file) = self.loaded("myorigin file").filter(|_| name == "myorigin") {
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
