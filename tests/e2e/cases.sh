# The cases of tests/e2e/run.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}" "${top:?set by run}"

# The rules that say that a record is missing: none of them may fail where nobody answered.
MISSING='PTR001 PTR002 HST004 HLO002'

# Runs helolint and keeps its report; fails where the exit status is none of the contract's, or the time limit passes.
# usage: judge SECONDS REPORT [on ROOT] COMMAND...
judge() {
    local limit=$1 report=$2 status=0 from=$EPOCHREALTIME
    shift 2
    if [ "$1" = on ]; then
        enter "$2"
        shift 2
        set -- "${entered[@]:?}" "$@"
    fi
    timeout "$limit" "$@" >"$report" 2>"$report.err" || status=$?
    case $status in
    0 | 1 | 3) ;;
    124) die "helolint did not end within $limit s" ;;
    *) cat "$report.err" >&2; die "helolint ends with $status" ;;
    esac
    ! grep -q panicked "$report.err" || die "helolint panics: $(cat "$report.err")"
    say "    status $status, $(((${EPOCHREALTIME/./} - ${from/./}) / 1000)) ms"
}

# usage: nothing_called_missing REPORT
nothing_called_missing() {
    python3 - "$1" "$MISSING" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
wrong = [f for f in report["findings"] if f["code"] in sys.argv[2].split() and f["verdict"] == "fail"]
sys.exit(f"called missing though nobody answered: {wrong}" if wrong else 0)
PY
}

# usage: holds REPORT PYTHON_EXPRESSION    (r is the report)
holds() {
    python3 - "$1" "$2" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
if not eval(sys.argv[2]):
    for f in r["findings"]:
        print(f"    {f['severity']} {f['code']} ({f['verdict']}) {f['paths']}: {f['message']}", file=sys.stderr)
    sys.exit(sys.argv[2] + " does not hold")
PY
}

# This machine, as it is, asking nothing.
case_this_machine() {
    judge 10 "$work/offline.json" "$HELOLINT" check --offline --format json
    holds "$work/offline.json" 'r["dns"]["questions"] == 0'
    nothing_called_missing "$work/offline.json"
    judge 10 "$work/offline.txt" "$HELOLINT" check --offline
    grep -qi 'not checked' "$work/offline.txt" || die "the report does not say what was not checked"
}

# A network namespace without a route: no resolver answers.
case_no_route() {
    ip netns add island
    ip -n island link set lo up
    judge 10 "$work/island.json" ip netns exec island "$HELOLINT" check --timeout 5 --format json
    holds "$work/island.json" 'r["dns"]["answered"] == 0'
    nothing_called_missing "$work/island.json"
}

# A root with a package installed, and its own changes apart: usage: with_package NAME PACKAGE
with_package() {
    # By all of them: another case may have wanted the first alone.
    local layer=package-${2// /-}
    if [ ! -d "$work/$layer" ]; then
        make_root "$layer"
        if [ ! -d "$work/lists" ]; then
            chroot "$work/$layer/root" apt-get -qq update >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; die "apt-get update"; }
            cp -r "$work/$layer/up/var/lib/apt" "$work/lists"
            # Lists that could not be had anew are gone: overlayfs says so by devices, which are not for copying.
            find "$work/lists" -type c -delete
        else
            cp -r "$work/lists/." "$work/$layer/root/var/lib/apt/"
        fi
        # shellcheck disable=SC2086  # a list of packages
        install_into "$layer" $2
    fi
    make_root "$1" "$layer"
}

prepare_network() {
    [ ! -d "$work/base" ] || return 0
    with_package base "nsd unbound openssl"
    rm -f "$work/base/root/etc/resolv.conf"
    echo nameserver 192.0.2.54 >"$work/base/root/etc/resolv.conf"
    start_network
    start_sink
}

# Makes the host under test: usage: make_mx NAME PACKAGE
make_mx() {
    local name=$1 package=$2 root=$work/$1/root
    with_package "$name" "$package"
    cp "$HELOLINT" "$root/usr/local/bin/helolint"
    rm -f "$root/etc/resolv.conf"
    echo nameserver 192.0.2.54 >"$root/etc/resolv.conf"
    printf '127.0.0.1 localhost\n203.0.113.10 mail.example.com mail\n2001:db8:25::25 mail.example.com mail\n' >"$root/etc/hosts"
    echo example.com >"$root/etc/mailname"
    boot "$name" mx mail.example.com
}

