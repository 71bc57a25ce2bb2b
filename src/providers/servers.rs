//! Virtual and dedicated servers, hosting companies.
//!
//! Facts as of 2026-11-20, each with its basis; see [`Basis`]. What nobody confirmed is left out: a wrong path costs more than none.

use crate::addr::Family;
use crate::providers::data::{Basis, DefaultName, Forward, How, Means, Port25, Provider, Way};

/// The providers, in the order in which they are tried.
pub(super) const SERVERS: &[Provider] = &[
    Provider {
        id: "hetzner-robot",
        name: "Hetzner Robot (dedicated servers)",
        ptr4: Some((Means::SelfService, Basis::ThirdParty)),
        ways: &[Way {
            how: How::Api,
            family: None,
            text: "Robot web service: POST /rdns/{ip} with ptr={name}",
            basis: Basis::ThirdParty,
            source: "Ansible community.hrobot reverse_dns (path unchecked)",
        }],
        default_names: &[
            DefaultName {
                patterns: &["static.{d}.{c}.{b}.{a}.clients.your-server.de"],
                example: "static.19.17.47.78.clients.your-server.de",
                address: Some("78.47.17.19"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["static.{a}-{b}-{c}-{d}.clients.your-server.de", "{a}-{b}-{c}-{d}.clients.your-server.de"],
                example: "213-239-205-134.clients.your-server.de",
                address: Some("213.239.205.134"),
                basis: Basis::ThirdParty,
            },
        ],
        port_25: Some(Port25 {
            when: "by default for newer accounts",
            open: "request it in Robot",
            basis: Basis::ThirdParty,
        }),
        reverse_servers: &["your-server.de", "second-ns.com", "second-ns.de"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "ovhcloud",
        name: "OVHcloud (VPS, dedicated, Public Cloud; also Kimsufi, So you Start)",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        forward: Some((Forward::Enforced, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Api,
                family: None,
                text: "POST /ip/<BLOCK>/reverse  with ipReverse={ip} and reverse={name.}   (<BLOCK> is the block that holds the address, e.g. {ip}/32, URL-encoded)",
                basis: Basis::VendorCode,
                source: "OVHcloud Terraform provider, ip_reverse",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "Control Panel > Bare Metal Cloud > Network > IP (Public IP addresses) > the address > ... > Modify the reverse path > {name}",
                basis: Basis::ThirdParty,
                source: "OVHcloud US support articles give the path to the IP page; the last two steps are unchecked",
            },
        ],
        default_names: &[
            DefaultName {
                patterns: &["vps-{h}.vps.ovh.net", "vps-{h}.vps.ovh.ca", "vps-{h}.vps.ovh.us"],
                example: "vps-103973c9.vps.ovh.net",
                address: None,
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &[
                    "ip{d}.ip-{a}-{b}-{c}.eu",
                    "ip{d}.ip-{a}-{b}-{c}.net",
                    "ns{n}.ip-{a}-{b}-{c}.eu",
                    "ns{n}.ip-{a}-{b}-{c}.net",
                ],
                example: "ip60.ip-35-196-140.eu",
                address: Some("35.196.140.60"),
                basis: Basis::ThirdParty,
            },
        ],
        reverse_servers: &["ovh.net", "ovh.ca", "ovh.us"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "contabo",
        name: "Contabo",
        ptr4: Some((Means::SelfService, Basis::ThirdParty)),
        ptr6: Some((Means::SelfService, Basis::ThirdParty)),
        ways: &[
            Way {
                how: How::Api,
                family: None,
                text: "PUT /v1/dns/ptrs/{ip}  (edit; IPv4 and IPv6)",
                basis: Basis::ThirdParty,
                source: "Contabo API operations listed by two API clients",
            },
            Way {
                how: How::Api,
                family: Some(Family::Ipv6),
                text: "POST /v1/dns/ptrs  (create; IPv6 only)   DELETE /v1/dns/ptrs/{ip}  (IPv6 only)",
                basis: Basis::ThirdParty,
                source: "Contabo API operations listed by two API clients",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["vmi{n}.contaboserver.net", "vmd{n}.contaboserver.net", "vmh{n}.contaboserver.net"],
            example: "vmi3225967.contaboserver.net",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["contabo.net"],
        notes: &[("the command line client cntb has no PTR command (release of May 2025)", Basis::VendorCode)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "ionos-vps",
        name: "IONOS VPS and dedicated servers (Cloud Panel)",
        default_names: &[DefaultName {
            patterns: &["s{n}.onlinehome-server.info", "s{n}.onlinehome-server.com", "s{n}.onlinehome-server.mobi"],
            example: "s15462909.onlinehome-server.info",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["schlund.de", "1and1"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "scaleway-dedibox",
        name: "Scaleway Dedibox (formerly Online.net)",
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.rev.poneytelecom.eu"],
            example: "62-210-37-82.rev.poneytelecom.eu",
            address: Some("62.210.37.82"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["online.net", "poneytelecom.eu"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "leaseweb",
        name: "Leaseweb",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Api,
            family: None,
            text: "PUT https://api.leaseweb.com/ipMgmt/v2/ips/{ip}  with JSON {\"reverseLookup\": \"{name}\"} and header X-LSW-Auth: <API_KEY>",
            basis: Basis::VendorDoc,
            source: "Leaseweb API for IP address management v2 (field seen; the PUT call is unchecked)",
        }],
        default_names: &[DefaultName {
            patterns: &["hosted-by.leaseweb.com"],
            example: "hosted-by.leaseweb.com",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["leaseweb.nl", "leaseweb.com", "leaseweb.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "hostinger",
        name: "Hostinger VPS",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[Way {
            how: How::Cli,
            family: None,
            text: "hostinger vps ptr create <VM_ID> <IP_ADDRESS_ID> --domain {name}",
            basis: Basis::VendorCode,
            source: "Hostinger API CLI, vps ptr create (create or update)",
        }],
        default_names: &[DefaultName {
            patterns: &["srv{n}.hstgr.cloud"],
            example: "srv1639765.hstgr.cloud",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["hostinger"],
        notes: &[("a change of the server's host name does not change the PTR record", Basis::VendorCode)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "namecheap",
        name: "Namecheap VPS and dedicated",
        reverse_servers: &["namecheaphosting.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "netcup",
        name: "netcup",
        ptr4: Some((Means::SelfService, Basis::ThirdParty)),
        ptr6: Some((Means::SelfService, Basis::ThirdParty)),
        ways: &[
            Way {
                how: How::Api,
                family: Some(Family::Ipv4),
                text: "Server Control Panel REST API: POST /api/v1/rdns/ipv4  (GET and DELETE /api/v1/rdns/ipv4/{ip})",
                basis: Basis::ThirdParty,
                source: "endpoint lists in independent API clients",
            },
            Way {
                how: How::Api,
                family: Some(Family::Ipv6),
                text: "Server Control Panel REST API: POST /api/v1/rdns/ipv6  (GET and DELETE /api/v1/rdns/ipv6/{ip})",
                basis: Basis::ThirdParty,
                source: "endpoint lists in independent API clients",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["v{n}.yourvserver.net", "v{n}.happysrv.de", "v{n}.megasrv.de", "v{n}.goodsrv.de"],
            example: "v2202503255565320322.happysrv.de",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["netcup.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "dreamhost",
        name: "DreamHost (VPS, Dedicated, DreamCompute)",
        reverse_servers: &["dreamhost.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "godaddy",
        name: "GoDaddy VPS and dedicated",
        default_names: &[DefaultName {
            patterns: &["ip-{a}-{b}-{c}-{d}.ip.secureserver.net"],
            example: "ip-72-167-33-213.ip.secureserver.net",
            address: Some("72.167.33.213"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["secureserver.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "equinix-metal",
        name: "Equinix Metal (formerly Packet)",
        retired: true,
        ptr4: Some((Means::Unsupported, Basis::ThirdParty)),
        ptr6: Some((Means::Unsupported, Basis::ThirdParty)),
        reverse_servers: &["packethost.net", "packet.net"],
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
        id: "gandi",
        name: "Gandi (GandiCloud VPS, older Gandi Server)",
        default_names: &[DefaultName {
            patterns: &["xvm-{c}-{d}.ghst.net", "xvm-{c}-{d}.{l}.ghst.net"],
            example: "xvm-107-148.dc0.ghst.net",
            address: Some("46.226.107.148"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["gandi.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "infomaniak",
        name: "Infomaniak (VPS, Public Cloud, Jelastic)",
        reverse_servers: &["infomaniak.ch", "infomaniak.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "liquidweb",
        name: "Liquid Web (and Nexcess)",
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
        ..Provider::UNKNOWN
    },
    Provider {
        id: "strato",
        name: "Strato (V-Server, dedicated)",
        default_names: &[DefaultName {
            patterns: &["h{n}.stratoserver.net"],
            example: "h2553182.stratoserver.net",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["strato.de", "stratoserver.net", "rzone.de"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "aruba",
        name: "Aruba (Cloud, dedicated)",
        default_names: &[DefaultName {
            patterns: &["host{d}-{c}-{b}-{a}.serverdedicati.aruba.it"],
            example: "host36-195-149-62.serverdedicati.aruba.it",
            address: Some("62.149.195.36"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["aruba.it", "technorail.com", "arubacloud.com"],
        ..Provider::UNKNOWN
    },
    Provider { id: "iwebvault", name: "iWebVault", reverse_servers: &["iwebvault.com"], ..Provider::UNKNOWN },
    Provider { id: "hostmycode", name: "HostMyCode", reverse_servers: &["hostmycode"], ..Provider::UNKNOWN },
];
