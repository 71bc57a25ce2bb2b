//! The report made harmless: which of its texts came from files, servers or the command line.

use std::borrow::Cow;

use crate::report::escape::Tame;
use crate::report::model::*;

impl Report {
    /// The report with every text that came from files, servers or the command line on one line and harmless.
    pub fn tamed(mut self) -> Report {
        self.tame();
        self
    }
}

impl From<Report> for Cow<'_, Report> {
    fn from(report: Report) -> Self {
        Cow::Owned(report)
    }
}

impl<'a> From<&'a Report> for Cow<'a, Report> {
    fn from(report: &'a Report) -> Self {
        Cow::Borrowed(report)
    }
}

impl Tame for Report {
    fn tame(&mut self) {
        let host = &mut self.host;
        host.node_name.iter_mut().for_each(Tame::tame);
        host.fqdn.iter_mut().for_each(Tame::tame);
        for name in &mut host.configured_names {
            name.name.tame();
            name.setting.tame();
            name.origin.tame();
        }
        host.addresses.iter_mut().flatten().for_each(|a| a.interface.tame());
        self.mta.how.tame();
        self.mta.unseen.iter_mut().for_each(Tame::tame);
        for path in &mut self.paths {
            path.id.tame();
            path.services.iter_mut().for_each(Tame::tame);
            path.source_origin.iter_mut().for_each(|o| o.tame());
            path.helo_origin.iter_mut().for_each(|o| o.tame());
            path.helo.iter_mut().for_each(Tame::tame);
            path.sender_domains.iter_mut().flatten().for_each(Tame::tame);
            path.relayed.iter_mut().for_each(Tame::tame);
            path.ptr.iter_mut().flatten().for_each(Tame::tame);
            path.forward.iter_mut().for_each(|f| f.name.tame());
            for receiver in &mut path.receivers {
                let texts = [&mut receiver.receiver, &mut receiver.verdict, &mut receiver.because, &mut receiver.name];
                texts.into_iter().chain(&mut receiver.reply).for_each(Tame::tame);
            }
        }
        self.findings.iter_mut().for_each(|finding| finding.tame());
        for suppressed in &mut self.suppressed {
            suppressed.finding.tame();
            suppressed.reason.tame();
            suppressed.suppressed_at.tame();
        }
        self.no_longer_found.iter_mut().flat_map(|known| [&mut known.code, &mut known.subject]).for_each(Tame::tame);
        if let Some(step) = &mut self.first_step {
            step.fix.text.tame();
            step.fix.commands.iter_mut().for_each(Tame::tame);
        }
        self.not_checked.iter_mut().for_each(|rule| rule.why.tame());
        for heard in &mut self.dns.heard {
            [&mut heard.question, &mut heard.from, &mut heard.answer].into_iter().for_each(Tame::tame);
        }
        self.dns.notes.iter_mut().for_each(Tame::tame);
        self.dns.zones.iter_mut().for_each(Tame::tame);
        self.dns.stale.iter_mut().flat_map(|stale| &mut stale.questions).for_each(Tame::tame);
        for vantage in &mut self.dns.vantage {
            vantage.name.tame();
            vantage.server.iter_mut().for_each(Tame::tame);
        }
    }
}

impl Tame for FindingView {
    fn tame(&mut self) {
        self.subject.tame();
        self.message.tame();
        for place in &mut self.origins {
            place.origin.tame();
            place.label.tame();
            if let Some(quote) = &mut place.quote {
                [&mut quote.before, &mut quote.marked, &mut quote.after].into_iter().for_each(Tame::tame);
            }
        }
        for evidence in &mut self.evidence {
            [&mut evidence.question, &mut evidence.from, &mut evidence.answer].into_iter().for_each(Tame::tame);
        }
        if let Some(fix) = &mut self.fix {
            // The text of a ticket has lines of its own.
            let mut lines: Vec<String> = fix.text.split('\n').map(str::to_owned).collect();
            lines.iter_mut().for_each(Tame::tame);
            fix.text = lines.join("\n");
            fix.commands.iter_mut().for_each(Tame::tame);
        }
        self.paths.iter_mut().for_each(Tame::tame);
    }
}

impl Tame for OriginView {
    fn tame(&mut self) {
        match self {
            OriginView::File { file, .. } => file.tame(),
            OriginView::Kernel { kernel: text }
            | OriginView::Default { default: text }
            | OriginView::Option { option: text } => text.tame(),
        }
    }
}
