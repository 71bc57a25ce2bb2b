//! Takes secrets out of facts, before anything else sees them. Each struct is taken apart whole: a new field does not compile until it is
//! decided here whether it can hold one.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::facts::*;
use crate::secret::{self, HIDDEN, Known};

/// Values of settings that are remembered, and the longest: a trial of a host meets all but a few of them again.
const REMEMBERED: usize = 20_000;
const LONGEST: usize = 4 << 10;

/// What values of settings were found to be without secrets, for facts that are concealed again and again with the same secrets known.
#[derive(Debug, Default)]
pub(crate) struct Concealed {
    /// By name and value; `None`: there is no secret in it.
    settings: RefCell<HashMap<String, HashMap<String, Option<String>>>>,
    count: Cell<usize>,
}

impl Concealed {
    fn known(&self, name: &str, text: &str) -> Option<Option<String>> {
        self.settings.borrow().get(name)?.get(text).cloned()
    }

    fn remember(&self, name: &str, text: &str, shown: &str) {
        if text.len() <= LONGEST && self.count.get() < REMEMBERED {
            self.count.set(self.count.get() + 1);
            let shown = (shown != text).then(|| shown.to_owned());
            self.settings.borrow_mut().entry(name.to_owned()).or_default().insert(text.to_owned(), shown);
        }
    }
}

impl Facts {
    /// Takes every secret out: values of settings that are secret by their name or place, `known` ones wherever they are repeated.
    pub fn conceal(&mut self, known: &Known) {
        self.conceal_again(known, None);
    }

    /// The same, with what was found before.
    pub(crate) fn conceal_again(&mut self, known: &Known, before: Option<&Concealed>) {
        let Facts {
            host: _,
            postfix,
            exim,
            cpanel,
            // As those of cPanel: masked where they are written.
            panel_maps: _,
            mtas: _,
            senders,
            proxy_interfaces: _,
            overrides: _,
            paths,
            bind_faults,
            handed_over,
            nat: _,
            problems,
            unjudged: Unjudged { postfix: other_postfix, exim: other_exim, problems: other_problems },
            machine: _,
            managers: _,
            // Everybody is shown them.
            certificates: _,
            expected_hostname: _,
            expected_helo: _,
            daemons: _,
            old_addresses: _,
            block_lists: _,
            // Read later, and it holds no text of a log.
            log: _,
            // What servers tell everybody; of keys it holds the names of their files.
            served: _,
            port25: _,
            // A snapshot's own, which was concealed when it was read; places in files show no secret.
            moved: _,
            cutover: _,
            leftovers: _,
            // They were public.
            removed: _,
            listed_domains,
        } = self;
        let hider = Hider { known, before };
        postfix.iter_mut().chain(other_postfix).for_each(|instance| hider.postfix(instance));
        exim.iter_mut().chain(other_exim).for_each(|configuration| hider.exim(configuration));
        cpanel.iter_mut().for_each(|cpanel| hider.cpanel(Arc::make_mut(cpanel)));
        senders.iter_mut().flatten().for_each(|sender| hider.sender(sender));
        paths.iter_mut().for_each(|path| hider.path(path));
        for BindFault { mta: _, services: _, parameter: _, value, kind: _, then: _ } in bind_faults {
            hider.text(&mut value.value);
        }
        for ListedDomain { list: _, name, origin: _ } in listed_domains {
            hider.text(name);
        }
        for HandedOver { mta: _, next_hop } in handed_over {
            hider.text(&mut next_hop.value);
        }
        problems.iter_mut().chain(other_problems).for_each(|problem| hider.problem(problem));
    }
}

struct Hider<'k> {
    known: &'k Known,
    before: Option<&'k Concealed>,
}

