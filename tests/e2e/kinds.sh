# Kinds of settings by which mail leaves in another way than it seems, or not at all: what the real MTAs do, and what helolint says.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}"

# Judges the host postfix and asks that the report has a finding. usage: postfix_finds CODE TEXT
postfix_finds() {
    judge 30 "$work/report.json" on postfix helolint check --format json
    holds "$work/report.json" "[f for f in r['findings'] if f['code'] == '$1' and '$2' in f['message']]"
}

# Whether Postfix's log has a text.
postfix_logs() { grep -qF -- "$1" "$work/postfix/root/var/log/mail.log"; }

# Whether the queue is empty.
queue_is_empty() { [ -z "$(on postfix postqueue -j)" ]; }

# Kinds of settings by which mail stays on this host.
mail_that_stays() {
    say "  a next hop that the client cannot parse"
    on postfix postconf -e 'relayhost=[198.51.100.25]587'
    restart_postfix
    send_one postfix example.com v4
    eventually 45 "the message is deferred" is_deferred postfix bob@v4.example.net
    postfix_finds CFG001 'garbage after "]"'
    on postfix postsuper -d ALL >/dev/null 2>&1
    on postfix postconf -X relayhost

    say "  a service that does not exist"
    on postfix postconf -e 'sender_dependent_default_transport_maps=inline:{ { @example.com = outt: } }'
    restart_postfix
    send_one postfix example.com v4
    eventually 45 "the message is deferred" is_deferred postfix bob@v4.example.net
    postfix_finds CFG017 outt
    on postfix postsuper -d ALL >/dev/null 2>&1
    on postfix postconf -X sender_dependent_default_transport_maps

    say "  a value that the client does not take"
    on postfix postconf -e 'smtp_connect_timeout=30 s'
    restart_postfix
    send_one postfix example.com v4
    eventually 45 "the client refuses it" postfix_logs 'bad time value or unit: 30 s'
    postfix_finds CFG001 'bad time value or unit: 30 s'
    on postfix postsuper -d ALL >/dev/null 2>&1
    on postfix postconf -X smtp_connect_timeout

    say "  nothing is sent: default_transport = error"
    on postfix postconf -e 'default_transport=error' 'relay_transport=error'
    restart_postfix
    : >"$records"
    send_one postfix example.com v4
    eventually 45 "the message bounces" queue_is_empty
    judge 30 "$work/report.json" on postfix helolint check --format json
    holds "$work/report.json" 'not [p for p in r["paths"] if not p["unused"]] and not [f for f in r["findings"] if f["severity"] == "error"]'
    [ ! -s "$records" ] || die "mail reached the sink"

    say "  everything is handed to a program"
    on postfix postconf -M "out/unix=out unix - n n - - pipe user=nobody argv=/bin/true"
    on postfix postconf -e 'default_transport=out' 'relay_transport=out'
    restart_postfix
    send_one postfix example.com v4
    eventually 45 "the program takes it" queue_is_empty
    postfix_finds CFG019 out
    [ ! -s "$records" ] || die "mail reached the sink"
    on postfix postconf -X default_transport relay_transport
    on postfix postconf -MX out/unix

    say "  a source address of the server's entry: no effect"
    on postfix postconf -P smtp/inet/smtp_bind_address=203.0.113.12
    restart_postfix
    send_all postfix example.com
    paths_agree postfix
    on postfix postconf -PX smtp/inet/smtp_bind_address

    say "  a file of myorigin that is missing"
    on postfix postconf -e myorigin=/etc/nosuch
    ! on postfix postfix check >"$work/refusal" 2>&1 || die "Postfix takes it"
    postfix_finds CFG001 '/etc/nosuch: cannot open file'
    on postfix postconf -e myorigin=/etc/mailname

    say "  an address of master.cf that is not this host's"
    on postfix postfix stop >/dev/null 2>&1 || true
    on postfix postconf -M "203.0.113.99:2525/inet=203.0.113.99:2525 inet n - n - - smtpd"
    on postfix postfix start >"$work/refusal" 2>&1 || true
    eventually 10 "the master ends" master_is_gone
    postfix_finds CFG001 'bind 203.0.113.99 port 2525: Cannot assign requested address'
    on postfix postconf -MX 203.0.113.99:2525/inet
}

