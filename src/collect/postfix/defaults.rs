//! What Postfix takes where main.cf says nothing, and which parameters each program reads, in its order.

use std::sync::OnceLock;

use super::by_name::{ByName, Names};

/// `postconf -d` of Postfix 3.7.
const DEFAULTS: &str = include_str!("defaults.txt");
/// What programs read beside the lists below.
const LOADED: &str = include_str!("loaded.txt");

/// Parameters whose default the host decides.
const HOST_DECIDED: [&str; 4] = ["myhostname", "mydomain", "mynetworks", "config_directory"];

/// Parameters whose `$name` are not Postfix's to expand when it starts (postconf(5)).
pub const UNEXPANDED: [&str; 9] = [
    "default_rbl_reply",
    "smtpd_reject_footer",
    "smtpd_expansion_filter",
    "postscreen_reject_footer",
    "postscreen_expansion_filter",
    "luser_relay",
    "mailbox_command",
    "forward_path",
    "command_execution_directory",
];

/// Endings of the parameters that each service of master.cf brings along (postconf(5), `transport_...`), and the parameter
/// that is their default.
const SERVICE_ENDINGS: [(&str, &str); 17] = [
    ("_time_limit", "command_time_limit"),
    ("_destination_concurrency_limit", "default_destination_concurrency_limit"),
    ("_destination_recipient_limit", "default_destination_recipient_limit"),
    ("_initial_destination_concurrency", "initial_destination_concurrency"),
    ("_destination_concurrency_positive_feedback", "default_destination_concurrency_positive_feedback"),
    ("_destination_concurrency_negative_feedback", "default_destination_concurrency_negative_feedback"),
    ("_destination_concurrency_failed_cohort_limit", "default_destination_concurrency_failed_cohort_limit"),
    ("_destination_rate_delay", "default_destination_rate_delay"),
    ("_transport_rate_delay", "default_transport_rate_delay"),
    ("_recipient_limit", "default_recipient_limit"),
    ("_extra_recipient_limit", "default_extra_recipient_limit"),
    ("_recipient_refill_limit", "default_recipient_refill_limit"),
    ("_recipient_refill_delay", "default_recipient_refill_delay"),
    ("_delivery_slot_cost", "default_delivery_slot_cost"),
    ("_delivery_slot_loan", "default_delivery_slot_loan"),
    ("_delivery_slot_discount", "default_delivery_slot_discount"),
    ("_minimum_delivery_slots", "default_minimum_delivery_slots"),
];

fn table() -> &'static ByName<&'static str, &'static str> {
    static TABLE: OnceLock<ByName<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = DEFAULTS.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(" =")).map(|(name, value)| (name, value.trim_start())).collect()
    })
}

/// The unexpanded default of a parameter, where the host does not decide it.
pub fn default_of(name: &str) -> Option<&'static str> {
    table().get(name).copied()
}

/// Whether Postfix has a parameter of this name.
pub fn is_parameter(name: &str) -> bool {
    HOST_DECIDED.contains(&name) || table().contains_key(name)
}

/// Every parameter that Postfix has.
pub fn all() -> impl Iterator<Item = &'static str> {
    table().keys().copied().chain(HOST_DECIDED)
}

/// The default of a parameter that a service of master.cf brings along.
pub fn service_default(name: &str, is_service: impl Fn(&str) -> bool) -> Option<&'static str> {
    let found = SERVICE_ENDINGS.iter().find(|(ending, _)| name.strip_suffix(ending).is_some_and(&is_service));
    found.map(|(_, default)| *default)
}

/// Whether a program has read the parameter beside [`FIRST`], [`SHARED`] and its [`Program::own_parameters`] when it comes to
/// the last of these. Such a parameter matters only to those who refer to it.
pub fn also_loads(program: Program, name: &str) -> bool {
    [Program::Other, program].into_iter().filter_map(also_loaded).any(|names| names.contains(name))
}

fn also_loaded(program: Program) -> Option<&'static Names<&'static str>> {
    static TABLE: OnceLock<ByName<&'static str, Names<&'static str>>> = OnceLock::new();
    let section = if program == Program::Other { "shared" } else { program.process_name() };
    let table = TABLE.get_or_init(|| {
        let sections = LOADED.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
        sections.map(|(section, names)| (section, names.split_whitespace().collect())).collect()
    });
    table.get(section)
}

/// A program of Postfix, as far as the parameters that it reads matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Program {
    /// The SMTP client.
    Smtp,
    /// The same client under the name that makes it read `lmtp_...` parameters.
    Lmtp,
    /// The SMTP server.
    Smtpd,
    /// What chooses transport and next hop.
    TrivialRewrite,
    /// Any other: it reads what all programs share.
    Other,
}

impl Program {
    /// The program that a command of master.cf runs.
    pub fn of_command(command: &str) -> Program {
        match command.rsplit('/').next().unwrap_or(command) {
            "smtp" => Program::Smtp,
            "lmtp" => Program::Lmtp,
            "smtpd" => Program::Smtpd,
            "trivial-rewrite" => Program::TrivialRewrite,
            _ => Program::Other,
        }
    }

