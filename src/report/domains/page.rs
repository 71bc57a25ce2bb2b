//! The domains as a page.

use maud::html;

use super::DomainView;
use super::groups::{NAMED, domains, groups, named, summary};
use crate::escape;

/// For a browser: every group with all of its domains, which are folded beyond a few.
pub fn page(views: &[DomainView]) -> String {
    let plain = |text: &str| escape::line(text).into_owned();
    let groups = groups(views);
    let body = html! {
        header {
            h1 { "Mail domains of this host" }
            p.verdict { (summary(views)) "." }
        }
        main {
            @for group in &groups {
                section {
                    h2 { (group.words()) }
                    @for (zone, list) in &group.by_zone {
                        p { (domains(list.len())) @if !zone.is_empty() { " " (plain(zone)) } ": " (plain(&named(list))) }
                        @if list.len() > NAMED {
                            details {
                                summary { "all " (list.len()) }
                                ul { @for (domain, _) in list { li.mono { (plain(domain)) } } }
                            }
                        }
                        @if let Some((_, finding)) = list.first() {
                            p { (plain(&finding.message)) }
                            @if let Some(fix) = &finding.fix {
                                p { (plain(&fix.text)) }
                                @for command in &fix.commands { pre { (plain(command)) } }
                            }
                        }
                    }
                }
            }
        }
    };
    crate::report::html::page("Mail domains of this host", &body)
}
