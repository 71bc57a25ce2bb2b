//! Small files that would take work without end: each limit below and above, and what is said of it.

use std::collections::BTreeSet;

use super::{Fixture, SMTP, lines};
use crate::collect::exim::arithmetic;
use crate::collect::exim::expand::address::LENGTH_LIMIT;
use crate::collect::exim::expand::operators::RESULT_LIMIT;
use crate::collect::exim::expand::parse::{self, parse};
use crate::collect::exim::expand::{Evaluator, Scope, Stop};
use crate::collect::exim::lines::{CONDITION_DEPTH, INCLUDE_DEPTH};
use crate::collect::exim::macros::{COUNT_LIMIT, Macros, NAME_LIMIT, TOO_MANY, VALUES_LIMIT};
use crate::collect::exim::options::CONDITIONS_LIMIT;
use crate::collect::exim::routes::HOP_LIMIT;
use crate::collect::exim::senders::TRIALS;
use crate::collect::root::Root;
use crate::facts::ProblemKind;
use crate::source::SourceFile;

/// What is bounded in a configuration, and its paths.
fn bounded(fixture: &Fixture) -> (Vec<String>, Vec<String>) {
    let found = fixture.collect(false);
    let of_limits = found.problems.iter().filter(|problem| problem.kind == ProblemKind::Bounded);
    let told = of_limits.map(|problem| format!("{}: {}", problem.file, problem.message)).collect();
    assert!(!found.problems.iter().any(|problem| matches!(problem.kind, ProblemKind::Syntax { .. })), "{found:?}");
    (told, lines(&found))
}

#[test]
fn files_that_include_each_other_twice_end() {
    for (levels, ends) in [(8, false), (30, true)] {
        let mut files: Vec<(String, String)> = (0..levels)
            .map(|level| (format!("/etc/i{level}"), format!(".include /etc/i{0}\n.include /etc/i{0}\n", level + 1)))
            .collect();
        files.push((format!("/etc/i{levels}"), "# end\n".into()));
        files.push(("/etc/exim.conf".into(), format!(".include /etc/i0\n{SMTP}")));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let (told, paths) = bounded(&Fixture::new(&files));
        assert_eq!((told.is_empty(), paths.is_empty()), (!ends, ends), "{told:?} {paths:?}");
        assert!(told.iter().all(|told| told.contains("more than helolint reads")), "{told:?}");
    }
}

#[test]
fn macros_of_macros_end() {
    let config = |levels: usize| {
        let mut text = String::from("PART_00 = 0123456789\n");
        for level in 0..levels {
            let inner = format!("PART_{level:02}").repeat(4);
            text.push_str(&format!("PART_{:02} = {inner}\n", level + 1));
        }
        format!("{text}{SMTP}")
    };
    assert_eq!(bounded(&Fixture::new(&[("/etc/exim.conf", &config(4))])).0, [""; 0]);
    let (told, paths) = bounded(&Fixture::new(&[("/etc/exim.conf", &config(20))]));
    assert!(told[0].contains("grow longer") && paths.is_empty(), "{told:?}");
}

#[test]
fn comments_and_what_is_dropped_cost_nothing_but_their_bytes() {
    let big = format!("BIG_A = {}\nBIG_B = {}\n", "x".repeat(1000), "BIG_A".repeat(100));
    let comments = "# BIG_B BIG_B\n".repeat(5000);
    let dropped = format!(".ifdef NONE\n{}.endif\n", " BIG_B BIG_B\nx BIG_B\n".repeat(5000));
    let (told, paths) = bounded(&Fixture::new(&[("/etc/exim.conf", &format!("{big}{comments}{dropped}{SMTP}"))]));
    assert!(told.is_empty() && paths.len() == 2, "{told:?} {paths:?}");
}

#[test]
fn a_comment_behind_an_unfinished_line_is_left_in_the_buffer_with_its_macros() {
    let config = format!("NAME = b.example.com\n{SMTP} helo_data = a.\\\n  # NAME");
    let (_, paths) = bounded(&Fixture::new(&[("/etc/exim.conf", &config)]));
    assert!(paths[0].contains("a.  # b.example.com"), "{paths:?}");
}

#[test]
fn many_macros_of_one_prefix_are_found_by_name() {
    let macros: String = (10_000..30_000).map(|number| format!("MMMM{number}Q = h{number}.example.com\n")).collect();
    let comments = format!("# {}\n", "M".repeat(60)).repeat(1000);
    let config = format!("{macros}{comments}{SMTP} helo_data = MMMM29999Q\n");
    let (told, paths) = bounded(&Fixture::new(&[("/etc/exim.conf", &config)]));
    assert!(told.is_empty() && paths[0].contains("h29999.example.com"), "{told:?} {paths:?}");
}

