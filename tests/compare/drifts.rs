//! Kinds of drift: what is changed on a host after its move, and what is to be told of it.

use std::fs;
use std::path::Path;

use super::{append, sub};

/// One kind of drift.
pub struct Drift {
    pub name: &'static str,
    /// Parts of the host that it touches: two that share one are not made together.
    pub touches: &'static [&'static str],
    pub make: fn(&Path),
    /// What is told of it.
    pub told: &'static [&'static str],
    /// The codes of the findings.
    pub codes: &'static [&'static str],
}

/// The text of a certificate: `mail-smtp` is for mail and smtp.example.com, `server-firm` for server.example.com and mail.firm.example,
/// `server-firm-new` for mail.new.example too, `mail` and `firm` for the mail.* of these, `mx-smtp` for mx.example.net and smtp.example.com.
pub fn certificate(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/certificates");
    fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap()
}

/// What cPanel's Exim presents.
pub const CPANEL_CERTIFICATE: &str = "root/var/cpanel/ssl/exim/exim.crt";
/// What is told of a Postfix whose certificate is not for one of its names.
const CERTIFICATE: &str = "drift setting certificate of postfix as a server";
const CHAIN: &str = "root/etc/postfix/chain.pem";

const MAIN: &str = "root/etc/postfix/main.cf";
const MASTER: &str = "root/etc/postfix/master.cf";

