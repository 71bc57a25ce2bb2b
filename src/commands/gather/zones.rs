//! Zone files and planned records of the command line.

use crate::error::Error;
use crate::inputs::{Input, ZoneInputs};
use crate::observe::recorded::{ZoneError, Zones};

/// The planned records in a file.
///
/// # Errors
/// Where it is no master file.
pub(crate) fn overlay(input: &Input) -> Result<(String, Zones), Error> {
    let planned = Zones::planned(&input.name(), input.text());
    Ok(("planned".to_owned(), planned.map_err(|errors| input.refused(zone_errors(&errors)))?))
}

/// The zone files of `--zones`.
///
/// # Errors
/// Where one is no master file.
pub(super) fn zones(inputs: &ZoneInputs) -> Result<Zones, Error> {
    let files = inputs.files.iter().map(|file| (file.name(), file.text()));
    Zones::load(files).map_err(|errors| inputs.refused(zone_errors(&errors)))
}

fn zone_errors(errors: &[ZoneError]) -> String {
    let lines: Vec<String> = errors.iter().take(10).map(ToString::to_string).collect();
    lines.join("\n  ")
}
