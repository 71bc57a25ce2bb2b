//! The section `acl`: names, verbs, conditions and modifiers (Exim specification, chapter 44).

use std::collections::HashSet;

use super::{Checked, Fault, name, skip};
use crate::collect::exim::words::{self, Word};

/// What has been read of the section.
#[derive(Debug, Default)]
pub(crate) struct Acls {
    names: HashSet<String>,
    /// The verb of the statement that is being read, in the ACL that is being read.
    verb: Option<&'static str>,
    /// Whether an ACL is being read.
    open: bool,
}

impl Acls {
    /// Ends the ACL that is being read: a macro definition does so.
    pub(crate) fn end(&mut self) {
        self.open = false;
    }

    /// Takes the next line, which is no macro definition.
    ///
    /// # Errors
    /// What Exim refuses in it.
    pub(crate) fn line(&mut self, text: &str) -> Checked {
        let (word, rest) = name(text);
        let negated = text.starts_with('!') && name(skip(&text[1..])).1.starts_with(':');
        if rest.starts_with(':') || negated {
            if word.is_empty() {
                return Err(Fault::new("missing or malformed ACL name"));
            }
            if !self.names.insert(word.to_owned()) {
                return Err(Fault::new(format!("there are two ACLs called \"{word}\"")));
            }
            (self.open, self.verb) = (true, None);
            // What stands behind the colon counts for nothing.
            return Ok(());
        }
        if !self.open {
            return Err(Fault::new("missing or malformed ACL name"));
        }
        self.statement(text).map_err(|fault| Fault { message: format!("error in ACL: {}", fault.message), ..fault })
    }

    fn statement(&mut self, text: &str) -> Checked {
        let negation = |text: &'_ str| text.strip_prefix('!').is_some();
        let mut negated = negation(text);
        let (mut word, mut rest) = name(if negated { skip(&text[1..]) } else { text });
        match words::VERBS.into_iter().find(|verb| *verb == word) {
            None if self.verb.is_none() => {
                return Err(Fault::unknown(format!("unknown ACL verb \"{word}\" in \"{text}\"")));
            }
            None => {}
            Some(_) if negated => return Err(Fault::new(format!("malformed ACL line \"{text}\""))),
            Some(verb) => {
                self.verb = Some(verb);
                if rest.is_empty() {
                    return Ok(());
                }
                negated = negation(rest);
                (word, rest) = name(if negated { skip(&rest[1..]) } else { rest });
            }
        }
        let Some(kind) = words::acl(word) else {
            return Err(Fault::unknown(format!("unknown ACL condition/modifier in \"{text}\"")));
        };
        if negated && kind == Word::Modifier {
            return Err(Fault::new(format!("ACL error: negation is not allowed with \"{word}\"")));
        }
        if word == "endpass" {
            return match self.verb {
                Some("accept" | "discard") | None => Ok(()),
                Some(verb) => Err(Fault::new(format!("ACL error: \"endpass\" is not allowed with \"{verb}\""))),
            };
        }
        if word == "set" {
            rest = variable(rest)?;
        }
        if rest.starts_with('=') {
            return Ok(());
        }
        let kind = if kind == Word::Modifier { "modifier" } else { "condition" };
        Err(Fault::new(format!("\"=\" missing after ACL \"{word}\" {kind}")))
    }
}

/// What follows the variable that `set` names.
fn variable(text: &str) -> Result<&str, Fault> {
    let invalid =
        |why: &str| Fault::new(format!("invalid variable name after \"set\" in ACL modifier \"set {text}\" ({why})"));
    let Some(rest) = text.strip_prefix("acl_c").or_else(|| text.strip_prefix("acl_m")) else {
        return Err(invalid("must start \"acl_c\" or \"acl_m\""));
    };
    if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '_') {
        return Err(invalid("digit or underscore must follow acl_c or acl_m"));
    }
    let end = rest.find(|c: char| c == '=' || super::is_space(c)).unwrap_or(rest.len());
    if let Some(wrong) = rest[..end].chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_') {
        return Err(Fault::new(format!(
            "invalid character \"{wrong}\" in variable name in ACL modifier \"set {text}\""
        )));
    }
    Ok(skip(&rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first refusal of lines.
    fn refusal(lines: &str) -> Option<String> {
        let mut acls = Acls::default();
        lines.split("; ").find_map(|line| acls.line(line).err()).map(|fault| fault.message)
    }

    /// Each answered by Exim 4.96.
    #[test]
    fn what_exim_refuses() {
        for (lines, message) in [
            ("r:; accept hosst = x", "error in ACL: unknown ACL condition/modifier in \"accept hosst = x\""),
            ("r:; acept hosts = x", "error in ACL: unknown ACL verb \"acept\" in \"acept hosts = x\""),
            ("r:; accept hosts : x", "error in ACL: \"=\" missing after ACL \"hosts\" condition"),
            ("r:; accept hosts", "error in ACL: \"=\" missing after ACL \"hosts\" condition"),
            ("r:; !accept hosts = x", "error in ACL: malformed ACL line \"!accept hosts = x\""),
            ("r:; accept !message = x", "error in ACL: ACL error: negation is not allowed with \"message\""),
            ("r:; deny endpass", "error in ACL: ACL error: \"endpass\" is not allowed with \"deny\""),
            (
                "r:; accept set acl_x0 = x",
                "error in ACL: invalid variable name after \"set\" in ACL modifier \"set acl_x0 = x\" (must start \
                 \"acl_c\" or \"acl_m\")",
            ),
            (
                "r:; accept set acl_cx = x",
                "error in ACL: invalid variable name after \"set\" in ACL modifier \"set acl_cx = x\" (digit or \
                 underscore must follow acl_c or acl_m)",
            ),
            (
                "r:; accept set acl_c0-x = x",
                "error in ACL: invalid character \"-\" in variable name in ACL modifier \"set acl_c0-x = x\"",
            ),
            ("r:; accept set acl_c0 x", "error in ACL: \"=\" missing after ACL \"set\" modifier"),
            ("r:; hosts = x", "error in ACL: unknown ACL verb \"hosts\" in \"hosts = x\""),
            ("r:; accept; r:", "there are two ACLs called \"r\""),
            ("r accept", "missing or malformed ACL name"),
            (": x", "missing or malformed ACL name"),
            ("r:; accept; : x", "missing or malformed ACL name"),
            ("r:; accept:; x", "error in ACL: unknown ACL verb \"x\" in \"x\""),
            ("r:; accept; Deny", "error in ACL: unknown ACL condition/modifier in \"Deny\""),
            ("r:; accept !", "error in ACL: unknown ACL condition/modifier in \"accept !\""),
            ("r:; 9accept", "error in ACL: unknown ACL verb \"\" in \"9accept\""),
        ] {
            assert_eq!(refusal(lines).as_deref(), Some(message), "{lines}");
        }
    }

    #[test]
    fn what_exim_takes() {
        for lines in [
            "r:; accept !hosts = x",
            "r:; accept ! hosts = x; hosts = y; warn",
            "r:; accept endpass foo",
            "r:; accept set acl_c_ = x; set acl_m1=y",
            "r:x accept; deny condition = ${if x",
            // Of some builds alone.
            "r:; accept dmarc_status = x; spf = y; spam = z; bmi_optin = x",
            "r:; accept; s:; deny",
        ] {
            assert_eq!(refusal(lines), None, "{lines}");
        }
    }
}
