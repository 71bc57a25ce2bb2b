//! Settings whose value is secret, by name.

/// What a name says of its setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// It is not secret.
    Public,
    /// It is secret, unless it only names a file or another setting.
    UnlessPath,
    /// It is secret, unless it only names another setting.
    Always,
}

/// Parts of names whose values are secret.
const PARTS: [&str; 7] = ["password", "passwd", "passphrase", "secret", "credential", "apikey", "api_key"];
/// Whole names whose values are secret, and ends of names behind an underscore.
const ENDS: [&str; 7] = ["pw", "pwd", "pass", "token", "auth_key", "bindpw", "rediscli_auth"];
/// Options of Exim's authenticators that hold credentials, whatever they look like.
const EXIM: [&str; 2] = ["server_condition", "server_set_id"];
/// How those begin that say what this host logs in with; also where the rest is misspelt, and the line is shown for it.
const EXIM_CLIENT: &str = "client_";
/// Databases whose servers stand in an option of Exim with user and password.
const SERVERS: [&str; 8] = ["mysql", "pgsql", "ldap", "redis", "oracle", "ibase", "sqlite", "mongodb"];
/// Who logs in to a database.
const LOGINS: [&str; 6] = ["user", "username", "bind_dn", "binddn", "dbuser", "login"];
/// Types of Postfix's tables whose content stands in a file of their own (DATABASE_README).
const TABLES: [&str; 15] = [
    "hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash", "regexp", "pcre", "cidr", "mysql", "pgsql", "ldap",
    "sqlite", "mongodb",
];
/// Options that the whole world sees at work: to hide them from who reads the file hides nothing.
const ON_THE_WIRE: [&str; 12] = [
    "primary_hostname",
    "qualify_domain",
    "qualify_recipient",
    "smtp_active_hostname",
    "smtp_banner",
    "helo_data",
    "interface",
    "local_interfaces",
    "extra_local_interfaces",
    "disable_ipv6",
    "dns_ipv4_lookup",
    "daemon_smtp_ports",
];

/// Whether names of settings and options have this octet in them.
pub(crate) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Parts of names, in small letters: every name that says something has one of them, and most names have none.
const HINTS: [&[u8]; 9] = [b"pass", b"pw", b"secret", b"server", b"cred", b"client", b"key", b"token", b"auth"];

/// Whether a name may say something of its setting's value.
fn is_hinted(name: &str) -> bool {
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|at| {
        let first = bytes[at] | 0x20;
        // Most letters begin none.
        matches!(first, b'p' | b's' | b'c' | b'k' | b't' | b'a')
            && HINTS.iter().any(|hint| {
                hint[0] == first && bytes.get(at..at + hint.len()).is_some_and(|part| part.eq_ignore_ascii_case(hint))
            })
    })
}

/// What the name of a setting says of its value.
pub(crate) fn secrecy(name: &str) -> Secrecy {
    if !is_hinted(name) {
        return Secrecy::Public;
    }
    let full = name;
    let name = name.to_ascii_lowercase();
    let name = name.trim_start_matches(['-', '.', '_']);
    let ends = |end: &str| name == end || name.strip_suffix(end).is_some_and(|head| head.ends_with(['_', '-', '.']));
    let servers = name.strip_suffix("_servers").map(|head| head.strip_suffix("_default").unwrap_or(head));
    if servers.is_some_and(|head| SERVERS.contains(&head)) || EXIM.contains(&name) || name.starts_with(EXIM_CLIENT) {
        return Secrecy::Always;
    }
    if name.contains("private_key") || name.contains("privatekey") || ends("key") {
        return Secrecy::UnlessPath;
    }
    let is_env = || {
        let in_capitals = !full.bytes().any(|byte| byte.is_ascii_lowercase());
        in_capitals && ["PASS", "PW", "PWD"].iter().any(|end| full.ends_with(end)) && !full.ends_with("BYPASS")
    };
    if !PARTS.iter().any(|part| name.contains(part)) && !ENDS.into_iter().any(ends) && !is_env() {
        return Secrecy::Public;
    }
    let names_files = ["maps", "map", "file", "path", "dir", "directory"].into_iter().any(ends);
    if names_files { Secrecy::UnlessPath } else { Secrecy::Always }
}

/// Whether a name says who logs in to a database: in braces, and in a table's own file.
pub(crate) fn is_login(name: &str) -> bool {
    LOGINS.iter().any(|login| name.eq_ignore_ascii_case(login))
}

/// Whether a parameter of main.cf says who logs in to a database: `NAME_user`, `NAME_bind_dn` of old tables.
pub(crate) fn is_login_parameter(name: &str) -> bool {
    ["_user", "_username", "_bind_dn"].iter().any(|end| name.ends_with(end))
}

/// Whether Exim's `hide` before this option is without effect here.
pub(crate) fn is_on_the_wire(option: &str) -> bool {
    ON_THE_WIRE.contains(&option)
}

/// Whether the setting `name` has a secret in `value`, as a whole.
pub(crate) fn is_secret_value(name: &str, value: &str) -> bool {
    hides(secrecy(name), value)
}

/// Whether a value of this secrecy is secret.
pub(crate) fn hides(secrecy: Secrecy, value: &str) -> bool {
    let value = value.trim();
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value).trim();
    match secrecy {
        _ if value.is_empty() || is_reference(value) => false,
        Secrecy::Public => false,
        Secrecy::Always => true,
        Secrecy::UnlessPath => !names_files(value),
    }
}

/// Whether a value is one reference to another setting: `$name`, `${name}`, `$(name)`.
fn is_reference(value: &str) -> bool {
    let Some(rest) = value.strip_prefix('$') else { return false };
    let braced = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let inner = braced.or_else(|| rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))).unwrap_or(rest);
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a value only says where something is kept: paths, tables in files, Exim's expansions that lead to a file.
fn names_files(value: &str) -> bool {
    if matches!(value, "true" | "false" | "yes" | "no" | "0" | "1" | "none") {
        return true;
    }
    if value.contains("${") && !value.contains("-----BEGIN") {
        return value.contains('/') || !value.bytes().any(|byte| byte.is_ascii_digit());
    }
    value.split([' ', '\t', '\n', '\r', ',']).filter(|item| !item.is_empty()).all(|item| {
        let item = item.strip_prefix("proxy:").unwrap_or(item);
        let path =
            |place: &str| place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-$+{}()".contains(&byte));
        match item.split_once(':') {
            Some((kind, place)) => (TABLES.contains(&kind) || kind.starts_with('$')) && path(place),
            None => item.starts_with(['/', '$']) && path(item),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_says_something_has_a_hint() {
        let servers = SERVERS.map(|kind| format!("{kind}_servers"));
        let names = PARTS.into_iter().chain(ENDS).chain(EXIM).chain([EXIM_CLIENT, "private_key", "privatekey", "key"]);
        for name in names.map(str::to_owned).chain(servers) {
            for name in [format!("x_{name}"), name.to_ascii_uppercase(), name] {
                assert!(is_hinted(&name), "{name}");
            }
        }
        for name in ["myhostname", "driver", "helo_data", "", "p", "smtp_bind_address"] {
            assert!(!is_hinted(name), "{name}");
        }
    }
}
