//! Which options Exim knows, and of what type each is: the runtime options of 4.96 as `exim -bP` lists them, with those that
//! other builds and the releases from 4.92 to 4.99 have (`OptionLists` and `NewStuff` of the sources). An option that only some
//! releases or builds know is taken as known.

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `name`, `no_name`, or `name = true`.
    Boolean,
    /// A string, quoted or not.
    Text,
    /// An interval, such as `5m`.
    Time,
    /// An integer, with `K`, `M`, `G` or `T`.
    Integer,
    /// An octal integer.
    Octal,
    /// A user, looked up when the file is read unless it is expanded later.
    User,
    /// A list of such users.
    Users,
    /// A group, looked up likewise.
    Group,
    /// A string that may be set several times; the values are joined.
    Repeatable,
    /// Anything: its type differs between releases.
    Other,
}

type Group = (Kind, &'static str);

/// Main options.
const MAIN: &[Group] = &[
    (
        Kind::Boolean,
        "accept_8bitmime allow_domain_literals allow_mx_to_ip allow_utf8_domains bounce_return_body \
        bounce_return_message check_rfc2047_length commandline_checks_require_admin debug_store \
        deliver_drop_privilege delivery_date_remove disable_ipv6 dkim_verify_minimal dns_csa_use_reverse \
        drop_cr envelope_to_remove extract_addresses_remove_arguments gnutls_allow_auto_pkcs11 \
        gnutls_compat_mode ignore_fromline_local local_from_check local_sender_retain log_timezone \
        message_body_newlines message_logs move_frozen_messages mua_wrapper prdr_enable \
        preserve_message_logs print_topbitchars prod_requires_admin queue_fast_ramp \
        queue_list_requires_admin queue_only queue_only_load_latch queue_only_override queue_run_in_order \
        recipients_max_reject return_path_remove smtp_accept_keepalive smtp_check_spool_space \
        smtp_enforce_sync smtp_etrn_serialize smtp_return_error_details split_spool_directory \
        spool_wireformat strict_acl_vars strip_excess_angle_brackets strip_trailing_dot syslog_duplication \
        syslog_pid syslog_timestamp tcp_nodelay tls_remember_esmtp write_rejectlog",
    ),
    (
        Kind::Text,
        "acl_not_smtp acl_not_smtp_start acl_smtp_auth acl_smtp_connect acl_smtp_data acl_smtp_data_prdr \
        acl_smtp_dkim acl_smtp_etrn acl_smtp_expn acl_smtp_helo acl_smtp_mail acl_smtp_mailauth \
        acl_smtp_notquit acl_smtp_predata acl_smtp_quit acl_smtp_rcpt acl_smtp_starttls acl_smtp_vrfy \
        add_environment admin_groups auth_advertise_hosts bi_command bounce_message_file bounce_message_text \
        bounce_sender_authentication callout_random_local_part chunking_advertise_hosts daemon_smtp_ports \
        delay_warning_condition dkim_verify_hashes dkim_verify_keytypes dkim_verify_min_keysizes \
        dkim_verify_signers dns_again_means_nonexist dns_check_names_pattern dns_ipv4_lookup dns_trust_aa \
        dsn_advertise_hosts dsn_from errors_copy errors_reply_to event_action exim_path \
        extra_local_interfaces freeze_tell gecos_name gecos_pattern headers_charset helo_accept_junk_hosts \
        helo_allow_chars helo_lookup_domains helo_try_verify_hosts helo_verify_hosts hold_domains \
        host_lookup host_lookup_order host_reject_connection hosts_connection_nolog hosts_require_alpn \
        hosts_require_helo hosts_treat_as_local ignore_fromline_hosts keep_environment local_from_prefix \
        local_from_suffix local_interfaces local_scan_path localhost_number log_file_path log_selector \
        message_id_header_domain message_id_header_text notifier_socket openssl_options \
        message_size_limit percent_hack_domains pid_file_path pipelining_advertise_hosts pipelining_connect_advertise_hosts \
        primary_hostname process_log_path qualify_domain qualify_recipient queue_domains queue_only_file queue_run_max \
        queue_smtp_domains received_header_text recipient_unqualified_hosts remote_sort_domains \
        rfc1413_hosts sender_unqualified_hosts smtp_accept_max_nonmail_hosts smtp_accept_max_per_host \
        smtp_active_hostname smtp_banner smtp_etrn_command smtp_ratelimit_hosts smtp_ratelimit_mail \
        smtp_ratelimit_rcpt smtp_reserve_hosts smtputf8_advertise_hosts spool_directory syslog_facility \
        syslog_processname system_filter system_filter_directory_transport system_filter_file_transport \
        system_filter_group system_filter_pipe_transport system_filter_reply_transport timezone \
        tls_advertise_hosts tls_alpn tls_certificate tls_crl tls_dhparam tls_eccurve tls_ocsp_file \
        tls_on_connect_ports tls_privatekey tls_require_ciphers tls_resumption_hosts tls_try_verify_hosts \
        tls_verify_certificates tls_verify_hosts trusted_groups unknown_login unknown_username \
        untrusted_set_sender uucp_from_pattern uucp_from_sender warn_message_file",
    ),
    (
        Kind::Time,
        "auto_thaw callout_domain_negative_expire callout_domain_positive_expire callout_negative_expire \
        callout_positive_expire daemon_startup_sleep dns_retrans ignore_bounce_errors_after keep_malformed \
        local_scan_timeout receive_timeout retry_data_expire retry_interval_max rfc1413_query_timeout \
        smtp_receive_timeout timeout_frozen_after",
    ),
    (
        Kind::Integer,
        "bounce_return_linesize_limit bounce_return_size_limit check_log_inodes check_log_space \
        check_spool_inodes check_spool_space daemon_startup_retries dns_cname_loops dns_csa_search_limit \
        dns_dnssec_ok dns_retry dns_use_edns0 finduser_retries header_line_maxsize header_maxsize \
        lookup_open_max max_username_length message_body_visible \
        received_headers_max recipients_max remote_max_parallel slow_lookup_log smtp_accept_max \
        smtp_accept_max_nonmail smtp_accept_max_per_connection smtp_accept_queue \
        smtp_accept_queue_per_connection smtp_accept_reserve smtp_backlog_monitor smtp_connect_backlog \
        smtp_max_synprot_errors smtp_max_unknown_commands tls_dh_max_bits",
    ),
    (Kind::User, "exim_user system_filter_user"),
    (Kind::Users, "never_users trusted_users"),
    (
        Kind::Other,
        "acl_not_smtp_mime acl_smtp_atrn acl_smtp_mime acl_smtp_wellknown allow_insecure_tainted_data arc_sign atrn_domains atrn_host auth_mechanisms \
        av_scanner bmi_config_file daemon_modules_load daemon_smtp_port dcc_direct_add_header dccifd_address \
        dccifd_options delay_warning deliver_queue_load_max disable_fsync dmarc_forensic_sender \
        dmarc_history_file dmarc_tld_file exim_group exim_version expand_level_test gnutls_enable_pkcs11 \
        gnutls_require_kx gnutls_require_mac gnutls_require_protocols hosts_proxy ibase_servers \
        ldap_ca_cert_dir ldap_ca_cert_file ldap_cert_file ldap_cert_key ldap_cipher_suite \
        ldap_default_servers ldap_require_cert ldap_start_tls ldap_version limits_advertise_hosts log_ports \
        malware_scanner mysql_servers oracle_servers panic_coredump perl_at_start perl_at_startup perl_startup \
        perl_taintmode pgsql_servers proxy_protocol_timeout queue_only_load redis_servers return_size_limit \
        sender_host_reject_recipients smtp_load_reserve spamd_address spf_guess \
        spf_smtp_comment_template sqlite_dbfile sqlite_lock_timeout srs_config srs_hashlength srs_hashmin \
        srs_maxage srs_secrets srs_usehash srs_usetimestamp tls_sni tls_ticket_lifetime \
        tls_verify_cert_hostnames tpda_event_action wellknown_advertise_hosts xclient_advertise_hosts",
    ),
];

/// Options that every transport takes, whatever its driver.
const TRANSPORT: &[Group] = &[
    (
        Kind::Boolean,
        "body_only delivery_date_add disable_logging envelope_to_add headers_only initgroups \
        rcpt_include_affixes retry_use_local_part return_path_add",
    ),
    (
        Kind::Text,
        "current_directory debug_print driver event_action headers_rewrite home_directory max_parallel \
        message_size_limit return_path shadow_condition shadow_transport transport_filter",
    ),
    (Kind::Time, "transport_filter_timeout"),
    (Kind::User, "user"),
    (Kind::Group, "group"),
    (Kind::Other, "tpda_event_action"),
    (Kind::Repeatable, "headers_add headers_remove"),
];

/// Options that every router takes.
const ROUTER: &[Group] = &[
    (
        Kind::Boolean,
        "address_test caseful_local_part check_local_user disable_logging dsn_lasthop expn \
        fail_verify fail_verify_recipient fail_verify_sender initgroups local_part_prefix_optional \
        local_part_suffix_optional log_as_local more pass_on_timeout retry_use_local_part unseen verify_only \
        verify verify_recipient verify_sender",
    ),
    (
        Kind::Text,
        "address_data cannot_route_message debug_print dnssec_request_domains dnssec_require_domains domains \
        driver errors_to fallback_hosts ignore_target_hosts local_part_prefix local_part_suffix \
        local_parts pass_router redirect_router require_files router_home_directory self senders transport \
        transport_current_directory transport_home_directory",
    ),
    (Kind::User, "user"),
    (Kind::Group, "group"),
    (Kind::Repeatable, "condition headers_add headers_remove set"),
];

/// Options of the `appendfile` transport.
const TRANSPORT_APPENDFILE: &[Group] = &[
    (
        Kind::Boolean,
        "allow_fifo allow_symlink check_group check_owner create_directory file_must_exist maildir_format \
        maildir_use_size_file mailstore_format mode_fail_narrower notify_comsat quota_is_inclusive use_bsmtp \
        use_crlf use_fcntl_lock use_flock_lock use_lockfile",
    ),
    (
        Kind::Text,
        "batch_id check_string create_file directory directory_file escape_string file file_format \
        mailbox_filecount mailbox_size maildir_quota_directory_regex maildir_tag maildirfolder_create_regex \
        mailstore_prefix mailstore_suffix message_prefix message_suffix quota quota_directory \
        quota_filecount quota_size_regex quota_warn_message quota_warn_threshold",
    ),
    (Kind::Time, "lock_fcntl_timeout lock_flock_timeout lock_interval lockfile_timeout"),
    (Kind::Integer, "batch_max lock_retries maildir_retries"),
    (Kind::Octal, "directory_mode lockfile_mode mode"),
    (Kind::Other, "mbx_format use_mbx_lock"),
];

/// Options of the `autoreply` transport.
const TRANSPORT_AUTOREPLY: &[Group] = &[
    (Kind::Boolean, "file_expand file_optional return_message"),
    (Kind::Text, "bcc cc file from headers log never_mail once once_repeat reply_to subject text to"),
    (Kind::Integer, "once_file_size"),
    (Kind::Octal, "mode"),
];

/// Options of the `lmtp` transport.
const TRANSPORT_LMTP: &[Group] = &[
    (Kind::Boolean, "ignore_quota"),
    (Kind::Text, "batch_id command socket"),
    (Kind::Time, "timeout"),
    (Kind::Integer, "batch_max"),
];

/// Options of the `pipe` transport.
const TRANSPORT_PIPE: &[Group] = &[
    (
        Kind::Boolean,
        "force_command freeze_exec_fail freeze_signal ignore_status log_defer_output log_fail_output \
        log_output permit_coredump pipe_as_creator restrict_to_path return_fail_output return_output \
        timeout_defer use_bsmtp use_crlf use_shell",
    ),
    (
        Kind::Text,
        "allow_commands batch_id check_string command environment escape_string message_prefix message_suffix \
        path temp_errors",
    ),
    (Kind::Time, "timeout"),
    (Kind::Integer, "batch_max max_output"),
    (Kind::Octal, "umask"),
];

/// Options of the `smtp` transport.
const TRANSPORT_SMTP: &[Group] = &[
    (
        Kind::Boolean,
        "authenticated_sender_force delay_after_cutoff dns_qualify_single dns_search_parents gethostbyname \
        hosts_override keepalive lmtp_ignore_quota retry_include_ip_address tls_tempfail_tryclear",
    ),
    (
        Kind::Text,
        "authenticated_sender dkim_canon dkim_domain dkim_hash dkim_identity dkim_private_key dkim_selector \
        dkim_sign_headers dkim_timestamps dnssec_request_domains dnssec_require_domains dscp fallback_hosts \
        helo_data hosts hosts_avoid_esmtp hosts_avoid_pipelining hosts_avoid_tls hosts_nopass_tls \
        hosts_pipe_connect hosts_require_alpn hosts_require_auth hosts_require_dane hosts_require_ocsp \
        hosts_require_tls hosts_try_auth hosts_try_chunking hosts_try_dane hosts_try_fastopen hosts_try_prdr \
        hosts_verify_avoid_tls interface port protocol serialize_hosts socks_proxy tls_alpn tls_certificate \
        tls_crl tls_privatekey tls_require_ciphers tls_resumption_hosts tls_sni tls_try_verify_hosts \
        tls_verify_cert_hostnames tls_verify_certificates tls_verify_hosts",
    ),
    (Kind::Time, "command_timeout connect_timeout data_timeout final_timeout"),
    (Kind::Integer, "connection_max_messages hosts_max_try hosts_max_try_hardlimit size_addition"),
    (
        Kind::Other,
        "address_retry_include_sender allow_localhost arc_sign \
        dane_require_tls_ciphers dkim_strict gnutls_require_kx gnutls_require_mac gnutls_require_protocols \
        host_name_extract hosts_noproxy_tls hosts_randomize hosts_request_ocsp max_rcpt \
        message_linelength_limit multi_domain tls_dh_min_bits utf8_downconvert",
    ),
];

/// Options of the `accept` router.
const ROUTER_ACCEPT: &[Group] = &[];

/// Options of the `dnslookup` router.
const ROUTER_DNSLOOKUP: &[Group] = &[
    (Kind::Boolean, "check_secondary_mx qualify_single rewrite_headers same_domain_copy_routing search_parents"),
    (
        Kind::Text,
        "check_srv fail_defer_domains ipv4_only ipv4_prefer mx_domains mx_fail_domains srv_fail_domains \
        widen_domains",
    ),
];

/// Options of the `ipliteral` router.
const ROUTER_IPLITERAL: &[Group] = &[];

/// Options of the `iplookup` router.
const ROUTER_IPLOOKUP: &[Group] = &[
    (Kind::Boolean, "optional"),
    (Kind::Text, "hosts protocol query reroute response_pattern"),
    (Kind::Time, "timeout"),
    (Kind::Integer, "port"),
];

/// Options of the `manualroute` router.
const ROUTER_MANUALROUTE: &[Group] = &[
    (Kind::Boolean, "hosts_randomize same_domain_copy_routing"),
    (Kind::Text, "host_all_ignored host_find_failed route_data route_list"),
];

/// Options of the `queryprogram` router.
const ROUTER_QUERYPROGRAM: &[Group] =
    &[(Kind::Text, "command current_directory"), (Kind::Time, "timeout"), (Kind::Other, "command_group command_user")];

/// Options of the `redirect` router.
const ROUTER_REDIRECT: &[Group] = &[
    (
        Kind::Boolean,
        "allow_defer allow_fail allow_filter allow_freeze check_ancestor check_group check_owner \
        filter_prepend_home forbid_blackhole forbid_exim_filter forbid_file forbid_filter_dlfunc \
        forbid_filter_existstest forbid_filter_logwrite forbid_filter_lookup forbid_filter_perl \
        forbid_filter_readfile forbid_filter_readsocket forbid_filter_reply forbid_filter_run forbid_include \
        forbid_pipe forbid_sieve_filter forbid_smtp_code hide_child_in_errmsg ignore_eacces ignore_enotdir \
        one_time qualify_preserve_domain repeat_use rewrite skip_syntax_errors",
    ),
    (
        Kind::Text,
        "data directory_transport file file_transport include_directory owners owngroups pipe_transport \
        qualify_domain reply_transport sieve_enotify_mailto_owner sieve_subaddress sieve_useraddress \
        sieve_vacation_directory syntax_errors_text syntax_errors_to",
    ),
    (Kind::Octal, "modemask"),
    (Kind::Other, "sieve_inbox srs srs_alias srs_condition srs_dbinsert srs_dbselect"),
];

/// Options that every authenticator takes.
const AUTHENTICATOR: &[Group] = &[(
    Kind::Text,
    "client_condition client_set_id driver public_name server_advertise_condition server_condition server_debug_print \
    server_mail_auth_condition server_set_id",
)];

/// Options of the `cram_md5` authenticator.
const AUTHENTICATOR_CRAM_MD5: &[Group] = &[(Kind::Text, "client_name client_secret server_secret")];

/// Options of the `cyrus_sasl` authenticator.
const AUTHENTICATOR_CYRUS_SASL: &[Group] = &[(Kind::Text, "server_hostname server_mech server_realm server_service")];

/// Options of the `dovecot` authenticator: `server_tls` came and went again.
const AUTHENTICATOR_DOVECOT: &[Group] = &[(Kind::Text, "server_socket"), (Kind::Other, "server_tls")];

/// Options of the `external` authenticator.
const AUTHENTICATOR_EXTERNAL: &[Group] =
    &[(Kind::Text, "client_send server_param2 server_param3"), (Kind::Other, "server_param")];

/// Options of the `gsasl` authenticator.
const AUTHENTICATOR_GSASL: &[Group] = &[
    (Kind::Boolean, "client_channelbinding server_channelbinding"),
    (
        Kind::Text,
        "client_authz client_password client_spassword client_username server_hostname server_key server_mech \
        server_password server_realm server_scram_iter server_scram_salt server_service server_skey server_vault",
    ),
];

/// Options of the `heimdal_gssapi` authenticator.
const AUTHENTICATOR_HEIMDAL: &[Group] = &[(Kind::Text, "server_hostname server_keytab server_service")];

/// Options of the `plaintext` authenticator.
const AUTHENTICATOR_PLAINTEXT: &[Group] =
    &[(Kind::Boolean, "client_ignore_invalid_base64"), (Kind::Text, "client_send server_prompts")];

/// Options of the `spa` authenticator.
const AUTHENTICATOR_SPA: &[Group] = &[(Kind::Text, "client_domain client_password client_username server_password")];

/// Options of the `tls` authenticator.
const AUTHENTICATOR_TLS: &[Group] = &[(Kind::Text, "server_param server_param1 server_param2 server_param3")];

/// A list of options by type.
pub(crate) type Groups = &'static [Group];

/// A class of drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Transports.
    Transport,
    /// Routers.
    Router,
    /// Authenticators.
    Authenticator,
}

