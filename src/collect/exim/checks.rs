//! What Exim asks of a driver once all its options are read, and of the routers among themselves.

use super::Refused;
use super::driver::Driver;
use super::lines::Lines;
use super::tables::Class;

/// What `self` may be, beside `reroute:` and a domain.
const SELF: [&str; 5] = ["freeze", "defer", "send", "pass", "fail"];

/// One driver's options together.
///
/// # Errors
/// What makes Exim refuse them.
pub(crate) fn driver(lines: &Lines, driver: &Driver, class: Class) -> Result<(), Refused> {
    let name = &driver.name;
    let given = |option: &str| driver.get(option).is_some();
    let is = |option: &str| driver.is(option, false);
    let both = |one: &str, other: &str| is(one) && is(other);
    let message = match (class, driver.driver.as_str()) {
        (_, "") => format!("no driver defined for {} \"{name}\"", class.word()),
        (Class::Router, "manualroute") if given("route_list") == given("route_data") => {
            "route_list or route_data (but not both) must be specified".to_owned()
        }
        (Class::Router, "redirect") if given("file") == given("data") => {
            format!("{}one of \"file\" or \"data\" must be specified", if given("file") { "only " } else { "" })
        }
        (Class::Router, "queryprogram") if !given("command") => "a command specification is required".to_owned(),
        (Class::Router, "queryprogram") if !given("command_user") => "command_user must be specified".to_owned(),
        (Class::Transport, "appendfile") if given("file") && given("directory") => {
            "only one of \"file\" or \"directory\" can be specified".to_owned()
        }
        (Class::Transport, "appendfile") if both("maildir_format", "mailstore_format") => {
            "only one of maildir and mailstore may be specified".to_owned()
        }
        (Class::Transport, "lmtp") if given("command") == given("socket") => {
            format!("one (and only one) of command or socket must be set for the {name} transport")
        }
        (Class::Transport, "pipe") if both("return_output", "return_fail_output") => {
            format!("both return_output and return_fail_output set for {name} transport")
        }
        (Class::Transport, "pipe") if both("log_output", "log_fail_output") => {
            format!("both log_output and log_fail_output set for the {name} transport")
        }
        (Class::Transport, "pipe") if both("restrict_to_path", "use_shell") => {
            format!("both restrict_to_path and use_shell set for {name} transport")
        }
        _ => return Ok(()),
    };
    Err(refused(lines, driver, message))
}

