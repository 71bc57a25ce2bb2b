//! Decides beforehand what is the same for every message, so that thousands of sender domains cost one lookup each.

use super::parse::{Condition, Expr, Kind, Node, Test};
use super::{Evaluator, Scope, Stop, taint};

impl Evaluator<'_> {
    /// The expansion with every `${if` whose condition `scope` decides replaced by its branch.
    pub fn fold(&self, expr: &Expr, scope: &mut Scope) -> Expr {
        let mut nodes = Vec::with_capacity(expr.0.len());
        for node in &expr.0 {
            match &node.kind {
                Kind::If(condition, tail) if is_plain(condition) => match self.holds(condition, scope) {
                    Ok(truth) if self.is_refused(if truth { &tail.no } else { &tail.yes }, scope) => {
                        nodes.push(node.clone());
                    }
                    Ok(true) => match &tail.yes {
                        Some(yes) => nodes.extend(self.fold(yes, scope).0),
                        None => nodes.push(Node { kind: Kind::Text("true".into()), ..node.clone() }),
                    },
                    Ok(false) if tail.fail => nodes.push(node.clone()),
                    Ok(false) => nodes.extend(tail.no.iter().flat_map(|no| self.fold(no, scope).0)),
                    Err(_) => nodes.push(node.clone()),
                },
                Kind::Operator(name, argument) => {
                    let kind = Kind::Operator(name.clone(), self.fold(argument, scope));
                    nodes.push(Node { kind, ..node.clone() });
                }
                _ => nodes.push(node.clone()),
            }
        }
        Expr(nodes)
    }

    /// Whether Exim takes an expansion for the name of a file, by the branches that it takes.
    ///
    /// # Errors
    /// Its refusal of text from outside; undecided where that is not certain.
    pub(super) fn may_open(&self, expr: &Expr, scope: &mut Scope) -> Result<(), Stop> {
        let whole = taint::as_file_name(expr, || self.tainted());
        if !matches!(whole, Err(Stop::Undecided { .. })) {
            return whole;
        }
        let chosen = self.fold(expr, scope);
        // A header that is not there is an empty text, and nothing from outside.
        if taint::holds_header(&chosen) { whole } else { taint::as_file_name(&chosen, || self.tainted()) }
    }

    /// Whether Exim refuses a branch that it does not take.
    fn is_refused(&self, branch: &Option<Expr>, scope: &mut Scope) -> bool {
        branch.as_ref().is_some_and(|branch| self.pass_over(branch, scope).is_err())
    }
}

/// Whether a condition leaves nothing behind for its branches: neither `$1` nor `$value`.
fn is_plain(condition: &Condition) -> bool {
    match &condition.test {
        Test::Defined(_) => true,
        Test::And(all) | Test::Or(all) => all.iter().all(is_plain),
        Test::Plain(name, _) => name != "match" && !name.starts_with("inlist"),
        Test::HeaderDefined | Test::Each(..) | Test::ListMatch(..) => false,
    }
}
