//! One domain as machines read it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::addresses::{AddressView, addresses};
use crate::dkim::Comparison;
use crate::domains::zones::{self, WantedText, ZoneChange, ZoneEdit, ZoneKeeper};
use crate::domains::{Alignment, DmarcState, Gap, GapOf, Handled, Leads, Observed, SenderCheck, ZoneServers};
use crate::findings::{Finding, Fix, Severity, Verdict};
use crate::name::DomainName;
use crate::observe::{Question, RecordType};
use crate::report::model::OriginView;

/// One of the words that something is told by; of a run that is resumed, as they were written.
pub(super) type Word = Cow<'static, str>;

/// One domain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainView {
    /// Its name.
    pub domain: Arc<str>,
    /// What this host does with its mail.
    pub handled: Handled,
    /// The outbound paths that its mail takes.
    pub paths: Vec<String>,
    /// Its exchangers; null: not answered.
    pub mx: Option<Vec<MxView>>,
    /// SPF.
    pub spf: SpfView,
    /// The DMARC record that holds; null where none does, or that is not known.
    pub dmarc: Option<DmarcView>,
    /// Selectors that this host signs with.
    pub dkim: Vec<DkimView>,
    /// Whether files leave open that it signs with others.
    #[serde(default)]
    pub dkim_open: bool,
    /// What DMARC makes of what is sent from each address; empty where no record holds.
    #[serde(default)]
    pub alignment: Vec<AlignmentView>,
    /// The record of MTA-STS.
    pub mta_sts: Option<String>,
    /// The record of TLS reporting.
    pub tls_rpt: Option<String>,
    /// Who serves the zone: `here`, or its servers; null where nobody had to know.
    pub zone: Option<Vec<String>>,
    /// Text records of the domain as they should stand.
    #[serde(default)]
    pub records: Vec<RecordView>,
    /// Address records of the domain that are to be changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressView>,
    /// What was found.
    pub findings: Vec<DomainFinding>,
    /// What was found of names of this host that the domain's mail leaves under: one fault, of many domains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_findings: Vec<DomainFinding>,
}

impl DomainView {
    /// Findings of the domain that were seen, of this severity.
    pub(super) fn failed(&self, severity: Severity) -> usize {
        let counts = |finding: &&DomainFinding| finding.severity == severity && finding.verdict == Verdict::Fail;
        self.findings.iter().filter(counts).count()
    }

    /// Findings of the domain that could not be excluded.
    pub(super) fn undetermined(&self) -> impl Iterator<Item = &DomainFinding> {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Undetermined)
    }
}

/// A text record as it is and as it should stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    /// `spf`, `dmarc` or `dkim`.
    pub kind: Word,
    /// Where it is.
    pub name: String,
    /// What stands there; null: nothing, or what is no such record.
    pub is: Option<String>,
    /// What should stand there, in one piece.
    pub wanted: String,
    /// The panel's command that puts it there, where this host keeps the zone.
    pub command: Option<String>,
    /// The master file on this host that its zone is served from.
    #[serde(default)]
    pub file: Option<String>,
}

/// One exchanger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MxView {
    /// Null: the domain itself, which has no MX record.
    pub preference: Option<u16>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether it leads here; null: not known.
    pub here: Option<bool>,
}

/// SPF.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpfView {
    /// The record, where there is exactly one.
    pub record: Option<String>,
    /// What it says for each address, and what the HELO names' records say.
    pub results: Vec<SpfResultView>,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpfResultView {
    /// The sending address.
    pub address: String,
    /// `mailfrom` or `helo`.
    pub identity: Word,
    /// Whose policy it is.
    pub name: Arc<str>,
    /// The result, as RFC 7208 writes it.
    pub result: Word,
    /// The term of the record that decided.
    pub mechanism: Option<String>,
    /// Where that is an include or redirect: the term that decided there.
    pub by: Option<String>,
    /// Lookups that count.
    pub lookups: usize,
    /// Those that found nothing.
    pub void_lookups: usize,
}

