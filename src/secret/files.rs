//! Files with passwords and keys, by their names.

/// Parts of the names of files that are made of passwords.
const PASSWORDS: [&str; 5] = ["passw", "shadow", "secret", "credential", "sasl"];
/// Ends of the names of keys.
const KEYS: [&str; 3] = [".key", "_key", ".pem"];
/// Parts and ends of names, and folders, of files that may be made of either.
const SUSPECT_PARTS: [&str; 3] = ["private", "key", "pwd"];
const SUSPECT_ENDS: [&str; 3] = [".p12", ".pfx", ".jks"];
const SUSPECT_FOLDERS: [&str; 4] = ["private", "keys", "dkim", "domain_keys"];
/// What a private key begins with, whatever its file is called (RFC 7468).
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Whether the whole file is made of secrets.
pub(crate) fn is_secret_file(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    path.contains("/ssl/private/")
        || PASSWORDS.iter().any(|part| name.contains(part))
        || KEYS.iter().any(|end| name.ends_with(end))
}

/// Whether the file may be made of secrets: in doubt, a file that not everyone may read is taken for one.
pub(crate) fn may_be_secret_file(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    is_secret_file(path)
        || SUSPECT_PARTS.iter().any(|part| name.contains(part))
        || SUSPECT_ENDS.iter().any(|end| name.ends_with(end))
        || folders.split('/').any(|folder| SUSPECT_FOLDERS.contains(&folder))
}

/// Whether a private key stands in the text.
pub(crate) fn holds_private_key(text: &str) -> bool {
    text.contains(PRIVATE_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        for (path, secret, suspect) in [
            ("/etc/postfix/sasl_passwd", true, true),
            ("/etc/exim4/Passwd.Client", true, true),
            ("/etc/ssl/private/mail.crt", true, true),
            ("/etc/exim4/host.key", true, true),
            ("/etc/exim4/dkim/domains", false, true),
            ("/etc/exim4/monkeys", false, true),
            ("/etc/exim4/store.p12", false, true),
            ("/etc/mailips", false, false),
            ("/etc/passwords.d/map", false, false),
        ] {
            assert_eq!((is_secret_file(path), may_be_secret_file(path)), (secret, suspect), "{path}");
        }
    }
}
