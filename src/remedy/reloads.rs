//! What has daemons take over what a plan makes of their files.

use crate::facts::Mta;
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;
use crate::remedy::trial::Trial;
use crate::rules::advice::exim_unit;

/// The commands that let daemons take over what these changes make of files.
pub(super) fn reloads(before: &Trial, ops: &[Op]) -> Vec<Vec<String>> {
    let facts = &before.facts;
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut add = |words: &[&str]| {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if !all.contains(&command) {
            all.push(command);
        }
    };
    let mut flat: Vec<&Op> = Vec::new();
    for op in ops {
        match op {
            Op::ByHand { effect, .. } => flat.extend(effect),
            op => flat.push(op),
        }
    }
    for op in flat {
        let (file, renamed) = match op {
            Op::Edit { file, .. } | Op::Remove { file } | Op::Generate { file, .. } => {
                (file.as_str(), file == "/etc/hosts")
            }
            Op::HostName(_) => ("", true),
            Op::Reload => ("", true),
            _ => continue,
        };
        for postfix in &facts.postfix {
            let own = file.strip_prefix(postfix.config_directory.as_str()).is_some_and(|rest| rest.starts_with('/'));
            // Which addresses the master listens on, and which protocols it speaks, is settled when it starts.
            let start = matches!(op, Op::Edit { edit: Edit::MainCf { parameter, .. }, .. }
                if ["inet_interfaces", "inet_protocols"].contains(&parameter.as_str()));
            let default = postfix.config_directory == "/etc/postfix";
            let refused = postfix.error.is_some();
            if own || file == "/etc/mailname" || renamed && facts.mtas.live.contains(&Mta::Postfix) {
                match (start || refused, default) {
                    (true, true) => add(&["systemctl", "restart", "postfix"]),
                    (true, false) => add(&["postfix", "-c", &postfix.config_directory, "stop"]),
                    (false, true) => add(&["postfix", "reload"]),
                    (false, false) => add(&["postfix", "-c", &postfix.config_directory, "reload"]),
                }
                if (start || refused) && !default {
                    add(&["postfix", "-c", &postfix.config_directory, "start"]);
                }
            }
        }
        for exim in &facts.exim {
            let unit = exim_unit(exim);
            // cPanel restarts Exim after all that it writes. Elsewhere the daemon begins anew when it is told to read again; one that refuses
            // its configuration does not run.
            let word = if exim.error.is_some() || facts.cpanel.is_some() { "restart" } else { "reload" };
            let at = |place: &str| file == place || file.starts_with("/etc/exim") || file.starts_with("/var/lib/exim4");
            if at(&exim.file) || renamed && facts.mtas.live.contains(&Mta::Exim) {
                add(&["systemctl", word, unit]);
            }
        }
    }
    // A restart does what a reload does.
    let restarts: Vec<String> =
        all.iter().filter(|c| c.contains(&"restart".to_owned())).filter_map(|c| c.last().cloned()).collect();
    all.retain(|command| {
        let reload = command.contains(&"reload".to_owned());
        let of = if command.first().is_some_and(|first| first == "postfix") {
            "postfix"
        } else {
            command.last().map_or("", String::as_str)
        };
        !(reload && command.len() <= 3 && restarts.iter().any(|unit| unit == of))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Exim, Facts};
    use crate::rules::testing::{But, cpanel, dns, healthy};

    #[test]
    fn one_kind_of_command_for_each_daemon() {
        let exim = |file: &str| {
            let file = file.to_owned();
            healthy().but(move |f| {
                f.postfix.clear();
                f.mtas.live = vec![Mta::Exim];
                f.exim = vec![Exim { file: file.clone(), ..Exim::default() }];
            })
        };
        let of_panel = exim("/etc/exim.conf").but(|f| f.cpanel = Some(cpanel().into()));
        let edit = |file: &str| Op::Edit { file: file.to_owned(), edit: Edit::Append { lines: Vec::new() } };
        let ways = [edit("/etc/exim.conf"), edit("/etc/hosts"), Op::HostName("mail.example.com".into()), Op::Reload];
        let told = |facts: &Facts, ops: &[Op]| {
            let all = reloads(&Trial::new(facts.clone(), dns(&[]), Vec::new()), ops);
            all.iter().map(|command| command.join(" ")).collect::<Vec<_>>()
        };
        for op in &ways {
            assert_eq!(told(&of_panel, std::slice::from_ref(op)), ["systemctl restart exim"], "{op:?}");
        }
        assert_eq!(told(&of_panel, &ways), ["systemctl restart exim"]);
        assert_eq!(told(&exim("/etc/exim/exim.conf"), &ways), ["systemctl reload exim"]);
    }
}
