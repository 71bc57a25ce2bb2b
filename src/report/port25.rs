//! What came of connections to port 25 outside (`--port25`).

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::{Conversation, Fault, Port25, Port25Try, Stage};
use crate::name::DomainName;

/// Whether port 25 of a host can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Port25View {
    /// The host as it was asked for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Why no connection was tried; null where some were.
    pub because: Option<String>,
    /// One for each source address.
    pub tries: Vec<Port25TryView>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Port25TryView {
    /// From where.
    pub source: IpAddr,
    /// To where, with the port; null where the host has no address of this family.
    pub to: Option<String>,
    /// What came of it.
    pub outcome: Port25Outcome,
    /// The name in the greeting; null where none came.
    pub name: Option<String>,
    /// The same in words.
    pub text: String,
}

/// What came of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Port25Outcome {
    /// A mail server greets, the one that was asked for as far as its name tells.
    Reached,
    /// A mail server greets under a name of another domain: something on the way answers in its place, or it goes by another name.
    Intercepted,
    /// The connection is refused.
    Refused,
    /// Nothing comes back.
    Filtered,
    /// There is no way there.
    Unreachable,
    /// The connection is made, and no greeting comes.
    Silent,
    /// The connection could not be made from this address.
    Failed,
    /// The host has no address of this family.
    NotTried,
}

impl Port25View {
    /// What is told of the connections.
    pub fn new(tried: &Port25) -> Port25View {
        let Port25 { host, port, open, tries } = tried;
        let tries = tries.iter().map(|one| view(host, one)).collect();
        Port25View { host: host.clone(), port: *port, because: open.clone(), tries }
    }

    /// The heading of the section.
    pub(super) fn title(&self) -> String {
        format!("Port {} of {}", self.port, self.host)
    }

    /// Each line of the section.
    pub(super) fn lines(&self) -> Vec<String> {
        let each = self.tries.iter().map(|one| match &one.to {
            Some(to) => format!("from {} to {to}: {}", one.source, one.text),
            None => format!("from {}: {}", one.source, one.text),
        });
        self.because.iter().map(|why| format!("not tried: {why}")).chain(each).collect()
    }
}

fn view(host: &str, one: &Port25Try) -> Port25TryView {
    let (outcome, name, text) = match &one.said {
        Some(said) => outcome(host, said),
        None => (Port25Outcome::NotTried, None, "not tried, since the host has no address of this family".to_owned()),
    };
    Port25TryView { source: one.source, to: one.to.map(|to| to.to_string()), outcome, name, text }
}

fn outcome(host: &str, said: &Conversation) -> (Port25Outcome, Option<String>, String) {
    if let Some(greeting) = &said.greeting {
        let name = DomainName::new(greeting.name().unwrap_or_default());
        let told = Some(name.to_string());
        if greeting.code != 220 {
            return (Port25Outcome::Reached, told, format!("reached; it greets with `{greeting}`"));
        }
        if is_its(host, &name) {
            return (Port25Outcome::Reached, told, format!("reached; it greets as `{name}`"));
        }
        let text = format!(
            "intercepted, it seems: what greets there calls itself `{name}`, which is no name of `{host}`'s domain (a host may go by another \
             name, too)"
        );
        return (Port25Outcome::Intercepted, told, text);
    }
    let (outcome, words) = match &said.fault {
        Some(Fault::Refused) => (Port25Outcome::Refused, "refused"),
        Some(Fault::Filtered) => (Port25Outcome::Filtered, "filtered"),
        Some(Fault::Unreachable(_)) => (Port25Outcome::Unreachable, "unreachable"),
        Some(Fault::NotSmtp(..)) => (Port25Outcome::Intercepted, "intercepted, it seems"),
        Some(Fault::Late(Stage::Greeting) | Fault::Closed(Stage::Greeting)) => (Port25Outcome::Silent, "silent"),
        _ => (Port25Outcome::Failed, "not to be told"),
    };
    let why = said.fault.as_ref().map_or_else(String::new, |fault| format!(": {fault}"));
    (outcome, None, format!("{words}{why}"))
}

/// Whether a name in a greeting may be that of the host that was asked for: both belong to one domain. By an address, it cannot be told.
fn is_its(host: &str, name: &DomainName) -> bool {
    if host.parse::<IpAddr>().is_ok() {
        return true;
    }
    let asked = DomainName::new(host);
    asked == *name || asked.registrable().is_some_and(|domain| name.registrable() == Some(domain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SmtpReply;

    fn greets(code: u16, text: &str) -> Conversation {
        let greeting = Some(SmtpReply { code, lines: vec![text.to_owned()] });
        Conversation { greeting, ..Conversation::default() }
    }

    #[test]
    fn what_came_of_it() {
        use Port25Outcome::*;
        let failed = Conversation::failed;
        for (host, said, expected, words) in [
            ("mx.example.net", greets(220, "MX.example.net ESMTP"), Reached, "as `mx.example.net`"),
            ("mx.example.net", greets(220, "in1.example.net ESMTP"), Reached, "as `in1.example.net`"),
            ("mx.example.net", greets(220, "filter.example.org"), Intercepted, "`filter.example.org`"),
            ("mx.example.net", greets(554, "mx.example.net no"), Reached, "`554 mx.example.net no`"),
            ("192.0.2.25", greets(220, "whoever.example.org"), Reached, "as `whoever.example.org`"),
            ("mx.example.net", failed(Fault::Refused), Refused, "refused: "),
            ("mx.example.net", failed(Fault::Filtered), Filtered, "filtered: "),
            ("mx.example.net", failed(Fault::Unreachable("no route".into())), Unreachable, "no route"),
            ("mx.example.net", failed(Fault::NotSmtp(Stage::Greeting, "HTTP".into())), Intercepted, "`HTTP`"),
            ("mx.example.net", failed(Fault::Late(Stage::Greeting)), Silent, "the greeting"),
            ("mx.example.net", failed(Fault::NotMade("no such address".into())), Failed, "no such address"),
        ] {
            let (outcome, _, text) = outcome(host, &said);
            assert_eq!(outcome, expected, "{host} {text}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn lines_of_the_section() {
        let source = "203.0.113.10".parse().unwrap();
        let to = Some("198.51.100.25:25".parse().unwrap());
        let tries = vec![
            Port25Try { source, to, said: Some(greets(220, "mx.example.net")) },
            Port25Try { source: "2001:db8::1".parse().unwrap(), to: None, said: None },
        ];
        let view = Port25View::new(&Port25 { host: "mx.example.net".into(), port: 25, open: None, tries });
        assert_eq!(view.title(), "Port 25 of mx.example.net");
        assert_eq!(
            view.lines(),
            [
                "from 203.0.113.10 to 198.51.100.25:25: reached; it greets as `mx.example.net`",
                "from 2001:db8::1: not tried, since the host has no address of this family"
            ]
        );
        let view = Port25View::new(&Port25 { host: "a".into(), port: 25, open: Some("why".into()), tries: Vec::new() });
        assert_eq!(view.lines(), ["not tried: why"]);
    }
}
