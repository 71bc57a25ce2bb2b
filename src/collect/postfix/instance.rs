//! One instance of Postfix: its parameters, services and senders, and what is wrong with its files.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::Directory;
use super::absent;
use super::check;
use super::compiled::Formats;
use super::defaults::{self, Program};
use super::environment::Environment;
use super::expand::Expander;
use super::idle;
use super::listen;
use super::main_cf::MainCf;
use super::maps;
use super::master_cf::{Entry, MasterCf};
use super::next_hop;
use super::parsed::Parsed;
use super::ports;
use super::postconf::{Postconf, squeeze};
use super::problems::Reporter;
use super::process::{MANUAL, Process, Start, Started};
use super::senders::{self, Client};
use super::services::Services;
use super::trivial_rewrite::Sources;
use super::version::{self, Version};
use crate::collect::confidential::OwnFiles;
use crate::collect::root::{ReadError, Root};
use crate::facts::{
    Fact, ListedDomain, Mta, NextHop, Postfix, PostfixService, Problem, ProblemKind, Refusal, Sender, Setting,
};
use crate::source::SourceFile;

/// Parameters that the snapshot shows: those that bear on identity or route mail.
const SHOWN: [&str; 45] = [
    "myhostname",
    "mydomain",
    "myorigin",
    "smtp_helo_name",
    "smtp_bind_address",
    "smtp_bind_address6",
    "inet_interfaces",
    "inet_protocols",
    "relayhost",
    "proxy_interfaces",
    "smtpd_banner",
    "default_transport",
    "lmtp_lhlo_name",
    "relay_transport",
    "smtp_bind_address_enforce",
    "smtp_address_preference",
    "compatibility_level",
    "mydestination",
    "sender_dependent_relayhost_maps",
    "sender_dependent_default_transport_maps",
    "transport_maps",
    "multi_instance_directories",
    "smtp_tls_cert_file",
    "smtp_tls_chain_files",
    "smtp_tls_eccert_file",
    "smtpd_tls_cert_file",
    "smtpd_tls_chain_files",
    "smtpd_tls_eccert_file",
    "smtp_tls_security_level",
    "alternate_config_directories",
    "lmtp_bind_address",
    "lmtp_bind_address6",
    "lmtp_bind_address_enforce",
    "local_transport",
    "mail_name",
    "multi_instance_name",
    "queue_directory",
    "smtpd_tls_key_file",
    "smtpd_tls_eckey_file",
    "smtpd_tls_wrappermode",
    "smtpd_upstream_proxy_protocol",
    "postscreen_upstream_proxy_protocol",
    "virtual_transport",
    // Under which names services log, and where.
    "syslog_name",
    "maillog_file",
];
/// Folders that packages have Postfix's programs in.
const DAEMON_FOLDERS: [&str; 3] = ["/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix"];
/// Client services that every master.cf has.
const STOCK: [&str; 3] = ["smtp", "relay", "lmtp"];

/// The files of an instance and how it stands to others.
pub(crate) struct Files<'a> {
    /// Its configuration directory.
    pub directory: &'a str,
    /// main.cf.
    pub main: Option<Arc<SourceFile>>,
    /// master.cf.
    pub master: Option<Arc<SourceFile>>,
    /// Why one of them could not be read.
    pub refused: Option<Refusal>,
    /// Whether it is the default instance; the services of others bear their instance's name.
    pub is_default: bool,
    /// Whether postmulti(1) starts it, where it is enabled.
    pub by_wrapper: bool,
}

/// What one instance yields.
pub(crate) struct Instance {
    /// Its facts.
    pub facts: Postfix,
    /// Its ways of sending.
    pub senders: Vec<Sender>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Addresses of `proxy_interfaces`.
    pub proxy_interfaces: Vec<Fact<IpAddr>>,
    /// Folders of other instances that it names.
    pub named: Vec<Directory>,
    /// Domains in the lists of what is delivered here or passed on.
    pub listed_domains: Vec<ListedDomain>,
}

