# Hosts of panels: Exim with their configuration and maps.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}" "${top:?set by run}"

# Files shaped as cPanel's, and the panel's own beside them: two domains with lines of their own, and `*`.
case_cpanel() {
    prepare_network
    make_mx cpanel exim4-daemon-heavy
    local root=$work/cpanel/root
    mkdir -p "$root/usr/local/cpanel" "$root/var/cpanel"
    cp "$here/cpanel.conf" "$root/etc/exim.conf"
    cp "$here/cpanel.pl" "$root/etc/exim.pl.local"
    # Debian's binary looks for it here.
    ln -sf ../exim.conf "$root/etc/exim4/exim4.conf"
    echo 11.118.0.5 >"$root/usr/local/cpanel/version"
    printf 'HOST mail.example.com\nADDR 203.0.113.10\n' >"$root/etc/wwwacct.conf"
    printf 203.0.113.10 >"$root/var/cpanel/mainip"
    printf 'custom_mailhelo=1\ncustom_mailips=1\nper_domain_mailips=0\nuse_rdns_for_helo=0\n' >"$root/etc/exim.conf.localopts"
    : >"$root/var/cpanel/custom_mailhelo"
    : >"$root/var/cpanel/custom_mailips"
    printf 'example.com: alice\nnews.example.com: bob\n*: nobody\n' >"$root/etc/userdomains"
    printf '#userips v1\nalice: 203.0.113.11\nbob: 203.0.113.12\n' >"$root/etc/userips"
    printf 'example.com\nmail.example.com\nnews.example.com\n' >"$root/etc/localdomains"

    say "  two domains and any other"
    printf 'example.com: 203.0.113.11;2001:db8:25::26\nnews.example.com: 203.0.113.12;2001:db8:25::27\n*: 203.0.113.10;2001:db8:25::25\n' >"$root/etc/mailips"
    printf 'example.com: out.example.com\nnews.example.com: news.example.com\n*: mail.example.com' >"$root/etc/mailhelo"
    start_panel_exim cpanel
    send_all cpanel example.com news.example.com example.net
    paths_are_true cpanel
    # The router that signs takes the domain that has a key.
    helo_is remote_smtp "news.example.com', 'mail.example.com"
    helo_is dkim_remote_smtp out.example.com

    say "  a map that is empty, and one without \`*\`"
    printf 'example.com: 203.0.113.10;2001:db8:25::25\n# a comment ends the value\n news.example.com: 203.0.113.12\n' >"$root/etc/mailips"
    : >"$root/etc/mailhelo"
    send_all cpanel example.com news.example.com example.net
    judge 30 "$work/report.json" on cpanel helolint check --format json
    python3 "$here/compare.py" "$work/report.json" "$records" || die "paths and mail differ"
    helo_is remote_smtp mail.example.com
    halt cpanel
}

# usage: start_panel_exim ROOT
start_panel_exim() {
    on "$1" install -d -o Debian-exim -g Debian-exim /run/exim4
    on "$1" exim4 -bd -q30m -oP /run/exim4/exim.pid || die "Exim does not start"
}

# DirectAdmin's configuration and maps: an address and a name of its own for one domain.
case_directadmin() {
    prepare_network
    make_mx directadmin exim4-daemon-heavy
    local root=$work/directadmin/root
    mkdir -p "$root/etc/virtual"
    {
        printf 'spool_directory = /var/spool/exim4\n'
        sed 's/server\.example\.com/mail.example.com/' "$top/testdata/hosts/directadmin-two-addresses/root/etc/exim.conf"
        printf 'begin retry\n* * F,1h,1m\n'
    } >"$root/etc/exim.conf"
    ln -sf ../exim.conf "$root/etc/exim4/exim4.conf"
    printf 'example.com\nnews.example.com\n' >"$root/etc/virtual/domains"
    printf 'news.example.com: 203.0.113.12 ; 2001:db8:25::27\n' >"$root/etc/virtual/domainips"
    printf '203.0.113.12: news.example.com\n"2001:db8:25::27": news.example.com\n' >"$root/etc/virtual/helo_data"
    start_panel_exim directadmin
    send_all directadmin example.com news.example.com
    paths_are_true directadmin
    helo_is remote_smtp "news.example.com', 'mail.example.com"
    halt directadmin
}
