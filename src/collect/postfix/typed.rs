//! Parameters that are numbers, times, `yes` or `no`, or must not be empty: the program that reads one of another kind ends when it
//! starts (mail_conf_int(3), mail_conf_time(3), mail_conf_bool(3), mail_conf_str(3)).

use std::sync::OnceLock;

use super::by_name::ByName;

/// The parameters of each program.
const TYPED: &str = include_str!("typed.txt");

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `yes` or `no`, in any case.
    Boolean,
    /// A number of 32 bits.
    Number,
    /// A number of 64 bits.
    Long,
    /// A number and a unit, `s`, `m`, `h`, `d` or `w`.
    Time,
    /// Anything but nothing.
    Text,
}

/// A parameter that does not take any text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Typed {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// The least value, of numbers and times.
    least: Option<i64>,
    /// The largest, of times.
    most: Option<i64>,
}

/// All of them, by the program that reads them and by name.
struct Table {
    of: ByName<&'static str, Vec<Typed>>,
    /// The programs that read a parameter, and where it stands among theirs.
    places: ByName<&'static str, Vec<(&'static str, usize)>>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { of: ByName::default(), places: ByName::default() };
        for line in TYPED.lines().filter(|line| !line.starts_with('#')) {
            let Some(((program, kind), names)) =
                line.split_once(": ").and_then(|(head, names)| Some((head.split_once(' ')?, names)))
            else {
                continue;
            };
            let kind = match kind {
                "boolean" => Kind::Boolean,
                "number" => Kind::Number,
                "long" => Kind::Long,
                "time" => Kind::Time,
                _ => Kind::Text,
            };
            let list = table.of.entry(program).or_default();
            for name in names.split_whitespace() {
                let (name, most) = name.split_once("<=").map_or((name, None), |(name, most)| (name, most.parse().ok()));
                let (name, least) =
                    name.split_once(">=").map_or((name, None), |(name, least)| (name, least.parse().ok()));
                table.places.entry(name).or_default().push((program, list.len()));
                list.push(Typed { name, kind, least, most });
            }
        }
        table
    })
}

/// Those that a program reads, by the name of its file; `shared` are those of every program.
pub(crate) fn parameters_of(program: &str) -> &'static [Typed] {
    table().of.get(program).map_or(&[], Vec::as_slice)
}

/// Those of these names that some program reads, by the program, as places in what [`parameters_of`] gives, ascending.
pub(crate) fn among<'n>(names: impl Iterator<Item = &'n str>) -> ByName<&'static str, Vec<usize>> {
    let mut found: ByName<&'static str, Vec<usize>> = ByName::default();
    for (program, place) in names.filter_map(|name| table().places.get(name)).flatten() {
        found.entry(program).or_default().push(*place);
    }
    for places in found.values_mut() {
        places.sort_unstable();
        places.dedup();
    }
    found
}

impl Typed {
    /// Postfix's words where it does not take a value.
    pub(crate) fn refusal(&self, value: &str) -> Option<String> {
        let name = self.name;
        let below = |found: i64| self.least.filter(|least| found < *least);
        match self.kind {
            Kind::Boolean => {
                let known = ["yes", "no"].iter().any(|word| value.eq_ignore_ascii_case(word));
                (!known).then(|| format!("bad boolean configuration: {name} = {value}"))
            }
            Kind::Number | Kind::Long => match number(value) {
                Some(found) if self.kind == Kind::Long || i32::try_from(found).is_ok() => {
                    below(found).map(|least| format!("invalid {name} parameter value {found} < {least}"))
                }
                _ => Some(format!("bad numerical configuration: {name} = {value}")),
            },
            Kind::Time => match time(value) {
                Some((found, unit)) => {
                    let above = self.most.filter(|most| found.saturating_mul(unit) > *most);
                    let most = above.map(|most| format!("invalid {name}: {} (max {most})", found * unit));
                    below(found).map(|least| format!("invalid {name}: {found} (min {least})")).or(most)
                }
                None => Some(format!("parameter {name}: bad time value or unit: {value}")),
            },
            Kind::Text => value.is_empty().then(|| format!("bad string length 0 < 1: {name} = ")),
        }
    }
}

/// The seconds of a time.
pub(crate) fn seconds(value: &str) -> Option<i64> {
    time(value).map(|(found, unit)| found.saturating_mul(unit))
}

/// A whole text that strtol(3) takes.
fn number(text: &str) -> Option<i64> {
    text.trim_start_matches([' ', '\t', '\r', '\n', '\u{b}', '\u{c}']).parse().ok()
}

