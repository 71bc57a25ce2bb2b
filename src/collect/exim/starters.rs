//! How the files that start Exim's daemon say that it is started: systemd units with their drop-ins, and the shell fragments
//! of `/etc/default` and `/etc/sysconfig` that they, or an init script, read.

use std::collections::BTreeMap;

use crate::collect::root::Root;

/// Names of the daemon's unit: Debian's, everybody else's.
const UNITS: [&str; 2] = ["exim4.service", "exim.service"];
/// Folders of units, the strongest first (systemd.unit(5)).
const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// What init scripts read.
const FRAGMENTS: [&str; 3] = ["/etc/default/exim4", "/etc/default/exim", "/etc/sysconfig/exim"];
/// Variables of those fragments that init scripts pass on to the daemon.
const OPTIONS: [&str; 5] =
    ["COMMONOPTIONS", "SMTPLISTENEROPTIONS", "EXIMSERVICE", "DAEMON_OPTS", "EXIM_DAEMON_OPTIONS"];

/// What a daemon is started with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Started {
    /// `-C`: the list of files of which the first that exists counts; empty: the one compiled in.
    pub files: Vec<String>,
    /// `-D`: names and values of macros.
    pub defines: Vec<(String, String)>,
}

impl Started {
    /// What the arguments of a command line say; a list of `-C` that is not made of absolute paths is passed over.
    pub(crate) fn of_arguments<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Started {
        let mut started = Started::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if let Some(rest) = argument.strip_prefix("-C") {
                let files = if rest.is_empty() { arguments.next().unwrap_or_default() } else { rest };
                started.set_files(files);
            } else if let Some(rest) = argument.strip_prefix("-D").filter(|rest| !rest.is_empty()) {
                started.define(rest);
            }
        }
        started
    }

    pub(super) fn set_files(&mut self, list: &str) {
        let files: Vec<String> = list.split(':').map(|file| file.trim().to_owned()).collect();
        if files.iter().all(|file| file.starts_with('/') && !file.contains('$')) {
            self.files = files;
        }
    }

    pub(super) fn define(&mut self, definition: &str) {
        let (name, value) = definition.split_once('=').unwrap_or((definition, ""));
        self.defines.push((name.trim().to_owned(), value.to_owned()));
    }
}

/// `-C` and `-D` of the daemon as files have it started.
pub(crate) fn read(root: &Root) -> Started {
    let mut words = Vec::new();
    for unit in UNITS {
        let unit = Unit::read(root, unit);
        if unit.command.iter().any(|word| word.contains("exim")) {
            words.extend(unit.command.iter().flat_map(|word| unit.expand(word)));
        }
    }
    for path in FRAGMENTS {
        let variables = fragment(root, path);
        words.extend(OPTIONS.iter().filter_map(|name| variables.get(*name)).flat_map(|value| split(value)));
    }
    Started::of_arguments(words.iter().map(String::as_str))
}

