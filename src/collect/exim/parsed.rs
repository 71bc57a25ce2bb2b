//! Configurations as they were parsed, for trials that change other files.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Refused;
use super::config::Config;
use super::live::Live;
use crate::collect::root::{Root, Touched};

/// What was parsed of configurations; a later reading takes what has not changed from there.
#[derive(Default)]
pub struct Parsed {
    made: RefCell<Vec<Known>>,
    /// Which configuration is the live one.
    live: RefCell<Option<(bool, Touched, Option<Live>)>>,
}

/// States that are kept: a configuration and the same under another build's macros, before and after a change.
const PARSED: usize = 6;
/// Octets of a configuration beyond which the latest state alone is kept: what is parsed of it takes a multiple of that.
const LARGE: usize = 512 << 10;

/// A configuration as it was parsed.
pub(super) type Made = Result<Config, Box<(Refused, Config)>>;

struct Known {
    of: Asked,
    touched: Touched,
    made: Rc<Made>,
}

/// What it depends on besides files.
#[derive(Clone, PartialEq)]
pub(super) struct Asked {
    /// The file that Exim reads first.
    pub file: String,
    /// Macros of the command line.
    pub defines: Vec<(String, String)>,
    /// Builtin macros taken the other way round.
    pub otherwise: BTreeSet<String>,
    /// As in the request.
    pub debian: bool,
    /// Alike.
    pub keep_lines: bool,
    /// Alike.
    pub lenient: bool,
}

impl Parsed {
    pub(super) fn once(&self, root: &Root, of: Asked, parse: impl FnOnce() -> Made) -> Made {
        let mut kept = self.made.borrow_mut();
        let same = |known: &Known| known.of == of && root.is_as_touched(&known.touched);
        if let Some(known) = kept.iter().find(|known| same(known)) {
            root.note(&known.touched);
            return (*known.made).clone();
        }
        let (made, touched) = root.noting(parse);
        kept.truncate(if touched.octets() > LARGE { 0 } else { PARSED - 1 });
        kept.insert(0, Known { of, touched, made: Rc::new(made.clone()) });
        made
    }

    /// The live configuration on a host with or without cPanel, whose daemons are the same each time.
    pub(super) fn live(&self, root: &Root, cpanel: bool, find: impl FnOnce() -> Option<Live>) -> Option<Live> {
        let mut kept = self.live.borrow_mut();
        match &*kept {
            Some((of, touched, live)) if *of == cpanel && root.is_as_touched(touched) => {
                root.note(touched);
                live.clone()
            }
            _ => {
                let (live, touched) = root.noting(find);
                *kept = Some((cpanel, touched, live.clone()));
                live
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::collect::exim::hostname::Names;
    use crate::collect::exim::{Request, read};
    use crate::collect::root::Changed;
    use crate::facts::HostFqdn;

    #[test]
    fn what_has_changed_is_parsed_again_whichever_file_it_stands_in() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("exim.conf"), "primary_hostname = a.example\n.include /more\n").unwrap();
        fs::write(dir.path().join("more"), "qualify_domain = b.example\n").unwrap();
        fs::write(dir.path().join("passwd"), "").unwrap();
        let (root, parsed, fqdn) =
            (Root::open(dir.path()).unwrap(), Parsed::default(), HostFqdn::Unknown(String::new()));
        let names = || Names { node_name: None, hosts: &[], fqdn: &fqdn };
        let of = |option: &str| {
            let request = Request {
                root: &root,
                file: "/exim.conf",
                defines: &[],
                names: names(),
                debian: false,
                keep_lines: false,
                lenient: false,
                parsed: Some(&parsed),
            };
            let (read, touched) = root.noting(|| read(&request));
            let value = read.unwrap().config.main.get(option).map(|set| set.value.clone()).unwrap_or_default();
            // A reading around it rests on the same files, whether it was parsed or kept.
            assert!(["/exim.conf", "/more"].iter().all(|file| touched.has(file)), "{touched:?}");
            value
        };
        let put = |file: &str, text: &str| {
            let changed = Changed { text: text.into(), modified: 1 };
            root.set_trial(BTreeMap::from([(file.to_owned(), Some(changed))]));
        };
        assert_eq!((of("primary_hostname"), of("qualify_domain")), ("a.example".into(), "b.example".into()));
        assert_eq!(parsed.made.borrow().len(), 1, "it was parsed once");
        put("/more", "qualify_domain = c.example\n");
        assert_eq!(of("qualify_domain"), "c.example");
        put("/exim.conf", "primary_hostname = d.example\n.include /more\n");
        assert_eq!((of("primary_hostname"), of("qualify_domain")), ("d.example".into(), "b.example".into()));
        root.set_trial(BTreeMap::new());
        assert_eq!(of("primary_hostname"), "a.example");
        assert_eq!(parsed.made.borrow().len(), 3, "three states of the files");
    }
}