/// The number before a unit, and the unit in seconds; without one it is the parameter's own, which is taken for a second. What stands behind
/// the unit counts for nothing, and a unit without a number is none of it.
fn time(text: &str) -> Option<(i64, i64)> {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n', '\u{b}', '\u{c}']);
    let signed = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = signed.len() - signed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let end = if digits == 0 { 0 } else { text.len() - signed.len() + digits };
    let found: i64 = if digits == 0 { 0 } else { text[..end].parse().ok()? };
    let rest = if digits == 0 { text } else { &text[end..] };
    let unit = match rest.chars().next() {
        None if text.is_empty() => return None,
        None | Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        Some('w') => 604_800,
        Some(_) => return None,
    };
    (0..=i64::from(i32::MAX)).contains(&found).then_some((found, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::postfix::defaults;

    fn refusal(program: &str, name: &str, value: &str) -> Option<String> {
        parameters_of(program)
            .iter()
            .find(|typed| typed.name == name)
            .unwrap_or_else(|| panic!("{name}"))
            .refusal(value)
    }

    /// Each answered by the programs of Postfix 3.7.11.
    #[test]
    fn what_programs_refuse() {
        for (program, name, value, words) in [
            ("shared", "message_size_limit", "50M", Some("bad numerical configuration: message_size_limit = 50M")),
            ("shared", "message_size_limit", "99999999999", None),
            ("shared", "message_size_limit", "-1", None),
            ("shared", "default_process_limit", "0", Some("invalid default_process_limit parameter value 0 < 1")),
            (
                "shared",
                "default_process_limit",
                "99999999999",
                Some("bad numerical configuration: default_process_limit = 99999999999"),
            ),
            ("shared", "default_process_limit", "", Some("bad numerical configuration: default_process_limit = ")),
            ("shared", "soft_bounce", "true", Some("bad boolean configuration: soft_bounce = true")),
            ("shared", "soft_bounce", "YES", None),
            ("shared", "ipc_idle", "5min", None),
            ("shared", "ipc_idle", "5 m", Some("parameter ipc_idle: bad time value or unit: 5 m")),
            ("shared", "ipc_idle", "1M", Some("parameter ipc_idle: bad time value or unit: 1M")),
            ("shared", "in_flow_delay", "5min", Some("invalid in_flow_delay: 300 (max 10)")),
            ("shared", "in_flow_delay", "10", None),
            ("shared", "ipc_idle", "0", Some("invalid ipc_idle: 0 (min 1)")),
            ("shared", "ipc_idle", "-1", Some("parameter ipc_idle: bad time value or unit: -1")),
            ("shared", "ipc_idle", "99999999999", Some("parameter ipc_idle: bad time value or unit: 99999999999")),
            ("smtp", "smtp_helo_name", "", Some("bad string length 0 < 1: smtp_helo_name = ")),
            ("smtp", "smtp_connect_timeout", "0", None),
            ("qmgr", "default_destination_concurrency_limit", "-1", None),
        ] {
            assert_eq!(refusal(program, name, value).as_deref(), words, "{program} {name} {value:?}");
        }
    }

    #[test]
    fn what_is_set_is_found_in_the_order_of_the_program() {
        let names = ["smtp_helo_name", "nosuch", "ipc_idle", "smtp_connect_timeout", "smtp_helo_name"];
        let found = among(names.into_iter());
        for (program, places) in &found {
            let all = parameters_of(program);
            let plain: Vec<usize> = (0..all.len()).filter(|place| names.contains(&all[*place].name)).collect();
            assert_eq!(*places, plain, "{program}");
        }
        assert!(found.contains_key("shared") && found.contains_key("smtp"), "{found:?}");
    }

    #[test]
    fn every_default_is_of_its_kind() {
        let programs =
            "shared smtp lmtp smtpd trivial-rewrite qmgr cleanup local virtual bounce pipe tlsmgr scache flush";
        for (program, typed) in
            programs.split(' ').flat_map(|program| parameters_of(program).iter().map(move |typed| (program, typed)))
        {
            let default = defaults::default_of(typed.name).unwrap_or_else(|| panic!("{program} {}", typed.name));
            assert!(default.contains('$') || typed.refusal(default).is_none(), "{program} {typed:?} {default:?}");
        }
        assert!(
            parameters_of("shared").len() > 70 && parameters_of("smtp").len() > 60 && parameters_of("qmgr").len() > 30
        );
        assert!(parameters_of("nosuch").is_empty());
    }
}
