//! What amavis signs with: the lines `dkim_key('domain', 'selector', 'file')` of its configuration, where `$enable_dkim_signing` is on. The files
//! are Perl; of them these calls and settings with constant texts are read, and what else bears on keys is told.

use std::sync::Arc;

use super::keys::Keys;
use crate::collect::root::Root;
use crate::domains::GapOf;
use crate::facts::Origin;
use crate::name::DomainName;
use crate::source::SourceFile;

/// Debian's folders, which are read in this order, then the single files of other packages.
const FOLDERS: [&str; 2] = ["/usr/share/amavis/conf.d", "/etc/amavis/conf.d"];
const FILES: [&str; 2] = ["/etc/amavisd/amavisd.conf", "/etc/amavisd.conf"];
/// Files of a folder that are read.
const FILE_LIMIT: usize = 100;
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
    /// Senders, and in whose name their mail is signed.
    by_sender: Vec<(String, DomainName)>,
}

impl Said {
    fn add(&mut self, file: &Arc<SourceFile>) {
        let text = without_comments(file.text());
        let at = |start: usize, end: usize| -> Origin { file.span(start, end).into() };
        for (start, _) in text.match_indices(SWITCH) {
            let rest = &text[start + SWITCH.len()..];
            let Some(value) = rest.trim_start().strip_prefix('=').and_then(|rest| rest.split(';').next()) else {
                continue;
            };
            self.on = Some((value.trim().trim_matches(['\'', '"']).to_owned(), at(start, start + SWITCH.len())));
        }
        for (start, _) in text.match_indices(CALL) {
            let is_word = text[..start].ends_with(|c: char| c.is_alphanumeric() || "_$@%&".contains(c));
            let Some(rest) = text[start + CALL.len()..].trim_start().strip_prefix('(').filter(|_| !is_word) else {
                continue;
            };
            let origin = at(start, start + CALL.len());
            self.keys.push(match &arguments(rest)[..] {
                [Some(domain), Some(selector), Some(path), ..] => {
                    Ok(Key { domain: DomainName::new(domain), selector: selector.clone(), file: path.clone(), origin })
                }
                _ => Err(origin),
            });
        }
        for (start, _) in text.match_indices(OPTIONS) {
            let rest = &text[start + OPTIONS.len()..];
            let end = rest.find(';').unwrap_or(rest.len());
            self.by_sender.extend(signing_domains(&rest[..end]));
        }
    }
}

/// Adds the keys that amavis signs with, where it does.
pub(super) fn keys(keys: &mut Keys<'_>) {
    let mut said = Said::default();
    files(keys.root).iter().for_each(|file| said.add(file));
    let Said { on, keys: all, by_sender } = said;
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
    for key in &all {
        match key {
            Err(origin) => {
                let words = "amavis: a `dkim_key` is made of something else than texts, and is not followed";
                keys.gap(GapOf::Keys, origin, words.to_owned());
            }
            Ok(key) if key.domain.as_str().contains('*') => {
                let words =
                    format!("amavis: the `dkim_key` of `{}` is for any domain, and is not followed", key.domain);
                keys.gap(GapOf::Keys, &key.origin, words);
            }
            Ok(_) => {}
        }
    }
    let known: Vec<&Key> = all.iter().flatten().collect();
    for author in keys.domains() {
        let signing = signing_domain(&by_sender, &author);
        // Of several keys of a domain, amavis takes the first that fits.
        if let Some(key) = known.iter().find(|key| key.domain == signing) {
            keys.add_named(&author, &signing, &key.selector, (&key.file, &key.origin));
        }
    }
}

fn files(root: &Root) -> Vec<Arc<SourceFile>> {
    let below = FOLDERS.iter().flat_map(|folder| {
        let names = root.names_in(folder, FILE_LIMIT).into_iter().take(FILE_LIMIT);
        // Debian's takes names that run-parts(8) would.
        let usual = |name: &String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        names.filter(usual).map(move |name| format!("{folder}/{name}"))
    });
    let paths = below.chain(FILES.map(str::to_owned));
    paths.filter_map(|path| root.read(&path).ok()).collect()
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
fn signing_domain(by_sender: &[(String, DomainName)], author: &DomainName) -> DomainName {
    let find = |key: &str| by_sender.iter().find(|(sender, _)| sender == key).map(|(_, domain)| domain.clone());
    let above = std::iter::successors(Some(author.clone()), DomainName::parent).map(|name| format!(".{name}"));
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