impl Hider<'_> {
    fn text(&self, text: &mut String) {
        if let std::borrow::Cow::Owned(masked) = self.known.mask(text) {
            *text = masked;
        }
    }

    fn setting(&self, name: &str, setting: &mut Setting) {
        let Setting { value, postconf, expanded, undecided, origin, via } = setting;
        let hidden = std::iter::once(&*origin).chain(via.iter()).filter_map(Origin::span).any(|span| span.is_hidden());
        for text in [value, postconf, expanded].into_iter().flatten().filter(|text| !text.is_empty()) {
            if hidden {
                *text = HIDDEN.to_owned();
                continue;
            }
            if let Some(shown) = self.before.and_then(|before| before.known(name, text)) {
                *text = shown.unwrap_or_else(|| std::mem::take(text));
                continue;
            }
            let shown = secret::value(name, text);
            let shown = self.known.mask(&shown).into_owned();
            if let Some(before) = self.before {
                before.remember(name, text, &shown);
            }
            *text = shown;
        }
        undecided.iter_mut().for_each(|why| self.text(why));
    }

    fn settings(&self, settings: &mut BTreeMap<String, Setting>) {
        settings.iter_mut().for_each(|(name, setting)| self.setting(name, setting));
    }

    fn refusal(&self, refusal: &mut Refusal) {
        let Refusal { message, origin: _ } = refusal;
        self.text(message);
    }

    fn postfix(&self, instance: &mut Postfix) {
        let Postfix {
            config_directory: _,
            error,
            warnings,
            parameters,
            services,
            version: _,
            mail_origin,
            missing_services,
            outdated_tables,
            open_lists: _,
            idle_settings,
            sends_nothing: _,
            piped: _,
        } = instance;
        mail_origin.iter_mut().for_each(|origin| self.text(&mut origin.value));
        for MissingService { service, named_by, file: _, instead: _, others: _ } in missing_services {
            self.text(service);
            named_by.iter_mut().for_each(|value| self.text(&mut value.value));
        }
        for OutdatedTable { table, text, compiled, seconds: _, named_by: _ } in outdated_tables {
            [table, text, compiled].into_iter().for_each(|text| self.text(text));
        }
        for IdleSetting { parameter, value, because } in idle_settings {
            value.value = secret::value(parameter, &value.value).into_owned();
            self.text(&mut value.value);
            match because {
                Idle::Refused { by, parameter: _ } => self.text(&mut by.value),
                Idle::Program { service: _, program } => self.text(program),
                Idle::Version { installed: _, since: _ } => {}
            }
        }
        error.iter_mut().chain(warnings).for_each(|refusal| self.refusal(refusal));
        self.settings(parameters);
        for PostfixService { name: _, kind: _, command, origin: _, overrides, error, off: _ } in services {
            self.text(command);
            self.settings(overrides);
            error.iter_mut().for_each(|refusal| self.refusal(refusal));
        }
    }

    fn exim(&self, configuration: &mut Exim) {
        let Exim { file: _, version_hint: _, error, main, transports, routers, handed, sends_nothing: _ } =
            configuration;
        handed.iter_mut().for_each(|hop| self.text(&mut hop.value));
        error.iter_mut().for_each(|refusal| self.refusal(refusal));
        self.settings(main);
        // Nobody shares them yet where they have just been read.
        for drivers in [transports, routers] {
            for EximDriver { name: _, driver: _, origin: _, options } in Arc::make_mut(drivers) {
                self.settings(options);
            }
        }
    }

    /// Entries of maps are masked where they are written: see [`Text`].
    fn cpanel(&self, cpanel: &mut Cpanel) {
        let Cpanel {
            version: _,
            host,
            shared_ip: _,
            main_ip: _,
            nat: _,
            mailips: _,
            mailhelo: _,
            reverse: _,
            userdomains: _,
            userips: _,
            localdomains: _,
            remotedomains: _,
            secondarymx: _,
            flags: _,
            localopts,
            files: _,
        } = cpanel;
        host.iter_mut().for_each(|fact| self.text(&mut fact.value));
        for (name, fact) in localopts {
            let shown = secret::value(name, &fact.value).into_owned();
            fact.value = shown;
            self.text(&mut fact.value);
        }
    }

    fn path(&self, path: &mut OutboundPath) {
        let OutboundPath {
            id: _,
            mta: _,
            services: _,
            family: _,
            source: _,
            bound: _,
            source_undecided,
            sending: _,
            helo,
            helo_is_global: _,
            sender_domains: _,
            relayed,
            unused: _,
            handed_over: _,
        } = path;
        source_undecided.iter_mut().for_each(|open| self.undecided(open));
        self.helo(helo);
        relayed.iter_mut().for_each(|hop| self.next_hop(hop));
    }

    fn sender(&self, sender: &mut Sender) {
        let Sender {
            mta: _,
            service: _,
            family: _,
            bind,
            helo,
            helo_is_global: _,
            sender_domains: _,
            next_hop,
            unused: _,
        } = sender;
        match bind {
            Bind::Kernel | Bind::Address { .. } => {}
            Bind::Unusable { parameter: _, value, then: _ } => self.text(&mut value.value),
            Bind::Undecided(open) => self.undecided(open),
        }
        self.helo(helo);
        match next_hop {
            NextHop::Direct | NextHop::Here => {}
            NextHop::Relay(hop) | NextHop::Handed(hop) => self.next_hop(hop),
        }
    }

    fn helo(&self, helo: &mut Helo) {
        match helo {
            // It goes out to everybody.
            Helo::None | Helo::Known(_) | Helo::FollowsPtr { .. } => {}
            Helo::Undecided(open) => self.undecided(open),
        }
    }

    fn next_hop(&self, hop: &mut Arc<Fact<String>>) {
        if let std::borrow::Cow::Owned(masked) = self.known.mask(&hop.value) {
            *hop = Arc::new(hop.with(masked));
        }
    }

    fn undecided(&self, open: &mut Undecided) {
        let Undecided { parameter: _, why, origin: _ } = open;
        self.text(why);
    }

    fn problem(&self, problem: &mut Problem) {
        let Problem { kind, mta: _, file: _, origin: _, message, related, correction } = problem;
        self.text(message);
        correction.iter_mut().for_each(|(old, new)| [old, new].into_iter().for_each(|text| self.text(text)));
        related.iter_mut().for_each(|(_, label)| self.text(label));
        match kind {
            ProblemKind::Uncompiled { table } => self.text(table),
            ProblemKind::Repeated { name } | ProblemKind::Undefined { name } => self.text(name),
            ProblemKind::Unused { service } | ProblemKind::ServiceRepeated { service } => self.text(service),
            ProblemKind::Syntax { .. }
            | ProblemKind::Unreadable { .. }
            | ProblemKind::Denied
            | ProblemKind::Swallowed
            | ProblemKind::NotGenerated
            | ProblemKind::ChrootCopy
            | ProblemKind::Bounded
            | ProblemKind::MapLine
            | ProblemKind::MapMissing
            | ProblemKind::UnknownName { .. } => {}
        }
    }
}
