//! For a spreadsheet (RFC 4180): the table of hosts.

use crate::findings::Severity;
use crate::merge::Merged;
use crate::report::csv::cell;

/// The first line.
const HEAD: &str = "host,verdict,errors,warnings,undetermined,worst,message,taken,file\r\n";

/// The table; it is sanitized already.
pub(super) fn render(merged: &Merged) -> String {
    let mut out = String::from(HEAD);
    for host in &merged.hosts {
        let worst = host.worst.as_ref();
        let cells = [
            host.name.as_str(),
            host.state.as_str(),
            &host.failed(Severity::Error).to_string(),
            &host.failed(Severity::Warning).to_string(),
            &host.undetermined().to_string(),
            worst.map_or("", |worst| worst.code.as_str()),
            worst.map_or("", |worst| worst.message.as_str()),
            &host.taken.map(|taken| taken.to_string()).unwrap_or_default(),
            &host.file,
        ];
        out += &format!("{}\r\n", cells.map(cell).join(","));
    }
    out
}
