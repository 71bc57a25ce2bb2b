//! The examples of the library, each stage on its own, over recorded hosts.

// Each is a program of its own, whose `main` is not called here.
#[allow(dead_code)]
#[path = "../examples/collect.rs"]
mod collect;
#[allow(dead_code)]
#[path = "../examples/observe.rs"]
mod observe;
#[allow(dead_code)]
#[path = "../examples/paths.rs"]
mod paths;
#[allow(dead_code)]
#[path = "../examples/remedy.rs"]
mod remedy;
#[allow(dead_code)]
#[path = "../examples/rules.rs"]
mod rules;

fn host(name: &str) -> String {
    format!("{}/testdata/hosts/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn collect_says_who_sets_what() {
    let told = collect::told([host("postfix-old-ptr/root")].into_iter()).unwrap();
    assert!(told.starts_with("node name mail.example.com (/etc/hostname:1)\nPostfix by /etc/postfix\n"), "{told}");
    assert!(told.contains("  myhostname = mail.example.com (/etc/postfix/main.cf:17)\n"), "{told}");
    assert!(collect::told(std::iter::empty()).is_err());
}

#[test]
fn observe_says_whether_a_name_leads_back() {
    let zones =
        ["113.0.203.in-addr.arpa.zone", "example.com.zone"].map(|name| host(&format!("postfix-old-ptr/zones/{name}")));
    let told = |address: &str| observe::told(std::iter::once(address.to_owned()).chain(zones.clone())).unwrap();
    assert_eq!(
        told("203.0.113.10"),
        "203.0.113.10 PTR mx-old.example.com, which leads to [198.51.100.7]\niprev: Fail\n"
    );
    assert_eq!(told("203.0.113.11"), "203.0.113.11 has no PTR record\niprev: PermError\n");
}

#[test]
fn paths_are_those_of_the_files_and_findings_those_of_the_zones() {
    let files = ["root", "kernel"].map(|name| host(&format!("postfix-old-ptr/{name}")));
    let zones =
        ["113.0.203.in-addr.arpa.zone", "example.com.zone"].map(|name| host(&format!("postfix-old-ptr/zones/{name}")));
    let told = |zones: &[String]| paths::told(files.iter().chain(zones).cloned()).unwrap();
    let path = "postfix/ipv4/1: 203.0.113.10, HELO mail.example.com\n";
    assert_eq!(told(&[]), path, "nobody is asked");
    let judged = told(&zones);
    assert!(judged.starts_with(path) && judged.contains("\nPTR003 203.0.113.10: no PTR name of "), "{judged}");
    assert!(paths::told(std::iter::empty()).is_err());
}

#[test]
fn rules_judge_a_snapshot() {
    let snapshot = host("replay-cache-stale/snapshot");
    let told = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned());
        rules::told(std::iter::once(snapshot.clone()).chain(words)).unwrap()
    };
    let all = told(&[]);
    assert!(all.contains(" Fail DNS002: "), "{all}");
    let few = told(&["PTR"]);
    assert!(few.len() < all.len() && !few.contains("DNS002"), "{few}");
}

#[test]
fn remedy_has_steps_as_data() {
    let told = remedy::told([host("postfix-old-ptr")].into_iter()).unwrap();
    assert!(told.starts_with("step 1 settles HLO004, PTR003\n"), "{told}");
    assert!(told.contains("\"do\":\"set-ptr\",\"address\":\"203.0.113.10\",\"name\":\"mail.example.com\""), "{told}");
    assert!(!told.contains("left:"), "{told}");
}
