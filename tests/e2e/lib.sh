# Functions of tests/e2e/run: roots made of this machine's own files, network namespaces, servers.
# shellcheck shell=bash
#
# Everything here happens in a mount, PID and network namespace of its own (see `run`): when the script ends, for whatever
# reason, the kernel takes mounts, processes and network away.

: "${work:?set by run}" "${here:?set by run}"

say() { printf '%s\n' "$*" >&2; }
die() { say "e2e: $*"; exit 1; }

# A root that shows this machine's files, with everything written to it kept apart in memory.
# usage: make_root NAME [LOWER]...   (further layers below it, the nearest first)
make_root() {
    local name=$1 dir=$work/$1 lower=/ layer
    shift
    for layer in "$@"; do lower=$work/$layer/up:$lower; done
    mkdir -p "$dir/up" "$dir/tmp" "$dir/root"
    mount -t overlay "e2e-$name" -o "lowerdir=$lower,upperdir=$dir/up,workdir=$dir/tmp" "$dir/root"
    mount -t proc proc "$dir/root/proc"
    mount --rbind /dev "$dir/root/dev"
    mount -t tmpfs tmpfs "$dir/root/tmp"
    # The network's place in /run and /sys stays out of sight.
    mount -t tmpfs tmpfs "$dir/root/run"
    mkdir -p "$dir/root/run/lock"
}

# Gives a root a /dev of its own, with the devices that programs want: what listens on /dev/log there is seen by it alone.
own_devices() {
    local device
    mount -t tmpfs tmpfs "$1/dev"
    for device in null zero full random urandom; do
        : >"$1/dev/$device"
        mount --bind "/dev/$device" "$1/dev/$device"
    done
}

# Installs packages into a root; nothing is started.
# usage: install_into NAME PACKAGE...
install_into() {
    local root=$work/$1/root
    shift
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    # What name servers there are, whatever /etc/resolv.conf is a link to.
    rm -f "$root/etc/resolv.conf"
    cat /etc/resolv.conf >"$root/etc/resolv.conf"
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -qq -o Dpkg::Use-Pty=0 \
        install -y --no-install-recommends "$@" </dev/null >"$work/apt.log" 2>&1 ||
        { cat "$work/apt.log" >&2; die "cannot install $*"; }
}

# Connects the namespace NAME to the router: usage: connect NAME ADDRESS4/LEN GATEWAY4 ADDRESS6/LEN GATEWAY6
connect() {
    local name=$1 a4=$2 g4=$3 a6=$4 g6=$5
    ip netns add "$name"
    ip link add "to-$name" netns router type veth peer name eth0 netns "$name"
    ip -n "$name" link set lo up
    ip -n router addr add "$g4/${a4#*/}" dev "to-$name"
    ip -n router -6 addr add "$g6/${a6#*/}" dev "to-$name" nodad
    ip -n router link set "to-$name" up
    ip -n "$name" addr add "$a4" dev eth0
    ip -n "$name" -6 addr add "$a6" dev eth0 nodad
    ip -n "$name" link set eth0 up
    ip -n "$name" route add default via "$g4"
    # The source is named, so that it does not hang on the order in which addresses came.
    ip -n "$name" -6 route add default via "$g6" src "${a6%/*}"
}

# Boots a root as a host: own host name, processes and network namespace of the same name.
# usage: boot ROOT NAMESPACE HOSTNAME     sets init[ROOT]
declare -A init
boot() {
    local name=$1 netns=$2 hostname=$3 root=$work/$1/root parent
    printf '%s\n' "$hostname" >"$root/etc/hostname"
    # shellcheck disable=SC2016  # the inner shell expands it
    ip netns exec "$netns" unshare --uts --mount --pid --fork --kill-child \
        sh -c 'mount -t proc proc "$1/proc" && hostname "$2" && exec chroot "$1" sleep infinity' sh "$root" "$hostname" \
        2>"$work/$name.boot" &
    parent=$!
    local tries=0
    until init[$name]=$(pgrep -P "$parent") && [ "$(cat "/proc/${init[$name]}/comm" 2>/dev/null)" = sleep ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || die "$name does not boot"
        sleep 0.05
    done
}

# Runs a command on a booted host.
# usage: on ROOT COMMAND...
on() {
    local name=$1
    shift
    enter "$name"
    "${entered[@]}" "$@" </dev/null
}

# Puts into the array `entered` what runs a command on a booted host, for programs that run others.
enter() {
    entered=(nsenter --target "${init[$1]}" --net --uts --mount --pid --root --
        env -C / -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8)
}

# Shuts a booted host down.
halt() {
    kill -KILL "${init[$1]}"
    unset "init[$1]"
}

# Waits until a command succeeds. usage: eventually SECONDS WHAT COMMAND...
eventually() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "timed out: $what"
        sleep 0.1
    done
}

