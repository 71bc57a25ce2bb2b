//! What could not be read, or is not as its program wants it, and where.

use serde::{Deserialize, Serialize};

use crate::facts::{Mta, Origin};

/// Something about a file that a rule of the families CFG and CPL reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind, hence which rule.
    pub kind: ProblemKind,
    /// Whose files it is about; `None`: the host's, or the panel's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mta: Option<Mta>,
    /// The file concerned, as the host sees it.
    pub file: String,
    /// The place: in the file itself, or in the file that names it.
    pub origin: Option<Origin>,
    /// The whole sentence, in the program's words where it has some.
    pub message: String,
    /// Other places that belong to it, each with a label.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<(Origin, String)>,
    /// What stands at the place and what was meant by it, where that can be guessed.
    #[serde(default, alias = "meant", skip_serializing_if = "Option::is_none")]
    pub correction: Option<(String, String)>,
}

/// The rule that a [`Problem`] belongs to, with what that rule needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// CFG001: the MTA, or one daemon of it, refuses.
    Syntax {
        /// Who refuses.
        mta: Mta,
        /// Whether it refuses its whole configuration.
        whole: bool,
    },
    /// CFG001, undetermined: a name that no listed release of the MTA knows, where it is not known which is installed.
    UnknownName {
        /// Whose configuration it is.
        mta: Mta,
    },
    /// CFG002: `name` is set more than once with different values.
    Repeated {
        /// The parameter.
        name: String,
    },
    /// CFG003: an identity parameter refers to `name`, which is not defined.
    Undefined {
        /// The name referred to.
        name: String,
    },
    /// CFG004: a file that identity depends on is missing or cannot be read.
    Unreadable {
        /// Whether it is merely undecided: a compiled table without its text.
        undecided: bool,
    },
    /// CFG004, undetermined: the system does not let helolint read a file.
    Denied,
    /// CFG004: an indexed table without its compiled form.
    Uncompiled {
        /// `type:path`, as postmap(1) takes it.
        table: String,
    },
    /// CFG011: an indented setting became part of the value above it.
    Swallowed,
    /// CFG012: a client service that nothing names.
    Unused {
        /// The service.
        service: String,
    },
    /// CFG013: an entry of master.cf stands twice.
    ServiceRepeated {
        /// `name/type`.
        service: String,
    },
    /// CFG009: what a generated configuration is made from is newer than it.
    NotGenerated,
    /// CFG010: a copy below the chroot differs from the real file.
    ChrootCopy,
    /// CFG021: a limit of helolint ended the reading, or an evaluation.
    Bounded,
    /// CPL006: a line of a cPanel map that its readers refuse, or read differently.
    MapLine,
    /// CPL008: the live Exim configuration fails where this map file is missing.
    MapMissing,
}

impl Problem {
    /// A problem of `kind` at a place in a file.
    pub fn at(kind: ProblemKind, origin: Origin, message: impl Into<String>) -> Problem {
        let file = origin.span().map_or_else(String::new, |span| span.path().to_owned());
        Problem {
            kind,
            mta: None,
            file,
            origin: Some(origin),
            message: message.into(),
            related: Vec::new(),
            correction: None,
        }
    }

    /// A problem with a file as a whole; `named_by` is the place that leads to it.
    pub fn of_file(kind: ProblemKind, file: &str, named_by: Option<Origin>, message: impl Into<String>) -> Problem {
        Problem {
            kind,
            mta: None,
            file: file.to_owned(),
            origin: named_by,
            message: message.into(),
            related: Vec::new(),
            correction: None,
        }
    }
}
