//! Reports that the command line names, one by one or by folder: many files, of which one at a time is held.

use std::fs::File;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::given;

/// Largest report that is read, in bytes: a hundred times that of a host with fifty addresses. Several are never held at once.
pub(super) const REPORT_LIMIT: u64 = 64 << 20;
/// Levels below a folder in which reports are looked for: one for each site and each day.
const DEPTH: usize = 4;
/// Files that are looked for in one folder.
const MOST_FILES: usize = 200_000;
/// What reports in folders are called.
const NAMES: [&str; 2] = ["json", "ndjson"];

/// A report that is to be read.
#[derive(Debug)]
pub(crate) struct ReportFile {
    path: PathBuf,
    /// Why there is none to read: words of the system, or that a folder has none.
    missing: Option<String>,
}

impl ReportFile {
    /// The reports that a path names: the file, or those in the folder and below it in the order of their names.
    pub(crate) fn named(path: &Path) -> Vec<ReportFile> {
        if !path.is_dir() {
            return vec![ReportFile { path: path.to_owned(), missing: None }];
        }
        let mut files = Vec::new();
        // A link may name a report that is there already.
        let entries = WalkDir::new(path).max_depth(DEPTH).sort_by_file_name().into_iter();
        for entry in entries {
            if files.len() >= MOST_FILES {
                let missing = Some(format!("there are more than the {MOST_FILES} files that are read of a folder"));
                files.push(ReportFile { path: path.to_owned(), missing });
                break;
            }
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_report(entry.path()) => {
                    files.push(ReportFile { path: entry.into_path(), missing: None });
                }
                Ok(_) => {}
                Err(error) => {
                    let at = error.path().unwrap_or(path).to_owned();
                    let words =
                        error.into_io_error().map_or_else(|| "it cannot be listed".into(), |error| error.to_string());
                    files.push(ReportFile { path: at, missing: Some(words) });
                }
            }
        }
        if files.is_empty() {
            let missing = Some("there is no report in it: no file *.json or *.ndjson".to_owned());
            files.push(ReportFile { path: path.to_owned(), missing });
        }
        files
    }

    /// The file, as it is named to people.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Opens it.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub(super) fn open(&self) -> Result<File, String> {
        match &self.missing {
            Some(missing) => Err(missing.clone()),
            None => given::open(&self.path).map_err(|error| error.to_string()),
        }
    }
}

fn is_report(path: &Path) -> bool {
    path.extension().and_then(|extension| extension.to_str()).is_some_and(|extension| NAMES.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_folder_stands_for_its_reports_and_a_file_for_itself() {
        let dir = tempfile::tempdir().unwrap();
        let below = |name: &str| dir.path().join(name);
        fs::create_dir(below("site")).unwrap();
        for name in ["b.json", "a.ndjson", "site/c.json", "notes.txt"] {
            fs::write(below(name), name).unwrap();
        }
        symlink("b.json", below("latest.json")).unwrap();
        symlink(".", below("circle")).unwrap();
        let read = |file: &ReportFile| io::read_to_string(file.open().unwrap()).unwrap();
        let texts: Vec<String> = ReportFile::named(dir.path()).iter().map(read).collect();
        assert_eq!(texts, ["a.ndjson", "b.json", "site/c.json"]);
        let one = ReportFile::named(&below("notes.txt"));
        assert_eq!((one.len(), read(&one[0]).as_str()), (1, "notes.txt"));
        assert!(ReportFile::named(&below("none"))[0].open().is_err());
        fs::create_dir(below("empty")).unwrap();
        let empty = ReportFile::named(&below("empty"));
        assert!(empty.len() == 1 && empty[0].open().unwrap_err().contains("no report in it"));
    }
}
