use std::net::IpAddr;

use super::why_generic;
use crate::name::DomainName;

/// Names with labels, one a line: address, name, `generic` or `custom`, provider.
const CORPUS: &str = include_str!("../../../../testdata/rdns_labels.tsv");

/// Precision and recall that the corpus must reach.
const PRECISION: f64 = 0.98;
const RECALL: f64 = 0.95;

fn why(addr: &str, name: &str) -> Option<String> {
    why_generic(&DomainName::new(name), addr.parse::<IpAddr>().unwrap())
}

#[test]
fn corpus_figures() {
    let (mut hit, mut missed, mut wrong, mut right) = (0u32, 0u32, 0u32, 0u32);
    for line in CORPUS.lines() {
        let [addr, name, label, _] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        match (label, why(addr, name)) {
            ("generic", Some(_)) => hit += 1,
            ("generic", None) => {
                missed += 1;
                println!("missed: {addr} {name}");
            }
            ("custom", None) => right += 1,
            ("custom", Some(reason)) => {
                wrong += 1;
                println!("wrong: {addr} {name}: {reason}");
            }
            _ => panic!("{line:?}"),
        }
    }
    let precision = f64::from(hit) / f64::from(hit + wrong);
    let recall = f64::from(hit) / f64::from(hit + missed);
    println!("precision {precision:.3}, recall {recall:.3} ({} names)", hit + missed + wrong + right);
    assert!(hit + missed > 100 && wrong + right > 80, "the corpus is there");
    assert!(precision >= PRECISION, "precision {precision}");
    assert!(recall >= RECALL, "recall {recall}");
}
