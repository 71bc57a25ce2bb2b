//! What amavis signs with: the lines `dkim_key('domain', 'selector', 'file')` of its configuration, where `$enable_dkim_signing` is on. The files
//! are Perl; of them these calls and settings with constant texts are read, and what else bears on keys is told.

use std::collections::HashMap;
use std::sync::Arc;

use super::keys::{Keys, Signature};
use crate::collect::confidential::OwnFiles;
use crate::collect::root::{ReadError, Root};
use crate::domains::GapOf;
use crate::facts::Origin;
use crate::name::DomainName;
use crate::source::SourceFile;

/// Debian's folders, which are read in this order, then the single files of other packages.
const FOLDERS: [&str; 2] = ["/usr/share/amavis/conf.d", "/etc/amavis/conf.d"];
const FILES: [&str; 2] = ["/etc/amavisd/amavisd.conf", "/etc/amavisd.conf"];
/// Files of a folder that are read.
const FILE_LIMIT: usize = 100;
/// Octets behind the switch in which its value has to end.
const VALUE: usize = 100;
/// Keys, senders and calls that are not followed which are kept: five times the domains of the largest servers.
const ENTRIES: usize = 250_000;
const SWITCH: &str = "$enable_dkim_signing";
const CALL: &str = "dkim_key";
/// By sender: in which domain's name mail is signed.
const OPTIONS: &str = "@dkim_signature_options_bysender_maps";

/// A `dkim_key` of three constant texts.
struct Key {
    domain: DomainName,
    selector: String,
    file: String,
    origin: Origin,
}

/// What the files say, the last of them last.
#[derive(Default)]
struct Said {
    /// The last value of the switch.
    on: Option<(String, Origin)>,
    /// Keys; of a call that is not followed its place.
    keys: Vec<Result<Key, Origin>>,
    /// Senders, and in whose name their mail is signed: what is said first counts.
    by_sender: HashMap<String, DomainName>,
    /// Where there are more than are kept.
    too_many: Option<Origin>,
}

impl Said {
    fn add(&mut self, file: &Arc<SourceFile>) {
        let text = without_comments(file.text());
        let at = |start: usize, end: usize| -> Origin { file.span(start, end).into() };
        for (start, _) in text.match_indices(SWITCH) {
            let rest = &text[start + SWITCH.len()..];
            let rest = &rest[..rest.floor_char_boundary(VALUE)];
            let Some(value) = rest.trim_start().strip_prefix('=') else { continue };
            let value = value.split([';', '\n']).next().unwrap_or_default();
            self.on = Some((value.trim().trim_matches(['\'', '"']).to_owned(), at(start, start + SWITCH.len())));
        }
        for (start, _) in text.match_indices(CALL) {
            let is_word = text[..start].ends_with(|c: char| c.is_alphanumeric() || "_$@%&".contains(c));
            let Some(rest) = text[start + CALL.len()..].trim_start().strip_prefix('(').filter(|_| !is_word) else {
                continue;
            };
            let origin = at(start, start + CALL.len());
            if self.keys.len() >= ENTRIES {
                self.too_many = Some(origin);
                break;
            }
            self.keys.push(match &arguments(rest)[..] {
                [Some(domain), Some(selector), Some(path), ..] => {
                    Ok(Key { domain: DomainName::new(domain), selector: selector.clone(), file: path.clone(), origin })
                }
                _ => Err(origin),
            });
        }
        // Each text is gone through once, whether or not it ends.
        let mut from = 0;
        while let Some(start) = text[from..].find(OPTIONS).map(|start| from + start) {
            let begin = start + OPTIONS.len();
            let end = text[begin..].find(';').map_or(text.len(), |end| begin + end);
            for (sender, domain) in signing_domains(&text[begin..end]) {
                if self.by_sender.len() >= ENTRIES {
                    self.too_many = Some(at(start, begin));
                    break;
                }
                self.by_sender.entry(sender).or_insert(domain);
            }
            from = end;
        }
    }
}

