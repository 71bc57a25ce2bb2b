//! Certificates in files that may hold private keys too.

use super::{ReadError, Root};

/// Octets of a file of certificates that are read: a chain of a few, with its key, has less than a tenth of it.
pub(crate) const CERTIFICATES_LIMIT: usize = 256 << 10;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

impl Root {
    /// The certificates in a file, in PEM form (RFC 7468), and nothing else of it: what stands beside them, keys above all, is neither kept nor
    /// seen by anything. Nothing of a file that is larger than [`CERTIFICATES_LIMIT`].
    ///
    /// # Errors
    /// As [`Root::read`].
    pub(crate) fn read_certificates(&self, path: &str) -> Result<String, ReadError> {
        self.beginning(path, CERTIFICATES_LIMIT).map(certificates_alone)
    }
}

/// The certificates in a text. The text is overwritten.
fn certificates_alone(mut content: Vec<u8>) -> String {
    let mut found = String::new();
    if content.len() <= CERTIFICATES_LIMIT
        && let Ok(text) = std::str::from_utf8(&content)
    {
        let mut rest = text;
        while let Some(start) = rest.find(BEGIN) {
            let (inner, body) = (&rest[start..], &rest[start + BEGIN.len()..]);
            let Some(next) = body.find("-----") else { break };
            // A damaged one has no part of what follows, which may be a key.
            rest = &body[next..];
            if let Some(behind) = rest.strip_prefix(END) {
                found.push_str(&inner[..BEGIN.len() + next + END.len()]);
                found.push('\n');
                rest = behind;
            }
        }
    }
    content.fill(0);
    // What is not looked at afterwards need not be written.
    std::hint::black_box(&content);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_certificates_is_taken() {
        let one = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----";
        let key = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----";
        for (text, certificates, why) in [
            (format!("{key}\n{one}\n{one}\n"), 2, "a key before a chain"),
            (format!("password SECRET\n{one}\n{key}"), 1, "a key behind it"),
            (format!("-----BEGIN CERTIFICATE-----\n{key}\n{one}"), 1, "one that does not end"),
            (format!("-----BEGIN CERTIFICATE-----\n{key}"), 0, "one that does not end, and a key"),
            (format!("-----BEGIN CERTIFICATE-----\nSECRET\n{key}\n-----END CERTIFICATE-----"), 0, "a key within"),
            ("SECRET".to_owned(), 0, "no certificate"),
        ] {
            let found = certificates_alone(text.into_bytes());
            assert_eq!(found.matches(BEGIN).count(), certificates, "{why}: {found}");
            assert!(!found.contains("SECRET"), "{why}: {found}");
        }
        let padded = |length: usize| format!("{one}{}", " ".repeat(length - one.len())).into_bytes();
        assert!(!certificates_alone(padded(CERTIFICATES_LIMIT)).is_empty());
        assert!(certificates_alone(padded(CERTIFICATES_LIMIT + 1)).is_empty());
        assert!(certificates_alone(b"\xff-----BEGIN CERTIFICATE-----".to_vec()).is_empty());
    }

    #[test]
    fn a_file_that_only_root_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("chain.pem");
        let text = format!("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n{BEGIN}\nQQ==\n{END}\n");
        std::fs::write(&file, &text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let root = Root::open(dir.path()).unwrap();
        assert_eq!(root.read("/chain.pem").err(), Some(ReadError::Confidential));
        assert_eq!(root.read_certificates("/chain.pem").unwrap(), format!("{BEGIN}\nQQ==\n{END}\n"));
        assert_eq!(root.read_certificates("/none").err(), Some(ReadError::NotFound));
        std::fs::create_dir(dir.path().join("proc")).unwrap();
        std::fs::rename(&file, dir.path().join("proc/kmsg")).unwrap();
        assert_eq!(root.read_certificates("/proc/kmsg").err(), Some(ReadError::Confidential));
        assert!(root.read_certificates("/").is_err(), "a folder");
    }
}