master_is_gone() { ! on postfix postfix status; }

# Whether Exim keeps a message, and the log says why. usage: exim_keeps TEXT
exim_keeps() { [ "$(on exim exim4 -bpc)" -gt 0 ] && grep -qF "$1" "$work/exim/root/var/log/exim4/mainlog"; }

# Gives Exim the file of this case, changed. usage: exim_with SED_EXPRESSION
exim_with() {
    sed "$1" "$here/exim4.conf" >"$work/exim/root/etc/exim4/exim4.conf"
    restart_exim
}

# Kinds of settings that decide how mail leaves, or whether it does.
exim_kinds() {
    local conf=$1
    say "  the HELO name follows the PTR name of the address that is bound"
    # shellcheck disable=SC2016  # Exim expands it
    exim_with '/^remote_smtp:/,/^$/s/driver = smtp/&\n  interface = <; 203.0.113.11 ; 2001:db8:25::26\n  helo_data = ${lookup dnsdb{ptr=$sending_ip_address}{$value}{$primary_hostname}}/'
    send_all exim example.com news.example.com
    paths_are_true exim
    helo_is remote_smtp out.example.com

    say "  a smarthost's router that never runs, and one that a condition on the sender's domain chooses"
    # shellcheck disable=SC2016
    exim_with '/^begin routers/a smart:\n  driver = manualroute\n  condition = ${if exists{/etc/none}}\n  route_list = * 198.51.100.99\n  transport = remote_smtp\n
        s/^  senders = .*/  condition = ${if eq{$sender_address_domain}{news.example.com}}/'
    send_all exim example.com news.example.com
    paths_are_true exim
    helo_is remote_news news.example.com

    say "  a condition that files do not decide, with two branches alike"
    # shellcheck disable=SC2016
    exim_with '/^remote_smtp:/,/^$/s/driver = smtp/&\n  helo_data = ${if def:h_x-own:{mail.example.com}{mail.example.com}}/'
    send_all exim example.com news.example.com
    paths_are_true exim

    say "  the name of a file from the message"
    # shellcheck disable=SC2016
    exim_with '/^remote_smtp:/,/^$/s/driver = smtp/&\n  helo_data = ${lookup{x}lsearch{\/etc\/$sender_address_domain}{$value}{mail.example.com}}/'
    send_one exim example.com v4
    eventually 30 "the message is deferred" exim_keeps "Tainted"
    judge 30 "$work/report.json" on exim helolint check --format json
    holds "$work/report.json" '[f for f in r["findings"] if f["code"] == "CFG001" and "Tainted" in f["message"]]'
    on exim sh -c 'exim4 -Mrm $(exim4 -bp | sed -n "s/^ *[0-9]*[mhd] *[0-9.K]* *\([^ ]*\) .*/\1/p")' >/dev/null

    say "  everything is handed to a program"
    exim_with '/^begin routers/a out:\n  driver = accept\n  domains = ! +local_domains\n  transport = out\n
        /^begin transports/a out:\n  driver = pipe\n  command = \/bin\/true\n  user = nobody\n'
    : >"$records"
    send_one exim example.com v4
    eventually 30 "the program takes it" grep -qF 'T=out' "$work/exim/root/var/log/exim4/mainlog"
    judge 30 "$work/report.json" on exim helolint check --format json
    holds "$work/report.json" '[f["subject"] for f in r["findings"] if f["code"] == "CFG019"] == ["out"]'
    [ ! -s "$records" ] || die "mail reached the sink"

    say "  an unknown condition in the section acl"
    sed 's/^  deny$/  deny hosst = x/' "$here/exim4.conf" >"$conf"
    ! on exim exim4 -bV >"$work/exim.refusal" 2>&1 || die "Exim takes it"
    grep -qF 'unknown ACL condition/modifier in "deny hosst = x"' "$work/exim.refusal" || die "other words"
    judge 30 "$work/report.json" on exim helolint check --offline --format json
    holds "$work/report.json" "[f for f in r['findings'] if f['code'] == 'CFG001' and 'unknown ACL condition/modifier' in f['message']]"
    cp "$here/exim4.conf" "$conf"
}
