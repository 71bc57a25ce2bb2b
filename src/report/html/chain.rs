//! The chain of one path as inline SVG, once for wide windows and once for narrow ones: source address, sending address, PTR name,
//! address back; HELO name and its address below. A break has a colour, a sign and words.

use maud::{Markup, html};

use crate::facts::Mta;
use crate::observe::iprev::Iprev;
use crate::report::PathView;

/// Characters of a line in a box of the drawing.
const COLUMNS: usize = 25;
/// Lines of one value before it is cut; its whole text is the tool tip.
const LINES: usize = 3;
/// PTR names or addresses shown in a box.
const VALUES: usize = 2;
/// Width of a box, in units of the drawing (about pixels).
const BOX: usize = 214;
/// Room between boxes in a row.
const GAP: usize = 48;
/// Room between boxes in a column.
const DROP: usize = 30;
/// Height of a line of text.
const LINE: usize = 18;
/// Height of the label with the room around the text.
const HEAD: usize = 34;

/// How a link or a box stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Right,
    /// Broken.
    Broken,
    /// Not seen.
    Open,
    /// Nothing to judge.
    Plain,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            State::Right => "right",
            State::Broken => "broken",
            State::Open => "open",
            State::Plain => "plain",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            State::Right => "✓",
            State::Broken => "✗",
            State::Open => "?",
            State::Plain => "",
        }
    }
}

/// A box of the drawing, and the link that leads to it.
struct Node {
    label: &'static str,
    /// Each value with its whole text, cut into lines.
    lines: Vec<String>,
    /// All of it, for the tool tip and screen readers.
    whole: String,
    /// What there is to say of it.
    word: Option<String>,
    state: State,
}

/// Both drawings.
pub(crate) fn draw(path: &PathView) -> Markup {
    let (chain, helo) = (chain(path), helo(path));
    let told: Vec<String> = chain.iter().chain(&helo).map(Node::told).collect();
    let told = told.join("; ");
    html! {
        (wide(&chain, &helo, &told))
        (narrow(&chain, &helo, &told))
    }
}

fn chain(path: &PathView) -> Vec<Node> {
    let source = match path.source {
        Some(source) => Node::new("source address", &[source.to_string()], State::Plain),
        None => Node::new("source address", &["undecided".into()], State::Open),
    };
    let sending = match (path.sending, path.source) {
        (Some(sending), source) => {
            let word = (source != Some(sending)).then(|| "translated (NAT)".to_owned());
            Node::new("sending address", &[sending.to_string()], State::Plain).word(word)
        }
        (None, _) => Node::new("sending address", &["unknown".into()], State::Open),
    };
    let mut nodes = vec![source, sending];
    let Some(names) = &path.ptr else {
        let (text, state) = match (path.sending, path.iprev) {
            (Some(_), Some(_)) => ("no answer", State::Open),
            _ => ("not asked", State::Open),
        };
        nodes.push(Node::new("PTR name", &[text.into()], state));
        return nodes;
    };
    if names.is_empty() {
        nodes
            .push(Node::new("PTR name", &["no PTR record".into()], State::Broken).word(Some("iprev permerror".into())));
        return nodes;
    }
    let mut addresses: Vec<String> = Vec::new();
    for forward in &path.forward {
        match &forward.addresses {
            None => addresses.push("no answer".into()),
            Some(all) if all.is_empty() => addresses.push(format!("no {} record", path.family.record())),
            Some(all) => {
                // The one that closes the chain comes first.
                let mut all: Vec<_> = all.iter().collect();
                all.sort_by_key(|addr| Some(**addr) != path.sending);
                addresses.extend(all.into_iter().map(ToString::to_string));
            }
        }
    }
    addresses.dedup();
    let (state, word) = match path.iprev {
        Some(Iprev::Pass) => (State::Right, "leads back: iprev pass"),
        Some(Iprev::Fail)
            if path.forward.iter().all(|forward| forward.addresses.as_ref().is_none_or(Vec::is_empty)) =>
        {
            (State::Broken, "iprev fail")
        }
        Some(Iprev::Fail) => (State::Broken, "elsewhere: iprev fail"),
        Some(Iprev::PermError) => (State::Broken, "iprev permerror"),
        Some(Iprev::TempError) => (State::Open, "iprev temperror"),
        None => (State::Open, "not asked"),
    };
    nodes.push(Node::new("PTR name", names, State::Right));
    nodes.push(Node::new("address back", &addresses, state).word(Some(word.into())));
    nodes
}

fn helo(path: &PathView) -> Vec<Node> {
    if path.mta.is_none() {
        return Vec::new();
    }
    let Some(name) = &path.helo else {
        return vec![Node::new("HELO name", &["undecided".into()], State::Open)];
    };
    if name.is_empty() {
        return vec![Node::new("HELO name", &["(empty)".into()], State::Broken)];
    }
    let mut nodes = vec![Node::new("HELO name", &[name.to_string()], State::Plain)];
    if let Some(addresses) = &path.helo_addresses {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        nodes.push(match path.sending {
            _ if addresses.is_empty() => {
                Node::new("its address", &[format!("no {} record", path.family.record())], State::Broken)
            }
            Some(sending) if addresses.contains(&sending) => {
                Node::new("its address", &texts, State::Right).word(Some("the sending address".into()))
            }
            Some(_) => Node::new("its address", &texts, State::Broken).word(Some("not the sending address".into())),
            None => Node::new("its address", &texts, State::Plain),
        });
    }
    nodes
}

impl Node {
    fn new(label: &'static str, values: &[String], state: State) -> Node {
        let mut lines: Vec<String> = values.iter().take(VALUES).flat_map(|value| broken(value)).collect();
        if values.len() > VALUES {
            lines.push(format!("+{} more", values.len() - VALUES));
        }
        Node { label, lines, whole: values.join(", "), word: None, state }
    }

