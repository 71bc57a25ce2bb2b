//! The few programs that are run, where the administrator asks for it: what makes daemons read their files, compiles tables and generates
//! configuration.

use std::process::{Command, Stdio};

/// Where programs are looked for: the system's own folders alone.
const PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";
/// Units that are restarted or reloaded.
const UNITS: [&str; 3] = ["exim", "exim4", "postfix"];
/// Scripts of cPanel, by their names in its folder.
const SCRIPTS: [&str; 4] = ["build_cpnat", "buildeximconf", "mainipcheck", "updateuserdomains"];
const SCRIPT_FOLDERS: [&str; 2] = ["/usr/local/cpanel/scripts/", "/scripts/"];

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Whether it said that it succeeded.
    pub succeeded: bool,
    /// The end of what it said, or why it could not be started.
    pub said: String,
}

/// Whether a command is one of those that are run.
pub fn is_known(command: &[String]) -> bool {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let folder = |text: &str| text.starts_with('/') && !text.contains("..") && is_plain(text);
    match words.as_slice() {
        ["postfix", "reload" | "stop" | "start"] | ["update-exim4.conf"] | ["newaliases"] => true,
        ["postfix", "-c", dir, "reload" | "stop" | "start"] => folder(dir),
        ["postmap", table] => table.split_once(':').is_some_and(|(kind, path)| is_word(kind) && folder(path)),
        ["systemctl", "restart" | "reload", unit] => UNITS.contains(unit),
        ["hostnamectl", "set-hostname", name] => {
            !name.is_empty()
                && !name.starts_with('-')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        }
        [script] => {
            SCRIPT_FOLDERS.iter().any(|folder| script.strip_prefix(folder).is_some_and(|name| SCRIPTS.contains(&name)))
        }
        _ => false,
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
}

/// Runs one of the programs that [`is_known`] knows, with an environment of its own, and waits for it.
pub fn run(command: &[String]) -> Ran {
    let Some((program, arguments)) = command.split_first().filter(|_| is_known(command)) else {
        return Ran { succeeded: false, said: "it is none of the programs that helolint runs".to_owned() };
    };
    let done = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .output();
    match done {
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
            Ran { succeeded: done.status.success(), said: last }
        }
        Err(error) => Ran { succeeded: false, said: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fixed_list_is_run() {
        let known = |line: &str| is_known(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for line in [
            "postfix reload",
            "postfix -c /etc/postfix-out reload",
            "postmap hash:/etc/postfix/transport",
            "systemctl restart exim4",
            "update-exim4.conf",
            "hostnamectl set-hostname mail.example.com",
            "/scripts/updateuserdomains",
            "/usr/local/cpanel/scripts/buildeximconf",
        ] {
            assert!(known(line), "{line}");
        }
        for line in [
            "rm -rf /",
            "postfix",
            "postfix -c ../x reload",
            "postfix -c /etc/../tmp reload",
            "postmap /tmp/x",
            "postmap -q x hash:/etc/postfix/transport",
            "postmap hash:/etc/postfix/$(id)",
            "systemctl restart sshd",
            "systemctl reboot",
            "hostnamectl set-hostname --static",
            "hostnamectl set-hostname mail;id",
            "/scripts/../bin/sh",
            "/usr/local/cpanel/scripts/upcp",
            "/tmp/update-exim4.conf",
            "",
        ] {
            assert!(!known(line), "{line}");
        }
    }
}
