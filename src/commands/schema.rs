//! `helolint schema`: the JSON Schema of a document.

use crate::cli::{SchemaArgs, SchemaDocument};
use crate::schema;

/// Runs the command; the value is its text.
pub(crate) fn run(args: &SchemaArgs) -> String {
    match args.document {
        SchemaDocument::Report => schema::report(),
        SchemaDocument::Snapshot => schema::snapshot(),
        SchemaDocument::Config => schema::config(),
        SchemaDocument::Kernel => schema::kernel(),
    }
}
