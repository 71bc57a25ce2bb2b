//! Random lines of the sections that do not decide identity: acl, retry, rewrite, authenticators. Some of them Exim refuses.

use crate::random::Random;

/// One of these sections.
pub fn write(random: &mut Random) -> String {
    let wrong = random.one_in(3);
    match random.below(4) {
        0 => section(random, &["begin acl", "begin acls", "BEGIN ACL"], wrong, acl),
        1 => section(random, &["begin retry", "begin retrys", "begin Retry"], wrong, retry),
        2 => section(random, &["begin rewrite", "begin rewrites"], wrong, rewrite),
        _ => section(random, &["begin authenticators", "begin authenticator"], wrong, authenticator),
    }
}

fn section(
    random: &mut Random,
    begin: &[&'static str],
    wrong: bool,
    one: fn(&mut Random, usize, bool) -> String,
) -> String {
    let mut text = format!("{}\n", random.pick(begin));
    let count = random.below(4);
    let bad = random.below(count + 1);
    for number in 0..count {
        text.push_str(&one(random, number, wrong && number == bad));
        if random.one_in(8) {
            text.push_str(random.pick(&["# a comment\n", "\n", "  # accept \\\n"]));
        }
    }
    text
}

fn acl(random: &mut Random, number: usize, wrong: bool) -> String {
    const VERBS: [&str; 7] = ["accept", "deny", "warn", "require", "defer", "drop", "discard"];
    const CONDITIONS: [&str; 41] = [
        "hosts = : +hosts",
        "!hosts = 192.0.2.1",
        "! domains=a.example",
        "authenticated = *",
        "condition = ${if eq{a}{b}}",
        "message = no $acl_m_x",
        "log_message = x : y",
        "add_header = X: ${lc:A}",
        "remove_header = x-y",
        "control = submission/domain=",
        "set acl_m0 = 1",
        "set acl_c_long_name=x",
        "verify = recipient/callout=30s",
        "dnslists = a.example : b.example",
        "ratelimit = 1 / 1h",
        "encrypted = *",
        "acl = other",
        "delay = 5s",
        "logwrite = x",
        "senders = a@b.example",
        "local_parts = ^x",
        "recipients = x@y",
        "queue = x",
        "seen = -1d / key=x",
        "sender_domains = a.example : +named",
        "dnslists = a.example=127.0.0.2&1/$sender_address_domain",
        "regex = ^x",
        "mime_regex = x : y",
        "malware = *",
        "spam = nobody:true",
        "decode = default",
        "spf = pass : none",
        "dkim_signers = *",
        "dkim_status = none : fail",
        "log_reject_target = main : reject",
        "udpsend = 127.0.0.1 514 x",
        "continue = ${lc:X}",
        "!verify = sender",
        "control = no_enforce_sync",
        "!encrypted=*",
        "set acl_m_9a = ${if eq{a}{b}",
    ];
    const WRONG: [&str; 38] = [
        "hosst = x",
        "hosts x",
        "hosts",
        "hosts : x",
        "!message = x",
        "! set acl_m0 = x",
        "set acl_x0 = y",
        "set acl_mx = y",
        "set acl_m0-1 = y",
        "set acl_m0 y",
        "set = x",
        "set acl_m_",
        "endpass",
        "Accept",
        "condition",
        "dmarc = x",
        "!",
        "=",
        ": x",
        "hosts= a\n  = b",
        "X = 1",
        "messages = x",
        "verify recipient",
        "!control = x",
        "!log_message = x",
        "! add_header = x",
        "set acl_c = 1",
        "set acl_m",
        "!!hosts = x",
        "! ! hosts = x",
        "hosts == x",
        "host = x",
        "condition =",
        "-hosts = x",
        "hosts\t= x",
        "set\tacl_m1 = x",
        "acl_m0 = x",
        "set acl_m1 == x",
    ];
    let mut text = format!("a{number}{}\n", random.pick(&[":", " :", ": ignored"]));
    for _ in 0..1 + random.below(3) {
        let verb = random.pick(&VERBS);
        text.push_str(&match random.below(4) {
            0 => format!("  {verb}\n"),
            1 => format!("  {verb} {}\n", random.pick(&CONDITIONS)),
            2 => format!("  {verb} {}\n    {}\n", random.pick(&CONDITIONS), random.pick(&CONDITIONS)),
            _ if matches!(verb, "accept" | "discard") => format!("  {verb}\n  endpass {}\n", random.pick(&["", "x"])),
            _ => format!("  {verb}\n   {}\n", random.pick(&CONDITIONS)),
        });
    }
    if wrong {
        let bad = random.pick(&WRONG);
        text.push_str(&match random.below(5) {
            0 => format!("  {} {bad}\n", random.pick(&VERBS)),
            1 => format!("  {bad}\n  accept\n"),
            2 => format!("  acept {bad}\n"),
            3 => format!("a{number}:\n  accept\n"),
            _ => format!("  !{}\n", random.pick(&VERBS)),
        });
    }
    text
}

fn retry(random: &mut Random, _: usize, wrong: bool) -> String {
    const ERRORS: [&str; 13] = [
        "*",
        "*",
        "quota",
        "quota_7d",
        "timeout",
        "timeout_connect",
        "timeout_connect_MX",
        "refused_A",
        "refused",
        "rcpt_4xx",
        "data_45x",
        "auth_failed",
        "lost_connection",
    ];
    const WRONG_ERRORS: [&str; 10] = [
        "none",
        "quota_x",
        "timeout_x",
        "refused_X",
        "rcpt_5xx",
        "mail_4",
        "data_4x5",
        "timeout_connect_DNS",
        "*x",
        "lookup_",
    ];
    const RULES: [&str; 15] = [
        "F,2h,15m",
        "G,16h,1h,1.5",
        "f,1d,30m",
        "H,1h,10m,2",
        "F,2h,15m; G,16h,1h,1.5; F,4d,6h",
        "F, 2h, 15m ; F,1d,1h",
        "G,1h,1m,1.25;",
        "",
        "F,1w2d,3h4m5s",
        "G,1h,1m,1",
        "H,2h,2h,10",
        "G,1h,1m,1.123",
        "F,1h,1m;H,1h,1m,1.",
        "F,1h,1m ;",
        "g,1s,1s,2",
    ];
    const WRONG_RULES: [&str; 22] = [
        "X,2h,15m",
        "F,2h",
        "F 2h,15m",
        "F,2x,15m",
        "F,2h,15m,",
        "G,2h,15m",
        "G,2h,15m,0.5",
        "G,2h,15m,x",
        "F,0s,1m",
        "F,,",
        "F,2h,15m G,1h,1m,2",
        "F,2h-1,15m",
        ";",
        "F,1h,1m;;",
        "F,1h30,1m",
        "F,1h,10",
        "G,1h,1m,.5",
        "G,1h,1m,1.1234",
        "G,1h,1m,-1",
        "F,1h,1m,2",
        "F,1H,1m",
        "FF,1h,1m",
    ];
    let pattern = random.pick(&["*", "a.example", "*.b.example", "\"x y\"", "x@y.example", "+named"]);
    let senders = random.pick(&["", "", " senders = :", " senders=*@a.example", " senders = \"a : b\""]);
    let (error, rule) = (random.pick(&ERRORS), random.pick(&RULES));
    if !wrong {
        return format!("{pattern} {error}{senders} {rule}\n");
    }
    match random.below(5) {
        0 => format!("{pattern}\n"),
        1 => format!("{pattern} {error} senders {rule}x\n"),
        2 => format!("{pattern} {}{senders} {rule}\n", random.pick(&WRONG_ERRORS)),
        _ => format!("{pattern} {error}{senders} {}\n", random.pick(&WRONG_RULES)),
    }
}

fn rewrite(random: &mut Random, _: usize, wrong: bool) -> String {
    let pattern = random.pick(&["*@a.example", "a@b.example", "^x.*", "\\N^y$\\N", "\"z w\"", "*"]);
    let replacement = random.pick(&["$1@b.example", "\"$local_part@x y\"", "x@y", "${lc:$0}"]);
    let flags =
        random.pick(&["", " F", " Ffrs", " Tq", " bcw h", " ER", " Q", " s F", " FF", " Sq", "\tT", " EFTbcfhrstqQRw"]);
    match (wrong, random.below(4)) {
        (false, _) => format!("{pattern} {replacement}{flags}\n"),
        (true, 0) => format!("{pattern}\n"),
        (true, 1) => format!(
            "{pattern} {replacement} {}\n",
            random.pick(&["x", "F,", "1", "S", "Z f", "\"F\"", "f # x", "F;T", "e", "F,T"])
        ),
        (true, 2) => format!("{pattern} ${{lookup {{x}} lsearch{{/y}}}} F\n"),
        (true, _) => format!("{pattern} x y z{flags}\n"),
    }
}

fn authenticator(random: &mut Random, number: usize, wrong: bool) -> String {
    const OPTIONS: [&str; 13] = [
        "public_name = LOGIN",
        "server_set_id = $auth1",
        "server_prompts = <| Username: | Password:",
        "server_condition = ${if eq{$auth1}{x}}",
        "client_send = : x : y",
        "hide client_send = ^x^y",
        "server_advertise_condition = ${if def:tls_in_cipher}",
        "client_ignore_invalid_base64",
        "no_client_ignore_invalid_base64",
        "server_debug_print = \"x\"",
        "client_condition = ${if eq{$host}{x}}",
        "client_set_id = x",
        "server_mail_auth_condition = no",
    ];
    const WRONG: [&str; 9] = [
        "public_nam = X",
        "server_condition",
        "server_condition x",
        "server_secret = x",
        "driver = plaintext",
        "server_set_id = \"x\" y",
        "client_ignore_invalid_base64 = maybe",
        "no_server_condition",
        "x:y",
    ];
    let driver = random.pick(&["plaintext", "plaintext", "cram_md5", "plaintext", "dovecot", "spa", "external", "tls"]);
    let mut text = format!("auth{number}{}\n", random.pick(&[":", " :"]));
    if !(wrong && random.one_in(6)) {
        text.push_str(&format!("  driver = {}\n", if wrong && random.one_in(6) { "plain" } else { driver }));
    }
    let own = match driver {
        "dovecot" => "  public_name = PLAIN\n  server_socket = /run/x\n",
        "spa" => "  public_name = NTLM\n  server_password = x\n",
        "external" => "  public_name = EXTERNAL\n  server_param2 = x\n  server_condition = yes\n",
        "tls" => "  server_param1 = x\n  server_condition = no\n",
        _ => "",
    };
    if !own.is_empty() {
        text.push_str(own);
    } else if driver == "cram_md5" {
        text.push_str(&format!("  public_name = CRAM-MD5-{number}\n  server_secret = x\n"));
    } else {
        for _ in 0..random.below(3) {
            let option = random.pick(&OPTIONS);
            let name =
                option.trim_start_matches("hide ").trim_start_matches("no_").split(' ').next().unwrap_or_default();
            if !text.contains(name) {
                text.push_str(&format!("  {option}\n"));
            }
        }
    }
    if wrong {
        text.push_str(&format!("  {}\n", random.pick(&WRONG)));
    }
    text
}
