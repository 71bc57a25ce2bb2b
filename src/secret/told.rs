//! Secrets that words before them tell of: headers, fields of JSON, lines of a protocol that are sent to a socket.

use std::ops::Range;

/// Parts of such words: most lines have none.
const TELLING: [&str; 5] = ["assword", "ASSWORD", "uthorization", "UTHORIZATION", "readsocket"];
/// What may stand between a word and what it tells of.
const BETWEEN: [char; 5] = ['"', '\'', '\\', ' ', '\t'];

/// What looking for the ends of braces may cost in a text, in lengths of the text: what is left then counts as secret.
const WORK: usize = 16;

/// Byte ranges of them.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !TELLING.iter().any(|part| text.contains(part)) {
        return found;
    }
    let lower = text.to_ascii_lowercase();
    let up_to =
        |start: usize, stops: &dyn Fn(char) -> bool| start + text[start..].find(stops).unwrap_or(text.len() - start);
    for (at, word) in lower.match_indices("authorization:") {
        let start = at + word.len();
        found.push(start..up_to(start, &|c| matches!(c, '"' | '\'' | '\\' | '}' | '\n')));
    }
    for (at, word) in lower.match_indices("password") {
        let rest = text[at + word.len()..].trim_start_matches(BETWEEN);
        let Some(rest) = rest.strip_prefix([':', '(']) else { continue };
        let rest = rest.trim_start_matches(BETWEEN);
        // In a list of prompts two colons are one; what is worked out is none.
        if !rest.starts_with([':', '$', '{']) {
            let start = text.len() - rest.len();
            let stops = |c: char| matches!(c, '"' | '\'' | '\\' | '}' | ')' | ',') || c.is_whitespace();
            found.push(start..up_to(start, &stops));
        }
    }
    let (mut from, mut work) = (0, 0);
    while let Some(at) = lower[from..].find("readsocket").map(|at| from + at) {
        from = at + "readsocket".len();
        if work > WORK * text.len() {
            found.push(at..text.len());
            break;
        }
        // The address, then what is sent.
        let address = braces(text, from);
        work += address.as_ref().map_or(0, |address| address.end - from);
        let Some(request) = address.and_then(|address| braces(text, address.end + 1)) else { continue };
        from = request.end;
        if ["auth", "pass", "login"].iter().any(|word| lower[request.clone()].contains(word)) {
            found.push(request);
        }
    }
    found
}

/// What stands within the braces that open at `from`, blanks apart.
fn braces(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let inside = rest.trim_start_matches([' ', '\t', '\n', '\r', '\\']).strip_prefix('{')?;
    let start = text.len() - inside.len();
    let mut depth = 0_usize;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(start..start + at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    Some(start..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_tell_of_what_stands_behind_them() {
        for (text, expected) in [
            ("curl -H 'Authorization: Bearer S' http://x", &[" Bearer S"][..]),
            ("{\"password\": \"S\", \"x\": 1}", &["S"]),
            ("select PASSWORD('S')", &["S"]),
            ("server_prompts = Username:: : Password::", &[]),
            ("password: ${lookup{x}lsearch{/f}}", &[]),
            ("${readsocket{inet:h:1}{PING\\nAUTH S\\n}{3s}}", &["PING\\nAUTH S\\n"]),
            ("${readsocket {/run/x} {GET h}}", &[]),
            ("${readsocket{/run/x}{login S", &["login S"]),
            ("${readsocket{/run/x", &[]),
            ("a line: of no interest", &[]),
        ] {
            let found: Vec<&str> = secrets(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn it_takes_linear_time() {
        let text = "${readsocket{".repeat(20_000);
        let before = crate::collect::testing::processor_time();
        assert!(secrets(&text).len() <= 1);
        assert!((crate::collect::testing::processor_time() - before).as_secs() < 5);
    }
}
