//! Virtual and dedicated servers.
//!
//! Facts as of 2026-11-28, each with its basis; see [`Basis`]. What nobody confirmed is left out: a wrong path costs more than none.

use crate::addr::Family;
use crate::providers::data::{Basis, DefaultName, Forward, How, Means, Port25, Provider, Way};

/// The providers, in the order in which they are tried.
pub(super) const SERVERS: &[Provider] = &[
    Provider {
        id: "hetzner-robot",
        name: "Hetzner Robot (dedicated servers)",
        ptr4: Some((Means::SelfService, Basis::ThirdParty)),
        ptr6: Some((Means::SelfService, Basis::ThirdParty)),
        ways: &[Way {
            how: How::Api,
            family: None,
            text: "Robot web service: POST /rdns/{ip} with ptr={name}",
            basis: Basis::ThirdParty,
            source: "Ansible community.hrobot, reverse_dns module source (2026-08): path, methods and an IPv6 example",
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
        notes: &[("deleting the PTR record of the main address puts the default name back", Basis::ThirdParty)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "ovhcloud",
        name: "OVHcloud (VPS, dedicated, Public Cloud; also Kimsufi, So you Start)",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Api,
                family: None,
                text: "POST /ip/<BLOCK>/reverse with ipReverse={ip} and reverse={name.} (<BLOCK> is the block that holds the address, e.g. {ip}/32, URL-encoded)",
                basis: Basis::VendorCode,
                source: "OVHcloud Terraform provider, ip_reverse",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "Control Panel > Bare Metal Cloud > Network > IP (Additional IP tab for such) > ... next to the address > Modify the reverse path > {name.} > Confirm",
                basis: Basis::VendorDoc,
                source: "OVHcloud guide, Optimising the sending of emails (ovh/docs, mail_sending_optimization, 2024-01-19)",
            },
        ],
        default_names: &[
            DefaultName {
                patterns: &[
                    "vps-{h}.vps.ovh.net",
                    "vps-{h}.vps.ovh.ca",
                    "vps-{h}.vps.ovh.us",
                    "vps{h}.vps.ovh.net",
                    "vps{h}.vps.ovh.ca",
                    "vps{h}.vps.ovh.us",
                ],
                example: "vps-103973c9.vps.ovh.net",
                address: None,
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &[
                    "ip{d}.ip-{a}-{b}-{c}.eu",
                    "ip{d}.ip-{a}-{b}-{c}.net",
                    "ip{d}.ip-{a}-{b}-{c}.us",
                    "{d}.ip-{a}-{b}-{c}.eu",
                    "{d}.ip-{a}-{b}-{c}.net",
                    "{d}.ip-{a}-{b}-{c}.us",
                ],
                example: "ip60.ip-35-196-140.eu",
                address: Some("35.196.140.60"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["ns{n}.ip-{a}-{b}-{c}.eu", "ns{n}.ip-{a}-{b}-{c}.net", "ns{n}.ip-{a}-{b}-{c}.us"],
                example: "ns1006999.ip-51-81-155.us",
                address: Some("51.81.155.96"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["ks{n}.kimsufi.com"],
                example: "ks3293202.kimsufi.com",
                address: None,
                basis: Basis::ThirdParty,
            },
        ],
        reverse_servers: &["ovh.net", "ovh.ca", "ovh.us"],
        notes: &[
            (
                "the name has small letters alone, its final dot and 80 characters at most, and its address record should be a day old",
                Basis::VendorDoc,
            ),
            ("over IPv6 each address of the block has a PTR record of its own", Basis::VendorCode),
        ],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "contabo",
        name: "Contabo",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Api,
                family: None,
                text: "PUT https://api.contabo.com/v1/dns/ptrs/{ip} with ptr={name} and a header x-request-id: <UUID>",
                basis: Basis::VendorCode,
                source: "contabo/cntb, openapi/api_dns.go (commit 47d17005; added after May 2025); body ptr={name}",
            },
            Way {
                how: How::Api,
                family: Some(Family::Ipv6),
                text: "POST /v1/dns/ptrs (create; IPv6 only)",
                basis: Basis::VendorCode,
                source: "contabo/cntb, openapi/api_dns.go (commit 47d17005; added after May 2025); body ptr={name}",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "Customer Control Panel > Reverse DNS Management > the address (IPv4 or IPv6) > {name}",
                basis: Basis::ThirdParty,
                source: "three public deployment notes name the page (2024 to 2026); steps unchecked",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["vmd{n}.contaboserver.net", "vmh{n}.contaboserver.net", "vmi{n}.contaboserver.net"],
            example: "vmi3225967.contaboserver.net",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["contabo.net"],
        notes: &[(
            "the PTR record of an IPv4 address is there from the start and is edited; those of IPv6 addresses are created",
            Basis::VendorCode,
        )],
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
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Advised, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "scw dedibox reverse-ip update <IP_ID> reverse={name}",
                basis: Basis::VendorCode,
                source: "scaleway-cli, docs/commands/dedibox.md (2026-08)",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "console.online.net > Server > Server list > Manage > Network > Edit Reverses > {name} > Update",
                basis: Basis::VendorDoc,
                source: "Scaleway documentation, Configure reverse DNS on Dedibox (2024-09-30)",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.rev.poneytelecom.eu"],
            example: "62-210-37-82.rev.poneytelecom.eu",
            address: Some("62.210.37.82"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["online.net", "poneytelecom.eu"],
        notes: &[("the address record should be a day old", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "leaseweb",
        name: "Leaseweb",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::Unsupported, Basis::VendorCode)),
        ways: &[Way {
            how: How::Api,
            family: Some(Family::Ipv4),
            text: "PUT https://api.leaseweb.com/ipMgmt/v2/ips/{ip} with JSON {\"reverseLookup\": \"{name}\"} and header X-LSW-Auth: <API_KEY>",
            basis: Basis::VendorDoc,
            source: "Leaseweb API for IP address management v2; leaseweb/terraform-provider-leaseweb, ipmgmt_ip and dedicated_server (2026-02) set reverse_lookup through it",
        }],
        default_names: &[DefaultName {
            patterns: &["hosted-by.leaseweb.com"],
            example: "hosted-by.leaseweb.com",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["leaseweb.nl", "leaseweb.com", "leaseweb.net"],
        notes: &[("many addresses share the default name, which leads back to none of them", Basis::ThirdParty)],
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
                text: "Server Control Panel REST API: POST https://www.servercontrolpanel.de/scp-core/api/v1/rdns/ipv4 with ip={ip} and rdns={name}",
                basis: Basis::ThirdParty,
                source: "several independent API clients and a 2026-06 copy of the panel's public OpenAPI description (scp-core/api/v1/openapi)",
            },
            Way {
                how: How::Api,
                family: Some(Family::Ipv6),
                text: "Server Control Panel REST API: POST https://www.servercontrolpanel.de/scp-core/api/v1/rdns/ipv6 with ip={ip} and rdns={name}",
                basis: Basis::ThirdParty,
                source: "several independent API clients and a 2026-06 copy of the panel's public OpenAPI description (scp-core/api/v1/openapi)",
            },
        ],
        default_names: &[DefaultName {
            patterns: &[
                "v{n}.yourvserver.net",
                "v{n}.happysrv.de",
                "v{n}.ultrasrv.de",
                "v{n}.megasrv.de",
                "v{n}.goodsrv.de",
                "v{n}.nicesrv.de",
                "v{n}.quicksrv.de",
                "v{n}.hotsrv.de",
                "v{n}.powersrv.de",
                "v{n}.luckysrv.de",
                "v{n}.supersrv.de",
                "v{n}.bestsrv.de",
            ],
            example: "v2202503255565320322.happysrv.de",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["netcup.net"],
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
        id: "transip",
        name: "TransIP (VPS, colocation)",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "tipctl vps:ipaddress:setreversedns <VPS_NAME> {ip} {name}",
                basis: Basis::VendorCode,
                source: "transip/tipctl, SetReverseDNS.php (2026-02); help text names IPv4 and IPv6",
            },
            Way {
                how: How::Api,
                family: None,
                text: "PUT /vps/<VPS_NAME>/ip-addresses/{ip} with reverseDns={name}",
                basis: Basis::VendorCode,
                source: "transip/transip-api-php",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.colo.transip.net"],
            example: "136-144-226-130.colo.transip.net",
            address: Some("136.144.226.130"),
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["transip.net", "transip.nl"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "host-europe",
        name: "Host Europe, Server4You, PlusServer (HEG, velia)",
        default_names: &[
            DefaultName {
                patterns: &["{l}.startdedicated.com", "{l}.startdedicated.de", "{l}.startdedicated.net"],
                example: "dragon085.startdedicated.de",
                address: None,
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &[
                    "vds{n}x{n}.startdedicated.com",
                    "vds{n}x{n}.startdedicated.de",
                    "vds{n}x{n}.startdedicated.net",
                ],
                example: "vds2011x11.startdedicated.de",
                address: None,
                basis: Basis::ThirdParty,
            },
        ],
        reverse_servers: &["startdedicated.com", "hosteurope.de", "server4you.de"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "memset",
        name: "Memset (Iomart)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Panel,
            family: None,
            text: "Control panel > DNS Manager > Reverse Map Names > {ip} > {name}",
            basis: Basis::VendorDoc,
            source: "Memset documentation, Reverse DNS records",
        }],
        reverse_servers: &["memset.com"],
        notes: &[("each server's main address has its default host name as PTR name", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "wedos",
        name: "WEDOS (VPS, dedicated, Cloud)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Panel,
            family: None,
            text: "Customer administration > VPS / Dedicated > the service > Reverse (PTR) IPv4 records (or IPv6 records) > {ip} > {name}",
            basis: Basis::VendorDoc,
            source: "WEDOS knowledge base, Reverse records for server hosting and Cloud",
        }],
        reverse_servers: &["wedos.com", "wedos.net"],
        notes: &[(
            "it lets you set several PTR records for one address: keep to one; a change shows within an hour",
            Basis::VendorDoc,
        )],
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
    Provider {
        id: "gandi",
        name: "Gandi (GandiCloud VPS, older Gandi Server)",
        default_names: &[DefaultName {
            patterns: &["xvm-{c}-{d}.{l}.ghst.net", "xvm-{c}-{d}.ghst.net"],
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
];
