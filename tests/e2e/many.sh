# The case domains of tests/e2e/run: some hundreds of domains, asked for past a relay that counts, and loses packets where it is told to.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}" "${top:?set by run}"

# Starts NSD with the zone of the domains, where nobody but the relay asks it.
serve_domains() {
    local name=many zone
    ip -n dns addr add 192.0.2.65/24 dev eth0
    {
        printf 'server:\n ip-address: 192.0.2.65\n username: ""\n zonesdir: /e2e/%s\n database: ""\n' "$name"
        printf ' pidfile: /run/%s.pid\n xfrdfile: /run/%s.state\n zonelistfile: /run/%s.list\n rrl-ratelimit: 0\n' "$name" "$name" "$name"
        printf 'remote-control:\n control-enable: no\n'
        for zone in example customers.example; do printf 'zone:\n name: "%s"\n zonefile: %s.zone\n' "$zone" "$zone"; done
        printf 'zone:\n name: "example.com"\n zonefile: /e2e/example.com.zone\n'
    } >"$work/base/root/e2e/$name.conf"
    on base nsd -d -c "/e2e/$name.conf" >"$work/$name.log" 2>&1 &
    eventually 10 "NSD has the domains" on base sh -c "ss -lun | grep -qF 192.0.2.65:53"
}

# Starts the relay anew. usage: relay LOSS MILLISECONDS     what goes through it stands in $work/relay
relay() {
    relay_ends
    rm -f "$work/relay" "$work/relay.ready"
    ip netns exec dns python3 "$here/many.py" relay "$work/relay" "$1" "$2" 192.0.2.65 192.0.2.63 192.0.2.64 2>"$work/relay.log" &
    relay_pid=$!
    eventually 10 "the relay listens" test -e "$work/relay.ready"
}

relay_ends() {
    [ -z "${relay_pid:-}" ] || { kill "$relay_pid" && wait "$relay_pid" || true; } 2>/dev/null
    relay_pid=
}

# Looks at the domains. usage: look OUTPUT OPTION...
look() {
    local output=$1 host=$top/testdata/hosts/domains-after-a-move status=0
    shift
    ip netns exec mx "$HELOLINT" domains --root "$host/root" --kernel "$host/kernel" --domains "$work/many/domains" --format ndjson "$@" \
        >"$output" 2>"$output.errors" || status=$?
    # Domains at fault are what it is to find, and none is to be left open.
    [ "$status" = 1 ] && [ ! -s "$output.errors" ] || { cat "$output.errors" >&2; head -c 2000 "$output" >&2; die "domains ends with $status"; }
}

is_so() { python3 "$here/many.py" "$@" >&2 || die "$*"; }

case_domains() {
    prepare_network
    mkdir -p "$work/many" "$work/base/root/e2e/many"
    is_so make 300 "$work/many"
    cp "$work"/many/*.zone "$work/base/root/e2e/many/"
    ip -n dns addr add 192.0.2.63/24 dev eth0
    ip -n dns addr add 192.0.2.64/24 dev eth0
    serve_domains

    say "  nothing is lost"
    relay 0 5
    look "$work/many.1" --resolver 192.0.2.63 --qps 0
    is_so results "$work/many" "$work/many.1"
    is_so asked "$work/relay" 203.0.113.10

    say "  three packets of a hundred are lost each way"
    relay 0.03 5
    look "$work/many.2" --resolver 192.0.2.63 --qps 0
    is_so results "$work/many" "$work/many.2"
    is_so asked "$work/relay" 203.0.113.10
    cmp -s <(sort "$work/many.1") <(sort "$work/many.2") || die "what is said differs where packets are lost"

    say "  ended on the way, and resumed"
    relay 0.01 5
    local host=$top/testdata/hosts/domains-after-a-move pid
    rm -f "$work/kept"
    ip netns exec mx "$HELOLINT" domains --root "$host/root" --kernel "$host/kernel" --domains "$work/many/domains" --format ndjson \
        --resolver 192.0.2.63 --qps 500 --resume "$work/kept" >"$work/many.3" &
    pid=$!
    eventually 20 "some domains are done" has_lines "$work/kept" 60
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null && die "it had ended by itself"
    is_so asked "$work/relay" 203.0.113.10 256 500
    # As a run that was ended while it wrote leaves it.
    printf '{"domain":"d' >>"$work/kept"
    cp "$work/kept" "$work/kept.then"
    sed -i '$d' "$work/kept.then"
    relay 0.01 5
    look "$work/many.4" --resolver 192.0.2.63 --qps 0 --resume "$work/kept"
    is_so fresh "$work/relay" 203.0.113.10 "$work/kept.then"
    is_so results "$work/many" "$work/many.4"
    is_so results "$work/many" "$work/kept"

    say "  the zone's own servers, each at its own pace"
    relay 0.01 5
    look "$work/many.5" --resolver 192.0.2.54 --authoritative --qps 800
    is_so results "$work/many" "$work/many.5"
    is_so asked "$work/relay" 203.0.113.10 256 800
    relay_ends
}
