use crate::findings::Finding;
use crate::rules::panel::has_flag;
use crate::rules::{Context, rule};

rule! {
    /// A hook may rewrite cPanel's mail maps.
    ///
    /// ## Condition
    /// The hook `postupdateuserdomains` exists. Subject: the file.
    ///
    /// ## Why it matters
    /// `/usr/local/cpanel/scripts/postupdateuserdomains` is meant to run whenever cPanel has written its domain maps. What
    /// /etc/mailips and /etc/mailhelo hold may be its work, and what is changed by hand or in WHM may not last.
    ///
    /// ## Fix
    /// Read the hook before you change the maps, and change it where it is what writes them.
    ///
    /// ## When to ignore
    /// Where you wrote it.
    pub static RULE = {
        code: "CPL013",
        name: "hook-rewrites-maps",
        severity: Info,
        refs: ["docs.cpanel.net: Guide to Standardized Hooks"],
        needs: [Facts],
        check: check,
    };
}

const HOOK: &str = "/usr/local/cpanel/scripts/postupdateuserdomains";
/// The same by its own name, as flags are named.
const SHORT: &str = "postupdateuserdomains";

fn check(cx: &Context<'_>) -> Vec<Finding> {
    let facts = cx.facts;
    let Some(cpanel) = &facts.cpanel else { return Vec::new() };
    if !cpanel.files.iter().any(|file| file == HOOK) && !has_flag(cpanel, SHORT) {
        return Vec::new();
    }
    let finding = RULE.violated(HOOK, format!("{HOOK} exists: it may rewrite /etc/mailips and /etc/mailhelo"));
    let flags = cpanel.flags.iter().filter(|flag| flag.value == SHORT);
    vec![flags.fold(finding, |finding, flag| finding.place(&flag.origin, "hook"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    #[test]
    fn cases() {
        let with = |file: &str| healthy().but(|f| f.cpanel = Some(cpanel().but(|c| c.files.push(file.into())).into()));
        let expected = format!("info {HOOK}");
        check_table(
            &RULE,
            vec![
                ("the hook exists", with(HOOK), dns(&[]), &[&expected]),
                ("it does not", with("/etc/mailips"), dns(&[]), &[]),
            ],
        );
    }
}
