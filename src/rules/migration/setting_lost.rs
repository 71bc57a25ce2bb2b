use super::{drifts, mark};
use crate::compare::Effect;
use crate::findings::{Finding, Fix, Who};
use crate::rules::{Context, rule};

rule! {
    /// A setting of the old host that bears on identity is not set here.
    ///
    /// ## Condition
    /// With `--moved-from` or `compare`: a bind address, a HELO name of a service, an entry of the NAT map, a line of a panel's map
    /// for a domain or address that is on this host (cPanel's `mailips` and `mailhelo`, DirectAdmin's `domainips`, `helo_data` and `domains`,
    /// Hestia's `ip` and `smtp_relay.conf`), a flag file, a mail server's certificate, a DKIM key for a domain that is on this host, or a lookup by
    /// sender domain was set on the old host and is not set here; a key also where another one signs under the same name. Subject: the setting.
    ///
    /// ## Why it matters
    /// Transfers carry accounts, not the server's own settings: mail leaves from the main address under the main name, or WHM writes the maps
    /// anew.
    ///
    /// ## Fix
    /// Set it here as well, with this host's addresses; a DKIM key: sign with it here, or publish the record of the one that signs here.
    ///
    /// ## When to ignore
    /// Where it is not needed any more.
    pub static RULE = {
        code: "MIG004",
        name: "setting-lost",
        severity: Warning,
        refs: ["cPanel & WHM: What the transfer tool does not move"],
        needs: [Facts, OldSnapshot],
        check: check,
    };
}

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let finding = |change: &crate::compare::Change| {
        let was = change.old.as_deref().unwrap_or_default();
        let message = format!("{} was `{was}` on the old host: {}", change.key, change.because);
        let key = &change.key;
        let text = match () {
            () if key.starts_with("/var/cpanel/") => {
                format!("Have the flag here too: `touch {key}`, or its option in WHM's Exim Configuration Manager.")
            }
            () if key.starts_with("/etc/exim.conf.localopts ") => {
                format!("Set {key} here too, in WHM's Exim Configuration Manager.")
            }
            () if key.starts_with("DKIM key ") => {
                match change.new {
                    Some(_) => "Bring the old private key along, or publish the record of the key that signs here; `helolint domains` says which of them the DNS has.",
                    None => "Sign mail of this domain here too: with the old private key nothing has to be published anew.",
                }
                .to_owned()
            }
            () => format!("Set {key} here too, with this host's own addresses and names."),
        };
        mark(RULE.violated(&change.key, message).fix(Fix::new(Who::Host, text)), change)
    };
    drifts(cx, Effect::Lost).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{But, check_table, cpanel, dns, entry, fact, healthy, listed, moved_from};

    #[test]
    fn what_was_set_and_is_not() {
        let panel = |lines: &[(&str, &str)], flag: bool| {
            healthy().but(|f| {
                f.cpanel = Some(
                    cpanel()
                        .but(|panel| {
                            panel.mailhelo = lines.iter().map(|(key, value)| entry(key, value)).collect();
                            panel.localdomains = vec![listed("shop.example")];
                            panel.flags = if flag { vec![fact("custom_mailhelo".to_owned())] } else { Vec::new() };
                        })
                        .into(),
                );
            })
        };
        let full = || panel(&[("*", "mail.example.com"), ("shop.example", "shop.example")], true);
        let moved = |new: crate::facts::Facts| moved_from(full()).but(|f| f.cpanel = new.cpanel);
        check_table(
            &RULE,
            vec![
                ("all is here", moved(full()), dns(&[]), &[]),
                (
                    "a line is missing",
                    moved(panel(&[("*", "mail.example.com")], true)),
                    dns(&[]),
                    &["warning /etc/mailhelo shop.example"],
                ),
                (
                    "the flag is missing",
                    moved(panel(&[("*", "mail.example.com"), ("shop.example", "shop.example")], false)),
                    dns(&[]),
                    &["warning /var/cpanel/custom_mailhelo"],
                ),
                (
                    "the domain is not here",
                    moved(panel(&[("*", "mail.example.com")], true)).but(|f| {
                        let panel = std::sync::Arc::make_mut(f.cpanel.as_mut().unwrap());
                        panel.localdomains = vec![listed("other.example")];
                    }),
                    dns(&[]),
                    &[],
                ),
            ],
        );
    }
}