impl Class {
    /// `transport`, `router` or `authenticator`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Class::Transport => "transport",
            Class::Router => "router",
            Class::Authenticator => "authenticator",
        }
    }
}

/// The main options.
pub(crate) fn main() -> Groups {
    MAIN
}

/// Options that every driver of a class takes.
pub(crate) fn generic(class: Class) -> Groups {
    match class {
        Class::Transport => TRANSPORT,
        Class::Router => ROUTER,
        Class::Authenticator => AUTHENTICATOR,
    }
}

pub(crate) fn drivers(class: Class) -> &'static [&'static str] {
    match class {
        Class::Transport => &["appendfile", "autoreply", "lmtp", "pipe", "smtp"],
        Class::Router => &["accept", "dnslookup", "ipliteral", "manualroute", "queryprogram", "redirect"],
        Class::Authenticator => &["cram_md5", "external", "plaintext"],
    }
}

/// Options of one driver; `None` where there is no such driver.
pub(crate) fn private(class: Class, driver: &str) -> Option<Groups> {
    Some(match (class, driver) {
        (Class::Transport, "appendfile") => TRANSPORT_APPENDFILE,
        (Class::Transport, "autoreply") => TRANSPORT_AUTOREPLY,
        (Class::Transport, "lmtp") => TRANSPORT_LMTP,
        (Class::Transport, "pipe") => TRANSPORT_PIPE,
        (Class::Transport, "smtp") => TRANSPORT_SMTP,
        (Class::Router, "accept") => ROUTER_ACCEPT,
        (Class::Router, "dnslookup") => ROUTER_DNSLOOKUP,
        (Class::Router, "ipliteral") => ROUTER_IPLITERAL,
        (Class::Router, "manualroute") => ROUTER_MANUALROUTE,
        (Class::Router, "queryprogram") => ROUTER_QUERYPROGRAM,
        (Class::Router, "redirect") => ROUTER_REDIRECT,
        (Class::Router, "iplookup") => ROUTER_IPLOOKUP,
        (Class::Authenticator, "cram_md5") => AUTHENTICATOR_CRAM_MD5,
        (Class::Authenticator, "cyrus_sasl") => AUTHENTICATOR_CYRUS_SASL,
        (Class::Authenticator, "dovecot") => AUTHENTICATOR_DOVECOT,
        (Class::Authenticator, "external") => AUTHENTICATOR_EXTERNAL,
        (Class::Authenticator, "gsasl") => AUTHENTICATOR_GSASL,
        (Class::Authenticator, "heimdal_gssapi") => AUTHENTICATOR_HEIMDAL,
        (Class::Authenticator, "plaintext") => AUTHENTICATOR_PLAINTEXT,
        (Class::Authenticator, "spa") => AUTHENTICATOR_SPA,
        (Class::Authenticator, "tls") => AUTHENTICATOR_TLS,
        _ => return None,
    })
}

/// The type of the option `name` in a list.
pub(crate) fn kind(groups: Groups, name: &str) -> Option<Kind> {
    let fits = |(_, list): &&Group| list.split(' ').any(|known| known == name);
    groups.iter().find(fits).map(|(kind, _)| *kind)
}
