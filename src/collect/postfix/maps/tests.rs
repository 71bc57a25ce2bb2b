use super::*;
use std::fs;

fn read(list: &str, files: &[(&str, &str)]) -> (Vec<(Key, String)>, bool, Vec<ProblemKind>) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let root = Root::open(dir.path()).unwrap();
    let files = OwnFiles::of_postfix(&root, []);
    let place = Place { root: &root, files: &files, base: "/", formats: &Formats::default() };
    let tables = read_tables(&Fact::new(list.to_owned(), Origin::default_of("test")), place);
    let rows = tables.rows.into_iter().map(|row| (row.key, row.value.value)).collect();
    (rows, tables.undecided, tables.problems.into_iter().map(|problem| problem.kind).collect())
}

#[test]
fn lists_keep_braces_together() {
    assert_eq!(split_list("hash:/a, inline:{ {a = b}, c=d } x"), ["hash:/a", "inline:{ {a = b}, c=d }", "x"]);
}

#[test]
fn tables_in_place() {
    let (rows, undecided, _) = read("inline:{ {@A.example = [x]:587}, *=y } randmap:{out1:,out2:}", &[]);
    let text = |text: &str| Key::Text(text.into());
    assert_eq!(rows[0], (text("@a.example"), "[x]:587".into()));
    assert_eq!(rows[1], (Key::Every, "y".into()));
    assert_eq!(rows[3], (Key::Every, "out2:".into()));
    assert!(!undecided);
    assert!(read("mysql:virtual", &[]).1);
}

#[test]
fn indexed_tables_need_both_forms() {
    let text = "# note\na.example smtp:[x]\nb.example\n  out:\n";
    let (rows, undecided, problems) = read("hash:/t", &[("t", text), ("t.db", "")]);
    assert_eq!((rows.len(), undecided, problems.len()), (2, false, 0));
    assert_eq!(rows[1].1, "out:");
    assert_eq!(read("hash:/t", &[("t", text)]).2, [ProblemKind::Uncompiled { table: "hash:/t".into() }]);
    assert_eq!(read("hash:/t", &[("t.db", "")]).2, [ProblemKind::Unreadable { undecided: true }]);
    assert_eq!(read("hash:/t", &[]).2, [ProblemKind::Unreadable { undecided: false }]);
    assert_eq!(read("texthash:/t", &[("t", text)]).2, []);
}

#[test]
fn what_postfix_refuses_in_the_names_of_tables() {
    let refused = [ProblemKind::Syntax { mta: Mta::Postfix, whole: false }];
    for list in ["/etc/postfix/transport", "hash:", "hsah:/t", "unionmap:{hsah:/t}"] {
        assert_eq!(read(list, &[]).2, refused, "{list}");
    }
    let missing = [ProblemKind::Unreadable { undecided: false }];
    for list in ["mysql:/t.cf", "proxy:pgsql:/t.cf", "ldap:./t.cf", "mongodb:/t.cf", "sqlite:/t.cf"] {
        let (_, undecided, problems) = read(list, &[]);
        assert!(undecided && problems == missing, "{list}: {problems:?}");
        assert_eq!(read(list, &[("t.cf", "password = secret\n")]).2, [], "{list}");
    }
    assert_eq!(read("mysql:virtual socketmap:unix:s:t tcp:127.0.0.1:9999", &[]).2, []);
}

#[test]
fn a_text_that_is_newer_than_its_compiled_form_decides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str, seconds: u64| {
        fs::write(dir.path().join(name), "a.example out:\n").unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        fs::File::options().write(true).open(dir.path().join(name)).unwrap().set_modified(time).unwrap();
    };
    let tables = |list: &str| {
        let root = Root::open(dir.path()).unwrap();
        let files = OwnFiles::of_postfix(&root, []);
        let place = Place { root: &root, files: &files, base: "/", formats: &Formats::default() };
        read_tables(&Fact::new(list.to_owned(), Origin::default_of("test")), place)
    };
    at("t", 1_000_060);
    at("t.db", 1_000_000);
    let found = tables("hash:/t");
    assert!(found.undecided && found.rows.is_empty());
    assert_eq!((found.outdated[0].compiled.as_str(), found.outdated[0].seconds), ("/t.db", 60));
    at("t.db", 1_000_060);
    let found = tables("hash:/t");
    assert!(!found.undecided && found.rows.len() == 1 && found.outdated.is_empty());
}

