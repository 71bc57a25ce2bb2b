//! Kinds of drift on servers of DirectAdmin and Hestia.

use std::fs;
use std::path::Path;

use super::drifts::Drift;
use super::{append, sub};

const DOMAINIPS: &str = "root/etc/virtual/domainips";
const HELO_DATA: &str = "root/etc/virtual/helo_data";
const DOMAINS: &str = "root/etc/virtual/domains";

/// What is told where the shop's line of domainips is gone, or another.
const OF_ANOTHER_LINE: &[&str] = &[
    "drift helo exim remote_smtp ipv4 shop.example",
    "drift map-line /etc/virtual/domainips shop.example",
    "drift source exim remote_smtp ipv4 shop.example",
];

/// On the DirectAdmin server: `shop.example` has an address and a name of its own, mail for `blog.example` is elsewhere.
pub const ON_DIRECTADMIN: &[Drift] = &[
    Drift {
        name: "line of domainips lost",
        touches: &["shop"],
        make: |dir| sub(dir, DOMAINIPS, "shop.example: 198.51.100.11\n", ""),
        told: OF_ANOTHER_LINE,
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "no domain in the list",
        touches: &["domains", "blog"],
        make: |dir| fs::write(dir.join(DOMAINS), "").unwrap(),
        told: &["drift map-line /etc/virtual/domains"],
        codes: &["MIG004"],
    },
    Drift {
        name: "domainips gone",
        touches: &["shop"],
        make: |dir| fs::remove_file(dir.join(DOMAINIPS)).unwrap(),
        told: OF_ANOTHER_LINE,
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "line of domainips with the main address",
        touches: &["shop"],
        make: |dir| sub(dir, DOMAINIPS, "shop.example: 198.51.100.11", "shop.example: 198.51.100.10"),
        told: OF_ANOTHER_LINE,
        codes: &["MIG002"],
    },
    Drift {
        name: "line of domainips with the old address",
        touches: &["shop"],
        make: |dir| sub(dir, DOMAINIPS, "shop.example: 198.51.100.11", "shop.example: 203.0.113.11"),
        told: &[
            "drift path exim remote_smtp ipv4 shop.example",
            "leftover /etc/virtual/domainips:1",
            "leftover map-line /etc/virtual/domainips shop.example",
        ],
        codes: &["MIG001", "MIG002"],
    },
    Drift {
        name: "line of helo_data lost",
        touches: &["shop", "names"],
        make: |dir| sub(dir, HELO_DATA, "198.51.100.11: mail.shop.example\n", ""),
        told: &["drift helo exim remote_smtp ipv4 shop.example", "drift map-line /etc/virtual/helo_data 203.0.113.11"],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "line of helo_data with another name",
        touches: &["shop", "names"],
        make: |dir| sub(dir, HELO_DATA, "mail.shop.example", "www.shop.example"),
        told: &["drift helo exim remote_smtp ipv4 shop.example", "drift map-line /etc/virtual/helo_data 198.51.100.11"],
        codes: &["MIG002"],
    },
    Drift {
        name: "line of helo_data under the old address",
        touches: &["shop", "names"],
        make: |dir| sub(dir, HELO_DATA, "198.51.100.11: mail", "203.0.113.11: mail"),
        told: &[
            "drift helo exim remote_smtp ipv4 shop.example",
            "leftover /etc/virtual/helo_data:1",
            "leftover map-line /etc/virtual/helo_data 203.0.113.11",
        ],
        codes: &["MIG001", "MIG002"],
    },
    Drift {
        name: "mail of a domain is not delivered here",
        touches: &["domains"],
        make: |dir| sub(dir, DOMAINS, "wiki.example\n", ""),
        told: &["drift map-line /etc/virtual/domains wiki.example"],
        codes: &["MIG004"],
    },
    Drift {
        name: "mail of a domain is delivered here that was elsewhere",
        touches: &["blog"],
        make: |dir| append(dir, DOMAINS, "blog.example"),
        told: &["drift map-line /etc/virtual/domains blog.example"],
        codes: &["MIG003"],
    },
    Drift {
        name: "a new line of domainips",
        // Mail that leaves from the second address has its name.
        touches: &["names"],
        make: |dir| append(dir, DOMAINIPS, "blog.example: 198.51.100.11"),
        told: &[
            "drift helo exim remote_smtp ipv4 blog.example",
            "drift map-line /etc/virtual/domainips blog.example",
            "drift source exim remote_smtp ipv4 blog.example",
        ],
        codes: &["MIG002"],
    },
];

const NEWS: &str = "root/etc/exim4/domains/news.example.com";

/// On the Hestia server: `news.example.com` has an address of its own, `post.example.com` a relay.
pub const ON_HESTIA: &[Drift] = &[
    Drift {
        name: "file of an address lost",
        touches: &["news"],
        make: |dir| fs::remove_file(dir.join(NEWS).join("ip")).unwrap(),
        told: &[
            "drift helo exim out ipv4 news.example.com",
            "drift map-line /etc/exim4/domains/news.example.com/ip",
            "drift source exim out ipv4 news.example.com",
        ],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "file of an address with the main one",
        touches: &["news"],
        make: |dir| sub(dir, &format!("{NEWS}/ip"), "198.51.100.11", "198.51.100.10"),
        told: &[
            "drift helo exim out ipv4 news.example.com",
            "drift map-line /etc/exim4/domains/news.example.com/ip",
            "drift source exim out ipv4 news.example.com",
        ],
        codes: &["MIG002"],
    },
    Drift {
        name: "file of an address with the old one",
        touches: &["news"],
        make: |dir| sub(dir, &format!("{NEWS}/ip"), "198.51.100.11", "203.0.113.11"),
        told: &[
            "drift path exim out ipv4 news.example.com",
            "leftover /etc/exim4/domains/news.example.com/ip:1",
            "leftover map-line /etc/exim4/domains/news.example.com/ip",
        ],
        codes: &["MIG001", "MIG002"],
    },
    Drift {
        name: "a relay lost",
        touches: &["post"],
        make: |dir| fs::remove_file(relay(dir)).unwrap(),
        told: &[
            "drift map-line /etc/exim4/domains/post.example.com/smtp_relay.conf",
            "drift path exim smtp_relay_smtp ipv4 post.example.com",
        ],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "another relay",
        touches: &["post"],
        make: |dir| fs::write(relay(dir), "host: out.relay.example\nport: 587\nuser: u\npass: w\n").unwrap(),
        told: &[
            "drift map-line /etc/exim4/domains/post.example.com/smtp_relay.conf",
            "drift path exim smtp_relay_smtp ipv4 post.example.com",
        ],
        codes: &["MIG002"],
    },
    Drift {
        name: "a domain that did not come along",
        touches: &["example.com"],
        make: |dir| fs::remove_dir_all(dir.join("root/etc/exim4/domains/example.com")).unwrap(),
        told: &[],
        codes: &[],
    },
    Drift {
        name: "another user at the same relay",
        touches: &["post"],
        make: |dir| fs::write(relay(dir), "host: smtp.relay.example\nport: 587\nuser: other\npass: w\n").unwrap(),
        told: &[],
        codes: &[],
    },
];

/// The relay of `post.example.com`.
pub fn relay(dir: &Path) -> std::path::PathBuf {
    dir.join("root/etc/exim4/domains/post.example.com/smtp_relay.conf")
}