/// On the dual-stack Postfix.
pub const ON_POSTFIX: &[Drift] = &[
    Drift {
        name: "a domain that is taken no more",
        touches: &["domains"],
        make: |dir| sub(dir, "root/etc/postfix/domains", "blog.example\n", ""),
        told: &["drift map-line mail for blog.example"],
        codes: &["MIG003"],
    },
    Drift {
        name: "a list of domains that is gone",
        touches: &["domains", "main.cf"],
        make: |dir| sub(dir, MAIN, "virtual_mailbox_domains = /etc/postfix/domains, other.example\n", ""),
        told: &[
            "drift map-line mail for blog.example",
            "drift map-line mail for other.example",
            "drift map-line mail for shop.example",
        ],
        codes: &["MIG003"],
    },
    Drift {
        name: "a domain that is passed on and not delivered",
        touches: &["domains"],
        make: |dir| {
            sub(dir, "root/etc/postfix/domains", "blog.example\n", "");
            append(dir, MAIN, "relay_domains = blog.example");
        },
        told: &["drift map-line mail for blog.example"],
        codes: &["MIG003"],
    },
    Drift {
        name: "node name",
        touches: &["node"],
        make: |dir| sub(dir, "kernel", "\"node_name\": \"mail.example.com\"", "\"node_name\": \"srv9.example.com\""),
        told: &["drift host-name node name"],
        codes: &["MIG003"],
    },
    Drift {
        name: "hostname -f",
        touches: &["fqdn", "certificate"],
        make: |dir| sub(dir, "kernel", "\"fqdn\": \"mail.example.com\"", "\"fqdn\": \"srv8.example.com\""),
        told: &["drift host-name hostname -f", CERTIFICATE],
        codes: &["MIG003"],
    },
    Drift {
        name: "no hostname -f",
        touches: &["fqdn", "certificate"],
        make: |dir| sub(dir, "kernel", "\"fqdn\": \"mail.example.com\"", "\"fqdn\": null"),
        told: &["drift host-name hostname -f"],
        codes: &["MIG003"],
    },
    Drift {
        name: "PTR record with the host's name where mail has another HELO name",
        touches: &["shop", "ipv6"],
        make: |dir| {
            sub(
                dir,
                "zones/100.51.198.in-addr.arpa.zone",
                "11 IN PTR mail.shop.example.",
                "11 IN PTR mail.example.com.",
            )
        },
        told: &["drift ptr postfix out1 ipv4 shop.example"],
        codes: &["MIG003"],
    },
    Drift {
        name: "/etc/hostname",
        touches: &["etc-hostname"],
        make: |dir| fs::write(dir.join("root/etc/hostname"), "srv7.example.com\n").unwrap(),
        told: &["drift host-name /etc/hostname"],
        codes: &["MIG003"],
    },
    Drift {
        name: "myhostname",
        touches: &["own", "ipv6", "certificate"],
        make: |dir| sub(dir, MAIN, "myhostname = mail.example.com", "myhostname = other.example.com"),
        told: &[
            "drift helo postfix smtp ipv4",
            "drift helo postfix smtp ipv6",
            "drift setting postfix myhostname",
            CERTIFICATE,
        ],
        codes: &["MIG003"],
    },
    Drift {
        name: "origin",
        touches: &["origin"],
        make: |dir| fs::write(dir.join("root/etc/mailname"), "example.net\n").unwrap(),
        told: &["drift setting postfix myorigin"],
        codes: &["MIG003"],
    },
    Drift {
        name: "HELO name of a service",
        touches: &["shop", "ipv6"],
        make: |dir| sub(dir, MASTER, "smtp_helo_name=mail.shop.example", "smtp_helo_name=www.shop.example"),
        told: &[
            "drift helo postfix out1 ipv4 shop.example",
            "drift helo postfix out1 ipv6 shop.example",
            "drift setting postfix out1 smtp_helo_name",
        ],
        codes: &["MIG002"],
    },
    Drift {
        name: "bind address lost",
        touches: &["shop"],
        make: |dir| sub(dir, MASTER, "  -o smtp_bind_address=198.51.100.11\n", ""),
        told: &["drift setting postfix out1 smtp_bind_address", "drift source postfix out1 ipv4 shop.example"],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "bind address is the main one",
        touches: &["shop"],
        make: |dir| sub(dir, MASTER, "smtp_bind_address=198.51.100.11", "smtp_bind_address=198.51.100.10"),
        told: &["drift setting postfix out1 smtp_bind_address", "drift source postfix out1 ipv4 shop.example"],
        codes: &["MIG002"],
    },
    Drift {
        name: "bind address is the old one",
        touches: &["shop"],
        make: |dir| sub(dir, MASTER, "smtp_bind_address=198.51.100.11", "smtp_bind_address=203.0.113.11"),
        told: &[
            "drift source postfix out1 ipv4 shop.example",
            "leftover /etc/postfix/master.cf:34",
            "leftover setting postfix out1 smtp_bind_address",
        ],
        codes: &["MIG001", "MIG002"],
    },
    Drift {
        name: "sender domain left out of its table",
        touches: &["shop", "ipv6"],
        make: |dir| fs::write(dir.join("root/etc/postfix/by_sender"), "@other.example out1:\n").unwrap(),
        told: &[
            "drift helo postfix out1 ipv4 shop.example",
            "drift helo postfix out1 ipv6 shop.example",
            "drift source postfix out1 ipv4 shop.example",
            "drift source postfix out1 ipv6 shop.example",
        ],
        codes: &["MIG002"],
    },
    Drift {
        name: "no table of senders",
        touches: &["shop", "ipv6"],
        make: |dir| {
            sub(dir, MAIN, "sender_dependent_default_transport_maps = texthash:/etc/postfix/by_sender\n", "");
        },
        told: &[
            "drift helo postfix out1 ipv4 shop.example",
            "drift helo postfix out1 ipv6 shop.example",
            "drift setting postfix sender_dependent_default_transport_maps",
            "drift source postfix out1 ipv4 shop.example",
            "drift source postfix out1 ipv6 shop.example",
        ],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "no IPv6",
        touches: &["ipv6", "shop"],
        make: |dir| sub(dir, MAIN, "inet_protocols = all", "inet_protocols = ipv4"),
        told: &["drift path postfix out1 ipv6 shop.example", "drift path postfix smtp ipv6"],
        codes: &["MIG002"],
    },
    Drift {
        name: "a relay",
        touches: &["relay", "ipv6", "shop"],
        make: |dir| sub(dir, MAIN, "relayhost = \n", "relayhost = [smtp.relay.example]:587\n"),
        told: &[
            "drift path postfix out1 ipv4 shop.example",
            "drift path postfix out1 ipv6 shop.example",
            "drift path postfix smtp ipv4",
            "drift path postfix smtp ipv6",
        ],
        codes: &["MIG002"],
    },
    Drift {
        name: "old address in the hosts file",
        touches: &["hosts"],
        make: |dir| append(dir, "root/etc/hosts", "203.0.113.10 backup.example.com"),
        told: &["leftover /etc/hosts:8"],
        codes: &["MIG001"],
    },
    Drift {
        name: "record left",
        touches: &["record"],
        make: |dir| sub(dir, "zones/example.com.zone", "mail IN A 198.51.100.10", "mail IN A 203.0.113.10"),
        told: &["leftover record mail.example.com. A"],
        codes: &["DNS008"],
    },
    Drift {
        name: "record elsewhere",
        touches: &["record"],
        make: |dir| sub(dir, "zones/example.com.zone", "mail IN A 198.51.100.10", "mail IN A 192.0.2.99"),
        told: &["drift record mail.example.com. A"],
        codes: &["MIG003"],
    },
    Drift {
        name: "record gone",
        touches: &["record6"],
        make: |dir| sub(dir, "zones/example.com.zone", "mail IN AAAA 2001:db8:77::25\n", ""),
        told: &["drift record mail.example.com. AAAA"],
        codes: &["MIG003"],
    },
    Drift {
        name: "PTR of the provider",
        touches: &["ptr"],
        make: |dir| {
            let zone = "zones/100.51.198.in-addr.arpa.zone";
            sub(dir, zone, "10 IN PTR mail.example.com.", "10 IN PTR 198-51-100-10.provider.example.");
        },
        told: &["drift ptr postfix smtp ipv4"],
        codes: &["MIG003"],
    },
    Drift {
        name: "PTR of the old address",
        touches: &["old-ptr"],
        make: |dir| {
            let zone = "$ORIGIN 113.0.203.in-addr.arpa.\n$TTL 3600\n@ IN SOA ns1 h ( 1 7200 3600 1209600 300 )\n10 IN PTR mail.example.com.\n";
            fs::write(dir.join("zones/113.0.203.in-addr.arpa.zone"), zone).unwrap();
        },
        told: &["leftover ptr 10.113.0.203.in-addr.arpa."],
        codes: &["DNS011"],
    },
    Drift {
        name: "a certificate without a name that the old one had",
        touches: &["certificate"],
        make: |dir| fs::write(dir.join(CHAIN), certificate("mail")).unwrap(),
        told: &[CERTIFICATE],
        codes: &["MIG003"],
    },
    Drift {
        name: "no certificate",
        touches: &["certificate"],
        make: |dir| fs::remove_file(dir.join(CHAIN)).unwrap(),
        told: &[CERTIFICATE],
        codes: &["MIG004"],
    },
    Drift {
        name: "the certificate in another setting",
        touches: &["certificate"],
        make: |dir| {
            fs::rename(dir.join(CHAIN), dir.join("root/etc/postfix/mail.crt")).unwrap();
            let setting = "smtpd_tls_cert_file = /etc/postfix/mail.crt";
            sub(dir, MAIN, "smtpd_tls_chain_files = /etc/postfix/chain.pem", setting);
        },
        told: &[],
        codes: &[],
    },
];