#[test]
fn lists_of_patterns() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("names"), "# none yet\n").unwrap();
    fs::write(dir.path().join("more"), "a.example\nb.example c.example\n").unwrap();
    fs::write(dir.path().join("table"), "a.example x\n").unwrap();
    let root = Root::open(dir.path()).unwrap();
    let files = OwnFiles::of_postfix(&root, []);
    let place = Place { root: &root, files: &files, base: "/", formats: &Formats::default() };
    let patterns = |list: &str| {
        let found = read_patterns(&Fact::new(list.to_owned(), Origin::default_of("test")), place);
        (found.rows.len(), found.undecided, found.problems.len())
    };
    assert_eq!(patterns(""), (0, false, 0));
    assert_eq!(patterns("a.example, !b.example"), (1, false, 0));
    // Behind `!` stands what is out, whatever names it later.
    assert_eq!(patterns("!b.example, b.example, !!c.example"), (1, false, 0));
    assert_eq!(patterns("a.example, !a.example"), (1, false, 0));
    assert_eq!(patterns("!/more, a.example, d.example"), (1, false, 0));
    assert_eq!(patterns("!texthash:/table, a.example, d.example"), (1, false, 0));
    assert_eq!(patterns("!*, a.example"), (1, true, 0));
    assert_eq!(patterns("/names"), (0, false, 0));
    assert_eq!(patterns("/more"), (3, false, 0));
    assert_eq!(patterns("/none"), (0, true, 1));
    assert_eq!(patterns("mysql:/none"), (0, true, 1));
    assert_eq!(patterns("[192.0.2.1]"), (1, false, 0));
    // Of a long list, each row has its own pattern and not the whole list.
    let long: String = (0..1_000).map(|n| format!("d{n}.example, ")).collect();
    let found = read_patterns(&Fact::new(long, Origin::default_of("test")), place);
    let octets: usize = found.rows.iter().map(|row| row.value.value.len()).sum();
    assert!(found.rows.len() == 1_000 && octets < 16_000, "{octets}");
}

#[test]
fn tables_are_bounded() {
    for (count, ends) in [(TABLE_LIMIT, false), (TABLE_LIMIT + 1, true)] {
        let (rows, undecided, problems) = read(&"static:x ".repeat(count), &[]);
        assert_eq!((rows.len(), undecided), (TABLE_LIMIT, ends), "{count}");
        assert_eq!(problems.contains(&ProblemKind::Bounded), ends, "{count}");
    }
    let nested = |depth: usize| format!("{}static:x{}", "unionmap:{".repeat(depth), "}".repeat(depth));
    let lines = |count: usize| "key value\n".repeat(count);
    let rules = |count: usize| "/key/ value\n".repeat(count);
    for (list, files, count, ends) in [
        (nested(DEPTH_LIMIT), String::new(), 1, false),
        (nested(DEPTH_LIMIT + 1), String::new(), 0, true),
        ("texthash:/t".to_owned(), lines(ROW_LIMIT), ROW_LIMIT, false),
        ("texthash:/t".to_owned(), lines(ROW_LIMIT + 1), ROW_LIMIT, true),
        ("texthash:/t static:x".to_owned(), lines(ROW_LIMIT), ROW_LIMIT, true),
        ("pcre:/t".to_owned(), rules(ROW_LIMIT), ROW_LIMIT, false),
        ("pcre:/t".to_owned(), rules(ROW_LIMIT + 1), ROW_LIMIT, true),
    ] {
        let (rows, undecided, problems) = read(&list, &[("t", &files)]);
        let said = problems.contains(&ProblemKind::Bounded);
        assert_eq!((rows.len(), undecided, said), (count, ends, ends), "{list} {}", files.len());
    }
}

#[test]
fn patterns() {
    let (rows, undecided, _) = read("regexp:/t", &[("t", "/^a@/i smtp:[x]\n/./ out:\n/(b)/ $1:\n")]);
    assert_eq!(rows, [(Key::Pattern("/^a@/i".into()), "smtp:[x]".into()), (Key::Every, "out:".into())]);
    assert!(undecided);
}
