//! `helolint schema`: the JSON Schema (2020-12) of what helolint writes.

use crate::escape;
use crate::report::Report;

/// The schema of the JSON report.
pub(crate) fn report() -> String {
    text(&schemars::schema_for!(Report))
}

/// The schema of a snapshot.
pub(crate) fn snapshot() -> String {
    text(&crate::snapshot::schema())
}

/// The schema of the settings file.
pub(crate) fn config() -> String {
    text(&crate::settings::schema())
}

/// The schema of the file that `--kernel` reads.
pub(crate) fn kernel() -> String {
    text(&schemars::schema_for!(crate::collect::kernel::Recorded))
}

fn text(schema: &schemars::Schema) -> String {
    // A schema is JSON already: this cannot fail.
    escape::json(schema, true).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Format, Style, render, sample};

    fn verify(schema: &str, document: &str) {
        let (schema, document) = (serde_json::from_str(schema).unwrap(), serde_json::from_str(document).unwrap());
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(!validator.is_valid(&serde_json::json!({"schema": "x"})), "the schema allows anything");
    }

    #[test]
    fn the_report_is_valid_by_its_schema() {
        verify(&report(), &render(Format::Json, sample::report("\u{1b}"), &Style::plain()));
    }

    #[test]
    fn a_recording_of_the_kernel_is_valid_by_its_schema() {
        let text = r#"{"node_name": "mail", "fqdn": null, "addresses": [{"interface": "eth0", "address": "192.0.2.1", "prefix_length": 24, "flags": ["down"]}], "source": {"ipv4": "192.0.2.1", "ipv6": null}}"#;
        verify(&kernel(), text);
        let facts = crate::collect::kernel::from_file(text).unwrap();
        verify(&kernel(), &escape::json(&crate::collect::kernel::recording(&facts), true).unwrap());
    }

    #[test]
    fn the_snapshot_is_valid_by_its_schema() {
        let taken = "2026-11-20T13:00:00Z".parse().unwrap();
        verify(&snapshot(), &crate::snapshot::write(&sample::facts(), &sample::observations(), taken).unwrap());
    }
}