#[test]
fn named_lists_within_named_lists_end() {
    for (levels, ends) in [(3, false), (19, true)] {
        let mut text: String = (0..levels)
            .map(|level| format!("domainlist l{level} = {}\n", vec![format!("+l{}", level + 1); 4].join(" : ")))
            .collect();
        text.push_str(&format!("domainlist l{levels} = a.example\n"));
        text.push_str(SMTP);
        text.push_str(" helo_data = ${if match_domain{$sender_address_domain}{+l0}{x.example.com}{y.example.com}}\n");
        let (told, paths) = bounded(&Fixture::new(&[("/etc/exim.conf", &text)]));
        assert_eq!(told.is_empty(), !ends, "{told:?}");
        let undecided = paths.iter().all(|path| !path.contains("y.example.com"));
        assert_eq!(undecided, ends, "what was not worked out is not known: {paths:?}");
    }
}

/// What an expansion gives, with the limit that ended it.
fn value(text: &str, files: &[(&str, &str)]) -> (Result<String, Stop>, Option<&'static str>) {
    let fixture = Fixture::new(files);
    let root = Root::open(fixture.path()).unwrap();
    let evaluator = Evaluator::new(&root, None);
    let value = evaluator.value(&parse(text), &mut Scope::empty());
    (value, evaluator.bounded())
}

#[test]
fn work_on_long_texts_is_counted() {
    let (short, long) = ("a:".repeat(50), "a:".repeat(250_000));
    let files = [("/etc/short", short.as_str()), ("/etc/long", long.as_str())];
    for text in [
        "${sg{${readfile{@}}}{a}{b}}",
        "${reduce{${readfile{@}}}{}{${lc:${readfile{@}}}}}",
        "${if forany{${readfile{@}}}{eq{${readfile{@}}}{x}}{y}{n}}",
    ] {
        let (below, none) = value(&text.replace('@', "/etc/short"), &files);
        assert!(below.is_ok() && none.is_none(), "{text}: {below:?}");
        let (above, limit) = value(&text.replace('@', "/etc/long"), &files);
        assert!(matches!(above, Err(Stop::Undecided { .. })) && limit.is_some(), "{text}: {limit:?}");
    }
    // What is linear goes on.
    for text in ["${tr{${readfile{@}}}{${readfile{@}}}{x}}", "${extract{1}{${readfile{@}}}{${readfile{@}}}}"] {
        let (found, limit) = value(&text.replace('@', "/etc/long"), &files);
        assert!(found.is_ok() && limit.is_none(), "{text}: {limit:?}");
    }
}

#[test]
fn regular_expressions_are_counted() {
    let table = |count: usize| (0..count).map(|number| format!("^none{number}$: x\n")).collect::<String>();
    for (count, ends) in [(200, false), (300, true)] {
        let (found, limit) = value("${lookup{a}nwildlsearch{/etc/t}{x}{y}}", &[("/etc/t", &table(count))]);
        assert_eq!((found.is_err(), limit.is_some()), (ends, ends), "{count}: {found:?}");
    }
}

#[test]
fn conditionals_and_includes_are_as_deep_as_the_limits_say() {
    let open = |depth: usize| format!("{}{}{SMTP}", ".ifdef X\n".repeat(depth), ".endif\n".repeat(depth));
    for (depth, refused) in [(CONDITION_DEPTH, false), (CONDITION_DEPTH + 1, true)] {
        let found = Fixture::new(&[("/etc/exim.conf", &open(depth))]).collect(false);
        assert_eq!(lines(&found).is_empty(), refused, "{depth} conditionals");
    }
    // The first file is open too.
    for (files, refused) in [(INCLUDE_DEPTH - 1, false), (INCLUDE_DEPTH, true)] {
        let include = |number: usize| format!(".include /etc/i{number}\n");
        let text = |number: usize| if number + 1 < files { include(number + 1) } else { "# end\n".to_owned() };
        let mut all: Vec<(String, String)> =
            (0..files).map(|number| (format!("/etc/i{number}"), text(number))).collect();
        all.push(("/etc/exim.conf".to_owned(), include(0) + SMTP));
        let all: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(lines(&Fixture::new(&all).collect(false)).is_empty(), refused, "{files} files");
    }
}