# helolint's paths against the sink's records. usage: paths_agree ROOT
paths_agree() {
    judge 30 "$work/report.json" on "$1" helolint check --format json
    python3 "$here/compare.py" "$work/report.json" "${records:?}" || { cat "${records:?}" "$work/report.json" >&2; die "paths and mail differ"; }
}

# The same with every vantage point a real server, and nothing to complain of. usage: paths_are_true ROOT
paths_are_true() {
    paths_agree "$1"
    holds "$work/report.json" 'r["dns"]["answered"] == r["dns"]["questions"] > 0'
    holds "$work/report.json" 'all(p["iprev"] == "pass" and p["helo"] in p["ptr"] for p in r["paths"] if not p["unused"])'
    # What is said of a path that nothing uses (Debian's smarthost transport on an internet site) is no fault of this mail.
    holds "$work/report.json" 'not [f for f in r["findings"] if f["severity"] != "info"
        and not (f["paths"] and all(p["unused"] for p in r["paths"] if p["id"] in f["paths"]))]'
}

# The host of case_postfix loses its way out: whatever there is to ask is asked and named, and nothing is called missing. Its
# addresses stay, so what is bound to one still is a path.
without_a_route() {
    ip -n mx route del default
    ip -n mx -6 route del default
    judge 10 "$work/cut.json" on postfix helolint check --timeout 5 --format json
    ip -n mx route add default via 203.0.113.1
    ip -n mx -6 route add default via 2001:db8:25::1 src 2001:db8:25::25
    nothing_called_missing "$work/cut.json"
    holds "$work/cut.json" 'r["dns"]["questions"] > 0 and r["dns"]["answered"] == 0'
    holds "$work/cut.json" '{"203.0.113.11", "2001:db8:25::26"} <= {p["sending"] for p in r["paths"]}'
    holds "$work/cut.json" '({("PTR001", "203.0.113.11"), ("PTR001", "2001:db8:25::26"), ("HLO002", "out.example.com"),
        ("HST004", "mail.example.com")} <= {(f["code"], f["subject"]) for f in r["findings"] if f["verdict"] == "undetermined"})'
    holds "$work/cut.json" '({"11.113.0.203.in-addr.arpa. PTR", "out.example.com. A", "out.example.com. AAAA", "out.example.com. MX",
        "mail.example.com. A", "mail.example.com. AAAA"} <=
        {e["question"] for f in r["findings"] if f["verdict"] == "undetermined" for e in f["evidence"]})'
}

# The resolver is there and says nothing.
case_silent_resolver() {
    prepare_network
    make_root silent base
    cp "$HELOLINT" "$work/silent/root/usr/local/bin/helolint"
    echo nameserver 192.0.2.99 >"$work/silent/root/etc/resolv.conf"
    printf '127.0.0.1 localhost\n203.0.113.10 mail.example.com mail\n' >"$work/silent/root/etc/hosts"
    boot silent mx mail.example.com
    # Nobody answers there, and no router says so either.
    ip -n router route add blackhole 198.18.0.0/15
    judge 15 "$work/silent.json" on silent helolint check --timeout 5 --format json --resolver 198.18.0.53 --no-authoritative
    holds "$work/silent.json" 'r["dns"]["questions"] > 0 and r["dns"]["answered"] == 0'
    nothing_called_missing "$work/silent.json"
    halt silent
}