/// All routers, once the section has ended.
///
/// # Errors
/// What makes Exim refuse them.
pub(crate) fn routers(lines: &Lines, routers: &[Driver]) -> Result<(), Refused> {
    for (at, router) in routers.iter().enumerate() {
        let given = router.text("transport").is_some();
        let message = match router.driver.as_str() {
            "accept" | "dnslookup" | "ipliteral" if !given && !router.is("verify_only", false) => {
                "a transport is required for this router"
            }
            "redirect" if given => "a transport must not be defined for this router",
            _ => "",
        };
        if !message.is_empty() {
            return Err(refused(lines, router, format!("{} router:\n  {message}", router.name)));
        }
        let own = router.text("self").unwrap_or("freeze");
        if !SELF.contains(&own) && !own.starts_with("reroute:") {
            return Err(refused(lines, router, format!("{own} is not valid for the self option")));
        }
        for (option, only_behind) in [("redirect_router", false), ("pass_router", true)] {
            let Some(other) = router.text(option) else { continue };
            let name = &router.name;
            match routers.iter().position(|known| known.name == other) {
                None => {
                    let message = format!("new_router \"{other}\" not found for \"{name}\" router");
                    return Err(refused(lines, router, message));
                }
                Some(place) if only_behind && place <= at => {
                    let message = format!("new_router \"{other}\" does not follow \"{name}\" router");
                    return Err(refused(lines, router, message));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// All authenticators, once the section has ended.
///
/// # Errors
/// What makes Exim refuse them.
pub(crate) fn authenticators(lines: &Lines, all: &[Driver]) -> Result<(), Refused> {
    // Each side by what it is asked with; drivers for which that depends on the build are left out.
    let side = |driver: &Driver, client: bool| match (driver.driver.as_str(), client) {
        ("plaintext", true) => driver.text("client_send").is_some(),
        ("plaintext", false) => driver.text("server_condition").is_some(),
        ("external", true) => driver.text("client_send").is_some(),
        ("external", false) => driver.text("server_condition").is_some(),
        ("cram_md5", true) => driver.text("client_secret").is_some(),
        ("cram_md5", false) => driver.text("server_secret").is_some(),
        // Where a build has no such driver, Exim refuses the first of the two.
        ("spa", true) => driver.text("client_username").is_some(),
        ("spa", false) => driver.text("server_password").is_some(),
        ("dovecot", false) => driver.text("server_socket").is_some(),
        _ => false,
    };
    let public = |driver: &Driver| driver.text("public_name").map_or_else(|| driver.name.clone(), str::to_owned);
    for (at, one) in all.iter().enumerate() {
        if one.driver == "cram_md5" && one.text("public_name").is_none() {
            return Err(refused(lines, one, format!("no public name specified for the {} authenticator", one.name)));
        }
        let (name, own) = (&one.name, public(one));
        for other in all.iter().skip(at + 1).filter(|other| public(other).eq_ignore_ascii_case(&own)) {
            let both = |client| side(one, client) && side(other, client);
            let word = if both(true) { "client" } else { "server" };
            if both(true) || both(false) {
                let message =
                    format!("two {word} authenticators ({name} and {}) have the same public name ({own})", other.name);
                return Err(refused(lines, other, message));
            }
        }
    }
    Ok(())
}

fn refused(lines: &Lines, driver: &Driver, message: String) -> Refused {
    Refused { at: Some(driver.origin.clone()), ..lines.refused(message) }
}

#[cfg(test)]
mod tests {
    use crate::collect::exim::tests::Fixture;

    fn refusal(text: &str) -> Option<String> {
        let found = Fixture::new(&[("/etc/exim.conf", &text.replace("; ", "\n"))]).collect(false);
        found.configurations[0].error.as_ref().map(|error| error.message.clone())
    }

    /// Each answered by Exim 4.96.
    #[test]
    fn options_that_need_or_exclude_each_other() {
        let router = "begin routers; r:; driver = ";
        let transport = "begin transports; t:; driver = ";
        for (begin, text, message) in [
            (router, "manualroute", "route_list or route_data (but not both) must be specified"),
            (router, "redirect; transport = t", "one of \"file\" or \"data\" must be specified"),
            (router, "redirect; data = x; file = y", "only one of \"file\" or \"data\" must be specified"),
            (
                router,
                "redirect; data = x; transport = t",
                "r router:\n  a transport must not be defined for this router",
            ),
            (router, "queryprogram; command_user = 8", "a command specification is required"),
            (router, "queryprogram; command = /x", "command_user must be specified"),
            (router, "accept", "r router:\n  a transport is required for this router"),
            (router, "accept; transport = t; self = x", "x is not valid for the self option"),
            (router, "accept; transport = t; pass_router = s", "new_router \"s\" not found for \"r\" router"),
            (router, "accept; transport = t; pass_router = r", "new_router \"r\" does not follow \"r\" router"),
            // One router after the other.
            (
                router,
                "accept; transport = t; pass_router = r; s:; driver = accept; transport = t; self = x",
                "new_router \"r\" does not follow \"r\" router",
            ),
            (router, "accept; transport = t; pass_router = r; self = x", "x is not valid for the self option"),
            (
                router,
                "accept; transport = t; pass_router = r; redirect_router = s",
                "new_router \"s\" not found for \"r\" router",
            ),
            (
                transport,
                "appendfile; file = /x; directory = /y",
                "only one of \"file\" or \"directory\" can be specified",
            ),
            (transport, "lmtp", "one (and only one) of command or socket must be set for the t transport"),
            (transport, "pipe; use_shell; restrict_to_path", "both restrict_to_path and use_shell set for t transport"),
        ] {
            assert_eq!(refusal(&format!("{begin}{text}")).as_deref(), Some(message), "{text}");
        }
        let plain = "begin authenticators; a:; driver = plaintext; public_name = PLAIN; ";
        let same = "two server authenticators (a and b) have the same public name (PLAIN)";
        for (rest, message) in [
            ("server_condition = x; b:; driver = plaintext; public_name = plain; server_condition = y", Some(same)),
            ("server_condition = x; b:; driver = plaintext; public_name = plain; client_send = y", None),
            ("b:; driver = plaintext; public_name = plain", None),
            (
                "b:; driver = spa; public_name = X; server_password = x; c:; driver = spa; public_name = x; server_password = y",
                Some("two server authenticators (b and c) have the same public name (X)"),
            ),
            (
                "b:; driver = external; public_name = X; server_condition = x; c:; driver = external; public_name = x; server_condition = y",
                Some("two server authenticators (b and c) have the same public name (X)"),
            ),
            (
                "b:; driver = external; public_name = X; server_condition = x; c:; driver = external; public_name = x; server_param2 = y",
                None,
            ),
            ("b:; driver = tls; public_name = PLAIN; server_condition = x", None),
            ("b:; driver = cram_md5", Some("no public name specified for the b authenticator")),
            ("server_set_id x", Some("missing \"=\" after server_set_id")),
            ("a:; driver = spa", Some("there are two authenticators called \"a\"")),
            ("b:; driver = dovecot; server_socket = /run/x; server_set_id = $auth1", None),
        ] {
            let message = message.map(str::to_owned);
            assert_eq!(refusal(&format!("{plain}{rest}")), message, "{rest}");
        }
        for (begin, text) in [
            (router, "accept; verify_only"),
            (router, "dnslookup; transport = t; self = reroute: x"),
            (router, "accept; transport = t; redirect_router = r"),
            (transport, "pipe; return_output; log_output"),
            (transport, "appendfile; directory = /x; maildir_format"),
        ] {
            assert_eq!(refusal(&format!("{begin}{text}")), None, "{text}");
        }
    }
}
