//! What not everyone may read never gets into a name or an address, however it is read: the outcome is undecided and names the
//! file, and nothing that is collected holds its text.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Fixture, SMTP, lines};

/// What stands in the file.
const SECRET: &str = "hunter2";

/// Ways to read `%`; each gives a name where everyone may read the file.
const READS: &[&str] = &[
    "${readfile{%}}",
    "${readfile{%}{x}}.example.com",
    "${lookup{a}lsearch{%}}",
    "${lookup{a}lsearch{%}{$value}{none}}",
    "${lookup{a}nwildlsearch{%}{$value}{none}}",
    "${lookup{a}wildlsearch{%}{$value}{none}}",
    "${lookup{192.0.2.1}iplsearch{%}{$value}{none}}",
    "${lookup{none}lsearch*{%}{x}{y}}",
    "${lookup{a.b}partial-lsearch{%}{$value}{none}}",
    "${lc:${readfile{%}}}",
    "${md5:${readfile{%}}}",
    "${strlen:${readfile{%}}}.example.com",
    "${substr_0_1:${readfile{%}}}.example.com",
    "${extract{1}{:}{${readfile{%}}}}",
    "${sg{${readfile{%}}}{(.)}{\\$1.}}",
    "${tr{${readfile{%}}}{abc}{def}}",
    "${map{${readfile{%}}}{$item}}",
    "${reduce{${readfile{%}}}{}{$value$item}}",
    "${sort{${readfile{%}}}{lt}{$item}}",
    "${filter{a:b}{match{$item}{${readfile{%}}}}}",
    "${expand:${readfile{%}}}",
    "${if match{${readfile{%}}}{r2}{yes}{no}}.example.com",
    "${if eq{${readfile{%}}}{x}{yes}{no}}.example.com",
    "${if inlist{x}{${readfile{%}}}{yes}{no}}.example.com",
    "${if forany{${readfile{%}}}{eq{$item}{x}}{yes}{no}}.example.com",
    "${if match_domain{a}{lsearch;%}{yes}{no}}.example.com",
    "${if match_address{a@b.c}{lsearch;%}{yes}{no}}.example.com",
    "${if exists{%}{yes}{no}}.example.com",
    "${if exists{%}{${readfile{%}}}{no}}",
    "${extract{size}{${stat:%}}}.example.com",
    "${extract{smode}{${stat:%}}}.example.com",
];

fn host(config: &str, secret: &str, mode: u32) -> Fixture {
    let text = format!("a: {SECRET}.example.com\n192.0.2.1: {SECRET}.example.com\n");
    let fixture = Fixture::new(&[("/etc/exim.conf", config), (secret, &text)]);
    let place = fixture.path().join(secret.trim_start_matches('/'));
    fs::set_permissions(place, Permissions::from_mode(mode)).unwrap();
    fixture
}

#[test]
fn nothing_comes_out_of_a_file_that_not_everyone_may_read() {
    for option in ["helo_data", "interface"] {
        for read in READS {
            let config = format!("disable_ipv6\n{SMTP} {option} = {}\n", read.replace('%', "/srv/data/map"));
            for (mode, secret) in [(0o644, false), (0o640, true)] {
                let found = host(&config, "/srv/data/map", mode).collect(false);
                let told = format!("{found:?}");
                let undecided = told.contains("/srv/data/map is read, and it is no part")
                    || told.contains("/srv/data/map is looked at, and it is no part");
                assert_eq!(undecided, secret, "{option} = {read} ({mode:o}): {:?}", lines(&found));
                assert!(!secret || !told.contains(SECRET), "{option} = {read}");
            }
        }
    }
}

#[test]
fn next_hops_and_senders_are_not_taken_from_it_either() {
    for router in [
        " driver = manualroute\n domains = *\n route_data = ${lookup{$domain}lsearch{/srv/map}}\n",
        " driver = manualroute\n domains = *\n route_list = * ${readfile{/srv/map}}\n",
        " driver = dnslookup\n senders = lsearch;/srv/map\n",
        " driver = dnslookup\n senders = *@lsearch;/srv/map\n",
        " driver = dnslookup\n senders = ${readfile{/srv/map}}\n",
    ] {
        let config = format!("begin routers\nr:\n transport = t\n{router}begin transports\nt:\n driver = smtp\n");
        let found = host(&config, "/srv/map", 0o600).collect(false);
        assert!(!format!("{found:?}").contains(SECRET), "{router}: {:?}", lines(&found));
    }
    // A list of domains, by name or in a folder.
    let config = format!(
        "domainlist d = lsearch;/srv/map\n{SMTP} helo_data = ${{if match_domain{{$sender_address_domain}}{{+d}}{{a.example}}{{b.example}}}}\n"
    );
    assert!(!format!("{:?}", host(&config, "/srv/map", 0o600).collect(false)).contains(SECRET));
    let config = format!(
        "{SMTP} helo_data = ${{lookup{{$sender_address_domain}}dsearch{{/srv/{SECRET}}}{{$value}}{{b.example}}}}\n"
    );
    let fixture = host(&config.replace(SECRET, "d"), "/srv/d/hunter2.example", 0o644);
    fs::set_permissions(fixture.path().join("srv/d"), Permissions::from_mode(0o700)).unwrap();
    assert!(!format!("{:?}", fixture.collect(false)).contains(SECRET));
}

#[test]
fn its_own_configuration_may_be_for_exim_alone() {
    for (path, told) in [
        ("/etc/exim4/helo", true),
        ("/etc/virtual/helo_data", true),
        ("/etc/mailhelo", true),
        ("/etc/exim4/passwd.client", false),
        ("/etc/exim4/exim.key", false),
        ("/etc/helo", false),
    ] {
        let config = format!("disable_ipv6\n{SMTP} helo_data = ${{lookup{{a}}lsearch{{{path}}}}}\n");
        let found = host(&config, path, 0o640).collect(false);
        assert_eq!(format!("{found:?}").contains(SECRET), told, "{path}");
        assert_eq!(lines(&found)[0].contains("hunter2.example.com"), told, "{path}");
    }
    // Where a link leads decides.
    let config = format!("disable_ipv6\n{SMTP} helo_data = ${{lookup{{a}}lsearch{{/etc/exim4/helo}}}}\n");
    let fixture = host(&config, "/srv/other", 0o640);
    fs::create_dir_all(fixture.path().join("etc/exim4")).unwrap();
    symlink("/srv/other", fixture.path().join("etc/exim4/helo")).unwrap();
    assert!(!format!("{:?}", fixture.collect(false)).contains(SECRET));
}
