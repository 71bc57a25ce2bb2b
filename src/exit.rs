//! The exit status: what scripts may rely on.

use crate::findings::{Finding, Severity, Verdict};
use crate::report::Format;
use crate::report::monitor::State;

/// The table that `--help` and the README print.
pub(crate) const TABLE: &str = "\
Exit status:
  0  nothing at or above --fail-on
  1  failed findings at or above it
  2  could not run: usage, unreadable root, bad settings file, output not written
  3  nothing failed, but something at or above it could not be determined
With --fail-on never: 0 or 2. The format on standard output may have its own:
nagios 2 CRITICAL, 1 WARNING, 3 UNKNOWN, 0 OK; sarif and checkmk 0 unless 2.";

/// The table that `domains --help` prints.
pub(crate) const DOMAINS_TABLE: &str = "\
Exit status:
  0  no error
  1  an error
  2  could not run: usage, unreadable root, bad settings file, output not written
  3  nothing failed, but an error could not be excluded";

/// The table that `fix --help` prints.
pub(crate) const FIX_TABLE: &str = "\
Exit status:
  0  nothing to change, or everything asked for was written
  1  a change is shown, or one was refused
  2  could not run";

/// Nothing to report.
pub(crate) const OK: u8 = 0;
/// Failed findings at or above the threshold.
pub(crate) const FOUND: u8 = 1;
/// The run could not be done.
pub(crate) const COULD_NOT_RUN: u8 = 2;
/// Undetermined findings at or above the threshold, and no failed one.
pub(crate) const UNDETERMINED: u8 = 3;

/// `--fail-on`: the weakest severity that makes the exit status other than 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FailOn {
    /// Errors alone.
    #[default]
    Error,
    /// Errors and warnings.
    Warning,
    /// Every finding.
    Info,
    /// None.
    Never,
}

impl FailOn {
    fn counts(self, severity: Severity) -> bool {
        match self {
            FailOn::Error => severity >= Severity::Error,
            FailOn::Warning => severity >= Severity::Warning,
            FailOn::Info => true,
            FailOn::Never => false,
        }
    }
}

/// The exit status of a run that could be done.
pub(crate) fn status(findings: &[Finding], fail_on: FailOn) -> u8 {
    status_of(findings.iter().map(|f| (f.severity, f.verdict)), fail_on)
}

/// The same by severity and verdict of each finding.
pub(crate) fn status_of(found: impl Iterator<Item = (Severity, Verdict)> + Clone, fail_on: FailOn) -> u8 {
    let some = |wanted| found.clone().any(|(severity, verdict)| verdict == wanted && fail_on.counts(severity));
    if some(Verdict::Fail) {
        FOUND
    } else if some(Verdict::Undetermined) {
        UNDETERMINED
    } else {
        OK
    }
}

/// The exit status with the format that went to standard output, where there is one.
pub(crate) fn status_for(format: Option<Format>, findings: &[Finding], fail_on: FailOn) -> u8 {
    match format {
        Some(Format::Nagios) => State::worst(findings.iter().map(|f| (f.severity, f.verdict))).code(),
        // What they say stands in them; a status other than 0 would mean that they were not made.
        Some(Format::Sarif | Format::Checkmk) => OK,
        Some(
            Format::Human
            | Format::Json
            | Format::Ndjson
            | Format::Junit
            | Format::Prometheus
            | Format::Github
            | Format::Markdown
            | Format::Html,
        )
        | None => status(findings, fail_on),
    }
}

/// The exit status of a run that could not be done.
pub(crate) fn could_not_run(format: Option<Format>) -> u8 {
    match format {
        Some(Format::Nagios) => State::Unknown.code(),
        _ => COULD_NOT_RUN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Meta;

    static META: Meta =
        Meta { code: "PTR001", name: "ptr-missing", severity: Severity::Error, refs: &[], doc: "", needs: &[] };

    #[test]
    fn the_worst_at_or_above_the_threshold_decides() {
        let error = || META.violated("a", "m");
        let warning = || error().severity(Severity::Warning);
        let info = || error().severity(Severity::Info);
        let open = || META.undetermined("a", "m");
        let open_warning = || open().severity(Severity::Warning);
        for (findings, fail_on, expected) in [
            (vec![], FailOn::Info, 0),
            (vec![error()], FailOn::Error, 1),
            (vec![warning()], FailOn::Error, 0),
            (vec![warning()], FailOn::Warning, 1),
            (vec![info()], FailOn::Warning, 0),
            (vec![info()], FailOn::Info, 1),
            (vec![open()], FailOn::Error, 3),
            (vec![open_warning()], FailOn::Error, 0),
            (vec![open_warning(), info()], FailOn::Info, 1),
            // A failed finding below the threshold does not hide an undetermined one above it.
            (vec![open(), warning()], FailOn::Error, 3),
            (vec![open(), error()], FailOn::Error, 1),
            (vec![open(), error()], FailOn::Never, 0),
        ] {
            assert_eq!(status(&findings, fail_on), expected, "{fail_on:?} {findings:?}");
        }
    }

    #[test]
    fn formats_with_a_status_of_their_own() {
        let error = || META.violated("a", "m");
        let open = || META.undetermined("a", "m");
        let warning = || error().severity(Severity::Warning);
        for (findings, nagios) in [
            (vec![], 0),
            (vec![error(), warning(), open()], 2),
            (vec![warning(), open()], 1),
            (vec![open()], 3),
            (vec![open().severity(Severity::Info), error().severity(Severity::Info)], 0),
        ] {
            assert_eq!(status_for(Some(Format::Nagios), &findings, FailOn::Error), nagios, "{findings:?}");
            assert_eq!(status_for(Some(Format::Sarif), &findings, FailOn::Info), 0);
            assert_eq!(status_for(Some(Format::Checkmk), &findings, FailOn::Info), 0);
        }
        assert_eq!(status_for(Some(Format::Json), &[error()], FailOn::Error), 1);
        assert_eq!((could_not_run(Some(Format::Nagios)), could_not_run(None)), (3, 2));
    }
}
