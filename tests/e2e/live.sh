# The case live of tests/e2e/run: the running servers of real Postfix, with postscreen before it, and real Exim.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}"

# Words in a mail log that a client earned by bad manners.
RUDE='PREGREET|pipelining|synchronization|lost connection|HANGUP|BARE NEWLINE|COMMAND|NON-SMTP|timeout after|unexpectedly closed|protocol error'

# A root certificate that the host trusts, and below it one for the names. usage: certify ROOT FOLDER DAYS NAME...
certify() {
    local name=$1 folder=$2 days=$3 names=
    shift 3
    mkdir -p "$work/$name/root$folder"
    for one in "$@"; do names=$names${names:+,}DNS:$one; done
    printf 'subjectAltName=%s\n' "$names" >"$work/$name/root$folder/names"
    # shellcheck disable=SC2016  # the inner shell expands it
    on "$name" sh -ec 'cd "$1"; key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        openssl req -x509 $key -days 30 -subj /CN=root -keyout root.key -out root.pem
        openssl req -new $key -subj "/CN=$3" -keyout mail.key -out mail.csr
        openssl x509 -req -in mail.csr -CA root.pem -CAkey root.key -CAcreateserial -days "$2" -extfile names -out mail.pem
        mkdir -p /etc/ssl/certs; cat root.pem >/etc/ssl/certs/ca-certificates.crt; chmod 644 mail.key' sh "$folder" "$days" "$1" \
        >"$work/openssl.log" 2>&1 || { cat "$work/openssl.log" >&2; die "no certificate"; }
}

# Nothing in these logs says that somebody behaved badly. usage: was_polite ROOT FILE...
was_polite() {
    local name=$1
    shift
    sleep 1
    ! grep -hE "$RUDE" "${@/#/$work/$name/root}" >&2 || die "the log tells of bad manners"
}

# The findings about running servers, as CODE SUBJECT, sorted. usage: live_findings REPORT
live_findings() {
    python3 -c 'import json, sys
print("\n".join(sorted("%s %s" % (f["code"], f["subject"]) for f in json.load(open(sys.argv[1]))["findings"] if f["code"][:3] in ("SMT", "TLS"))))' "$1"
}