/// The DMARC record that holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DmarcView {
    /// The record.
    pub record: String,
    /// Where it is.
    pub at: String,
    /// The policy for the domain; null where the record is of no use.
    pub policy: Option<Word>,
    /// What receivers are asked to do: with `t=y` the next weaker policy.
    #[serde(default)]
    pub applied: Option<Word>,
    /// How SPF's domain has to be aligned: `strict` or `relaxed`.
    #[serde(default)]
    pub aspf: Word,
    /// The same of DKIM's.
    #[serde(default)]
    pub adkim: Word,
}

/// What DMARC makes of what is sent from one address: each `pass`, `fail` or `undetermined`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlignmentView {
    /// What receivers see.
    pub address: String,
    /// The paths that send from it.
    pub paths: Vec<String>,
    /// SPF of the domain itself.
    pub spf: Word,
    /// A published key that this host signs with, in the name of an aligned domain.
    pub dkim: Word,
    /// Either of them.
    pub dmarc: Word,
}

/// What files do not decide of a host's domains or keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapView {
    /// `domains` or `keys`.
    pub of: &'static str,
    /// The domains whose keys they are; null: of any.
    pub domains: Option<Vec<String>>,
    /// What is not known, and why.
    pub message: String,
    /// The setting.
    pub origin: OriginView,
    /// The same in words.
    #[serde(skip)]
    pub place: String,
}

/// Gaps as reports show them.
pub fn gaps(gaps: &[Gap]) -> Vec<GapView> {
    let view = |gap: &Gap| {
        let (of, domains) = match &gap.of {
            GapOf::Domains => ("domains", None),
            GapOf::Keys => ("keys", None),
            GapOf::KeysOf(domains) => ("keys", Some(domains.iter().map(ToString::to_string).collect())),
        };
        let origin = OriginView::from(&gap.origin);
        GapView { of, domains, message: gap.words.clone(), origin, place: gap.origin.describe() }
    };
    gaps.iter().map(view).collect()
}

/// One selector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DkimView {
    /// Its name.
    pub selector: String,
    /// The domain that the signature names.
    #[serde(default)]
    pub domain: String,
    /// `match`, `mismatch`, `missing`, `revoked`, `invalid` or `undetermined`.
    pub result: Word,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainFinding {
    /// The rule.
    pub code: Word,
    /// Its name.
    pub name: Word,
    /// How bad it is.
    pub severity: Severity,
    /// Seen, or not to be seen.
    pub verdict: Verdict,
    /// What it is about.
    pub subject: String,
    /// One sentence.
    pub message: String,
    /// Who must do what.
    pub fix: Option<Fix>,
}

/// A zone that this host keeps.
#[derive(Debug, Clone, Copy)]
pub struct KeptZone<'z> {
    /// The zone.
    pub zone: &'z DomainName,
    /// What keeps it.
    pub keeper: &'z ZoneKeeper,
    /// The serial number that the DNS gives, where it was asked for.
    pub served: Option<u32>,
}

impl KeptZone<'_> {
    /// The master file that it is served from as it stands: with the serial number that the DNS gives.
    fn file(&self) -> Option<String> {
        match self.keeper {
            ZoneKeeper::Bind(file) if self.served.is_some() && file.serial(self.zone) == self.served => {
                Some(file.path.clone())
            }
            _ => None,
        }
    }
}

