//! What helolint's limits leave out: each is said, and nothing is held to be missing for it.

use super::ports::Services;
use super::tests::{MASTER, host, postfix, run_on};
use super::{Collected, INSTANCE_LIMIT};
use crate::collect::root::Root;
use crate::collect::testing::root;
use crate::facts::ProblemKind;

fn is_bounded(collected: &Collected) -> bool {
    collected.problems.iter().any(|problem| problem.kind == ProblemKind::Bounded)
}

#[test]
fn instances_are_bounded() {
    for (others, ends) in [(INSTANCE_LIMIT - 1, false), (INSTANCE_LIMIT, true)] {
        let named: Vec<String> = (0..others).map(|number| format!("/etc/postfix-{number}")).collect();
        let main = format!("multi_instance_enable = yes\nmulti_instance_directories = {}\n", named.join(" "));
        let mut files =
            vec![("etc/postfix/main.cf".to_owned(), main), ("etc/postfix/master.cf".to_owned(), MASTER.to_owned())];
        for folder in &named {
            files.push((format!("{folder}/main.cf").trim_start_matches('/').to_owned(), String::new()));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let found = run_on(&files, &host(None));
        assert_eq!((found.instances.len(), is_bounded(&found)), (INSTANCE_LIMIT, ends), "{others}");
    }
}

#[test]
fn routes_beyond_the_limit_make_no_service_missing_or_unused() {
    let main = "transport_maps = inline:{";
    for (count, ends) in [(200, false), (300, true)] {
        let rows: Vec<String> = (0..count).map(|number| format!("d{number}.example=none{number}:")).collect();
        let found = postfix(&format!("{main}{}}}\n", rows.join(", ")), MASTER);
        assert_eq!(is_bounded(&found), ends, "{count}");
        // As many as are known to be named; with more, `lmtp` might be one that is.
        assert_eq!(found.senders.iter().any(|sender| sender.unused), !ends, "{count}");
    }
}

#[test]
fn braces_in_master_cf_that_nest_deep_are_not_held_to_be_refused() {
    let service =
        |depth: usize| format!("{MASTER}x unix - - n - - smtp\n -o {}a=b{}\n", "{ ".repeat(depth), " }".repeat(depth));
    let found = postfix("", &service(100));
    assert!(is_bounded(&found) && found.instances[0].error.is_none(), "{:?}", found.problems);
    assert!(!is_bounded(&postfix("", &service(1))));
}

#[test]
fn a_service_behind_the_limit_of_the_file_of_services_may_be_one() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("etc")).unwrap();
    for (lines, all) in [(super::ports::SERVICES_LIMIT, true), (super::ports::SERVICES_LIMIT + 1, false)] {
        let text: String = (1..=lines).map(|number| format!("s{number} {}/tcp\n", number % 60_000)).collect();
        std::fs::write(dir.path().join("etc/services"), text).unwrap();
        let services = Services::read(&Root::open(dir.path()).unwrap());
        assert_eq!((services.are_all(), services.port("s7")), (all, Some(7)));
        assert_eq!(services.port("smtps"), if all { None } else { Some(465) });
    }
}

#[test]
fn what_feeds_a_secret_is_secret_however_far_away() {
    for depth in [1, 15, 19, 20, 21, 40, 90] {
        let mut main = "smtp_sasl_password_maps = static:$s0\nother = plainvalue\n".to_owned();
        for number in 0..depth {
            main.push_str(&format!("s{number} = $s{}\n", number + 1));
        }
        main.push_str(&format!("s{depth} = user:hunter2trombone\n"));
        let (_dir, root) = root(&[("etc/postfix/main.cf", main.as_str()), ("etc/postfix/master.cf", MASTER)]);
        super::collect(&root, &host(None), &[]);
        let masked = root.secrets().mask("it is hunter2trombone").into_owned();
        assert!(!masked.contains("trombone"), "{depth}: {masked}");
    }
}
