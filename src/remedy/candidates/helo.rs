//! Ways to make paths introduce themselves by another name.

use std::net::IpAddr;

pub(crate) use super::way::Way;
use super::{State, exim, once, postfix};
use crate::facts::{Helo, Mta, OutboundPath};
use crate::name::DomainName;
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;

/// The ways in which these paths, which send from `addr`, may come to say `name`.
pub(crate) fn ways(state: &State<'_>, paths: &[&OutboundPath], addr: IpAddr, name: &DomainName) -> Vec<Way> {
    let mut ways = Vec::new();
    let of = |mta: Mta| paths.iter().copied().filter(|path| path.mta == Some(mta)).collect::<Vec<_>>();
    let (by_postfix, by_exim) = (of(Mta::Postfix), of(Mta::Exim));
    if !by_postfix.is_empty() {
        ways.extend(postfix::helo(state, &by_postfix, name));
    }
    if !by_exim.is_empty() {
        ways.extend(exim::helo(state, &by_exim, addr, name));
    }
    ways.extend(in_place(state, paths, name));
    let follows_host = paths.iter().any(|path| match &path.helo {
        Helo::Known(helo) => helo.origin.span().is_none() || helo.origin.span().is_some_and(|s| is_host_file(s.path())),
        _ => false,
    });
    if follows_host {
        ways.extend(super::host::renames(state, name));
    }
    ways
}

fn is_host_file(path: &str) -> bool {
    ["/etc/hosts", "/etc/hostname", "/etc/mailname"].contains(&path)
}

/// The value where it stands, in a file that is no MTA's own: the line of a table.
fn in_place(state: &State<'_>, paths: &[&OutboundPath], name: &DomainName) -> Option<Way> {
    let mut ops: Vec<Op> = Vec::new();
    for path in paths {
        let Helo::Known(helo) = &path.helo else { return None };
        let span = helo.origin.span()?;
        if is_host_file(span.path()) || is_configuration(state, span.path()) {
            return None;
        }
        let op = replace(state, span, helo.value.as_str(), name.as_str())?;
        ops.push(op);
    }
    (!ops.is_empty()).then(|| Way::new(once(ops)))
}

/// Whether a file is an MTA's configuration itself, in which settings are set by name.
pub(crate) fn is_configuration(state: &State<'_>, path: &str) -> bool {
    path == "/etc/exim.conf.local"
        || path.ends_with("/main.cf")
        || path.ends_with("/master.cf")
        || state.facts().exim.iter().any(|exim| exim.file == path)
}

/// The edit that puts `new` in the place of `old` on the line of a span.
pub(crate) fn replace(state: &State<'_>, span: &crate::source::Span, old: &str, new: &str) -> Option<Op> {
    let line = span.position().line;
    let whole = state.line(span.path(), line)?;
    let from = span.text().find(old).filter(|_| !old.is_empty())?;
    let column = whole.find(span.text().split('\n').next()?)? + from;
    let changed = format!("{}{new}{}", whole.get(..column)?, whole.get(column + old.len()..)?);
    let edit = Edit::Lines { line, old: vec![whole], new: vec![changed] };
    Some(Op::Edit { file: span.path().to_owned(), edit })
}