pub(crate) fn read(files: &Files<'_>, root: &Root, env: &Environment<'_>, parsed: &Parsed) -> Instance {
    let expander = Expander::keeping(parsed.values());
    let both: Vec<&Arc<SourceFile>> = files.main.iter().chain(&files.master).collect();
    let secret = parsed.mark_secrets(&both);
    let main = files.main.as_ref().map(MainCf::parse);
    let master = match &files.master {
        Some(file) => parsed.master(file, &secret),
        None => Rc::new(MasterCf::parse(&SourceFile::new(format!("{}/master.cf", files.directory), b""))),
    };
    let (main, master) = (main.as_ref(), &*master);
    let reader = Reader { files, main, master, env, expander: &expander, started: Started::default() };
    reader.instance(root)
}

/// That a service's program is not found where `daemon_directory` says, though the programs are on this host.
fn no_daemons(process: &Process<'_>, env: &Environment<'_>) -> Option<Refusal> {
    let set = process.fact("daemon_directory").filter(|_| process.sets("daemon_directory"))?;
    let is_folder = |path: &str| matches!((env.read)(path), Err(ReadError::NotRegular("a folder")));
    let elsewhere =
        matches!((env.read)(&set.value), Err(ReadError::NotFound)) && DAEMON_FOLDERS.into_iter().any(is_folder);
    elsewhere.then(|| Refusal {
        message: format!("master_spawn: exec {}/...: No such file or directory", set.value),
        origin: set.origin.clone(),
    })
}

struct Reader<'a> {
    files: &'a Files<'a>,
    main: Option<&'a MainCf>,
    master: &'a MasterCf,
    env: &'a Environment<'a>,
    expander: &'a Expander,
    started: Started,
}

