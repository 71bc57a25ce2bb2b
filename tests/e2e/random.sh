# Random configurations, read by the real programs and by helolint.
# shellcheck shell=bash

: "${work:?set by run}" "${here:?set by run}" "${top:?set by run}"

# Random configurations: what the installed postconf, master and programs say of them, and what helolint reads in them.
case_postconf() {
    local root=$work/postconf/root address
    with_package postconf postfix
    ip netns add postconf
    ip -n postconf link set lo up
    # The host that tests/postfix_oracle.rs knows.
    for address in 192.0.2.25/32 192.0.2.26/32 198.51.100.7/32; do ip -n postconf addr add "$address" dev lo; done
    for address in 2001:db8::25/128 2001:db8::26/128; do ip -n postconf -6 addr add "$address" dev lo nodad; done
    printf '%s\n' '127.0.0.1 localhost' '::1 ip6-localhost' '192.0.2.25 mail1.example.com mail1' '192.0.2.26 mail2.example.com' \
        '2001:db8::25 mail6.example.com' >"$root/etc/hosts"
    rm -f "$root/etc/resolv.conf"
    echo nameserver 127.0.0.1 >"$root/etc/resolv.conf"
    own_devices "$root"
    boot postconf postconf mail1.example.com
    cp "$here/postconf" "$here/daemons.py" "$root/tmp/"
    local seed
    for seed in ${E2E_SEED:-$(fresh_seed)}; do
        rm -rf "$root/tmp/cases"
        mkdir "$root/tmp/cases"
        # $top: set by run
        if [ -n "${E2E_CASES:-}" ]; then
            cp "$E2E_CASES"/*.cf "$root/tmp/cases"
        else
            (cd "${top:?}" && cargo run --quiet --locked --example postfix_fuzz -- "$seed" "${E2E_COUNT:-300}" "$root/tmp/cases") >&2
        fi
        on postconf python3 /tmp/postconf /tmp/cases >&2
        [ -z "${E2E_CASES:-}" ] || cp "$root"/tmp/cases/*.expected.json "$E2E_CASES"
        (cd "${top:?}" && HELOLINT_POSTFIX_CASES=$root/tmp/cases \
            cargo test --quiet --locked --test postfix_oracle -- --exact recorded_elsewhere_agree) >"$work/postconf.log" 2>&1 ||
            { cat "$work/postconf.log" >&2; die "seed $seed: helolint and Postfix differ"; }
        grep -q '1 passed' "$work/postconf.log" || die "nothing was compared"
    done
    halt postconf
}

# Every recorded configuration in which helolint's edits set HELO names, addresses and the host's name: the real programs read them so, and
# everything else as before.
case_edited() {
    local which root
    mkdir "$work/edited-postfix" "$work/edited-exim"
    for which in postfix exim; do
        (cd "${top:?}" && HELOLINT_EDITED=$work/edited-$which cargo test --quiet --locked --test "${which}_oracle" -- --exact \
            what_is_set_is_read_so_and_nothing_else_changes) >"$work/edited.log" 2>&1 || { cat "$work/edited.log" >&2; die "an edit is read otherwise"; }
    done
    with_package edited-p postfix
    root=$work/edited-p/root
    ip netns add edited
    ip -n edited link set lo up
    boot edited-p edited mail1.example.com
    cp -r "$here/edited.py" "$here/exim_answers.py" "$work/edited-postfix" "$root/tmp/"
    on edited-p env "E2E_EDITED=${E2E_EDITED:-}" python3 /tmp/edited.py postfix /tmp/edited-postfix || die "Postfix reads an edit otherwise"
    halt edited-p
    with_package edited-e exim4-daemon-heavy
    root=$work/edited-e/root
    rm -rf "$root"/etc/exim4/* "$root/etc/resolv.conf" 2>/dev/null || true
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    sed -i 's/^hosts:.*/hosts: files/' "$root/etc/nsswitch.conf"
    boot edited-e edited mail1.example.com
    enter edited-e
    python3 "$here/edited.py" exim "$root" "$work/edited-exim" "${entered[@]:?}" || die "Exim reads an edit otherwise"
    halt edited-e
}

# Random configurations: what the real Exim makes of them, and what helolint does.
case_exim_fuzz() {
    local seed root=$work/fuzz/root
    make_root fuzz
    chroot "$root" apt-get -qq update >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; die "apt-get update"; }
    install_into fuzz exim4-daemon-heavy
    rm -f "$root"/etc/exim4/* "$root/etc/resolv.conf" 2>/dev/null || true
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
    sed -i 's/^hosts:.*/hosts: files/' "$root/etc/nsswitch.conf"
    ip netns add fuzz
    boot fuzz fuzz mail1.example.com
    enter fuzz
    for seed in ${E2E_SEED:-$(fresh_seed)}; do
        rm -rf "$work/cases"
        cargo run --quiet --locked --manifest-path "$top/Cargo.toml" --example exim_fuzz -- "$seed" "${E2E_COUNT:-300}" "$work/cases" | sed 's/^/    /' >&2
        python3 "$here/exim_answers.py" "$root" "$work/cases" "${entered[@]:?}" >&2
        [ -z "${EXIM_FUZZ_KEEP:-}" ] || cp -r "$work/cases/." "$EXIM_FUZZ_KEEP/"
        HELOLINT_EXIM_CASES=$work/cases cargo test --quiet --locked --manifest-path "$top/Cargo.toml" --test exim_oracle fresh -- --nocapture >"$work/fuzz.log" 2>&1 ||
            { cat "$work/fuzz.log" >&2; die "seed $seed: helolint and Exim differ"; }
        grep -E '^    ' "$work/fuzz.log" >&2
    done
    halt fuzz
}

# Random SPF policies: what Debian's pyspf makes of them, and what helolint does.
case_spf() {
    local seed root=$work/spf/root
    make_root spf
    chroot "$root" apt-get -qq update >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; die "apt-get update"; }
    install_into spf python3-spf
    cp "$here/spf_compare.py" "$root/tmp/"
    for seed in ${E2E_SEED:-$(fresh_seed)}; do
        cargo run --quiet --locked --manifest-path "$top/Cargo.toml" --example spf_fuzz -- "$seed" "${E2E_COUNT:-2000}" >"$root/tmp/cases"
        chroot "$root" /usr/bin/python3 /tmp/spf_compare.py <"$root/tmp/cases" >"$work/spf.log" ||
            { cat "$work/spf.log" >&2; die "seed $seed: helolint and pyspf differ"; }
        tail -n 1 "$work/spf.log" | sed 's/^/    /' >&2
    done
}

# What plans print to be typed makes the same files as their diffs, by the real programs.
case_commands() {
    with_package commands-p postfix
    with_package commands-e exim4-daemon-heavy
    mkdir "$work/commands"
    python3 "$here/commands.py" "$HELOLINT" "$work/commands" "$top/testdata/hosts" "$work/package-postfix/up" "$work/package-exim4-daemon-heavy/up" ||
        die "commands make other files than diffs"
}
