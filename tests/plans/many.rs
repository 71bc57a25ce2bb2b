//! Hosts of many paths: fifty services and more, thousands of domains. They get a plan as others do, of few steps, and reports that can be read.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::host::{Host, is_loud, key, keys};

const SERVICES: u8 = 64;

fn scenario(name: &str) -> Host {
    Host::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(name))
}

fn append(path: &Path, text: &str) {
    fs::write(path, fs::read_to_string(path).unwrap() + text).unwrap();
}

/// A Postfix with a service, an address and a sender domain of its own each.
fn services(helo: bool, ptr: bool) -> Host {
    let host = scenario("postfix-plain");
    let numbers = || (0..SERVICES).map(|number| (number, format!("out{number}"), 100 + u32::from(number)));
    let services = numbers().map(|(_, name, last)| {
        let own = if helo { format!("  -o smtp_helo_name={name}.example.com\n") } else { String::new() };
        format!("{name} unix - - n - - smtp\n  -o smtp_bind_address=203.0.113.{last}\n  -o syslog_name={name}\n{own}")
    });
    append(&host.file("/etc/postfix/master.cf"), &services.collect::<String>());
    append(
        &host.file("/etc/postfix/main.cf"),
        "sender_dependent_default_transport_maps = texthash:/etc/postfix/sender_transport\n",
    );
    let map: String = numbers().map(|(number, name, _)| format!("@d{number}.example {name}:\n")).collect();
    fs::write(host.file("/etc/postfix/sender_transport"), map).unwrap();
    let forward: String = numbers().map(|(_, name, last)| format!("{name} IN A 203.0.113.{last}\n")).collect();
    append(&host.zones().join("example.com.zone"), &forward);
    if ptr {
        let reverse: String = numbers().map(|(_, name, last)| format!("{last} IN PTR {name}.example.com.\n")).collect();
        append(&host.zones().join("113.0.203.in-addr.arpa.zone"), &reverse);
    }
    host.kernel(|kernel| {
        let own = numbers().map(|(_, _, last)| {
            json!({"interface": "eth0", "address": format!("203.0.113.{last}"), "prefix_length": 24, "flags": []})
        });
        kernel["addresses"].as_array_mut().unwrap().extend(own);
    });
    host
}

/// Checks the host, carries the plan out, and checks that it mends all in this many steps.
fn mended(mut host: Host, steps: usize) -> Value {
    let before = host.check();
    assert!(!keys(&before, is_loud).is_empty());
    let plan = &before["plan"];
    let texts: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), steps, "{texts:#?}");
    assert_eq!(plan["remains"].as_array().unwrap().iter().map(key).count(), 0, "{}", plan["remains"]);
    host.carry_out_plan(plan);
    let after = host.check();
    assert!(keys(&after, is_loud).is_empty(), "{:?}", keys(&after, is_loud));
    assert_eq!(after["plan"]["steps"].as_array().unwrap().len(), 0);
    before
}

fn report(host: &Host, format: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_helolint"));
    command.current_dir(host.path()).args(["check", "--root", "root", "--kernel", "kernel", "--zones", "zones"]);
    String::from_utf8(command.args(["--format", format]).output().unwrap().stdout).unwrap()
}

#[test]
fn services_that_each_need_a_name_are_one_diff() {
    let host = services(false, true);
    let lines = report(&host, "human").lines().count();
    assert!(lines <= 150, "{lines} lines");
    let html = report(&host, "html").len();
    assert!(html <= 200 << 10, "{html} octets");
    let before = mended(host, 2);
    let actions = before["plan"]["steps"][0]["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 1, "one diff");
    let diff = actions[0]["diff"].as_str().unwrap();
    assert_eq!(diff.matches("-o smtp_helo_name=out").count(), usize::from(SERVICES), "{diff}");
}

#[test]
fn many_pointers_are_one_ticket() {
    let host = services(true, false);
    let lines = report(&host, "human").lines().count();
    assert!(lines <= 150, "{lines} lines");
    let before = mended(host, 1);
    let step = &before["plan"]["steps"][0];
    assert_eq!(step["actions"].as_array().unwrap().len(), usize::from(SERVICES));
    assert_eq!(step["text"].as_str().unwrap().matches("Subject: ").count(), 1, "{step}");
}

/// Lines that are refused alike are one change: each of them alone would be a trial, and one more in each round.
#[test]
fn lines_that_are_refused_alike_are_one_edit() {
    let host = scenario("exim-almalinux");
    let transports: String =
        (0..50).map(|number| format!("\nt{number}:\n  driver = smtp\n  helo_data = ${{bogus\n")).collect();
    host.replace("/etc/exim/exim.conf", "begin transports\n", &format!("begin transports\n{transports}\n"));
    let before = mended(host, 2);
    let actions = before["plan"]["steps"][0]["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 1, "one diff");
    assert_eq!(actions[0]["diff"].as_str().unwrap().matches("-  helo_data = ${bogus").count(), 50);
}

/// 3000 domains on 50 addresses; the HELO name of one address is wrong in the administrator's own map.
#[test]
fn a_map_of_thousands_is_mended_where_it_is_wrong() {
    let host = scenario("cpanel-50-dedicated");
    let domains = || (0..3000).map(|number| (format!("d{number}.example"), 1 + number % 50));
    let write = |file: &str, line: &dyn Fn(&str, i32) -> String, last: &str| {
        let text: String = domains().map(|(domain, address)| line(&domain, address) + "\n").collect();
        fs::write(host.file(file), text + last).unwrap();
    };
    write("/etc/userdomains", &|domain, _| format!("{domain}: {}", domain.replace('.', "")), "*: nobody\n");
    write("/etc/localdomains", &|domain, _| domain.to_owned(), "");
    write("/etc/userips", &|domain, at| format!("{}: 203.0.113.{}", domain.replace('.', ""), 100 + at), "");
    write("/etc/domainips", &|domain, at| format!("203.0.113.{}: {domain}", 100 + at), "");
    write("/etc/trueuserdomains", &|domain, _| format!("{domain}: {}", domain.replace('.', "")), "");
    write("/etc/mailips", &|domain, at| format!("{domain}: 203.0.113.{}", 100 + at), "*: 203.0.113.10\n");
    let name = |domain: &str, at: i32| {
        let host = if at == 7 { "old" } else { "mail" };
        format!("{domain}: {host}.shop{at:02}.example")
    };
    write("/etc/mailhelo", &name, "*: server.example.com\n");
    fs::write(host.file("/var/cpanel/custom_mailhelo"), "").unwrap();
    let switches = host.file("/etc/exim.conf.localopts");
    let text = fs::read_to_string(&switches).unwrap().replace("custom_mailhelo=0", "custom_mailhelo=1");
    fs::write(&switches, text).unwrap();
    // Not newer than what is made of it.
    let built = fs::metadata(host.file("/etc/exim.conf")).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&switches).unwrap().set_modified(built).unwrap();
    let before = mended(host, 1);
    let diff = before["plan"]["steps"][0]["actions"][0]["diff"].as_str().unwrap();
    assert_eq!(diff.matches("\n+").count(), 60, "{diff}");
}
