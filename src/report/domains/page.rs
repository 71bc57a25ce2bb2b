//! The domains as a page.

use std::collections::BTreeMap;

use maud::html;

use super::edits::edits;
use super::groups::{OPEN, REFUSED, STEPS, first, groups, named, summary};
use super::places::{Places, StepLine};
use super::refused::refused;
use super::words::NAMED;
use super::{DomainView, GapView};
use crate::domains::zones::ZoneKeeper;
use crate::escape;
use crate::name::DomainName;

/// For a browser: every group with all of its domains, which are folded beyond a few.
pub fn page(
    views: &[DomainView],
    gaps: &[GapView],
    kept: &BTreeMap<DomainName, ZoneKeeper>,
    instead: Option<&str>,
) -> String {
    let plain = |text: &str| escape::line(text).into_owned();
    let edits = edits(views, kept);
    let (groups, refused, steps) = (groups(views), refused(views), Places::new(views).steps(views, &edits));
    let body = html! {
        header {
            h1 { "Mail domains of this host" }
            p.verdict { (plain(&summary(views, instead))) "." }
        }
        main {
            @if !refused.is_empty() {
                section {
                    h2 { (REFUSED) }
                    @for group in &refused {
                        p { (plain(&group.words())) ": " (plain(&group.named())) }
                        @if group.domains.len() > NAMED {
                            details {
                                summary { "all " (group.domains.len()) }
                                ul { @for domain in &group.domains { li.mono { (plain(domain)) } } }
                            }
                        }
                    }
                }
            }
            @for group in &groups {
                section {
                    h2 { (plain(&group.words(&steps))) }
                    @for (place, list) in &group.shown() {
                        p { (place.counted(list.len())) (plain(&place.words())) ": " (plain(&named(list))) }
                        @if list.len() > NAMED {
                            details {
                                summary { "all " (list.len()) }
                                ul { @for (domain, _) in list { li.mono { (plain(domain)) } } }
                            }
                        }
                        @for finding in first(list) {
                            p { (plain(&finding.message)) }
                            @if let Some(fix) = &finding.fix {
                                p { (plain(&fix.text)) }
                                @for command in &fix.commands { pre { (plain(command)) } }
                            }
                        }
                    }
                }
            }
            @if !steps.is_empty() {
                section {
                    h2 { (STEPS) }
                    ol {
                        @for step in &steps {
                            li {
                                (plain(&step.words()))
                                @for line in step.lines(usize::MAX).printed() {
                                    @match line {
                                        StepLine::Verbatim(line) => pre { (plain(line)) }
                                        StepLine::Words(words) => p { (words) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if !gaps.is_empty() {
                section {
                    h2 { (OPEN) }
                    ul { @for gap in gaps { li { (plain(&gap.words())) } } }
                }
            }
        }
    };
    crate::report::html::page("Mail domains of this host", &body)
}
