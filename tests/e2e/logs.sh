# What real MTAs log of a receiver that refuses their mail, and what helolint reads there.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}"

# Sends a message to one of the sink's names along a family. usage: send_to ROOT NAME FAMILY
send_to() {
    printf 'From: alice@example.com\nTo: %s@%s.example.net\nSubject: test\n\ntest\n' "$2" "$3" >"$work/$1/root/tmp/mail"
    on "$1" sh -c "sendmail -f alice@example.com $2@$3.example.net </tmp/mail" || die "sendmail fails"
}

# Whether a log of a host has a text so many times. usage: logged ROOT LOG TIMES TEXT
logged() { [ "$(grep -cF -- "$4" "$work/$1/root$2")" -ge "$3" ]; }

# Judges by the host's own log. usage: judge_log ROOT
judge_log() { judge 60 "$work/log.json" on "$1" helolint check --log --format json; }

# How often each known reply came, and from where. usage: refusals_are PYTHON_EXPRESSION
refusals_are() { holds "$work/log.json" "sorted((o['reply'], o['sending'], o['count'], o['code'], o['status']) for o in r['log']['refused']) == ($1)"; }

# Neither people nor messages are in a report.
nobody_is_named() {
    ! grep -qE 'alice|refused@|later@|nobody@|v[46]\.example\.net>|gsmtp' "$work/log.json" || die "the report names somebody"
}

postfix_logs_read() {
    local log=/var/log/mail.log
    make_postfix loggy
    restart_postfix loggy
    say "  Postfix: refused, put off, unknown, taken"
    : >"$records"
    send_to loggy refused v4
    send_to loggy refused v4
    send_to loggy refused v6
    send_to loggy later v4
    send_to loggy nobody v4
    send_to loggy bob v4
    eventually 45 "the message is taken" has_lines "$records" 1
    eventually 45 "three are refused" logged loggy $log 3 'said: 550-5.7.25'
    eventually 45 "one is put off" logged loggy $log 1 'status=deferred (host'
    eventually 45 "one is unknown" logged loggy $log 1 'said: 550 5.1.1'
    local expected="[('gmail-ptr-missing', '2001:db8:25::25', 1, 550, '5.7.25'), ('gmail-ptr-missing', '203.0.113.10', 2, 550, '5.7.25'),
        ('postfix-unknown-reverse', '203.0.113.10', 1, 450, '4.7.1')]"
    judge_log loggy
    refusals_are "$expected"
    nobody_is_named
    holds "$work/log.json" '(sorted((f["subject"], any(word in f["message"] for word in ("cured since", "took mail since"))) for f in r["findings"] if f["code"] == "LOG001") ==
        [("2001:db8:25::25", True), ("203.0.113.10", True)])'

    say "  Postfix: the log rotated by copying, packed, and from standard input"
    on loggy sh -c "cp -p $log $log.1 && gzip -k $log.1"
    judge_log loggy
    refusals_are "$expected"
    holds "$work/log.json" 'len(r["log"]["files"]) == 3 and not r["log"]["not_read"]'
    enter loggy
    "${entered[@]}" sh -c "cat $log | helolint check --log - --offline --format json" >"$work/log.json" || [ $? -le 3 ] || die "helolint fails"
    refusals_are "$expected"
    on loggy rm $log.1 $log.1.gz

    say "  Postfix: an address that it cannot bind to, and that the file does not name any more"
    on loggy postconf -e smtp_bind_address=203.0.113.99
    restart_postfix loggy
    : >"$records"
    send_to loggy bob v4
    eventually 45 "the message is taken" has_lines "$records" 1
    judge_log loggy
    holds "$work/log.json" 'not [f for f in r["findings"] if f["code"] == "LOG002"] and "NET001" in {f["code"] for f in r["findings"]}'
    on loggy postconf -X smtp_bind_address
    judge_log loggy
    holds "$work/log.json" '[f["subject"] for f in r["findings"] if f["code"] == "LOG002"] == ["203.0.113.99"]'
    on loggy postfix stop >/dev/null 2>&1 || true
    halt loggy
}

exim_logs_read() {
    local log=/var/log/exim4/mainlog etc
    make_mx exim exim4-daemon-light
    etc=$work/exim/root/etc/exim4
    sed 's/^primary_hostname/log_selector = +incoming_interface +pid +millisec\nlog_timezone\n&/;
        /^remote_smtp:/,/^$/s/driver = smtp/&\n  interface = <; 203.0.113.11 ; 2001:db8:25::26\n  helo_data = out.example.com/' \
        "$here/exim4.conf" >"$etc/exim4.conf"
    restart_exim
    say "  Exim: refused, put off, unknown, taken, each with its local address"
    : >"$records"
    send_to exim refused v4
    send_to exim refused v6
    send_to exim later v4
    send_to exim nobody v4
    send_to exim bob v4
    eventually 45 "the message is taken" has_lines "$records" 1
    eventually 45 "two are refused" logged exim $log 2 'record setup'
    eventually 45 "one is put off" logged exim $log 1 'defer (-44)'
    eventually 45 "one is unknown" logged exim $log 1 '550 5.1.1'
    judge_log exim
    refusals_are "[('gmail-ptr-missing', '2001:db8:25::26', 1, 550, '5.7.25'), ('gmail-ptr-missing', '203.0.113.11', 1, 550, '5.7.25'),
        ('postfix-unknown-reverse', '203.0.113.11', 1, 450, '4.7.1')]"
    nobody_is_named
    holds "$work/log.json" 'not [f for f in r["findings"] if f["code"] == "LOG002"]'

    say "  Exim: the file has another address by now"
    sed -i 's/203\.0\.113\.11/203.0.113.12/' "$etc/exim4.conf"
    judge_log exim
    holds "$work/log.json" '[f["subject"] for f in r["findings"] if f["code"] == "LOG002"] == ["203.0.113.11"]'
    halt exim
}

case_logs() {
    prepare_network
    postfix_logs_read
    exim_logs_read
}