/// A domain with what was found; `zone`: the zone that it is in, where this host keeps it.
pub fn view(seen: &Observed<'_>, findings: &[Finding], zone: Option<KeptZone<'_>>) -> DomainView {
    let record = seen.spf.first().and_then(|check| check.evaluation.record.clone());
    let mailfrom = seen.spf.iter().map(|check| result("mailfrom", check));
    let results = mailfrom.chain(seen.helo.iter().map(|check| result("helo", check))).collect();
    let dmarc = match &seen.dmarc {
        DmarcState::Known(discovery, _) => discovery.found.as_ref().map(|found| DmarcView {
            record: found.text.clone(),
            at: crate::dmarc::record_name(&found.domain).to_string(),
            policy: found.policy.map(|policy| policy.as_str().into()),
            applied: found.applied().map(|policy| policy.as_str().into()),
            aspf: mode(found.record.strict_spf),
            adkim: mode(found.record.strict_dkim),
        }),
        DmarcState::Open(..) => None,
    };
    let (host, own): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(|finding| is_of_host(seen, finding));
    let of_domain = own.iter().filter(|finding| is_about(&finding.subject, &seen.domain.name));
    let fixes = of_domain.filter_map(|finding| finding.fix.as_ref());
    let kept = zone.filter(|_| seen.zone == ZoneServers::Here);
    let file = kept.and_then(|kept| kept.file());
    DomainView {
        domain: seen.domain.name.shared(),
        handled: seen.domain.handled,
        paths: seen.paths.iter().map(|path| path.id.clone()).collect(),
        mx: seen.exchangers.as_ref().ok().map(|exchangers| {
            let mx = exchangers.iter().map(|exchanger| MxView {
                preference: exchanger.preference,
                name: exchanger.name.shared(),
                here: match exchanger.leads {
                    Leads::Here => Some(true),
                    Leads::Elsewhere(_) | Leads::Nowhere => Some(false),
                    Leads::Open(_) => None,
                },
            });
            mx.collect()
        }),
        spf: SpfView { record, results },
        dmarc,
        dkim: seen
            .dkim
            .iter()
            .map(|(key, compared)| DkimView {
                selector: key.selector.clone(),
                domain: key.domain.to_string(),
                result: compared.as_str().into(),
            })
            .collect(),
        dkim_open: seen.dkim_is_open,
        alignment: seen.alignment.iter().map(alignment).collect(),
        mta_sts: seen.mta_sts.clone(),
        tls_rpt: seen.tls_rpt.clone(),
        zone: match &seen.zone {
            ZoneServers::Here => Some(vec!["here".to_owned()]),
            ZoneServers::Elsewhere(servers) => Some(servers.iter().map(ToString::to_string).collect()),
            ZoneServers::Unknown => None,
        },
        records: records(seen, findings, (kept, file.as_deref())),
        addresses: addresses(fixes, file.as_deref()),
        findings: own.iter().map(|finding| finding_view(finding)).collect(),
        host_findings: host.into_iter().map(finding_view).collect(),
    }
}

fn finding_view(finding: &Finding) -> DomainFinding {
    DomainFinding {
        code: finding.meta.code.into(),
        name: finding.meta.name.into(),
        severity: finding.severity,
        verdict: finding.verdict,
        subject: finding.subject.clone(),
        message: finding.message.clone(),
        fix: finding.fix.clone(),
    }
}

/// Whether a finding's subject is the domain or a name below it: else it is about another zone.
pub fn is_about(subject: &str, domain: &DomainName) -> bool {
    let first = subject.split(' ').next().unwrap_or_default();
    DomainName::new(first).is_within(domain)
}

/// Whether a finding is about a name that this host introduces itself by, and that is neither the domain nor below it.
fn is_of_host(seen: &Observed<'_>, finding: &Finding) -> bool {
    let is_helo = |check: &SenderCheck| check.name.as_str() == finding.subject;
    !is_about(&finding.subject, &seen.domain.name) && seen.helo.iter().any(is_helo)
}

/// The records that fixes have published below the domain.
fn records(
    seen: &Observed<'_>,
    findings: &[Finding],
    (kept, file): (Option<KeptZone<'_>>, Option<&str>),
) -> Vec<RecordView> {
    let mut all: Vec<RecordView> = Vec::new();
    for line in findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.commands) {
        let Some((name, text)) = text_record(line) else { continue };
        // One DMARC record above holds for all names below it.
        let above = || seen.domain.name.registrable().map(|above| crate::dmarc::record_name(&above));
        let is_ours = name.is_within(&seen.domain.name) || above().is_some_and(|above| above == name);
        if !is_ours || all.iter().any(|known| known.name == name.as_str()) {
            continue;
        }
        let is = is_now(seen, &name);
        let replaces = is.is_some()
            || seen
                .dkim
                .iter()
                .any(|(key, compared)| key.record_name() == name && !matches!(compared, Comparison::Missing));
        let wanted = WantedText { name, replaces, text };
        // What WHM installs is the record of a whole domain.
        let is_below = wanted.kind() == "spf" && wanted.name != seen.domain.name;
        let by_command = kept.filter(|kept| !(is_below && matches!(kept.keeper, ZoneKeeper::Cpanel)));
        all.push(RecordView {
            kind: wanted.kind().into(),
            name: wanted.name.to_string(),
            is,
            command: by_command.and_then(|kept| zones::command((kept.zone, kept.keeper), &wanted)),
            wanted: wanted.text,
            file: file.map(str::to_owned),
        });
    }
    all
}

