use super::change::{APART, OCTETS};
use super::*;
use crate::collect::exim::BUILT;
use crate::facts::Host;
use crate::remedy::edit::Edit;
use crate::remedy::op::Op;

fn edit(file: &str, text: &str) -> Op {
    Op::Edit { file: file.to_owned(), edit: Edit::Whole { text: text.to_owned() } }
}

/// What `look` sees of a lab on a host with these files.
fn with_lab<T>(files: &[(&str, &str)], look: impl FnOnce(&Lab<'_>) -> T) -> T {
    let (_dir, root) = crate::collect::testing::root(files);
    files.iter().for_each(|(path, _)| drop(root.read(&format!("/{path}"))));
    let (running, dns) = (Found::default(), Observations { offline: true, ..Default::default() });
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
    look(&Lab::new(&ground))
}

/// What the worlds after changes in these orders hold.
fn worlds(orders: &[&[Op]]) -> Vec<World> {
    with_lab(&[("etc/hostname", "a\n")], |lab| {
        orders.iter().map(|ops| lab.apply_all(&lab.world(), *ops).unwrap()).collect()
    })
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

/// Many services of one file: the file is read once for all of them, whether each can be made or not.
#[test]
fn edits_of_many_services_are_one_pass() {
    const FILE: &str = "etc/postfix/master.cf";
    let text: String = (0..2_000).map(|n| format!("s{n} unix - - n - - smtp\n  -o smtp_helo_name=h{n}\n")).collect();
    let op = |service: usize| Op::Edit {
        file: format!("/{FILE}"),
        edit: Edit::MasterCf { service: format!("s{service}"), parameter: "smtp_helo_name".into(), value: None },
    };
    let of = |services: std::ops::Range<usize>| services.map(op).collect::<Vec<_>>();
    let pass = text.len() / OCTETS;
    with_lab(&[(FILE, text.as_str())], |lab| {
        let world = lab.apply_all(&lab.world(), &of(0..2_000)).unwrap();
        assert!(!lab.text(&world, &format!("/{FILE}")).unwrap().contains("smtp_helo_name"));
        assert_eq!(lab.work(), pass);
        // Every other one is not there.
        let half: Vec<Op> =
            of(0..1_000).into_iter().zip(of(5_000..6_000)).flat_map(|(one, none)| [one, none]).collect();
        assert_eq!(lab.apply_all(&lab.world(), &half), None);
        let (world, made) = lab.apply_some(&lab.world(), &half, usize::MAX);
        assert!(made.iter().enumerate().all(|(at, made)| *made == (at % 2 == 0)));
        let left = lab.text(&world, &format!("/{FILE}")).unwrap().matches("smtp_helo_name").count();
        assert_eq!(left, 1_000);
        assert_eq!(lab.work(), 3 * pass);
        // Without work left nothing is made.
        assert_eq!(lab.apply_some(&lab.world(), &half, 0), (lab.world(), vec![false; 2_000]));
    });
}

/// What a trial reads anew counts by its octets; what is remembered does not.
#[test]
fn trials_are_counted_by_what_they_read() {
    const FILE: &str = "etc/exim/exim.conf";
    let transports: String = (0..5_000).map(|n| format!("t{n}:\n  driver = smtp\n")).collect();
    let text = format!("primary_hostname = a.example\nbegin transports\n{transports}");
    with_lab(&[(FILE, text.as_str())], |lab| {
        let changed = edit(&format!("/{FILE}"), &text.replace("a.example", "b.example"));
        let world = lab.apply_all(&lab.world(), [&changed]).unwrap();
        let tried = |world: &World| {
            let before = lab.work();
            lab.try_out(world);
            lab.work() - before
        };
        let first = tried(&world);
        assert!(first >= text.len() / READ, "{first}");
        // The drivers are judged again, and none of them is read.
        let renamed = lab.apply_all(&world, [&edit("/etc/mailname", "c.example\n")]).unwrap();
        let second = tried(&renamed);
        assert!(second > 100 && second < first - text.len() / READ + 20, "{second} after {first}");
    });
}

#[test]
fn trials_end_when_their_time_is_up_whatever_was_counted() {
    with_lab(&[("etc/hostname", "a\n")], |lab| {
        assert!(!lab.is_over(usize::MAX));
        lab.allow(Duration::ZERO);
        assert!(lab.is_over(usize::MAX));
    });
}