# usage: finds REPORT "CODE SUBJECT"...
finds() {
    local found wanted report=$1
    shift
    found=$(live_findings "$report")
    wanted=$([ $# = 0 ] || printf '%s\n' "$@" | sort)
    [ "$found" = "$wanted" ] || { cat "$report" >&2; die "found: $found; wanted: $wanted"; }
}

# Connections that were begun in a host's network, whoever began them (ActiveOpens of RFC 4022). usage: opened ROOT
opened() {
    on "$1" awk '/^Tcp: [0-9]/ { print $6 }' /proc/net/snmp
}

case_live() {
    prepare_network
    live_postfix
    live_exim
    port25_outside
}

live_postfix() {
    make_mx live_postfix "postfix openssl"
    local name=live_postfix log=/var/log/mail.log
    on $name cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
    [ -e "$work/$name/root/etc/postfix/master.cf" ] || on $name cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
    certify $name /etc/mail 90 mail.example.com
    on $name postconf -e myhostname=mail.example.com mydestination=localhost maillog_file=$log alias_maps= alias_database= \
        smtpd_tls_cert_file=/etc/mail/mail.pem smtpd_tls_key_file=/etc/mail/mail.key smtpd_tls_security_level=may \
        postscreen_greet_action=enforce postscreen_access_list= postscreen_greet_wait=4s postscreen_pipelining_enable=yes \
        postscreen_pipelining_action=enforce postscreen_non_smtp_command_enable=yes postscreen_bare_newline_enable=yes mynetworks=127.0.0.0/8
    on $name postconf -M "smtp/inet=smtp inet n - n - 1 postscreen" "smtpd/pass=smtpd pass - - n - - smtpd" \
        "tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy" "dnsblog/unix=dnsblog unix - - n - 0 dnsblog" \
        "submission/inet=submission inet n - n - - smtpd" "submissions/inet=submissions inet n - n - - smtpd"
    on $name postconf -P submissions/inet/smtpd_tls_wrappermode=yes

    say "  Postfix without postscreen"
    on $name postconf -M "smtp/inet=smtp inet n - n - - smtpd"
    restart_postfix $name
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json"
    was_polite $name $log
    on $name sh -c "grep -c 'ehlo=2 starttls=1 quit=1' $log" >"$work/count" || { show_mail_log $name; die "no conversation in the log"; }
    say "    $(cat "$work/count") conversations with STARTTLS"

    say "  with postscreen, which waits, looks for pipelining and wants another connection"
    on $name postconf -M "smtp/inet=smtp inet n - n - 1 postscreen"
    restart_postfix $name
    judge 40 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json"
    was_polite $name $log
    on $name grep -q 'postscreen.*: CONNECT' $log || { show_mail_log $name; die "postscreen saw nobody"; }

    say "  a snapshot of it, judged without it"
    on $name helolint snapshot --live -o /tmp/live.snapshot || die "no snapshot"
    on $name postfix stop >/dev/null 2>&1
    judge 10 "$work/live.json" on $name helolint check --from /tmp/live.snapshot --replay --live --format json
    finds "$work/live.json"

    say "  stopped"
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json" "SMT003 203.0.113.10:25" "SMT003 203.0.113.10:465" "SMT003 203.0.113.10:587" \
        "SMT003 [2001:db8:25::25]:25" "SMT003 [2001:db8:25::25]:465" "SMT003 [2001:db8:25::25]:587"

    say "  another name in the file than the running server has"
    on $name postconf -M "smtp/inet=smtp inet n - n - - smtpd"
    on $name postconf -M# submission/inet submissions/inet
    on $name postconf -e inet_protocols=ipv4 max_idle=1h
    restart_postfix $name
    # Servers that stay, and have read what main.cf says now.
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json"
    on $name postconf -e myhostname=new.example.com
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json" "SMT002 203.0.113.10:25"
    on $name postconf -e myhostname=mail.example.com

    say "  a certificate that ends soon, for another name; then another's key"
    certify $name /etc/soon 5 www.example.org
    on $name postconf -e smtpd_tls_cert_file=/etc/soon/mail.pem smtpd_tls_key_file=/etc/soon/mail.key
    restart_postfix $name
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json" "TLS001 www.example.org" "TLS002 www.example.org"
    on $name postconf -e smtpd_tls_key_file=/etc/mail/mail.key
    restart_postfix $name
    judge 20 "$work/live.json" on $name helolint check --live --format json
    # Postfix offers STARTTLS and then has none: what its files hold is judged.
    finds "$work/live.json" "TLS001 www.example.org" "TLS002 www.example.org" "TLS003 /etc/mail/mail.key"
    on $name postconf -e smtpd_tls_security_level=none
    restart_postfix $name
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json" "TLS003 /etc/mail/mail.key" "TLS004 203.0.113.10:25"
    on $name postfix stop >/dev/null 2>&1
    halt $name
}

live_exim() {
    make_mx live_exim "exim4-daemon-light openssl strace"
    local name=live_exim log=/var/log/exim4/mainlog
    certify $name /etc/mail 90 mail.example.com
    printf '%s\n' 'primary_hostname = mail.example.com' 'daemon_smtp_ports = 25 : 465 : 587' 'tls_on_connect_ports = 465' \
        'tls_certificate = /etc/mail/mail.pem' 'tls_privatekey = /etc/mail/mail.key' 'tls_advertise_hosts = *' \
        'log_selector = +all' 'log_file_path = /var/log/exim4/%slog' 'begin acl' 'begin routers' 'out:' '  driver = dnslookup' \
        '  transport = out' 'begin transports' 'out:' '  driver = smtp' >"$work/$name/root/etc/exim4/exim4.conf"
    on $name chmod 644 /etc/exim4/exim4.conf
    on $name mkdir -p /var/log/exim4 /var/spool/exim4
    on $name chown -R Debian-exim /var/log/exim4 /var/spool/exim4 /etc/mail
    say "  Exim, which minds its synchronization"
    on $name exim -bd >"$work/exim.log" 2>&1 || { cat "$work/exim.log" >&2; die "Exim does not start"; }
    eventually 10 "Exim listens" on $name sh -c "ss -ltn | grep -q :587"
    judge 20 "$work/live.json" on $name helolint check --live --format json
    finds "$work/live.json"
    was_polite $name $log
    say "  root reads nothing of it, and who reads connects nowhere"
    judge 60 "$work/live.json" on $name strace -f -ttt -s 200 -o /tmp/trace helolint check --live --require-sandbox --format json
    finds "$work/live.json"
    python3 "$here/trace.py" "$work/$name/root/tmp/trace" || die "the sandbox does not hold"
    python3 "$here/connects.py" "$work/$name/root/tmp/trace" || die "somebody else connects"
    say "  nobody connects unasked"
    on $name wc -l $log >"$work/lines"
    opened $name >"$work/opened"
    judge 20 "$work/live.json" on $name helolint check --format json
    finds "$work/live.json"
    on $name wc -l $log | cmp - "$work/lines" || { show_mail_log $name; die "somebody connected"; }
    opened $name | cmp - "$work/opened" || die "a connection was begun"
    judge 20 "$work/live.json" on $name helolint check --live --format json
    ! opened $name | cmp -s - "$work/opened" || die "no connection was counted that is known to be one"
    on $name grep -q 'closed by QUIT' $log || { show_mail_log $name; die "nobody took leave"; }
    halt $name
}

# Whether port 25 of others can be reached, as a network makes it so.
port25_outside() {
    make_mx outside postfix
    on outside cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
    on outside postconf -e myhostname=mail.example.com alias_maps= alias_database=
    say "  port 25 outside: by name and address, refused, dropped, without a route, answered by another"
    judge 30 "$work/port.json" on outside helolint check --port25 sink4.example.net --format json
    holds "$work/port.json" '[(t["source"], t["outcome"]) for t in r["port25"]["tries"] if t["outcome"] != "not-tried"] == [("203.0.113.10", "reached")]'
    judge 30 "$work/port.json" on outside helolint check --port25 198.51.100.25:26 --format json
    holds "$work/port.json" '"refused" in [t["outcome"] for t in r["port25"]["tries"]]'
    ip -n router route add blackhole 198.18.0.0/15 2>/dev/null || true
    judge 40 "$work/port.json" on outside helolint check --port25 198.18.0.25 --format json
    holds "$work/port.json" '{"filtered", "unreachable"} & {t["outcome"] for t in r["port25"]["tries"]}'
    judge 30 "$work/port.json" on outside helolint check --format json
    holds "$work/port.json" '"port25" not in r'
    halt outside
}
