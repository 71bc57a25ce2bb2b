//! `helolint man`: the manual pages.

use std::fs;
use std::path::Path;

use crate::cli::{self, ManArgs};
use crate::error::Error;
use crate::{exit, output, schema};

/// Runs the command; the value is the exit status.
///
/// # Errors
/// Where a page cannot be written.
pub(crate) fn run(args: &ManArgs) -> Result<u8, Error> {
    match &args.all {
        None => super::print(&cli::main_page().map_err(Error::Stdout)?.text),
        Some(dir) => write_all(dir).map(|()| exit::OK),
    }
}

/// Writes every page into a folder, which is made where it is missing.
fn write_all(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(|source| Error::Output { path: dir.to_owned(), source })?;
    let pages = cli::all_pages(&schema::config()).map_err(Error::Stdout)?;
    pages.iter().try_for_each(|page| output::to_file(&dir.join(&page.file), page.text.as_bytes()))
}