/// Adds the keys that amavis signs with, where it does.
pub(super) fn keys(keys: &mut Keys<'_>) {
    let mut said = Said::default();
    let root = keys.root;
    let own = OwnFiles::of_amavis(root);
    let mut gap = |path: &str, why: &str| {
        let origin = SourceFile::new(path, b"").span(0, 0).into();
        keys.gap(GapOf::Keys, &origin, format!("amavis: {path} {why}"));
    };
    for path in files(root, &mut gap) {
        match own.read(&path) {
            Ok(file) => said.add(&file),
            Err(ReadError::NotFound) => {}
            Err(error) => gap(&path, &format!("cannot be read ({error})")),
        }
    }
    let Said { on, keys: all, by_sender, too_many } = said;
    let Some((switch, origin)) = on else { return };
    match switch.as_str() {
        "" | "0" | "undef" => return,
        "1" => {}
        _ => {
            return keys.gap(
                GapOf::Keys,
                &origin,
                format!("amavis: whether {SWITCH} is on is not read from `{switch}`"),
            );
        }
    }
    if let Some(origin) = too_many {
        let words = format!("amavis: there are more than the {ENTRIES} keys and senders that are kept");
        keys.gap(GapOf::Keys, &origin, words);
    }
    // Of several keys of a domain, amavis takes the first that fits.
    let mut known: HashMap<&DomainName, &Key> = HashMap::new();
    for key in &all {
        match key {
            Err(origin) => {
                let words = "amavis: a `dkim_key` is made of something else than texts, and is not followed";
                keys.gap(GapOf::Keys, origin, words.to_owned());
            }
            Ok(key) if key.domain.as_str().contains('*') => {
                let words = "amavis: a `dkim_key` is for any domain that fits a pattern, and is not followed";
                keys.gap(GapOf::Keys, &key.origin, words.to_owned());
            }
            Ok(key) => drop(known.entry(&key.domain).or_insert(key)),
        }
    }
    for author in keys.domains() {
        let signing = signing_domain(&by_sender, &author);
        if let Some(key) = known.get(&signing) {
            let named_at = &key.origin;
            let signature = Signature { author: &author, domain: &signing, selector: &key.selector, named_at };
            keys.add_named(&signature, (&key.file, &key.origin));
        }
    }
}

/// The files that there may be, in the order in which they count.
fn files(root: &Root, gap: &mut dyn FnMut(&str, &str)) -> Vec<String> {
    let mut all = Vec::new();
    for folder in FOLDERS {
        let mut names = root.names_in(folder, FILE_LIMIT);
        if names.len() > FILE_LIMIT {
            gap(folder, &format!("has more than the {FILE_LIMIT} files that are read"));
            names.truncate(FILE_LIMIT);
        }
        // Debian's takes names that run-parts(8) would.
        let usual = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        all.extend(names.into_iter().filter(usual).map(|name| format!("{folder}/{name}")));
    }
    all.extend(FILES.map(str::to_owned));
    all
}

/// The text with comments blanked, so that places stay.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (mut quote, mut escaped, mut before) = (None, false, ' ');
        let mut comment = None;
        for (at, c) in line.char_indices() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) => {}
                // `$#` and `&'` are no comment and no text.
                (None, '#') if before != '$' => {
                    comment = Some(at);
                    break;
                }
                (None, '\'' | '"') if !before.is_alphanumeric() => quote = Some(c),
                _ => {}
            }
            before = c;
        }
        let end = comment.unwrap_or(line.len());
        out.push_str(&line[..end]);
        out.extend(line[end..].chars().map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) }));
    }
    out
}

/// The arguments behind an opening bracket, as far as they are constant texts.
fn arguments(text: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            all.push(None);
            return all;
        };
        let inner = &rest[1..];
        let Some(end) = inner.find(quote) else {
            all.push(None);
            return all;
        };
        let value = &inner[..end];
        // What Perl puts in, or takes out.
        let is_plain = !value.contains('\\') && (quote == '\'' || !value.contains(['$', '@']));
        all.push(is_plain.then(|| value.to_owned()));
        rest = inner[end + 1..].trim_start();
        match rest.strip_prefix(',') {
            Some(more) if all.len() < 3 => rest = more.trim_start(),
            _ if rest.starts_with([',', ')']) => return all,
            _ => {
                all.pop();
                all.push(None);
                return all;
            }
        }
    }
}

/// Senders and the domains in whose name their mail is signed: `'sender' => { d => 'domain', ... }`.
fn signing_domains(text: &str) -> Vec<(String, DomainName)> {
    let quoted = |text: &str| {
        let text = text.trim();
        let inner = text.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?;
        Some(inner.to_ascii_lowercase())
    };
    let mut found = Vec::new();
    for part in text.split('}') {
        let Some((sender, options)) = part.rsplit_once('{') else { continue };
        let sender = sender.trim().trim_end_matches("=>").trim_end();
        let sender = sender.rsplit(['{', ',', '(', '[']).next().unwrap_or_default();
        let domain = options.split(',').find_map(|option| {
            let (name, value) = option.split_once("=>")?;
            (name.trim() == "d").then(|| quoted(value)).flatten()
        });
        if let (Some(sender), Some(domain)) = (quoted(sender), domain) {
            found.push((sender, DomainName::new(&domain)));
        }
    }
    found
}

/// In whose name mail of a domain is signed: what stands for the domain, for those above it, for all; else its own.
fn signing_domain(by_sender: &HashMap<String, DomainName>, author: &DomainName) -> DomainName {
    let find = |key: &str| by_sender.get(key).cloned();
    let above = author.ancestors().map(|name| format!(".{name}"));
    let keys = std::iter::once(author.as_str().to_owned()).chain(above).chain(std::iter::once(".".to_owned()));
    keys.into_iter().find_map(|key| find(&key)).unwrap_or_else(|| author.clone())
}

/// What a fuzzer has read.
#[cfg(any(test, fuzzing))]
pub(super) fn read(file: &Arc<SourceFile>) {
    let mut said = Said::default();
    said.add(file);
    let _ = signing_domain(&said.by_sender, &DomainName::new("a.example"));
}
