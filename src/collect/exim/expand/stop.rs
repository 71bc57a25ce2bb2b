//! Why an expansion has no value.

/// Why an expansion has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The word `fail`: with `interface` no address is bound, with `helo_data` delivery is deferred.
    Forced(String),
    /// Exim refuses it: delivery is deferred.
    Fails(Failure),
    /// Files do not decide it.
    Undecided {
        /// Why.
        why: String,
        /// The construct, as written; empty where it is not a part of the text.
        construct: String,
    },
}

/// A failure of Exim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Failure {
    /// Exim's message.
    pub message: String,
    /// The file that Exim cannot open or look at, if that is why.
    pub file: Option<Unopened>,
}

/// A file that Exim cannot open or look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unopened {
    /// Its path.
    pub path: String,
    /// Whether nothing stands there; else it may not or cannot be read.
    pub is_absent: bool,
}

impl Failure {
    /// A failure that is no file's.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), file: None }
    }

    /// Whether a file is missing.
    pub fn is_of_absent_file(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_absent)
    }
}

impl Stop {
    /// A failure with Exim's message.
    pub fn fails(message: impl Into<String>) -> Stop {
        Stop::Fails(Failure::new(message))
    }

    /// A failure because there is nothing at `path`.
    pub fn absent(path: &str, message: String) -> Stop {
        let file = Some(Unopened { path: path.to_owned(), is_absent: true });
        Stop::Fails(Failure { message, file })
    }
}

/// An expansion that files do not decide.
pub(crate) fn undecided<T>(why: String) -> Result<T, Stop> {
    Err(Stop::Undecided { why, construct: String::new() })
}

/// A failure, with what it happened in: a `kind` of this name.
pub(super) fn within<T>(result: Result<T, Stop>, name: &str, kind: &str) -> Result<T, Stop> {
    result.map_err(|stop| match stop {
        Stop::Fails(failure) => {
            let message = format!("{} inside \"{name}\" {kind}", failure.message);
            Stop::Fails(Failure { message, ..failure })
        }
        other => other,
    })
}