has_lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# Router, and the DNS behind it: NSD with the zones (the root among them), Unbound as resolver at the addresses of the public
# ones too. No namespace has a way out.
start_network() {
    ip netns add router
    ip -n router link set lo up
    ip netns exec router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    connect dns 192.0.2.53/24 192.0.2.1 2001:db8:53::53/64 2001:db8:53::1
    connect sink 198.51.100.25/24 198.51.100.1 2001:db8:51::25/64 2001:db8:51::1
    connect mx 203.0.113.10/24 203.0.113.1 2001:db8:25::25/64 2001:db8:25::1
    local a
    for a in 203.0.113.11/24 203.0.113.12/24; do ip -n mx addr add "$a" dev eth0; done
    for a in 2001:db8:25::26/64 2001:db8:25::27/64; do ip -n mx -6 addr add "$a" dev eth0 nodad; done
    ip -n dns addr add 192.0.2.54/24 dev eth0
    for a in 1.1.1.1 8.8.8.8 9.9.9.9; do
        ip -n dns addr add "$a/32" dev lo
        ip -n router route add "$a/32" via 192.0.2.53
    done

    local root=$work/base/root zone
    mkdir -p "$root/e2e"
    cp "$here"/zones/*.zone "$root/e2e/"
    {
        printf 'server:\n ip-address: 192.0.2.53\n ip-address: 2001:db8:53::53\n username: ""\n zonesdir: /e2e\n'
        printf ' database: ""\n pidfile: /run/nsd.pid\n xfrdfile: /run/xfrd.state\n zonelistfile: /run/zone.list\n'
        printf 'remote-control:\n control-enable: no\n'
        for zone in "$here"/zones/*.zone; do
            zone=$(basename "$zone")
            case $zone in
            root.zone) printf 'zone:\n name: "."\n zonefile: %s\n' "$zone" ;;
            *) printf 'zone:\n name: "%s"\n zonefile: %s\n' "${zone%.zone}" "$zone" ;;
            esac
        done
    } >"$root/e2e/nsd.conf"
    printf '. 3600 IN NS ns1.example.net.\nns1.example.net. 3600 IN A 192.0.2.53\n' >"$root/e2e/root.hints"
    {
        printf 'server:\n do-daemonize: no\n username: ""\n chroot: ""\n directory: /e2e\n pidfile: ""\n use-syslog: no\n'
        printf ' module-config: "iterator"\n root-hints: /e2e/root.hints\n do-not-query-localhost: no\n'
        for a in 192.0.2.54 1.1.1.1 8.8.8.8 9.9.9.9; do printf ' interface: %s\n' "$a"; done
        printf ' access-control: 0.0.0.0/0 allow\n'
        # Unbound answers the documentation ranges by itself unless it is told not to.
        for zone in 113.0.203.in-addr.arpa 8.b.d.0.1.0.0.2.ip6.arpa; do printf ' local-zone: "%s." nodefault\n' "$zone"; done
        printf 'remote-control:\n control-enable: no\n'
    } >"$root/e2e/unbound.conf"

    boot base dns dns.example.net
    on base nsd-checkconf /e2e/nsd.conf || die "nsd.conf"
    on base nsd -d -c /e2e/nsd.conf >"$work/nsd.log" 2>&1 &
    on base unbound -d -c /e2e/unbound.conf >"$work/unbound.log" 2>&1 &
    eventually 15 "NSD and Unbound answer" resolves
}

resolves() {
    on base getent -s dns ahostsv4 sink4.example.net
}

# Starts the SMTP sink; what it records goes to $records.
start_sink() {
    records=$work/records
    ip netns exec sink python3 "$here/sink.py" "$records" 198.51.100.25 2001:db8:51::25 >"$work/sink.log" 2>&1 &
    eventually 10 "the SMTP sink listens" test -e "$records.ready"
}

# Sends a message along a family (v4 or v6). usage: send_one ROOT SENDER_DOMAIN FAMILY
send_one() {
    printf 'From: alice@%s\nTo: bob@%s.example.net\nSubject: test\n\ntest\n' "$2" "$3" >"$work/$1/root/tmp/mail"
    on "$1" sh -c "sendmail -f alice@$2 bob@$3.example.net </tmp/mail" || die "sendmail fails"
}

# Whether Postfix keeps a message to the recipient because it could not be sent. usage: is_deferred ROOT RECIPIENT
is_deferred() { on "$1" postqueue -j | grep -F '"deferred"' | grep -qF "\"$2\""; }

# Sends a message along each family from each sender domain; waits until all have arrived at the sink.
# usage: send_all ROOT SENDER_DOMAIN...
send_all() {
    local name=$1 domain family count=0
    shift
    : >"$records"
    for domain in "$@"; do
        for family in v4 v6; do
            send_one "$name" "$domain" "$family"
            count=$((count + 1))
        done
    done
    local end=$((SECONDS + 45))
    until has_lines "$records" "$count"; do
        [ "$SECONDS" -lt "$end" ] || { show_mail_log "$name"; die "only $(wc -l <"$records") of $count messages arrived"; }
        sleep 0.2
    done
}

show_mail_log() {
    cat "$work/$1/root/var/log/mail.log" "$work/$1/root/var/log/exim4/mainlog" >&2 2>/dev/null || true
}

# A new seed for random configurations.
fresh_seed() { echo $((RANDOM * 32768 + RANDOM)); }