    fn word(self, word: Option<String>) -> Node {
        Node { word, ..self }
    }

    fn height(&self) -> usize {
        HEAD + LINE * (self.lines.len() + usize::from(self.word.is_some()))
    }

    fn told(&self) -> String {
        let word = self.word.as_ref().map(|word| format!(" ({word})")).unwrap_or_default();
        format!("{} {}{word}", self.label, self.whole)
    }

    fn draw(&self, x: usize, y: usize, width: usize, height: usize) -> Markup {
        html! {
            g class=(self.state.class()) {
                title { (self.told()) }
                rect x=(x) y=(y) width=(width) height=(height) rx="6" {}
                text class="label" x=(x + 12) y=(y + 19) { (self.label) }
                @for (at, line) in self.lines.iter().enumerate() {
                    text class="value" x=(x + 12) y=(y + HEAD + 6 + LINE * at) { (line) }
                }
                @if let Some(word) = &self.word {
                    text class="word" x=(x + 12) y=(y + HEAD + 6 + LINE * self.lines.len()) {
                        @if self.state != State::Plain { (self.state.sign()) " " }
                        (word)
                    }
                }
            }
        }
    }
}

/// A link, with its sign in the middle where it is broken or open.
fn link(state: State, from: (usize, usize), to: (usize, usize)) -> Markup {
    let down = from.0 == to.0;
    let head = if down {
        format!("{},{} {},{} {},{}", to.0 - 5, to.1 - 8, to.0 + 5, to.1 - 8, to.0, to.1)
    } else {
        format!("{},{} {},{} {},{}", to.0 - 8, to.1 - 5, to.0 - 8, to.1 + 5, to.0, to.1)
    };
    let (x, y) = ((from.0 + to.0) / 2, (from.1 + to.1) / 2);
    let marked = matches!(state, State::Broken | State::Open);
    html! {
        g class=(state.class()) {
            line x1=(from.0) y1=(from.1) x2=(to.0) y2=(to.1) {}
            polygon points=(head) {}
            @if marked {
                circle cx=(x) cy=(y) r="9" {}
                text class="sign" x=(x) y=(y + 5) { (state.sign()) }
            }
        }
    }
}

/// Boxes in two rows, the HELO name in the second.
fn wide(chain: &[Node], helo: &[Node], told: &str) -> Markup {
    let width = 4 * BOX + 3 * GAP + 2;
    let height = |row: &[Node]| row.iter().map(Node::height).max().unwrap_or(0);
    let (top, bottom) = (height(chain), height(helo));
    let below = if helo.is_empty() { 0 } else { bottom + 24 };
    let view = format!("0 0 {width} {}", top + below + 2);
    let row = |nodes: &[Node], y: usize, height: usize| {
        html! {
            @for (at, node) in nodes.iter().enumerate() {
                @let x = 1 + at * (BOX + GAP);
                @if at > 0 { (link(node.state, (x - GAP, y + height / 2), (x, y + height / 2))) }
                (node.draw(x, y, BOX, height))
            }
        }
    };
    html! {
        svg.chain.wide viewBox=(view) width=(width) role="img" aria-label=(told) {
            (row(chain, 1, top))
            (row(helo, top + 25, bottom))
        }
    }
}

/// Boxes in one column.
fn narrow(chain: &[Node], helo: &[Node], told: &str) -> Markup {
    let width = BOX + 74;
    let mut y = 1;
    let mut drawn: Vec<Markup> = Vec::new();
    for (index, nodes) in [chain, helo].into_iter().enumerate() {
        for (at, node) in nodes.iter().enumerate() {
            if at > 0 {
                drawn.push(link(node.state, (width / 2, y - DROP), (width / 2, y)));
            }
            drawn.push(node.draw(1, y, width - 2, node.height()));
            y += node.height() + DROP;
        }
        // The HELO name is no step of the chain.
        if index == 0 && !helo.is_empty() {
            y -= DROP / 2;
        }
    }
    let view = format!("0 0 {width} {}", y.saturating_sub(DROP) + 2);
    html! {
        svg.chain.narrow viewBox=(view) width=(width) role="img" aria-label=(told) {
            @for part in &drawn { (part) }
        }
    }
}

/// `text` in lines that fit a box, cut at dots, colons and hyphens where that can be.
fn broken(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while !rest.is_empty() {
        if lines.len() == LINES - 1 && rest.len() > COLUMNS {
            let mut last: String = rest.iter().take(COLUMNS - 1).collect();
            last.push('…');
            lines.push(last);
            break;
        }
        let end = if rest.len() <= COLUMNS {
            rest.len()
        } else {
            let piece = &rest[..COLUMNS];
            piece.iter().rposition(|c| matches!(c, '.' | ':' | '-' | ' ')).map_or(COLUMNS, |at| at + 1)
        };
        lines.push(rest.drain(..end).collect());
    }
    lines
}

/// How a path is called in its heading.
pub(crate) fn title(path: &PathView) -> String {
    let mta = match path.mta {
        Some(Mta::Postfix) => "Postfix",
        Some(Mta::Exim) => "Exim",
        None => "This host",
    };
    format!("{mta} over {}", path.family.title())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_break_at_dots_and_end_in_dots() {
        assert_eq!(broken("mail.example.com"), ["mail.example.com"]);
        assert_eq!(broken("ip-203-0-113-10.static.provider.example"), ["ip-203-0-113-10.static.", "provider.example"]);
        let cut = broken(&"x".repeat(300));
        assert_eq!(cut.len(), LINES);
        assert!(cut.iter().all(|line| line.chars().count() <= COLUMNS) && cut[2].ends_with('…'));
        assert!(broken("").is_empty());
    }
}