impl<'a> Reader<'a> {
    fn start(&self, program: Program, entry: Option<&'a Entry>) -> Process<'a> {
        let start = Start {
            main: self.main,
            directory: self.files.directory,
            program,
            process_name: entry.map_or(program.process_name(), Entry::process_name),
            service_name: entry.map_or(program.process_name(), Entry::name),
            overrides: entry.map_or(&[], |entry| &entry.overrides),
        };
        Process::start(&start, &self.started, self.env, self.expander)
    }

    fn instance(&self, root: &Root) -> Instance {
        let programs = [Program::Smtp, Program::Lmtp, Program::Smtpd, Program::TrivialRewrite, Program::Other];
        let plain: BTreeMap<Program, Process<'a>> =
            programs.into_iter().map(|program| (program, self.start(program, None))).collect();
        let shared = &plain[&Program::Other];
        let mut report = Reporter::new(self.main, self.master);
        report.files();
        report.undefined(&plain, self.expander);
        let disabled = self.main.and_then(|main| main.settings.get("master_service_disable"));
        let disabled = disabled.and_then(|set| shared.expand(self.expander, &set.value, &MANUAL).value);
        let offered = Services::new(self.master, disabled.as_deref().unwrap_or_default());
        let tcp_services = ports::Services::read(root);
        let answers = listen::answers(self.master, &offered, &tcp_services, next_hop::SMTP_PORT);
        let mut error = self.error(shared);
        if error.is_none() {
            let value = |name| shared.value(name).map_or("all", |value| value);
            let deaf = check::words(value("inet_interfaces")).next().is_none()
                && check::families(value("inet_protocols")).is_ok_and(|families| !families.is_empty());
            error = listen::refusal(self.master, &offered, &tcp_services, self.env, deaf);
            error.iter().for_each(|refusal| report.master_refuses(refusal));
        }
        if let Some(refused) = &shared.refused {
            report.refused_by_all(refused);
        }

        let name = shared.value("multi_instance_name").filter(|name| !name.is_empty());
        let folder = self.files.directory.rsplit('/').next().unwrap_or_default();
        let prefix = match self.files.is_default {
            true => String::new(),
            false => format!("{}/", name.map_or(folder, |name| name)),
        };
        let rewrite_entry = self.master.live().find(|entry| entry.process_name() == "trivial-rewrite");
        let rewrite = self.start(Program::TrivialRewrite, rewrite_entry);
        let installed = version::set(self.main).or_else(|| self.env.version.clone());
        let version = installed.as_ref().and_then(|fact| Version::parse(&fact.value));
        let formats = Formats::read(root, self.main, version);
        let own = OwnFiles::of_postfix(root, [self.files.directory]).without_passwords(self.password_tables());
        let sources = Sources {
            rewrite: &rewrite,
            main: self.main,
            master: self.master,
            root,
            files: &own,
            formats: &formats,
            expander: self.expander,
        };
        let mut routes = if error.is_none() { sources.routes() } else { Default::default() };
        let uncompiled =
            |problem: &Problem| matches!(problem.kind, ProblemKind::Uncompiled { .. }).then(|| problem.file.clone());
        // What such a table's text says is read by nobody yet.
        let unread: BTreeSet<String> = routes.problems.iter().filter_map(uncompiled).collect();
        report.add(std::mem::take(&mut routes.problems));
        let relayhost = rewrite.fact("relayhost").filter(|value| !value.value.is_empty());
        // An instance that the wrapper does not start sends nothing unless someone starts it by hand.
        let stopped = self.files.by_wrapper && !self.is_enabled();

        let mut senders: Vec<Sender> = Vec::new();
        let mut services = Vec::new();
        // Whether something keeps mail from leaving that is not meant to.
        let mut broken = false;
        for (index, entry) in self.master.entries.iter().enumerate() {
            // One at a time: master.cf may have any number of entries.
            let process = &self.start(Program::of_command(entry.command()), Some(entry));
            let replaced = self.master.replaced_by(index);
            let mut refusal = entry.error.clone();
            refusal = refusal.or_else(|| no_daemons(process, self.env));
            if let (None, Some(refused), None) = (&refusal, &process.refused, &shared.refused) {
                refusal = Some(Refusal { message: refused.message.clone(), origin: refused.origin.clone() });
            }
            if error.is_none() && replaced.is_none() {
                if let Some(refusal) = &refusal {
                    report.daemon_refuses(entry, refusal);
                }
                report.undefined_overrides(entry, process, self.expander);
            }
            let program = Program::of_command(entry.command());
            let is_client = matches!(program, Program::Smtp | Program::Lmtp) && entry.kind() == "unix";
            let mut sends = false;
            let counts = is_client && replaced.is_none() && error.is_none() && !offered.is_disabled(entry);
            if counts && refusal.is_none() {
                let label = format!("{prefix}{}", entry.name());
                let client = Client { entry, process, label: label.clone(), program, version, answers };
                let found = client.senders(&routes, relayhost.as_ref(), &tcp_services, self.env, self.expander);
                let is_read = |refused: &&senders::Refused| {
                    refused.hop.origin.span().is_none_or(|span| !unread.contains(span.path()))
                };
                for refused in found.refused.iter().filter(is_read) {
                    report.next_hop_refused(entry, refused);
                }
                broken |= !found.refused.is_empty();
                let own = found.senders.into_iter();
                senders.extend(own.map(|sender| Sender { unused: sender.unused || stopped, ..sender }));
                refusal = client.bind_refusal().map(|(message, origin)| Refusal { message, origin });
                if let Some(own) = client.loop_refusal(&senders, self.env) {
                    report.daemon_refuses(entry, &own);
                    refusal = refusal.or(Some(own));
                }
                sends = !client.is_unused(&routes) && !stopped;
                if client.is_unused(&routes) && !STOCK.contains(&entry.name()) {
                    report.unused(entry, &label, routes.passed_over.get(entry.name()));
                }
                report.chroot(entry, process, root);
            }
            if error.is_none() && replaced.is_none() && entry.kind() != "inet" && !offered.is_disabled(entry) {
                report.add(absent::problems(entry, process, sends, sources.place(), self.expander));
            }
            broken |= counts && refusal.is_some();
            let overrides = entry
                .overrides
                .iter()
                .map(|(name, value)| (name.clone(), process.expand(self.expander, &value.value, &value.origin)));
            services.push(PostfixService {
                name: entry.name().to_owned(),
                kind: entry.kind().to_owned(),
                command: entry.command().to_owned(),
                origin: entry.span.clone().into(),
                overrides: overrides.collect(),
                error: refusal,
                off: replaced.is_some() || stopped || offered.is_disabled(entry),
            });
        }

        let leaves = |sender: &Sender| matches!(sender.next_hop, NextHop::Direct | NextHop::Relay(_));
        let sends = senders.iter().any(|sender| !sender.unused && leaves(sender));
        if !sends && !stopped {
            // Where nothing leaves, what every master.cf has is nobody's identity.
            let is_stock = |sender: &Sender| STOCK.iter().any(|name| *sender.service == *format!("{prefix}{name}"));
            senders.retain(|sender| !(sender.unused && is_stock(sender)));
        }
        // Of services that were not kept nobody knows whether they are there.
        let missing = if self.master.bounded.is_some() { Default::default() } else { routes.missing(&offered) };
        let piped: Vec<Fact<String>> = routes.piped(&offered).collect();
        let handed = senders.iter().any(|sender| !sender.unused && matches!(sender.next_hop, NextHop::Handed(_)));
        broken |= error.is_some() || !missing.is_empty() || routes.undecided;
        let idle = idle::Sources { main: self.main, master: self.master, process: &rewrite, expander: self.expander };
        let mut idle_settings = Vec::new();
        if error.is_none() {
            idle_settings.extend(idle.of_other_programs());
            idle_settings.extend(installed.iter().flat_map(|installed| idle.of_later_versions(installed, version)));
            idle_settings.extend(idle.behind_a_refusal(&offered));
        }
        self.bounded(routes.cut, &mut report);
        if error.is_none() {
            report.add(self.doubtful_interfaces(shared).into_iter().collect());
        }
        let proxies = shared.fact("proxy_interfaces");
        let proxy_interfaces = proxies.iter().flat_map(|fact| {
            check::words(&fact.value).filter_map(|word| {
                let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
                Some(fact.with(bare.parse().ok()?))
            })
        });
        let warnings = self
            .main
            .iter()
            .flat_map(|main| main.dropped.iter().chain(&main.warnings))
            .chain(&self.master.warnings)
            .cloned();
        Instance {
            proxy_interfaces: proxy_interfaces.collect(),
            named: self.named(),
            listed_domains: std::mem::take(&mut routes.listed_domains),
            facts: Postfix {
                config_directory: self.files.directory.to_owned(),
                error,
                warnings: warnings.collect(),
                parameters: self.parameters(&plain),
                services,
                version: installed,
                mail_origin: idle.mail_origin(shared),
                missing_services: missing,
                outdated_tables: routes.outdated,
                open_lists: routes.open_lists,
                idle_settings,
                sends_nothing: !(sends || handed || !piped.is_empty() || stopped || broken),
                piped,
            },
            senders,
            problems: report.problems,
        }
    }

    /// The limits of helolint's own that ended the reading, or an expansion.
    fn bounded(&self, routes_cut: bool, report: &mut Reporter<'_>) {
        let bounded = |name: &str, what: &str| {
            let message = format!("{what}: what follows from the rest is not known");
            Problem::of_file(ProblemKind::Bounded, &format!("{}/{name}", self.files.directory), None, message)
        };
        let mut found = Vec::new();
        found.extend(self.expander.bounded().map(|limit| bounded("main.cf", limit)));
        found.extend(self.master.bounded.map(|limit| bounded("master.cf", limit)));
        found.extend(routes_cut.then(|| bounded("main.cf", "its tables name more routes than helolint keeps")));
        report.add(found);
    }

    /// A name in `inet_interfaces` that no file has: without it in the DNS, every program ends.
    fn doubtful_interfaces(&self, shared: &Process<'_>) -> Option<Problem> {
        let set = shared.fact("inet_interfaces")?;
        let families = check::families(shared.value("inet_protocols")?).ok()?;
        let Ok(check::OwnAddresses::Undecided(name)) = check::own_addresses(&set.value, &families, self.env) else {
            return None;
        };
        let message = format!(
            "config variable inet_interfaces: host not found: {name}, unless the DNS has the name, which no file of this host does: every \
             Postfix program asks for it when it starts, and ends where there is none"
        );
        Some(Problem::at(ProblemKind::UnknownName { mta: Mta::Postfix }, set.origin, message))
    }

    /// What makes Postfix refuse everything.
    fn error(&self, shared: &Process<'_>) -> Option<Refusal> {
        let main = self.files.refused.clone().or_else(|| self.main.and_then(|main| main.error.clone()));
        let refused =
            || shared.refused.as_ref().map(|r| Refusal { message: r.message.clone(), origin: r.origin.clone() });
        main.or_else(refused).or_else(|| self.master.error.clone())
    }

    fn is_enabled(&self) -> bool {
        let set = self.main.and_then(|main| main.settings.get("multi_instance_enable"));
        set.is_some_and(|set| set.value.eq_ignore_ascii_case("yes"))
    }

    /// Other instances' folders: read as written, as Postfix's own set-gid programs do.
    fn named(&self) -> Vec<Directory> {
        let mut found = Vec::new();
        for name in ["multi_instance_directories", "alternate_config_directories"] {
            let Some(set) = self.main.and_then(|main| main.settings.get(name)) else { continue };
            let folders = check::words(&set.value).filter(|word| word.starts_with('/'));
            found.extend(folders.map(|folder| Directory {
                path: folder.trim_end_matches('/').to_owned(),
                named_by: Some(set.span.clone().into()),
                by_wrapper: name == "multi_instance_directories",
            }));
        }
        found
    }

    /// The files of tables that hold passwords, by the name of the parameter: whatever else reads them, they are not told.
    fn password_tables(&self) -> Vec<String> {
        let main = self.main.iter().flat_map(|main| main.settings.iter()).map(|(name, set)| (name, &set.value));
        let master =
            self.master.entries.iter().flat_map(|entry| &entry.overrides).map(|(name, set)| (name, &set.value));
        let named = main.chain(master).filter(|(name, _)| name.ends_with("password_maps"));
        let directory = ["${config_directory}", "$(config_directory)", "$config_directory"];
        named
            .flat_map(|(_, tables)| {
                let tables =
                    directory.iter().fold(tables.clone(), |text, name| text.replace(name, self.files.directory));
                maps::files(&tables, self.files.directory)
            })
            .map(|(_, file)| file)
            .collect()
    }

    fn parameters(&self, plain: &BTreeMap<Program, Process<'a>>) -> BTreeMap<String, Setting> {
        let postconf = Postconf::new(self.main, Some(self.master), self.files.directory, self.env, self.expander);
        let unread = self.files.refused.as_ref().filter(|_| self.main.is_none());
        let refused = unread.or_else(|| self.main.and_then(|main| main.error.as_ref()));
        let mut parameters = BTreeMap::new();
        for name in SHOWN {
            let setting = match (refused, plain.get(&Program::that_reads(name))) {
                (Some(error), _) => Setting::undecided(format!("Postfix refuses main.cf: {}", error.message), MANUAL),
                (None, Some(process)) => {
                    let mut setting = process.setting(name);
                    let shown = postconf.exact(name, self.expander).ok().map(|value| squeeze(&value));
                    setting.postconf = shown.filter(|shown| setting.value.as_ref() != Some(shown));
                    setting
                }
                (None, None) => continue,
            };
            parameters.insert(name.to_owned(), setting);
        }
        debug_assert!(SHOWN.iter().all(|name| defaults::is_parameter(name)));
        parameters
    }
}