# Starts a name server of the host `base` that serves the zones in a folder. usage: serve_more FOLDER ADDRESS
serve_more() {
    local name=$1 zone
    ip -n dns addr add "$2/24" dev eth0
    cp -r "$here/delegated/$name" "$work/base/root/e2e/"
    {
        printf 'server:\n ip-address: %s\n username: ""\n zonesdir: /e2e/%s\n database: ""\n' "$2" "$name"
        printf ' pidfile: /run/%s.pid\n xfrdfile: /run/%s.state\n zonelistfile: /run/%s.list\n' "$name" "$name" "$name"
        printf 'remote-control:\n control-enable: no\n'
        for zone in "$here/delegated/$name"/*.zone; do
            zone=$(basename "$zone" .zone)
            printf 'zone:\n name: "%s"\n zonefile: %s.zone\n' "$zone" "$zone"
        done
    } >"$work/base/root/e2e/$name.conf"
    on base nsd -d -c "/e2e/$name.conf" >"$work/$name.log" 2>&1 &
    eventually 10 "$name listens" on base sh -c "ss -lun | grep -qF '$2:53'"
}

# Starts an Unbound of the host `base` that serves TLS and HTTPS alone, with a certificate for dns.example.net.
# usage: serve_encrypted ADDRESS     leaves the root that signed it in $work/roots.pem
serve_encrypted() {
    local folder=$work/base/root/e2e/encrypted
    ip -n dns addr add "$1/24" dev eth0
    mkdir -p "$folder"
    printf 'subjectAltName=DNS:dns.example.net\n' >"$folder/names"
    # shellcheck disable=SC2016  # the inner shell expands it
    on base sh -ec 'cd /e2e/encrypted
        key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        openssl req -x509 $key -days 2 -subj /CN=root -keyout root.key -out root.pem
        openssl req -new $key -subj /CN=dns.example.net -keyout dns.key -out dns.csr
        openssl x509 -req -in dns.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile names -out dns.pem' \
        >"$work/openssl.log" 2>&1 || { cat "$work/openssl.log" >&2; die "no certificate"; }
    cp "$folder/root.pem" "$work/roots.pem"
    {
        sed "/^ interface:/d; /^remote-control:/,\$d" "$work/base/root/e2e/unbound.conf"
        printf ' interface: %s@853\n interface: %s@443\n tls-port: 853\n https-port: 443\n' "$1" "$1"
        printf ' tls-service-key: /e2e/encrypted/dns.key\n tls-service-pem: /e2e/encrypted/dns.pem\n'
        printf 'remote-control:\n control-enable: no\n'
    } >"$folder/unbound.conf"
    on base unbound -d -c /e2e/encrypted/unbound.conf >"$work/encrypted.log" 2>&1 &
    eventually 10 "Unbound serves TLS and HTTPS" on base sh -c "ss -ltn | grep -qF '$1:853' && ss -ltn | grep -qF '$1:443'"
}

# Whom a report speaks of, and how. usage: same_findings REPORT REPORT
same_findings() {
    python3 - "$1" "$2" <<'PY'
import json, sys
one, other = ({(f["code"], f["subject"], f["verdict"]) for f in json.load(open(path))["findings"]} for path in sys.argv[1:])
sys.exit(f"differ: {one ^ other}" if one != other else 0)
PY
}

# Resolvers over TLS and HTTPS say what the same ones say over UDP; with a certificate that proves nothing they say nothing.
case_encrypted() {
    prepare_network
    serve_encrypted 192.0.2.57
    make_root encrypted base
    local root=$work/encrypted/root transport
    cp "$HELOLINT" "$root/usr/local/bin/helolint"
    echo nameserver 192.0.2.54 >"$root/etc/resolv.conf"
    printf '127.0.0.1 localhost\n203.0.113.10 mail.example.com mail\n2001:db8:25::25 mail.example.com mail\n' >"$root/etc/hosts"
    boot encrypted mx mail.example.com
    local check=(on encrypted helolint check --no-authoritative --timeout 8 --format json --resolver)
    judge 15 "$work/plain.json" "${check[@]}" 192.0.2.54
    holds "$work/plain.json" 'r["dns"]["answered"] == r["dns"]["questions"] > 0'
    mkdir -p "$root/etc/ssl/certs"
    for transport in tls://192.0.2.57 https://192.0.2.57/dns-query; do
        say "  $transport"
        cp "$work/roots.pem" "$root/etc/ssl/certs/ca-certificates.crt"
        judge 15 "$work/encrypted.json" "${check[@]}" "$transport#dns.example.net"
        holds "$work/encrypted.json" 'r["dns"]["answered"] == r["dns"]["questions"] > 0'
        same_findings "$work/plain.json" "$work/encrypted.json" || die "$transport says something else"

        say "  $transport by a name that is not in its certificate, and from a root that nobody trusts"
        judge 15 "$work/encrypted.json" "${check[@]}" "$transport#other.example.net"
        holds "$work/encrypted.json" 'r["dns"]["questions"] > 0 == r["dns"]["answered"]'
        nothing_called_missing "$work/encrypted.json"
        grep -qi certificate "$work/encrypted.json" || die "the report does not name the certificate"
        : >"$root/etc/ssl/certs/ca-certificates.crt"
        judge 15 "$work/encrypted.json" "${check[@]}" "$transport#dns.example.net"
        holds "$work/encrypted.json" 'r["dns"]["questions"] > 0 == r["dns"]["answered"]'
        nothing_called_missing "$work/encrypted.json"
        grep -qiE 'certificate|trust' "$work/encrypted.json" || die "the report does not name the certificate"
    done
    halt encrypted
}

# Reverse zones delegated to a customer, as the host at the end of them sees it: RFC 2317 with a lame server that only the provider names, and
# ip6.arpa cut at a nibble with a server that has an old copy.
case_delegations() {
    prepare_network
    serve_more ns1 192.0.2.55
    serve_more ns2 192.0.2.56
    mkdir -p "$work/seventy/etc"
    echo host70.example.com >"$work/seventy/etc/hostname"
    cat >"$work/seventy.kernel" <<'JSON'
{"node_name": "host70.example.com", "fqdn": "host70.example.com",
 "addresses": [{"interface": "eth0", "address": "203.0.113.70", "prefix_length": 24, "flags": []},
               {"interface": "eth0", "address": "2001:db8:26::70", "prefix_length": 64, "flags": []}],
 "source": {"ipv4": "203.0.113.70", "ipv6": "2001:db8:26::70"}}
JSON
    judge 15 "$work/seventy.json" ip netns exec mx "$HELOLINT" check --root "$work/seventy" --kernel "$work/seventy.kernel" \
        --resolver 192.0.2.54 --format json
    holds "$work/seventy.json" 'sorted((f["code"], f["subject"]) for f in r["findings"] if f["code"] in ("DNS003", "DNS009")) == [
        ("DNS003", "0.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR"),
        ("DNS009", "ns2.customer.example.net (192.0.2.56)")]'
    holds "$work/seventy.json" '["serial 6" in f["message"] and "serial 7" in f["message"] for f in r["findings"] if f["code"] == "DNS003"] == [True]'
    holds "$work/seventy.json" '["delegation in 113.0.203.in-addr.arpa alone" in f["message"] for f in r["findings"] if f["code"] == "DNS009"] == [True]'
    holds "$work/seventy.json" '{p["iprev"] for p in r["paths"]} == {"pass"}'
}

# usage: postfix_says PARAMETER...   (as postconf has it, one a line)
postfix_says() { on postfix postconf -x -h "$@"; }

# Every HELO name that helolint reports for the service stands in what postconf says.
# usage: helo_is SERVICE NAME
helo_is() {
    holds "$work/report.json" "{p['helo'] for p in r['paths'] if '$1' in p['services']} == {'$2'}"
}

# usage: restart_postfix [ROOT]
restart_postfix() {
    local name=${1:-postfix}
    on "$name" postfix stop >/dev/null 2>&1 || true
    # What Debian's unit runs first: it fills the chroot.
    on "$name" /usr/lib/postfix/configure-instance.sh - >"$work/configure.log" 2>&1 || { cat "$work/configure.log" >&2; die configure-instance.sh; }
    on "$name" postfix start >"$work/start.log" 2>&1 || { cat "$work/start.log" >&2; die "Postfix does not start"; }
}

# The host under test with Debian's Postfix: usage: make_postfix NAME
make_postfix() {
    make_mx "$1" postfix
    on "$1" cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
    [ -e "$work/$1/root/etc/postfix/master.cf" ] || on "$1" cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
    on "$1" postconf -e myhostname=mail.example.com mydestination=localhost maillog_file=/var/log/mail.log alias_maps= \
        alias_database= mailbox_size_limit=0 notify_classes=
}

case_postfix() {
    prepare_network
    make_postfix postfix

    say "  as the package has it"
    restart_postfix
    send_all postfix example.com
    paths_are_true postfix
    helo_is smtp "$(postfix_says smtp_helo_name)"
    [ "$(postfix_says myhostname)" = mail.example.com ]

    say "  smtp_bind_address and smtp_helo_name"
    on postfix postconf -e smtp_bind_address=203.0.113.11 smtp_bind_address6=2001:db8:25::26 smtp_helo_name=out.example.com
    restart_postfix
    send_all postfix example.com
    paths_are_true postfix
    helo_is smtp "$(postfix_says smtp_helo_name)"

    say "  the same without a route"
    without_a_route

    say "  an override in master.cf, chosen by sender domain"
    on postfix postconf -X smtp_bind_address smtp_bind_address6 smtp_helo_name
    on postfix postconf -M "news/unix=news unix - - n - - smtp"
    on postfix postconf -P news/unix/smtp_bind_address=203.0.113.12 news/unix/smtp_bind_address6=2001:db8:25::27 \
        news/unix/smtp_helo_name=news.example.com
    on postfix postconf -e 'sender_dependent_default_transport_maps=inline:{ { @news.example.com = news: } }'
    restart_postfix
    send_all postfix example.com news.example.com
    paths_are_true postfix
    helo_is smtp "$(postfix_says smtp_helo_name)"
    helo_is news "$(on postfix postconf -x -P news/unix/smtp_helo_name | sed 's/.*= //')"
    on postfix postconf -X sender_dependent_default_transport_maps
    on postfix postconf -MX news/unix

    say "  the single address of each family in inet_interfaces, and a HELO name by -o"
    on postfix postconf -e inet_interfaces=203.0.113.11,2001:db8:25::26
    on postfix postconf -P smtp/unix/smtp_helo_name=out.example.com relay/unix/smtp_helo_name=out.example.com
    restart_postfix
    send_all postfix example.com
    paths_are_true postfix
    helo_is smtp out.example.com
    on postfix postconf -e inet_interfaces=all
    on postfix postconf -PX smtp/unix/smtp_helo_name relay/unix/smtp_helo_name

    say "  a bind address that is gone: the kernel chooses"
    on postfix postconf -e smtp_bind_address=203.0.113.77
    restart_postfix
    send_all postfix example.com
    paths_agree postfix
    holds "$work/report.json" '"NET001" in {f["code"] for f in r["findings"] if f["verdict"] == "fail"}'

    say "  the same, enforced: nothing is sent along this family"
    on postfix postconf -e smtp_bind_address_enforce=yes
    restart_postfix
    : >"$records"
    send_one postfix example.com v4
    send_one postfix example.com v6
    eventually 45 "the message along IPv6 arrives" has_lines "$records" 1
    eventually 45 "the other one is deferred" is_deferred postfix bob@v4.example.net
    paths_agree postfix
    holds "$work/report.json" '"NET001" in {f["code"] for f in r["findings"] if f["verdict"] == "fail"}'
    holds "$work/report.json" 'not [p for p in r["paths"] if p["family"] == "ipv4" and not p["unused"]]'
    on postfix postsuper -d ALL >/dev/null 2>&1
    on postfix postconf -X smtp_bind_address smtp_bind_address_enforce

    say "  a next hop in default_transport beats relayhost"
    on postfix postconf -e {default,relay}_transport='smtp:[198.51.100.25]' 'relayhost=[2001:db8:51::99]'
    restart_postfix
    send_all postfix example.com
    paths_agree postfix
    holds "$work/report.json" '{p["relayed"] for p in r["paths"] if not p["unused"] and "smtp" in p["services"]} == {"[198.51.100.25]:25"}'
    on postfix postconf -X default_transport relay_transport relayhost
    mail_that_stays
    on postfix postfix stop >/dev/null 2>&1 || true
    halt postfix
}

# Exim's daemon takes its file away when it ends.
exim_is_gone() { ! on exim test -e /run/exim4/exim.pid; }

restart_exim() {
    if ! exim_is_gone; then
        # shellcheck disable=SC2016  # the inner shell expands it
        on exim sh -c 'kill "$(cat /run/exim4/exim.pid)"'
        eventually 10 "Exim stops" exim_is_gone
    fi
    on exim install -d -o Debian-exim -g Debian-exim /run/exim4
    on exim update-exim4.conf || die "update-exim4.conf"
    on exim exim4 -bd -q30m -oP /run/exim4/exim.pid || die "Exim does not start"
}

case_exim() {
    prepare_network
    make_mx exim exim4-daemon-light
    local etc=$work/exim/root/etc/exim4
    sed -i "s/^dc_eximconfig_configtype=.*/dc_eximconfig_configtype='internet'/; s/^dc_other_hostnames=.*/dc_other_hostnames='mail.example.com'/" \
        "$etc/update-exim4.conf.conf"

    say "  as an internet site"
    restart_exim
    send_all exim example.com
    paths_are_true exim
    helo_is remote_smtp "$(on exim exim4 -bP primary_hostname | sed 's/.*= //')"

    say "  interface and helo_data by Debian's macros"
    printf 'REMOTE_SMTP_INTERFACE = <; 203.0.113.11 ; 2001:db8:25::26\nREMOTE_SMTP_HELO_DATA = out.example.com\n' >"$etc/exim4.conf.localmacros"
    restart_exim
    send_all exim example.com
    paths_are_true exim
    helo_is remote_smtp out.example.com

    say "  two transports, chosen by sender domain"
    rm "$etc/exim4.conf.localmacros"
    cp "$here/exim4.conf" "$etc/exim4.conf"
    restart_exim
    send_all exim example.com news.example.com
    paths_are_true exim
    helo_is remote_smtp mail.example.com
    helo_is remote_news news.example.com

    exim_kinds "$etc/exim4.conf"

    say "  a configuration that everyone may write"
    chmod 666 "$etc/exim4.conf"
    ! on exim exim4 -bV >"$work/exim.refusal" 2>&1 || die "Exim takes a file that everyone may write"
    judge 30 "$work/report.json" on exim helolint check --offline --format json
    holds "$work/report.json" '[f for f in r["findings"] if f["code"] == "CFG001" and "wrong owner, group, or mode" in f["message"]]'
    chmod 644 "$etc/exim4.conf"
    halt exim
}

# A host of its own behind a loopback, with strace and a name server: usage: make_cell
make_cell() {
    [ ! -d "$work/cell" ] || return 0
    make_root cell
    command -v strace >/dev/null || {
        chroot "$work/cell/root" apt-get -qq update >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; die "apt-get update"; }
        install_into cell strace
    }
    cp "$HELOLINT" "$work/cell/root/usr/local/bin/helolint"
    rm -f "$work/cell/root/etc/resolv.conf"
    echo nameserver 127.0.0.53 >"$work/cell/root/etc/resolv.conf"
    echo '127.0.0.1 localhost' >"$work/cell/root/etc/hosts"
    echo 'hosts: files dns' >"$work/cell/root/etc/nsswitch.conf"
    # An MTA's configuration, so that there is something to ask.
    mkdir -p "$work/cell/root/etc/postfix"
    cp "$top/testdata/hosts/postfix-plain/root/etc/postfix/"*.cf "$work/cell/root/etc/postfix/"
    ip netns add cell
    ip -n cell link set lo up
    ip -n cell addr add 203.0.113.10/32 dev lo
    ip -n cell route add default dev lo src 203.0.113.10
    boot cell cell mail.example.com
    ip netns exec cell python3 "$here/answers.py" mail.example.com 203.0.113.10 127.0.0.53 >"$work/answers.log" 2>&1 &
    eventually 10 "the name server listens" grep -q ready "$work/answers.log"
}