/// What a record is to a zone.
pub(super) fn edit_of(record: &RecordView) -> ZoneEdit {
    let change = ZoneChange::Text { is: record.is.clone(), wanted: record.wanted.clone() };
    ZoneEdit { name: DomainName::new(&record.name), change }
}

/// The SPF or DMARC record that stands at a name.
fn is_now(seen: &Observed<'_>, name: &DomainName) -> Option<String> {
    if *name == seen.domain.name
        && let Some(check) = seen.spf.first()
    {
        return check.evaluation.record.clone();
    }
    let question = Question::new(name, RecordType::Txt);
    if let Some(old) = seen.old.iter().find(|record| record.question == question) {
        return Some(old.texts.as_slice()).filter(|texts| texts.len() == 1)?.first().cloned();
    }
    match &seen.dmarc {
        DmarcState::Known(discovery, _) => {
            let found = discovery.found.as_ref()?;
            (crate::dmarc::record_name(&found.domain) == *name).then(|| found.text.clone())
        }
        DmarcState::Open(..) => None,
    }
}

/// Name and text of a line that a fix has published: `NAME. IN TXT "..." "..."`.
pub(super) fn text_record(line: &str) -> Option<(DomainName, String)> {
    let (name, strings) = line.split_once(". IN TXT ")?;
    let (mut text, mut is_in) = (String::new(), false);
    let mut rest = strings.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let number = rest.as_str().get(..3).and_then(|digits| digits.parse::<u8>().ok());
                match number {
                    Some(number) => {
                        text.push(char::from(number));
                        rest.nth(2);
                    }
                    None => text.extend(rest.next()),
                }
            }
            '"' => is_in = !is_in,
            c if is_in => text.push(c),
            _ => {}
        }
    }
    Some((DomainName::new(name), text))
}

fn mode(strict: bool) -> Word {
    if strict { "strict" } else { "relaxed" }.into()
}

fn alignment(one: &Alignment) -> AlignmentView {
    AlignmentView {
        address: one.address.to_string(),
        paths: one.paths.clone(),
        spf: one.spf.as_str().into(),
        dkim: one.dkim.as_str().into(),
        dmarc: one.dmarc().as_str().into(),
    }
}

fn result(identity: &'static str, check: &SenderCheck) -> SpfResultView {
    let steps = &check.evaluation.decided;
    SpfResultView {
        address: check.address.to_string(),
        identity: identity.into(),
        name: check.name.shared(),
        result: check.evaluation.result.as_str().into(),
        mechanism: steps.first().map(|step| step.term.clone()),
        by: steps.last().filter(|_| steps.len() > 1).map(|step| format!("{} of {}", step.term, step.domain)),
        lookups: check.evaluation.lookups,
        void_lookups: check.evaluation.void_lookups,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_line_is_read_as_its_text() {
        let read = |line: &str| text_record(line).map(|(name, text)| format!("{name} {text}"));
        assert_eq!(
            read(r#"a.example. IN TXT "v=spf1 a " "-all""#).as_deref(),
            Some("a.example v=spf1 a -all"),
            "strings are joined as they are"
        );
        assert_eq!(read(r#"a.example. IN TXT "a\"b\\c""#).as_deref(), Some(r#"a.example a"b\c"#));
        assert_eq!(read(r#"a.example. IN TXT "a\036b\096""#).as_deref(), Some("a.example a$b`"));
        assert_eq!(read("; delete: a.example. IN A 192.0.2.1"), None);
    }
}
