# A move, played through: the old host and the new one, each in a network of its own, a name server whose zones change midway, resolvers with an old
# copy and with an absence, mail before, during and after.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}" "${top:?set by run}"

OLD=198.18.7.7
NEW=198.18.8.8
# Seconds for which the zones stay wrong while helolint waits.
PUBLISHED_AFTER=${E2E_PUBLISHED_AFTER:-20}

# A host with one IPv4 address: usage: connect_ipv4 NAME ADDRESS GATEWAY
connect_ipv4() {
    ip netns add "$1"
    ip link add "to-$1" netns router type veth peer name eth0 netns "$1"
    ip -n "$1" link set lo up
    ip -n router addr add "$3/24" dev "to-$1"
    ip -n router link set "to-$1" up
    ip -n "$1" addr add "$2/24" dev eth0
    ip -n "$1" link set eth0 up
    ip -n "$1" route add default via "$3"
}

# The zones as they are while mail.moving.example is at an address; the PTR record of that address alone names it. An absence may be kept for half
# an hour. usage: write_zones SERIAL ADDRESS
write_zones() {
    local folder=$work/base/root/e2e/moving name network
    mkdir -p "$folder"
    for name in moving.example 7.18.198.in-addr.arpa 8.18.198.in-addr.arpa; do
        {
            printf '$ORIGIN %s.\n$TTL 40\n@ 1800 IN SOA ns1.moving.example. hostmaster.moving.example. ( %s 7200 3600 1209600 1800 )\n' "$name" "$1"
            printf '@ IN NS ns1.moving.example.\n'
        } >"$folder/$name.zone"
    done
    printf 'ns1 IN A 192.0.2.60\nmail IN A %s\n@ IN MX 10 mail\n' "$2" >>"$folder/moving.example.zone"
    network=${2%.*}
    printf '%s IN PTR mail.moving.example.\n' "${2##*.}" >>"$folder/${network##*.}.18.198.in-addr.arpa.zone"
}