/// What a unit says of its command.
#[derive(Default)]
struct Unit {
    command: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Unit {
    fn read(root: &Root, name: &str) -> Unit {
        let mut unit = Unit::default();
        let main = UNIT_FOLDERS.iter().map(|folder| format!("{folder}/{name}")).find(|path| root.exists(path));
        main.iter().for_each(|path| unit.add(root, path));
        // A drop-in of a stronger folder replaces its namesakes; all that are left count in the order of their names.
        let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
        for folder in UNIT_FOLDERS {
            for path in root.files_below(&format!("{folder}/{name}.d"), 1) {
                let file = path.rsplit('/').next().unwrap_or_default().to_owned();
                if file.ends_with(".conf") {
                    drop_ins.entry(file).or_insert(path);
                }
            }
        }
        drop_ins.values().for_each(|path| unit.add(root, path));
        unit
    }

    fn add(&mut self, root: &Root, path: &str) {
        let Ok(file) = root.read(path) else { return };
        let text = file.text().replace("\\\n", " ");
        for line in text.lines().map(str::trim) {
            let Some((name, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            match name.trim() {
                // An empty assignment takes the ones before it back.
                "ExecStart" if value.is_empty() => self.command.clear(),
                "ExecStart" => self.command = split(value),
                "Environment" => {
                    let set = split(value);
                    self.variables.extend(set.iter().filter_map(|word| word.split_once('=')).map(owned));
                }
                "EnvironmentFile" => self.variables.extend(fragment(root, value.trim_start_matches('-'))),
                _ => {}
            }
        }
    }

    /// The arguments that a word of the command gives: `$NAME` as several, `${NAME}` as one; of a variable that is not set, none.
    fn expand(&self, word: &str) -> Vec<String> {
        let value = |name: &str| self.variables.get(name).cloned().unwrap_or_default();
        if let Some(name) = word.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            return split(&value(name));
        }
        let mut out = String::new();
        let mut rest = word;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            out.push_str(before);
            out.push_str(&value(name));
            rest = behind;
        }
        out.push_str(rest);
        vec![out]
    }
}

/// The assignments of a shell fragment, the last one of a name counting.
fn fragment(root: &Root, path: &str) -> BTreeMap<String, String> {
    let Ok(file) = root.read(path) else { return BTreeMap::new() };
    let lines = file.text().lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let set = lines.filter_map(|line| line.trim_start_matches("export ").split_once('='));
    set.map(|(name, value)| (name.trim().to_owned(), split(value).join(" "))).collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The words of a line, as the shell and systemd split it: at blanks outside quotes, which are removed.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::testing::folder;

    fn started(files: &[(&str, &str)]) -> Started {
        let dir = folder(files);
        read(&Root::open(dir.path()).unwrap())
    }

    #[test]
    fn units_and_their_drop_ins() {
        let packaged = ("/lib/systemd/system/exim4.service", "[Service]\nExecStart=/usr/sbin/exim4 -bdf -q30m\n");
        assert_eq!(started(&[packaged]), Started::default());
        let own = ("/etc/systemd/system/exim4.service", "[Service]\nExecStart=/usr/sbin/exim4 -bdf -C /own.conf\n");
        assert_eq!(started(&[packaged, own]).files, ["/own.conf"]);
        let reset = "[Service]\nExecStart=\nExecStart=/usr/sbin/exim4 -bdf \\\n -C /drop.conf '-DNAME=a b'\n";
        let drop_in = ("/etc/systemd/system/exim4.service.d/10-config.conf", reset);
        let both = started(&[packaged, own, drop_in]);
        assert_eq!(both.files, ["/drop.conf"]);
        assert_eq!(both.defines, [("NAME".to_owned(), "a b".to_owned())]);
        // The stronger folder's drop-in of one name counts alone.
        let weaker =
            ("/lib/systemd/system/exim4.service.d/10-config.conf", "ExecStart=/usr/sbin/exim4 -C /weak.conf\n");
        assert_eq!(started(&[packaged, drop_in, weaker]).files, ["/drop.conf"]);
        // Another program's unit of that name says nothing.
        let other = ("/etc/systemd/system/exim.service", "[Service]\nExecStart=/usr/bin/true -C /own.conf\n");
        assert_eq!(started(&[other]), Started::default());
    }

    #[test]
    fn variables_of_fragments() {
        let unit =
            "[Service]\nEnvironmentFile=-/etc/default/mail\nExecStart=/usr/sbin/exim4 -bdf $OPTIONS -D${DEFINE}\n";
        let unit = ("/usr/lib/systemd/system/exim4.service", unit);
        let fragment = ("/etc/default/mail", "# OPTIONS='-C /old'\nOPTIONS=\"-C /a.conf:/b.conf -DX=1\"\nDEFINE=Y=2\n");
        let all = started(&[unit, fragment]);
        assert_eq!(all.files, ["/a.conf", "/b.conf"]);
        assert_eq!(all.defines, [("X".to_owned(), "1".to_owned()), ("Y".to_owned(), "2".to_owned())]);
        // The init script's variables need no unit.
        let debian = ("/etc/default/exim4", "COMMONOPTIONS='-DMAIN_TLS_ENABLE=1'\nQUEUEINTERVAL='30m'\n");
        assert_eq!(started(&[debian]).defines, [("MAIN_TLS_ENABLE".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn words_are_split_as_the_shell_does() {
        assert_eq!(split("a \"b c\"d ''  e"), ["a", "b cd", "", "e"]);
        assert_eq!(split("  "), [""; 0]);
        assert_eq!(split("open 'quote"), ["open", "quote"]);
    }
}
