# The case bind of tests/e2e/run: zones that BIND on the host serves from its own files, and the edits that `helolint domains` gives for them.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}" "${top:?set by run}"

# usage: look_at_zones OUTPUT OPTION...
look_at_zones() {
    local output=$1 status=0
    shift
    on bind helolint domains --resolver 203.0.113.10 "$@" >"$output" 2>"$output.errors" || status=$?
    cat "$output.errors" >&2
    [ "$status" -le 1 ] || { cat "$output" >&2; die "domains ends with $status"; }
}

serial() { on bind dig +short +time=1 +tries=1 @203.0.113.10 "$1" SOA | cut -d' ' -f3; }
has_serial() { [ "$(serial "$1")" = "$2" ]; }

case_bind() {
    prepare_network
    make_mx bind "postfix bind9 bind9-utils bind9-dnsutils"
    local root=$work/bind/root zone
    printf 'myhostname = mail.bound.example\nmydestination = bound.example, news.bound.example, second.example\ninet_protocols = ipv4\n' \
        >"$root/etc/postfix/main.cf"
    # As people write them: names below the origin, entries over several lines, comments, an owner that is the one above.
    cat >"$root/etc/bind/db.bound" <<'ZONE'
$TTL 1h
@       IN SOA ns1 hostmaster ( 2026112901 ; serial
                7200 3600 2w 300 )
        NS      ns1
        MX      10 mail
        TXT     "v=spf1 ip4:198.51.100.7" " -all"   ; the old host
ns1     A       203.0.113.10
mail    A       203.0.113.10
        TXT     "v=spf1 a -all"
_dmarc  300 TXT ( "v=DMARC1; p=reject;"
                " rua=mailto:dmarc@bound.example" )
news    MX      10 mail
ZONE
    printf '$ORIGIN second.example.\n@ 3600 SOA ns1.bound.example. hostmaster.bound.example. 7 7200 3600 1209600 300\n@ 3600 NS ns1.bound.example.\n@ 3600 MX 10 mail.bound.example.' \
        >"$root/etc/bind/db.second"
    {
        printf '// zones of customers\n'
        printf 'zone "bound.example" { type master; file "/etc/bind/db.bound"; };\n'
        printf 'zone "second.example" IN { type primary; file "/etc/bind/db.second"; allow-update { none; }; };\n'
    } >"$root/etc/bind/named.conf.local"
    printf 'options { directory "/var/cache/bind"; recursion no; listen-on { 203.0.113.10; 127.0.0.1; }; dnssec-validation no; };\n' \
        >"$root/etc/bind/named.conf.options"
    on bind named-checkconf /etc/bind/named.conf || die "named.conf"
    on bind install -d -o bind -g bind /run/named
    on bind named -u bind -c /etc/bind/named.conf || die "BIND does not start"
    eventually 10 "BIND answers" has_serial bound.example 2026112901

    say "  the edits are carried out as they are printed"
    look_at_zones "$work/bind.json" --format json
    holds "$work/bind.json" 'sorted(e["zone"] for e in r["edits"]) == ["bound.example", "second.example"]'
    look_at_zones "$work/bind.text"
    sed -n '/^Records to publish/,/^$/s/^       //p' "$work/bind.text" >"$work/bind.commands"
    grep -q 'rndc reload' "$work/bind.commands" || { cat "$work/bind.text" >&2; die "no edit is printed"; }
    on bind sh -ec "$(cat "$work/bind.commands")" >"$work/bind.done" 2>&1 || { cat "$work/bind.commands" "$work/bind.done" >&2; die "a command fails"; }
    eventually 10 "BIND has the new zones" has_serial bound.example 2026112902
    eventually 10 "BIND has the new zones" has_serial second.example 8
    for zone in bound second; do cp "$root/etc/bind/db.$zone" "$work/db.$zone.edited"; done

    say "  nothing is left to publish"
    look_at_zones "$work/bind.after" --format json
    holds "$work/bind.after" '"edits" not in r and not any(d["records"] for d in r["domains"])'
    holds "$work/bind.after" 'all(s["result"] == "pass" for d in r["domains"] for s in d["spf"]["results"])'

    say "  a file that BIND has not read yet is left alone"
    sed -i 's/ip4:203.0.113.10/ip4:203.0.113.77/' "$root/etc/bind/db.second"
    on bind rndc reload second.example >"$work/bind.done" || die "rndc reload"
    sed -i 's/ip4:203.0.113.77/ip4:203.0.113.78/' "$root/etc/bind/db.second"
    look_at_zones "$work/bind.unread" --format json
    holds "$work/bind.unread" '"edits" not in r'
    halt bind
}