    /// The program that uses a parameter of main.cf.
    pub fn that_reads(parameter: &str) -> Program {
        match parameter {
            _ if SMTP.contains(&parameter) => Program::Smtp,
            _ if LMTP.contains(&parameter) => Program::Lmtp,
            _ if REWRITE.contains(&parameter) => Program::TrivialRewrite,
            _ if parameter.starts_with("smtpd_") => Program::Smtpd,
            _ => Program::Other,
        }
    }

    /// What it reads beyond the shared parameters, in its order.
    pub fn own_parameters(self) -> &'static [&'static str] {
        match self {
            Program::Smtp => &SMTP,
            Program::Lmtp => &LMTP,
            Program::Smtpd => &SMTPD,
            Program::TrivialRewrite => &REWRITE,
            Program::Other => &[],
        }
    }

    /// The name that `$process_name` has in it.
    pub fn process_name(self) -> &'static str {
        match self {
            Program::Smtp => "smtp",
            Program::Lmtp => "lmtp",
            Program::Smtpd => "smtpd",
            Program::TrivialRewrite => "trivial-rewrite",
            Program::Other => "master",
        }
    }
}

/// Read by every program before the host's name is known.
pub const FIRST: [&str; 8] = [
    "compatibility_level",
    "mail_version",
    "syslog_facility",
    "inet_protocols",
    "multi_instance_directories",
    "multi_instance_wrapper",
    "multi_instance_group",
    "multi_instance_name",
];

/// Read by every program once the host's name and domain are known.
pub const SHARED: [&str; 35] = [
    "mail_name",
    "syslog_name",
    "mail_owner",
    "setgid_group",
    "mydestination",
    "myorigin",
    "relayhost",
    "daemon_directory",
    "data_directory",
    "command_directory",
    "meta_directory",
    "shlib_directory",
    "queue_directory",
    "process_id_directory",
    "inet_interfaces",
    "proxy_interfaces",
    "double_bounce_sender",
    "default_privs",
    "alias_database",
    "mail_release_date",
    "default_database_type",
    "hash_queue_names",
    "recipient_delimiter",
    "relay_domains",
    "fast_flush_domains",
    "export_environment",
    "import_environment",
    "mynetworks_style",
    "debug_peer_list",
    "default_verp_delimiters",
    "verp_delimiter_filter",
    "parent_domain_matches_subdomains",
    "alternate_config_directories",
    "bounce_template_file",
    "maillog_file",
];

const SMTP: [&str; 14] = [
    "notify_classes",
    "smtp_fallback_relay",
    "best_mx_transport",
    "error_notice_recipient",
    "smtp_tls_chain_files",
    "smtp_tls_cert_file",
    "smtp_tls_eccert_file",
    "smtp_bind_address",
    "smtp_bind_address6",
    "smtp_helo_name",
    "smtp_host_lookup",
    "smtp_tls_security_level",
    "smtp_address_preference",
    "smtp_bind_address_enforce",
];

const LMTP: [&str; 12] = [
    "notify_classes",
    "lmtp_fallback_relay",
    "best_mx_transport",
    "error_notice_recipient",
    "lmtp_tls_cert_file",
    "lmtp_bind_address",
    "lmtp_bind_address6",
    "lmtp_lhlo_name",
    "lmtp_host_lookup",
    "lmtp_tls_security_level",
    "lmtp_address_preference",
    "lmtp_bind_address_enforce",
];

const SMTPD: [&str; 6] = [
    "smtpd_banner",
    "notify_classes",
    "smtpd_tls_chain_files",
    "smtpd_tls_cert_file",
    "smtpd_tls_key_file",
    "smtpd_tls_eccert_file",
];

const REWRITE: [&str; 7] = [
    "local_transport",
    "virtual_transport",
    "relay_transport",
    "default_transport",
    "transport_maps",
    "sender_dependent_relayhost_maps",
    "sender_dependent_default_transport_maps",
];

/// Parameters that must not be empty: the program that reads them ends (postconf(5)).
pub const NOT_EMPTY: [&str; 13] = [
    "myhostname",
    "mydomain",
    "myorigin",
    "mail_name",
    "syslog_name",
    "mail_owner",
    "smtp_helo_name",
    "lmtp_lhlo_name",
    "smtpd_banner",
    "default_transport",
    "relay_transport",
    "local_transport",
    "virtual_transport",
];

/// Numbers that every program reads.
pub const SHARED_NUMBERS: [&str; 8] = [
    "default_process_limit",
    "max_use",
    "line_length_limit",
    "hash_queue_depth",
    "fork_attempts",
    "deliver_lock_attempts",
    "debug_peer_level",
    "message_size_limit",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_that_a_program_reads_has_a_default() {
        let own = [Program::Smtp, Program::Lmtp, Program::Smtpd, Program::TrivialRewrite].map(Program::own_parameters);
        for name in FIRST.iter().chain(&SHARED).chain(&SHARED_NUMBERS).chain(own.into_iter().flatten()) {
            assert!(default_of(name).is_some(), "{name}");
        }
        for (program, least) in [(Program::Other, 60), (Program::Smtp, 30), (Program::Lmtp, 30), (Program::Smtpd, 30)] {
            let names = also_loaded(program).unwrap();
            assert!(names.len() >= least, "{program:?}");
            assert!(names.iter().all(|name| default_of(name).is_some_and(|value| !value.is_empty())), "{names:?}");
        }
        assert_eq!(default_of("smtp_helo_name"), Some("$myhostname"));
        assert_eq!(default_of("relayhost"), Some(""));
    }
}