#[test]
fn macros_are_as_long_and_as_many_as_the_limits_say() {
    for (length, refused) in [(NAME_LIMIT, false), (NAME_LIMIT + 1, true)] {
        let found = Fixture::new(&[("/etc/exim.conf", &format!("{} = x\n{SMTP}", "M".repeat(length)))]).collect(false);
        assert_eq!(lines(&found).is_empty(), refused, "{length}");
    }
    let file = SourceFile::new("/etc/exim.conf", "x");
    let mut macros = Macros::new(&[], &BTreeSet::new());
    let mut add = |number: usize| macros.define(&format!("M{number:06}Q"), "", false, file.span(0, 1));
    let refused = (0..=COUNT_LIMIT).find_map(|number| add(number).err());
    assert_eq!(refused.as_deref(), Some(TOO_MANY));
    assert!(macros.get(COUNT_LIMIT - 1).is_some() && macros.get(COUNT_LIMIT).is_none());
    let mut macros = Macros::new(&[], &BTreeSet::new());
    let (half, more) = ("x".repeat(VALUES_LIMIT / 2), "x".repeat(VALUES_LIMIT / 2 + 1));
    let mut define = |name: &str, value: &str, again| macros.define(name, value, again, file.span(0, 1));
    assert_eq!(define("AA", &half, false), Ok(()));
    assert_eq!(define("BB", &more, false), Err(TOO_MANY.to_owned()));
    assert_eq!(define("BB", &half, false), Ok(()));
    assert_eq!(define("AA", "short", true), Err(TOO_MANY.to_owned()), "before the old one goes");
}

#[test]
fn conditions_come_to_what_exim_has_room_for() {
    let of = |length: usize| {
        let both = length - "${if and{{bool_lax{a}}{bool_lax{}}}}".len();
        let conditions = format!(" condition = a\n condition = {}\nbegin transports\n", "b".repeat(both));
        SMTP.replace("begin transports\n", &conditions)
    };
    for (length, is_refused) in [(CONDITIONS_LIMIT, false), (CONDITIONS_LIMIT + 1, true)] {
        let found = Fixture::new(&[("/etc/exim.conf", &of(length))]).collect(false);
        let told = found.problems.iter().any(|problem| problem.message.contains("was longer than 32768"));
        assert_eq!(told, is_refused, "{length}: {:?}", found.problems);
    }
}

#[test]
fn expansions_are_as_deep_and_as_long_as_the_limits_say() {
    let nested = |depth: usize| format!("{}x{}", "${lc:".repeat(depth), "}".repeat(depth));
    let sums = |depth: usize| format!("${{eval:{}1{}}}", "(".repeat(depth), ")".repeat(depth));
    let padded = |length: usize| "x".repeat(length);
    let read = "${length_1:${readfile{/etc/f}}}".to_owned();
    let of = |address: usize| format!("${{domain:a@{}}}", "b".repeat(address - 2));
    // What one more level costs is the parser's affair: up to some depth all is known, and beyond it nothing is Exim's word.
    let first = |of: &dyn Fn(usize) -> String| {
        (1..=parse::DEPTH_LIMIT + 1).find(|depth| matches!(value(&of(*depth), &[]).0, Err(Stop::Undecided { .. })))
    };
    assert!(first(&nested).is_some_and(|depth| depth > parse::DEPTH_LIMIT / 4), "{:?}", first(&nested));
    assert!(first(&sums).is_some_and(|depth| depth > arithmetic::DEPTH_LIMIT / 4), "{:?}", first(&sums));
    for (text, file, known) in [
        (padded(parse::LENGTH_LIMIT), 1, true),
        (padded(parse::LENGTH_LIMIT + 1), 1, false),
        (read.clone(), RESULT_LIMIT, true),
        (read, RESULT_LIMIT + 1, false),
    ] {
        let (found, _) = value(&text, &[("/etc/f", &"y".repeat(file))]);
        let start = &text[..text.len().min(40)];
        assert!(known || matches!(found, Err(Stop::Undecided { .. })), "{start}: a limit is not Exim's word");
        assert_eq!(found.is_ok(), known, "{start} of {} bytes, a file of {file}: {:?}", text.len(), found.err());
    }
    let (below, above) = (value(&of(LENGTH_LIMIT), &[]).0, value(&of(LENGTH_LIMIT + 1), &[]).0);
    assert!(below.is_ok() && matches!(above, Err(Stop::Undecided { .. })));
}

#[test]
fn next_hops_beyond_the_limit_are_said_to_be_left_out() {
    let config = SMTP.replace("dnslookup", "manualroute\n route_data = ${lookup{$domain}lsearch{/etc/exim4/hops}}");
    for (count, ends) in [(HOP_LIMIT, false), (HOP_LIMIT + 1, true)] {
        // Twice the same is one.
        let map: String = (0..2 * count).map(|row| format!("d{row}.example: h{}.example\n", row % count)).collect();
        let files = [("/etc/exim.conf", format!("disable_ipv6\n{config}")), ("/etc/exim4/hops", map)];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let (told, paths) = bounded(&Fixture::new(&files));
        assert_eq!((told.len(), paths.len()), (usize::from(ends), HOP_LIMIT), "{told:?}");
    }
}