/// On the cPanel server.
pub const ON_CPANEL: &[Drift] = &[
    Drift {
        name: "a domain that is in no list of domains while its account is here",
        touches: &["routing"],
        make: |dir| sub(dir, "root/etc/remotedomains", "away.example\n", ""),
        told: &["drift map-line mail for away.example"],
        codes: &["MIG003"],
    },
    Drift {
        name: "mailips line lost",
        touches: &["ips"],
        make: |dir| sub(dir, "root/etc/mailips", "firm.example: 172.16.9.5\n", ""),
        told: &["drift map-line /etc/mailips firm.example", "drift source exim remote_smtp ipv4 firm.example"],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "mailips line with the main address",
        touches: &["ips"],
        make: |dir| sub(dir, "root/etc/mailips", "firm.example: 172.16.9.5", "firm.example: 172.16.9.4"),
        told: &["drift map-line /etc/mailips firm.example", "drift source exim remote_smtp ipv4 firm.example"],
        codes: &["MIG002"],
    },
    Drift {
        name: "mailips line of the old host",
        // No record is asked of a name that nothing is sent under.
        touches: &["ips", "helo", "firm-record"],
        make: |dir| sub(dir, "root/etc/mailips", "firm.example: 172.16.9.5", "firm.example: 10.0.0.5"),
        told: &[
            "drift path exim remote_smtp ipv4 firm.example",
            "leftover /etc/mailips:1",
            "leftover map-line /etc/mailips firm.example",
        ],
        codes: &["MIG001", "MIG002"],
    },
    Drift {
        name: "mailhelo line lost",
        touches: &["helo"],
        make: |dir| sub(dir, "root/etc/mailhelo", "firm.example: mail.firm.example\n", ""),
        told: &["drift helo exim remote_smtp ipv4 firm.example", "drift map-line /etc/mailhelo firm.example"],
        codes: &["MIG002", "MIG004"],
    },
    Drift {
        name: "mailhelo line with another name",
        touches: &["helo"],
        make: |dir| sub(dir, "root/etc/mailhelo", "mail.firm.example", "www.firm.example"),
        told: &["drift helo exim remote_smtp ipv4 firm.example", "drift map-line /etc/mailhelo firm.example"],
        codes: &["MIG002"],
    },
    Drift {
        name: "flag lost",
        touches: &["flag"],
        make: |dir| fs::remove_file(dir.join("root/var/cpanel/per_domain_mailips")).unwrap(),
        told: &["drift setting /var/cpanel/per_domain_mailips"],
        codes: &["MIG004"],
    },
    Drift {
        name: "NAT pair lost",
        touches: &["nat", "ips"],
        make: |dir| sub(dir, "root/var/cpanel/cpnat", "172.16.9.5 198.51.100.11\n", ""),
        told: &["drift setting nat 10.0.0.5"],
        codes: &["MIG004"],
    },
    Drift {
        name: "WHM's host name",
        touches: &["whm", "certificate"],
        make: |dir| sub(dir, "root/etc/wwwacct.conf", "HOST server.example.com", "HOST srv9.example.com"),
        told: &["drift host-name wwwacct.conf HOST", "drift setting certificate of exim as a server"],
        codes: &["MIG003"],
    },
    Drift {
        name: "main address of the old host",
        touches: &["mainip"],
        make: |dir| fs::write(dir.join("root/var/cpanel/mainip"), "10.0.0.4").unwrap(),
        told: &["leftover /var/cpanel/mainip:1", "leftover setting /var/cpanel/mainip"],
        codes: &["MIG001"],
    },
    Drift {
        name: "record of an account's name left",
        touches: &["firm-record"],
        make: |dir| sub(dir, "zones/firm.example.zone", "mail IN A 198.51.100.11", "mail IN A 203.0.113.11"),
        told: &["leftover record mail.firm.example. A"],
        codes: &["DNS008"],
    },
    Drift {
        name: "a certificate without the host's own name",
        touches: &["certificate", "whm"],
        make: |dir| fs::write(dir.join(CPANEL_CERTIFICATE), certificate("firm")).unwrap(),
        told: &["drift setting certificate of exim as a server"],
        codes: &["MIG003"],
    },
    Drift {
        name: "a domain whose mail is delivered here and was not",
        touches: &["routing"],
        make: |dir| {
            sub(dir, "root/etc/remotedomains", "away.example\n", "");
            append(dir, "root/etc/localdomains", "away.example");
        },
        told: &["drift map-line mail routing away.example"],
        codes: &["MIG003"],
    },
];