# A name server for them, and resolvers: `stale` and `absent` keep what was for 40 s at most; `fresh`, which would keep an absence for half an hour, is
# asked nothing before helolint waits.
start_moving() {
    local name address folder=$work/base/root/e2e zone
    write_zones 1 "$OLD"
    for address in 192.0.2.58 192.0.2.59 192.0.2.60 192.0.2.61; do ip -n dns addr add "$address/24" dev eth0; done
    {
        printf 'server:\n ip-address: 192.0.2.60\n username: ""\n zonesdir: /e2e/moving\n database: ""\n'
        printf ' pidfile: /run/moving.pid\n xfrdfile: /run/moving.state\n zonelistfile: /run/moving.list\n'
        printf 'remote-control:\n control-enable: no\n'
        for zone in moving.example 7.18.198.in-addr.arpa 8.18.198.in-addr.arpa; do
            printf 'zone:\n name: "%s"\n zonefile: %s.zone\n' "$zone" "$zone"
        done
    } >"$folder/moving.conf"
    on base nsd -d -c /e2e/moving.conf >"$work/moving.log" 2>&1 &
    for name in stale:192.0.2.58 absent:192.0.2.59 fresh:192.0.2.61; do
        address=${name#*:}
        {
            sed '/^ interface:/d; /^remote-control:/,$d' "$folder/unbound.conf"
            printf ' interface: %s\n log-queries: yes\n cache-max-negative-ttl: %s\n' "$address" "$([ "${name%:*}" = fresh ] && echo 3600 || echo 40)"
            printf 'remote-control:\n control-enable: no\n'
        } >"$folder/${name%:*}.conf"
        on base unbound -d -c "/e2e/${name%:*}.conf" >"$work/${name%:*}.log" 2>&1 &
    done
    eventually 15 "the moving zones are served" on base sh -c \
        "for a in 192.0.2.58 192.0.2.59 192.0.2.60 192.0.2.61; do ss -lun | grep -qF \$a:53 || exit 1; done"
}

publish() {
    write_zones 2 "$NEW"
    on base sh -c 'kill -HUP $(cat /run/moving.pid)'
}

# A server with cPanel's files: usage: make_panel NAME ADDRESS ADDRESS_OF_ITS_MAPS
make_panel() {
    local root=$work/$1/root
    with_package "$1" exim4-daemon-heavy
    cp "$HELOLINT" "$root/usr/local/bin/helolint"
    rm -f "$root/etc/resolv.conf"
    echo nameserver 192.0.2.58 >"$root/etc/resolv.conf"
    printf '127.0.0.1 localhost\n%s mail.moving.example mail\n' "$2" >"$root/etc/hosts"
    mkdir -p "$root/usr/local/cpanel" "$root/var/cpanel"
    cp "$here/cpanel.conf" "$root/etc/exim.conf"
    cp "$here/cpanel.pl" "$root/etc/exim.pl.local"
    ln -sf ../exim.conf "$root/etc/exim4/exim4.conf"
    echo 11.118.0.5 >"$root/usr/local/cpanel/version"
    printf 'HOST mail.moving.example\nADDR %s\n' "$2" >"$root/etc/wwwacct.conf"
    printf %s "$2" >"$root/var/cpanel/mainip"
    printf 'custom_mailhelo=1\ncustom_mailips=1\nper_domain_mailips=0\nuse_rdns_for_helo=0\n' >"$root/etc/exim.conf.localopts"
    : >"$root/var/cpanel/custom_mailhelo"
    : >"$root/var/cpanel/custom_mailips"
    printf 'moving.example: alice\n*: nobody\n' >"$root/etc/userdomains"
    printf '#userips v1\nalice: %s\n' "$2" >"$root/etc/userips"
    printf 'moving.example\nmail.moving.example\n' >"$root/etc/localdomains"
    printf '*: %s\n' "$3" >"$root/etc/mailips"
    printf '*: mail.moving.example\n' >"$root/etc/mailhelo"
    boot "$1" "$1" mail.moving.example
    start_panel_exim "$1"
}

# Mail from a host arrives at the sink from an address, under the host's name. usage: mail_arrives HOST ADDRESS
mail_arrives() {
    : >"${records:?}"
    send_one "$1" moving.example v4
    eventually 20 "mail of $1 arrives" has_lines "$records" 1
    grep -qF "\"$2\"" "$records" && grep -qF '"mail.moving.example"' "$records" || { cat "$records" >&2; die "mail of $1 is not as it should be"; }
}

# Runs helolint on a host where it finds something, or nothing: usage: says STATUS FILE HOST ARGUMENT...
says() {
    local wanted=$1 file=$2 host=$3 status=0
    shift 3
    on "$host" helolint "$@" >"$file" 2>"$file.err" || status=$?
    [ "$status" = "$wanted" ] || { cat "$file" "$file.err" >&2; die "helolint $1 on $host ends with $status, not $wanted"; }
}

case_move() {
    prepare_network
    start_moving
    connect_ipv4 old "$OLD" 198.18.7.1
    connect_ipv4 new "$NEW" 198.18.8.1
    local ask=(--resolver stale=192.0.2.58 --resolver absent=192.0.2.59) published ended

    say "  before: the old host is kept, and mail leaves from it"
    make_panel old "$OLD" "$OLD"
    mail_arrives old "$OLD"
    says 0 "$work/old.txt" old check "${ask[@]}"
    says 0 "$work/snapshot.txt" old snapshot "${ask[@]}" -o /tmp/old.json
    [ "$(stat -c %a "$work/old/root/tmp/old.json")" = 600 ] || die "everyone may read the snapshot"

    say "  the transfer: the maps came along as they were"
    make_panel new "$NEW" "$OLD"
    cp "$work/old/root/tmp/old.json" "$work/new/root/tmp/"
    # The planned records, before anything is published.
    printf 'mail.moving.example. 15 IN A %s\n8.8.18.198.in-addr.arpa. 15 IN PTR mail.moving.example.\n' "$NEW" >"$work/new/root/tmp/planned"
    says 1 "$work/planned.json" new check "${ask[@]}" --moved-from /tmp/old.json --overlay /tmp/planned --format json
    holds "$work/planned.json" '"MIG001" in {f["code"] for f in r["findings"]} and not {"PTR001", "HLO003"} & {f["code"] for f in r["findings"] if f["verdict"] == "fail"}'
    says 1 "$work/compare.json" new compare /tmp/old.json "${ask[@]}" --format json
    holds "$work/compare.json" '{c["verdict"] for c in r["changes"] if "/etc/mailips" in c["key"]} == {"leftover"}'

    say "  during: the maps are set right by helolint, mail leaves again"
    says 0 "$work/fix.txt" new fix "${ask[@]}" --moved-from /tmp/old.json --overlay /tmp/planned --apply --unsafe
    [ "$(cat "$work/new/root/etc/mailips")" = "*: $NEW" ] || { cat "$work/fix.txt" "$work/new/root/etc/mailips" >&2; die "mailips is not set right"; }
    mail_arrives new "$NEW"
    # Resolvers that keep what was: the old address, and that the new one has no PTR record.
    says 1 "$work/during.json" new check "${ask[@]}" --format json
    holds "$work/during.json" '{"PTR001"} <= {f["code"] for f in r["findings"] if f["verdict"] == "fail"}'

    say "  waiting, while the zones stay wrong for $PUBLISHED_AFTER s"
    # Every question to the zones' server and to the resolvers, as it comes in.
    ip netns exec dns python3 "$here/questions.py" "$work/questions" 192.0.2.58 192.0.2.59 192.0.2.60 192.0.2.61 &
    local counting=$!
    eventually 10 "questions are counted" test -e "$work/questions.ready"
    on new helolint wait "${ask[@]}" --for 5m --format ndjson >"$work/wait.all" 2>&1 &
    local all=$!
    on new helolint wait --resolver fresh=192.0.2.61 --for 5m --format ndjson >"$work/wait.fresh" 2>&1 &
    local fresh=$!
    sleep "$PUBLISHED_AFTER"
    local asked='mail\.moving\.example|8\.8\.18\.198\.in-addr\.arpa'
    ! grep -E "info: .* ($asked)\. " "$work/fresh.log" >&2 || die "the resolver was asked for an awaited name before it was published"
    publish
    published=$EPOCHREALTIME
    wait "$fresh" || { cat "$work/wait.fresh" >&2; die "wait ends with another status"; }
    ended=$((${EPOCHREALTIME/./} - ${published/./}))
    # One interval with its jitter, and 5 s.
    [ "$ended" -lt 21500000 ] || die "wait ends $ended us after the zones were right"
    wait "$all" || { cat "$work/wait.all" >&2; die "wait ends with another status"; }
    kill "$counting"
    say "    over $((ended / 1000)) ms after the zones were right, $(((${EPOCHREALTIME/./} - ${published/./}) / 1000)) ms with old copies"
    python3 - "$work/wait.fresh" "$work/wait.all" "$work/fresh.log" "$PUBLISHED_AFTER" "$work/questions" "$NEW" <<'PY' || die "wait does not do as its schedule says"
import collections, json, re, sys
fresh, everyone = ([json.loads(line) for line in open(path)] for path in sys.argv[1:3])
for events in (fresh, everyone):
    assert [event["event"] for event in events][-1] == "done", events
# Resolvers that keep what was are named, with the time at which they are asked again.
behind = {event["now"]["resolver"] for event in everyone if event["event"] == "changed" and "resolver" in event["now"]}
assert behind or int(sys.argv[4]) > 30, everyone
# Each question once at the resolver that had kept nothing.
asked = collections.Counter(re.findall(r"info: \S+ (\S+ \S+ IN)$", open(sys.argv[3]).read(), re.M))
assert asked and not [one for one in asked.items() if one[1] > 1 and "moving" in one[0]], asked
# A look at the source every 15 s, and the last one.
looks = sum(1 for event in fresh if event["event"] == "asked" and event["source"])
assert looks <= int(sys.argv[4]) // 15 + 3, fresh
# As they came in at the servers: at the zones', each awaited question once in each look; at a resolver, as often as the schedule says.
awaited = {("mail.moving.example.", 1), ("8.8.18.198.in-addr.arpa.", 12)}
came = collections.Counter()
for line in open(sys.argv[5]):
    source, to, name, number = line.split()
    if source == sys.argv[6]:
        came[to, name, int(number)] += 1
looks += sum(1 for event in everyone if event["event"] == "asked" and event["source"])
for question in awaited:
    assert 0 < came["192.0.2.60", *question] <= looks, (looks, came)
    assert came["192.0.2.61", *question] == 1, came
allowed = everyone[-1]["resolvers"]
at_resolvers = sum(came[to, *question] for to in ("192.0.2.58", "192.0.2.59") for question in awaited)
assert at_resolvers <= allowed, (allowed, came)
figures = ", ".join(f"{to} {sum(came[to, *question] for question in awaited)}" for to in sorted({to for to, _, _ in came}))
print(f"    {looks} looks at the source; awaited questions that came: {figures}", file=sys.stderr)
PY

    say "  after: nothing is left of the old host"
    mail_arrives new "$NEW"
    says 0 "$work/after.json" new check "${ask[@]}" --moved-from /tmp/old.json --format json
    holds "$work/after.json" '{p["iprev"] for p in r["paths"] if not p["unused"]} == {"pass"} and not [f for f in r["findings"] if f["severity"] != "info"]'
    says 0 "$work/compared.json" new compare /tmp/old.json "${ask[@]}" --format json
    holds "$work/compared.json" '{c["verdict"] for c in r["changes"]} == {"expected"}'
    halt old
    halt new
    move_postfix
}

# The same of Postfix, whose configuration was copied as it was: usage: make_copied ROOT NAMESPACE ADDRESS
make_copied() {
    local root=$work/$1/root
    with_package "$1" postfix
    cp "$HELOLINT" "$root/usr/local/bin/helolint"
    rm -f "$root/etc/resolv.conf"
    echo nameserver 192.0.2.61 >"$root/etc/resolv.conf"
    printf '127.0.0.1 localhost\n%s mail.moving.example mail\n' "$3" >"$root/etc/hosts"
    boot "$1" "$2" mail.moving.example
    on "$1" cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
    [ -e "$root/etc/postfix/master.cf" ] || on "$1" cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
    on "$1" postconf -e myhostname=mail.moving.example mydestination=localhost maillog_file=/var/log/mail.log alias_maps= alias_database= \
        mailbox_size_limit=0 inet_protocols=ipv4 "smtp_bind_address=$OLD"
    restart_postfix "$1"
}

move_postfix() {
    local ask=(--resolver fresh=192.0.2.61)
    say "  Postfix: what was copied binds to the old address"
    make_copied postfix-old old "$OLD"
    mail_arrives postfix-old "$OLD"
    says 0 "$work/snapshot.txt" postfix-old snapshot "${ask[@]}" -o /tmp/old.json
    halt postfix-old
    make_copied postfix-new new "$NEW"
    cp "$work/postfix-old/root/tmp/old.json" "$work/postfix-new/root/tmp/"
    says 1 "$work/compare.json" postfix-new compare /tmp/old.json "${ask[@]}" --format json
    holds "$work/compare.json" '[c["verdict"] for c in r["changes"] if c["key"] == "postfix smtp_bind_address"] == ["leftover"]'
    says 0 "$work/fix.txt" postfix-new fix "${ask[@]}" --moved-from /tmp/old.json --apply --unsafe --run
    [ "$(on postfix-new postconf -h smtp_bind_address)" != "$OLD" ] || { cat "$work/fix.txt" >&2; die "Postfix still binds to the old address"; }
    grep -q '^Ran: postfix reload' "$work/fix.txt" || { cat "$work/fix.txt" >&2; die "Postfix was not told"; }
    mail_arrives postfix-new "$NEW"
    says 0 "$work/after.json" postfix-new check "${ask[@]}" --moved-from /tmp/old.json --format json
    holds "$work/after.json" 'not [f for f in r["findings"] if f["severity"] != "info"]'
    says 0 "$work/undo.txt" postfix-new fix --undo
    [ "$(on postfix-new postconf -h smtp_bind_address)" = "$OLD" ] || die "--undo gives something else back"
    halt postfix-new
}
