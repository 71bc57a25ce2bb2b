//! Hosting companies that let servers too.
//!
//! Facts as of 2026-11-28, each with its basis; see [`Basis`]. What nobody confirmed is left out: a wrong path costs more than none.

use crate::addr::Family;
use crate::providers::data::{Basis, DefaultName, How, Means, Provider, Way};

/// The providers, in the order in which they are tried.
pub(super) const HOSTING: &[Provider] = &[
    Provider {
        id: "hostinger",
        name: "Hostinger VPS",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "hostinger vps ptr create <VM_ID> <IP_ADDRESS_ID> --domain {name}",
                basis: Basis::VendorCode,
                source: "Hostinger API CLI, vps ptr create (create or update)",
            },
            Way {
                how: How::Api,
                family: None,
                text: "POST /api/vps/v1/virtual-machines/<VM_ID>/ptr/<IP_ADDRESS_ID> with domain={name}",
                basis: Basis::VendorCode,
                source: "hostinger/api-cli, client.gen.go (2026-08)",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["srv{n}.hstgr.cloud"],
            example: "srv1639765.hstgr.cloud",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["hostinger"],
        notes: &[(
            "changing the server's host name leaves the PTR record alone; resetting the host name resets both",
            Basis::VendorCode,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "namecheap",
        name: "Namecheap VPS and dedicated",
        reverse_servers: &["namecheaphosting.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "godaddy",
        name: "GoDaddy VPS and dedicated",
        ptr4: Some((Means::Ticket, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Ticket,
            family: None,
            text: "For a dedicated server, ask for {name} as the PTR record of {ip}; its other products get none",
            basis: Basis::VendorDoc,
            source: "GoDaddy help 2585, What is reverse DNS (the panel remark is unchecked)",
        }],
        default_names: &[
            DefaultName {
                patterns: &["ip-{a}-{b}-{c}-{d}.ip.secureserver.net"],
                example: "ip-72-167-33-213.ip.secureserver.net",
                address: Some("72.167.33.213"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["{d}.{c}.{b}.{a}.host.secureserver.net"],
                example: "91.116.238.104.host.secureserver.net",
                address: Some("104.238.116.91"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["{d}-{c}-{b}-{a}.host.secureserver.net"],
                example: "65-159-66-148.host.secureserver.net",
                address: Some("148.66.159.65"),
                basis: Basis::ThirdParty,
            },
        ],
        reverse_servers: &["secureserver.net"],
        notes: &[("it gives a PTR record of your own on dedicated servers alone", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "dreamhost",
        name: "DreamHost (VPS, Dedicated, DreamCompute)",
        reverse_servers: &["dreamhost.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "racknerd",
        name: "RackNerd and other ColoCrossing resellers",
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}-host.colocrossing.com"],
            example: "107-174-27-60-host.colocrossing.com",
            address: Some("107.174.27.60"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["colocrossing.com", "racknerd.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "buyvm",
        name: "BuyVM (Frantech)",
        reverse_servers: &["frantech.ca", "buyvm.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "liquidweb",
        name: "Liquid Web (and Nexcess)",
        ptr4: Some((Means::SelfService, Basis::ThirdParty)),
        ways: &[Way {
            how: How::Api,
            family: Some(Family::Ipv4),
            text: "POST /v1/Network/DNS/Reverse/update with ip={ip} and hostname={name}",
            basis: Basis::ThirdParty,
            source: "description of the vendor API in an API client (2026); the field names are its own",
        }],
        reverse_servers: &["liquidweb.com", "sourcedns.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "inmotion",
        name: "InMotion Hosting",
        reverse_servers: &["inmotionhosting.com", "servconfig.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "hostgator",
        name: "HostGator, Bluehost (Unified Layer, Newfold)",
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.unifiedlayer.com"],
            example: "50-87-75-184.unifiedlayer.com",
            address: Some("50.87.75.184"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["unifiedlayer.com", "hostgator.com", "websitewelcome.com"],
        notes: &[(
            "on cPanel hosts, Exim may send from another address, which /etc/mailips names: that one needs the PTR record",
            Basis::VendorDoc,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "interserver",
        name: "InterServer (VPS, dedicated)",
        ptr4: Some((Means::SelfService, Basis::ThirdParty)),
        ways: &[Way {
            how: How::Api,
            family: None,
            text: "POST /vps/<ID>/reverse_dns (also /servers/<ID>/reverse_dns and /qs/<ID>/reverse_dns) with the names by address",
            basis: Basis::ThirdParty,
            source: "generated clients of the InterServer API in several languages (2026)",
        }],
        default_names: &[DefaultName {
            patterns: &["vps{n}.trouble-free.net"],
            example: "vps3695717.trouble-free.net",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["interserver.net", "trouble-free.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "hostwinds",
        name: "Hostwinds",
        default_names: &[
            DefaultName {
                patterns: &["hwsrv-{n}.hostwindsdns.com"],
                example: "hwsrv-737338.hostwindsdns.com",
                address: None,
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["client-{a}-{b}-{c}-{d}.hostwindsdns.com"],
                example: "client-104-168-164-244.hostwindsdns.com",
                address: Some("104.168.164.244"),
                basis: Basis::ThirdParty,
            },
        ],
        reverse_servers: &["hostwindsdns.com"],
        ..Provider::UNKNOWN
    },
    Provider { id: "iwebvault", name: "iWebVault", reverse_servers: &["iwebvault.com"], ..Provider::UNKNOWN },
    Provider { id: "hostmycode", name: "HostMyCode", reverse_servers: &["hostmycode"], ..Provider::UNKNOWN },
];
