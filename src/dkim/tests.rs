//! Record shapes beside keys that openssl made (`testdata/dkim`).

use std::fs;

use super::published::of_texts;
use super::{Comparison, KeyFault, KeyFile, PublicKey, Published, RecordFault, compare};
use crate::observe::{Lookup, RecordData, Why};

fn file(name: &str) -> Vec<u8> {
    fs::read(format!("{}/testdata/dkim/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(file(name)).unwrap()
}

fn local(name: &str) -> PublicKey {
    KeyFile::new(file(name)).public_part().unwrap()
}

fn txt(records: &[&str]) -> Lookup<RecordData> {
    Lookup::Found(records.iter().map(|text| RecordData::Txt((*text).to_owned())).collect())
}

/// The same with a blank after every 64 characters, as zone files have it.
fn broken_up(text: &str) -> String {
    let chunks: Vec<&str> = text.as_bytes().chunks(64).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
    chunks.join(" \t")
}

#[test]
fn record_shapes_by_key() {
    for (bits, name) in [(1024, "rsa1024"), (2048, "rsa2048"), (4096, "rsa4096"), (256, "ed25519")] {
        let private = local(&format!("{name}.pkcs8.pem"));
        assert_eq!(private.bits(), bits);
        let is_rsa = bits != 256;
        let (usual, k) = match is_rsa {
            true => (text(&format!("{name}.spki")), "rsa"),
            false => (text("ed25519.point"), "ed25519"),
        };
        let bare = if is_rsa { text(&format!("{name}.rsapublickey")) } else { usual.clone() };
        let without_k = if is_rsa { format!("v=DKIM1; p={usual}") } else { format!("k=ed25519;p={usual}") };
        let other = if is_rsa { text("other1024.spki") } else { format!("A{}", &usual[1..]) };
        let short = &usual[..usual.len() - 9];
        for (shape, record, expected) in [
            ("usual", format!("v=DKIM1; k={k}; p={usual}"), "match"),
            ("no version", format!("k={k}; p={usual}"), "match"),
            ("no algorithm", without_k, "match"),
            ("bare key", format!("v=DKIM1; k={k}; p={bare}"), "match"),
            ("blanks in p", format!("v=DKIM1; k={k}; p={}", broken_up(&usual)), "match"),
            ("final semicolon", format!("v=DKIM1;k={k};p={usual};"), "match"),
            ("other tags", format!("v=DKIM1; h=sha256; k={k}; s=email; t=s:y; n=a b; x=1; p={usual}"), "match"),
            ("p first", format!("p={usual}; k={k}"), "match"),
            ("blanks around tags", format!(" v = DKIM1 ;\tk = {k} ; p = {usual} "), "match"),
            ("another key", format!("v=DKIM1; k={k}; p={other}"), "mismatch"),
            ("revoked", format!("v=DKIM1; k={k}; p="), "revoked"),
            ("cut off", format!("v=DKIM1; k={k}; p={short}"), "invalid"),
            ("another algorithm", format!("v=DKIM1; k=dsa; p={usual}"), "invalid"),
            ("no key", format!("v=DKIM1; k={k}"), "invalid"),
            ("version not first", format!("k={k}; v=DKIM1; p={usual}"), "invalid"),
        ] {
            let found = compare(&txt(&[&record]), &private);
            assert_eq!(found.as_str(), expected, "{name}, {shape}: {found:?}");
        }
    }
}

#[test]
fn both_forms_of_a_private_key_have_one_public_part() {
    for bits in [1024, 2048, 4096] {
        assert_eq!(local(&format!("rsa{bits}.pkcs1.pem")), local(&format!("rsa{bits}.pkcs8.pem")));
        for form in ["spki", "rsapublickey"] {
            let record = format!("p={}", text(&format!("rsa{bits}.{form}")));
            let published = of_texts([record.as_str()].into_iter());
            assert_eq!(published, Some(Published::Key(local(&format!("rsa{bits}.pkcs1.pem")))), "{form}");
        }
    }
    assert_ne!(local("rsa1024.pkcs1.pem"), local("rsa2048.pkcs1.pem"));
}

#[test]
fn the_record_to_publish_is_what_openssl_would_write() {
    for name in ["rsa1024", "rsa2048", "rsa4096"] {
        let expected = format!("v=DKIM1; k=rsa; p={}", text(&format!("{name}.spki")).trim());
        assert_eq!(local(&format!("{name}.pkcs8.pem")).record(), expected);
    }
    let expected = format!("v=DKIM1; k=ed25519; p={}", text("ed25519.point").trim());
    assert_eq!(local("ed25519.pkcs8.pem").record(), expected);
}

#[test]
fn an_ed25519_key_is_published_as_its_point_alone() {
    let record = format!("k=ed25519; p={}", text("ed25519.spki"));
    let found = compare(&txt(&[&record]), &local("ed25519.pkcs8.pem"));
    assert_eq!(found, Comparison::Invalid(RecordFault::NotAKey));
    let rsa = format!("v=DKIM1; k=rsa; p={}", text("ed25519.spki"));
    assert_eq!(compare(&txt(&[&rsa]), &local("rsa1024.pkcs8.pem")), Comparison::Invalid(RecordFault::NotAKey));
}

#[test]
fn what_else_a_selector_may_have() {
    let key = local("rsa1024.pkcs8.pem");
    let good = format!("v=DKIM1; p={}", text("rsa1024.spki"));
    assert_eq!(compare(&txt(&["some text", &good]), &key), Comparison::Match);
    assert_eq!(compare(&txt(&["some text"]), &key), Comparison::Missing);
    assert_eq!(compare(&txt(&[&good, &good]), &key), Comparison::Invalid(RecordFault::Several(2)));
    assert_eq!(compare(&txt(&["v=DKIM1; p=AA; p=AA"]), &key), Comparison::Invalid(RecordFault::Tags));
    assert_eq!(compare(&txt(&["v=DKIM1; p=A!A"]), &key), Comparison::Invalid(RecordFault::NotBase64));
    assert_eq!(compare(&Lookup::NxDomain, &key), Comparison::Missing);
    assert_eq!(compare(&Lookup::Unanswered(Why::Timeout), &key), Comparison::Unanswered(Why::Timeout));
}

#[test]
fn files_that_are_no_key() {
    for (content, fault) in [
        (file("ec.pem"), KeyFault::OtherKind),
        (file("encrypted.pem"), KeyFault::OtherKind),
        (b"text".to_vec(), KeyFault::NotAKey),
        (Vec::new(), KeyFault::NotAKey),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".to_vec(), KeyFault::Broken),
        (vec![b' '; super::private::KEY_FILE_LIMIT], KeyFault::NotAKey),
        (vec![b' '; super::private::KEY_FILE_LIMIT + 1], KeyFault::TooLarge),
    ] {
        assert_eq!(KeyFile::new(content).public_part().unwrap_err(), fault);
    }
    let words = format!("{:?}", local("rsa2048.pkcs8.pem"));
    assert_eq!(words, "rsa 2048", "no number of a key is printed");
}

/// Compiles only while a private key has none of these.
#[test]
fn a_private_key_can_be_neither_printed_nor_stored() {
    trait Unless<A> {
        fn holds() {}
    }
    impl<T> Unless<()> for T {}
    impl<T: std::fmt::Debug> Unless<u8> for T {}
    impl<T: std::fmt::Display> Unless<u16> for T {}
    impl<T: serde::Serialize> Unless<u32> for T {}
    impl<T: Clone> Unless<u64> for T {}
    <KeyFile as Unless<_>>::holds();
}

#[test]
fn keys_belong_to_the_public_parts_of_their_certificates() {
    let octets = |name: &str| {
        let quoted = format!("\"{}\"", text(name).trim());
        serde_json::from_str::<crate::facts::Der>(&quoted).unwrap().0
    };
    let publics = ["rsa2048.rsapublickey", "rsa1024.rsapublickey", "ed25519.point", "ec.point", "ec521.point"];
    for (private, public) in [
        ("rsa2048.pkcs1.pem", 0),
        ("rsa2048.pkcs8.pem", 0),
        ("rsa1024.pkcs8.pem", 1),
        ("ed25519.pkcs8.pem", 2),
        ("ec.pem", 3),
        ("ec.pkcs8.pem", 3),
        ("ec521.pem", 4),
    ] {
        for (at, other) in publics.iter().enumerate() {
            let belongs = KeyFile::new(file(private)).belongs_to(&octets(other));
            assert_eq!(belongs, Ok(at == public), "{private} {other}");
        }
        assert_eq!(KeyFile::new(file(private)).belongs_to(&[]), Ok(false));
    }
    let fault = |private: &str| KeyFile::new(file(private)).belongs_to(&octets("ec.point")).unwrap_err();
    assert_eq!(fault("ec.nopublic.pem"), KeyFault::NoPublicPart);
    assert_eq!(fault("encrypted.pem"), KeyFault::OtherKind);
    assert_eq!(fault("ec.point"), KeyFault::NotAKey);
    let damaged = text("ec.pem").replacen("MHcC", "MHgC", 1);
    assert_eq!(KeyFile::new(damaged.into_bytes()).belongs_to(&[]), Err(KeyFault::Broken));
}
