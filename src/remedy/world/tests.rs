use super::*;
use crate::facts::Host;

fn edit(file: &str, text: &str) -> Op {
    Op::Edit { file: file.to_owned(), edit: Edit::Whole { text: text.to_owned() } }
}

/// What the worlds after changes in these orders hold.
fn worlds(orders: &[&[Op]]) -> Vec<World> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("etc")).unwrap();
    let (root, running, dns) =
        (Root::open(dir.path()).unwrap(), Found::default(), Observations { offline: true, ..Default::default() });
    let facts = Facts::new(Host::unknown("a test"));
    let ground = Ground {
        root: Some(&root),
        kernel: None,
        running: &running,
        facts: &facts,
        dns: &dns,
        answer: None,
        extra: BTreeSet::new(),
        findings: &[],
        judge: &|_, _| Vec::new(),
    };
    let lab = Lab::new(&ground);
    orders.iter().map(|ops| lab.apply_all(&lab.world(), *ops).unwrap()).collect()
}

fn modified(world: &World, file: &str) -> i64 {
    world.files[file].as_ref().unwrap().modified
}

#[test]
fn in_which_order_files_are_changed_makes_no_other_world() {
    let (a, b) = (edit("/etc/a", "1\n"), edit("/etc/b", "2\n"));
    let all = worlds(&[&[a.clone(), b.clone()], &[b.clone(), a.clone()], &[a, edit("/etc/b", "3\n")]]);
    assert_eq!(all[0], all[1]);
    assert_ne!(all[0], all[2]);
}

#[test]
fn what_is_made_from_files_is_older_than_those_that_change_later() {
    let (source, built) = (edit("/etc/exim.conf.localopts", "1\n"), edit(BUILT, "2\n"));
    let table = Op::Compile { table: "hash:/etc/t".into() };
    let all = worlds(&[
        &[source.clone(), built.clone()],
        &[built, source],
        &[edit("/etc/t", "a b\n"), table.clone()],
        &[table, edit("/etc/t", "a b\n")],
    ]);
    let apart = |at: usize, from: &str, made: &str| modified(&all[at], from) - modified(&all[at], made);
    assert_eq!(apart(0, "/etc/exim.conf.localopts", BUILT), 0);
    assert_eq!(apart(1, "/etc/exim.conf.localopts", BUILT), APART);
    assert_eq!(apart(2, "/etc/t", "/etc/t.db"), 0);
    assert_eq!(apart(3, "/etc/t", "/etc/t.db"), APART);
}
