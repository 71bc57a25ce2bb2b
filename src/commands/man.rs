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

/// Writes every page into its section's folder, where man(1) looks for it; folders are made where they are missing.
fn write_all(dir: &Path) -> Result<(), Error> {
    let pages = cli::all_pages(&schema::config()).map_err(Error::Stdout)?;
    pages.iter().try_for_each(|page| {
        let folder = dir.join(page.folder);
        fs::create_dir_all(&folder).map_err(|source| Error::Output { path: folder.clone(), source })?;
        output::to_file(&folder.join(&page.file), page.text.as_bytes())
    })
}
