//! The report made harmless: each of its types names all its fields, so that no text of files, servers or the command line is forgotten.

use std::borrow::Cow;

use crate::addr::Family;
use crate::escape::{Sanitize, harmless, sanitize_fields};
use crate::facts::{AddressFlag, InterfaceAddress, Mta, Packing};
use crate::findings::{Evidence, FirstStep, Fix, Known, Meta, Severity, StaleCaches, Verdict, Who};
use crate::observe::VantageKind;
use crate::observe::iprev::Iprev;
use crate::receivers;
use crate::remedy::{Plan, Remaining, Settled, Step};
use crate::report::model::*;
use crate::report::{Port25Outcome, Port25TryView, Port25View, ZoneServerView, ZoneView};

impl Report {
    /// The report with every text that came from files, servers or the command line on one line and harmless.
    pub fn sanitized(mut self) -> Report {
        self.sanitize();
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

harmless!(
    &'static Meta,
    AddressFlag,
    Family,
    Iprev,
    Mta,
    Outgoing,
    Packing,
    Port25Outcome,
    SenderSelection,
    Severity,
    Summary,
    SuppressedBy,
    VantageKind,
    Verdict,
    Who,
    receivers::Basis,
    receivers::Verdict,
);

sanitize_fields! {
    Report {
        schema, tool, taken, host, mta, paths, findings, suppressed, no_longer_found, first_step, plan, log, not_checked, summary, planned, dns,
        port25, mail_domains, rules,
    }
    Tool { name, version }
    HostView { node_name, fqdn, configured_names, addresses }
    ConfiguredName { name, setting, origin }
    InterfaceAddress { interface, address, prefix_length, flags }
    MtaView { configured, live, how, unseen, outgoing }
    PathView {
        id, mta, services, family, source, source_origin, sending, helo, helo_origin, sender_domains, sender_selection, relayed, unused,
        ptr, forward, iprev, helo_addresses, receivers,
    }
    Forward { name, addresses }
    ReceiverView { receiver, verdict, because, name, basis, reply, reply_basis }
    FindingView { code, name, severity, verdict, subject, message, origins, evidence, fix, paths, open }
    SuppressedView { finding, suppressed_by, reason, expires, suppressed_at }
    PlaceView { origin, end_column, label, quoted }
    NotChecked { code, name, why }
    DnsView { vantage, questions, answered, offline, stale, zones, notes, replies, awaited }
    ReplyView { question, from, answer, ttl, rtt_micros }
    VantageView { name, server, kind, answered, asked }
    ZoneView { zone, parent, delegation, own, servers }
    ZoneServerView { name, named_by }
    Evidence { question, from, answer, ttl, planned }
    Port25View { host, port, because, tries }
    Port25TryView { source, to, outcome, name, text }
    FirstStep { settles, of, fix }
    Known { code, subject }
    StaleCaches { right_at_source, questions, seconds, until }
}

impl Sanitize for Fix {
    /// The text of a ticket has lines of its own.
    fn sanitize(&mut self) {
        let Fix { who, text, commands } = self;
        lines(text);
        who.sanitize();
        commands.sanitize();
    }
}

/// Each line of a text harmless by itself.
fn lines(text: &mut String) {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    lines.sanitize();
    *text = lines.join("\n");
}

sanitize_fields! {
    Plan { judged, steps, remains, also, bounded }
    Settled { code, subject }
    Remaining { code, subject, because }
}

impl Sanitize for Step {
    /// Actions are data for programs, in which every character counts; JSON escapes what a terminal would act upon.
    fn sanitize(&mut self) {
        let Step { number, who, text, commands, actions: _, settles, after, because } = self;
        lines(text);
        number.sanitize();
        who.sanitize();
        commands.sanitize();
        settles.sanitize();
        after.sanitize();
        because.sanitize();
    }
}

impl Sanitize for OriginView {
    fn sanitize(&mut self) {
        match self {
            OriginView::File { file, line: _, column: _ } => file.sanitize(),
            OriginView::Kernel { kernel: text }
            | OriginView::Default { default: text }
            | OriginView::Option { option: text } => text.sanitize(),
        }
    }
}