# A live check, call by call: what parses answers has no file, no program and no right left when the first one comes.
case_sandbox() {
    make_cell
    judge 30 "$work/cell.json" on cell strace -f -ttt -s 200 -o /tmp/trace \
        helolint check --require-sandbox --no-authoritative --resolver 127.0.0.53 --timeout 5 --format json
    holds "$work/cell.json" 'r["dns"]["answered"] > 0 and r["host"]["fqdn"] == "mail.example.com"'
    python3 "$here/trace.py" "$work/cell/root/tmp/trace" || die "the sandbox does not hold"
}

# `fix --apply` and `--undo`, killed at each call by which they write: one file changed, one that was not there.
case_kills() {
    local hosts=(helo-retired-name transfer-11-mailips-missing) name
    make_cell
    cp "$here/kills.py" "$work/cell/root/tmp/"
    hosts=("${hosts[@]:0:${E2E_KILLED:-2}}")
    for name in "${hosts[@]}"; do cp -r "$top/testdata/hosts/$name" "$work/cell/root/tmp/"; done
    on cell python3 /tmp/kills.py helolint "${hosts[@]/#//tmp/}" || die "a killed run is not borne"
}

# Every system call of a run fails once.
case_faults() {
    make_cell
    cp -r "$top/testdata/hosts/postfix-plain" "$work/cell/root/tmp/host"
    cp "$here/faults.py" "$work/cell/root/tmp/faults.py"
    on cell python3 /tmp/faults.py helolint /tmp/host 127.0.0.53 || die "a fault is not borne"
}