#[test]
fn where_routers_ask_for_too_many_senders_one_stands_for_the_others() {
    // Each look at the text counts as its octets.
    let condition = format!(
        "${{if eq{{$sender_address_domain}}{{{}}}{{no}}{{${{lookup{{$sender_address_domain}}lsearch{{/etc/map}}{{yes}}{{no}}}}}}}}",
        "x".repeat(200_000)
    );
    let map: String = (0..800).map(|number| format!("d{number}.example: x\n")).collect();
    for (routers, ends) in [(1, false), (5, true)] {
        let routers: String = (0..routers)
            .map(|number| format!("r{number}:\n driver = dnslookup\n transport = t\n condition = {condition}\n"))
            .collect();
        let last =
            "last:\n driver = manualroute\n transport = u\n senders = d7.example\n route_list = * relay.example.com\n";
        let transports = "begin transports\nt:\n driver = smtp\nu:\n driver = smtp\n";
        let config = format!("disable_ipv6\nbegin routers\n{routers}{last}{transports}");
        let (told, paths) = bounded(&Fixture::new(&[("/etc/map", &map), ("/etc/exim.conf", &config)]));
        let [direct, relayed] = &paths[..] else { panic!("{paths:?}") };
        assert_eq!(told.iter().any(|told| told.contains("more senders than helolint asks for")), ends, "{told:?}");
        assert!(direct.contains("mail1.example.com") && relayed.contains(" via [relay.example.com]:25"), "{paths:?}");
        let [direct, relayed] = [direct, relayed].map(|path| path.contains("| undecided"));
        assert_eq!((direct, relayed), (ends, ends), "{paths:?}");
        let named = [paths[0].contains("d99.example"), paths[1].contains("| d7.example")];
        assert_eq!(named, [!ends; 2], "{paths:?}");
    }
}

#[test]
fn what_asks_for_the_sender_is_seen_as_it_is_evaluated() {
    let fixture = Fixture::new(&[]);
    let root = Root::open(fixture.path()).unwrap();
    let evaluator = Evaluator::new(&root, None);
    for (text, asks) in [
        ("${if eq{$domain}{}{a}{b}}", false),
        ("${if eq{$sender_address_domain}{}{a}{b}}", true),
        ("${lc:${domain:$sender_address}}", true),
        ("${if def:sender_address{a}{b}}", true),
        ("a", false),
    ] {
        let value = || evaluator.value(&parse(text), &mut Scope::empty());
        assert_eq!(evaluator.by_sender(value).1, asks, "{text}");
        // Whatever is asked within is asked around it.
        assert_eq!(evaluator.by_sender(|| evaluator.by_sender(value)).1, asks, "{text}");
    }
}

#[test]
fn of_a_map_whose_key_is_undecided_so_many_entries_are_tried() {
    for (entries, ends) in [(TRIALS, false), (TRIALS + 1, true)] {
        let names: String = (0..entries).map(|entry| format!("k{entry}: mx{}.example.com\n", entry % 3)).collect();
        let config = format!(
            "{SMTP} helo_data = ${{lookup{{$authenticated_id}}lsearch{{/etc/names}}{{$value}}{{x.example.com}}}}\n"
        );
        let (told, paths) = bounded(&Fixture::new(&[("/etc/names", &names), ("/etc/exim.conf", &config)]));
        assert_eq!(told.iter().any(|told| told.contains("more entries than helolint tries")), ends, "{told:?}");
        assert!(paths.iter().any(|path| path.contains("mx2.example.com")), "{paths:?}");
    }
}

#[test]
fn so_many_ways_to_send_are_kept() {
    let names: String = (0..500).map(|number| format!("d{number}.example: mx{number}.example.com\n")).collect();
    for (transports, ends) in [(2, false), (12, true)] {
        let lookup = "${lookup{$sender_address_domain}lsearch{/etc/names}{$value}{";
        let transport =
            |number: usize| format!("t{number}:\n driver = smtp\n helo_data = {lookup}x{number}.example.com}}}}\n");
        let config = format!("{SMTP}{}", (0..transports).map(transport).collect::<String>());
        let (told, paths) = bounded(&Fixture::new(&[("/etc/names", &names), ("/etc/exim.conf", &config)]));
        assert_eq!(told.iter().any(|told| told.contains("more ways to send")), ends, "{told:?}");
        assert!(paths.iter().any(|path| path.contains("mx499.example.com")), "{paths:?}");
    }
}
