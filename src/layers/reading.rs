//! Rust source as far as the test of layers needs it: its paths, in full, without those of test items.

/// A token: words, punctuation and texts; comments, blanks, numbers' endings and lifetimes are of no concern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// An identifier or a number.
    Word(String),
    /// A string.
    Text(String),
    /// `::`
    Colons,
    /// Any other character.
    Mark(char),
}

/// What a file says.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Every path, groups resolved: `use a::{b, c::d}` is `a::b` and `a::c::d`.
    pub(crate) paths: Vec<Vec<String>>,
    /// Modules that only tests have and that stand in files of their own: the name, or what `#[path]` says.
    pub(crate) test_files: Vec<String>,
}

/// Reads a file.
pub(crate) fn read(text: &str) -> Source {
    let (tokens, test_files) = without_tests(&tokens(text));
    Source { paths: paths(&tokens), test_files }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut all, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => i = (i..).find(|i| matches!(at(*i), '\n' | '\0')).unwrap_or(i),
            ('/', '*') => {
                let mut depth = 0;
                loop {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 || i >= chars.len() {
                        break;
                    }
                }
            }
            ('"', _) => {
                let (said, next) = string(&chars, i + 1, 0, true);
                all.push(Token::Text(said));
                i = next;
            }
            ('\'', c) => {
                // A lifetime has no quote behind its name.
                if c == '\\' {
                    i = (i + 3..).find(|i| matches!(at(*i), '\'' | '\0')).unwrap_or(i) + 1;
                } else if at(i + 2) == '\'' {
                    i += 3;
                } else {
                    i = (i + 1..).find(|i| !is_word(at(*i))).unwrap_or(i + 1);
                }
            }
            (c, _) if is_word(c) => {
                let end = (i..).find(|i| !is_word(at(*i))).unwrap_or(chars.len());
                let word: String = chars[i..end].iter().collect();
                let raw = matches!(word.as_str(), "r" | "br" | "cr");
                let hashes = if raw { (end..).take_while(|i| at(*i) == '#').count() } else { 0 };
                if (raw || matches!(word.as_str(), "b" | "c")) && at(end + hashes) == '"' {
                    let (said, next) = string(&chars, end + hashes + 1, hashes, !raw);
                    all.push(Token::Text(said));
                    i = next;
                } else {
                    all.push(Token::Word(word));
                    i = end;
                }
            }
            (':', ':') => {
                all.push(Token::Colons);
                i += 2;
            }
            (c, _) => {
                if !c.is_whitespace() {
                    all.push(Token::Mark(c));
                }
                i += 1;
            }
        }
    }
    all
}

/// A string's text from its first character on, and the place behind it.
fn string(chars: &[char], start: usize, hashes: usize, escapes: bool) -> (String, usize) {
    let mut i = start;
    while i < chars.len() {
        match chars[i] {
            '\\' if escapes => i += 2,
            '"' if chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => {
                return (chars[start..i].iter().collect(), i + 1 + hashes);
            }
            _ => i += 1,
        }
    }
    (String::new(), chars.len())
}

/// The tokens without items that only tests have, and the files that such items name.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let word = |text: &str| Token::Word(text.to_owned());
    let test = [
        Token::Mark('#'),
        Token::Mark('['),
        word("cfg"),
        Token::Mark('('),
        word("test"),
        Token::Mark(')'),
        Token::Mark(']'),
    ];
    let (mut left, mut files, mut i) = (Vec::new(), Vec::new(), 0);
    while i < tokens.len() {
        if !tokens[i..].starts_with(&test) {
            left.push(tokens[i].clone());
            i += 1;
            continue;
        }
        let start = i + test.len();
        i = end_of_item(tokens, start);
        let item = &tokens[start..i];
        let path = item.windows(3).find_map(|three| match three {
            [name, Token::Mark('='), Token::Text(path)] if *name == word("path") => Some(path.clone()),
            _ => None,
        });
        let name = item.windows(3).find_map(|three| match three {
            [module, Token::Word(name), Token::Mark(';')] if *module == word("mod") => Some(name.clone()),
            _ => None,
        });
        files.extend(name.map(|name| path.unwrap_or(name)));
    }
    (left, files)
}

/// Where the item at `start`, its attributes included, ends: behind its block, or behind the semicolon of those that have none.
fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut i = start;
    // Further attributes.
    while tokens.get(i) == Some(&Token::Mark('#')) {
        i = behind(tokens, i + 1);
    }
    let words = tokens[i..].iter().take_while(|token| matches!(token, Token::Word(_) | Token::Mark('(' | ')')));
    let by_semicolon = words.clone().any(|token| {
        matches!(token, Token::Word(word) if matches!(word.as_str(), "use" | "const" | "static" | "type" | "let"))
    }) && !words.clone().any(|token| matches!(token, Token::Word(word) if word == "fn"));
    while let Some(token) = tokens.get(i) {
        match token {
            Token::Mark(';') => return i + 1,
            Token::Mark('{') if !by_semicolon => return behind(tokens, i),
            Token::Mark('{' | '(' | '[') => i = behind(tokens, i),
            _ => i += 1,
        }
    }
    i
}

/// Behind the bracket that closes the one at `open`.
fn behind(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark('}' | ')' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

fn paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let starts = matches!(tokens[i], Token::Word(_))
            && (tokens.get(i + 1) == Some(&Token::Colons)
                || i.checked_sub(1).is_some_and(|before| is_use(&tokens[before])));
        if starts {
            i = tree(tokens, i, &[], &mut all);
        } else if matches!(tokens[i], Token::Mark('{'))
            && i.checked_sub(1).is_some_and(|before| is_use(&tokens[before]))
        {
            // `use {a::b, c};`
            i = group(tokens, i, &[], &mut all);
        } else {
            i += 1;
        }
    }
    all
}

fn is_use(token: &Token) -> bool {
    matches!(token, Token::Word(word) if word == "use")
}

/// The paths that begin at `i`, below `prefix`; the place behind them.
fn tree(tokens: &[Token], mut i: usize, prefix: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(i) {
            Some(Token::Word(word)) => path.push(word.clone()),
            Some(Token::Mark('*')) => path.push("*".to_owned()),
            Some(Token::Mark('{')) => return group(tokens, i, &path, all),
            // Generic arguments are paths of their own.
            _ => {
                all.push(path);
                return i;
            }
        }
        i += 1;
        if tokens.get(i) != Some(&Token::Colons) {
            all.push(path);
            return i;
        }
        i += 1;
    }
}

fn group(tokens: &[Token], open: usize, prefix: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let end = behind(tokens, open);
    let mut i = open + 1;
    while i + 1 < end {
        // `self` is what the group stands in; a name behind `as` is of no concern.
        i = match tokens.get(i) {
            Some(Token::Mark(',')) => i + 1,
            Some(Token::Word(word)) if word == "as" => i + 2,
            Some(Token::Word(word)) if word == "self" => {
                all.push(prefix.to_vec());
                i + 1
            }
            Some(Token::Word(_) | Token::Mark('*' | '{')) => tree(tokens, i, prefix, all),
            _ => i + 1,
        };
    }
    end
}
