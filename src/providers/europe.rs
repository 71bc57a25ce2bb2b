//! Clouds of Europe.
//!
//! Facts as of 2026-11-28, each with its basis; see [`Basis`]. What nobody confirmed is left out: a wrong path costs more than none.

use crate::addr::Family;
use crate::providers::data::{Basis, DefaultName, Dmi, Forward, How, Means, Op, Port25, Provider, Way};

/// The providers, in the order in which they are tried.
pub(super) const EUROPE: &[Provider] = &[
    Provider {
        id: "hetzner-cloud",
        name: "Hetzner Cloud",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "hcloud server set-rdns --ip {ip} --hostname {name} <SERVER>",
                basis: Basis::VendorCode,
                source: "hcloud manual, server set-rdns",
            },
            Way {
                how: How::Cli,
                family: None,
                text: "hcloud primary-ip set-rdns --ip {ip} --hostname {name} <PRIMARY_IP>",
                basis: Basis::VendorCode,
                source: "hcloud manual, primary-ip set-rdns (the same exists for floating-ip and load-balancer)",
            },
            Way {
                how: How::Api,
                family: None,
                text: "POST /v1/servers/<ID>/actions/change_dns_ptr (also primary_ips, floating_ips)",
                basis: Basis::VendorCode,
                source: "hcloud-go",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "Cloud Console > project > server > Networking > ... next to the address (for IPv6: next to the subnet, then complete the address, e.g. ::1) > Edit Reverse DNS > {name}",
                basis: Basis::VendorDoc,
                source: "Hetzner community tutorial, mail server with mailcow (hetzneronline/community-content, 2026-07)",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["static.{d}.{c}.{b}.{a}.clients.your-server.de"],
            example: "static.130.235.21.65.clients.your-server.de",
            address: Some("65.21.235.130"),
            basis: Basis::VendorDoc,
        }],
        port_25: Some(Port25 {
            when: "by default on cloud servers",
            open: "request it in the Console after the first month and a paid invoice",
            basis: Basis::VendorDoc,
        }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Hetzner" }],
        cloud_ids: &["hetzner"],
        reverse_servers: &["your-server.de", "second-ns.com", "second-ns.de"],
        notes: &[(
            "over IPv6 each address has a PTR record of its own: set that of the address that mail is sent from",
            Basis::VendorDoc,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "ionos-cloud",
        name: "IONOS Cloud (DCD)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Advised, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Api,
                family: None,
                text: "Cloud DNS API: POST /reverserecords with name={name} and ip={ip}",
                basis: Basis::VendorDoc,
                source: "IONOS Cloud documentation, Reverse DNS",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "DCD > Menu > Network Services > Cloud DNS > Reverse DNS > create for {ip} with {name}",
                basis: Basis::VendorDoc,
                source: "IONOS Cloud documentation, Cloud DNS, DCD how-tos, Reverse DNS (step labels unchecked)",
            },
        ],
        reverse_servers: &["ionos.com", "profitbricks.com"],
        notes: &[(
            "an IPv4 address must come from a reserved block, an IPv6 address belong to the data center; who sets it needs the right to manage DNS",
            Basis::VendorDoc,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "scaleway",
        name: "Scaleway (Instances, Elastic Metal)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Advised, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "scw instance ip update {ip} reverse={name}",
                basis: Basis::VendorDoc,
                source: "Scaleway CLI documentation, instance ip update",
            },
            Way {
                how: How::Cli,
                family: None,
                text: "scw baremetal server update-ip server-id=<SERVER_ID> ip-id=<IP_ID> reverse={name}",
                basis: Basis::VendorDoc,
                source: "Scaleway CLI documentation, baremetal",
            },
            Way {
                how: How::Cli,
                family: Some(Family::Ipv6),
                text: "scw ipam ip update <IPAM_IP_ID> reverses.0.hostname={name} reverses.0.address={ip}",
                basis: Basis::VendorDoc,
                source: "Scaleway CLI documentation, ipam",
            },
            Way {
                how: How::Panel,
                family: Some(Family::Ipv4),
                text: "Console > CPU & GPU Instances > Flexible IPs > ... next to the address > Edit reverse > {name}",
                basis: Basis::VendorDoc,
                source: "Scaleway documentation, Configure reverse DNS of an Instance (2025-12-18)",
            },
        ],
        default_names: &[
            DefaultName {
                patterns: &["{d}-{c}-{b}-{a}.instances.scw.cloud"],
                example: "205-43-15-51.instances.scw.cloud",
                address: Some("51.15.43.205"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["{h}-{h}-{h}-{h}-{h}.pub.instances.scw.cloud"],
                example: "36c8f2f1-066c-4fd8-a405-ece21ef33e99.pub.instances.scw.cloud",
                address: None,
                basis: Basis::VendorDoc,
            },
        ],
        port_25: Some(Port25 {
            when: "by the default rules of the security group",
            open: "have your identity verified, then allow SMTP in the security group",
            basis: Basis::VendorDoc,
        }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Scaleway" }],
        cloud_ids: &["scaleway"],
        reverse_servers: &["scaleway.com", "online.net", "proxad.net"],
        notes: &[(
            "the address record may need a day before it counts; the console sets no PTR record of single IPv6 addresses, the IPAM command does",
            Basis::VendorDoc,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "upcloud",
        name: "UpCloud",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[Way {
            how: How::Cli,
            family: None,
            text: "upctl ip-address modify {ip} --ptr-record {name}",
            basis: Basis::VendorCode,
            source: "upctl source, ip-address modify (2026-07)",
        }],
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.{l}.upcloud.host"],
            example: "94-237-62-195.uk-lon1.upcloud.host",
            address: Some("94.237.62.195"),
            basis: Basis::VendorCode,
        }],
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "UpCloud" }],
        cloud_ids: &["upcloud"],
        reverse_servers: &["upcloud.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "exoscale",
        name: "Exoscale",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "exo compute instance update <INSTANCE> --reverse-dns {name}",
                basis: Basis::VendorCode,
                source: "exo CLI source",
            },
            Way {
                how: How::Cli,
                family: None,
                text: "exo compute elastic-ip update {ip} --reverse-dns {name}",
                basis: Basis::VendorCode,
                source: "exo CLI source",
            },
            Way {
                how: How::Api,
                family: None,
                text: "POST /reverse-dns/instance/<ID> with domain-name={name} (also /reverse-dns/elastic-ip/<ID>)",
                basis: Basis::VendorCode,
                source: "exo CLI source",
            },
        ],
        dmi: &[Dmi { field: "product_name", op: Op::Prefix, value: "Exoscale" }],
        cloud_ids: &["exoscale"],
        reverse_servers: &["exoscale.ch", "exoscale.com", "exoscale.io", "exoscale.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "open-telekom-cloud",
        name: "Open Telekom Cloud (T Cloud Public)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Panel,
            family: Some(Family::Ipv4),
            text: "DNS console > PTR Records > Create PTR Record > EIP {ip} > {name}",
            basis: Basis::VendorDoc,
            source: "Open Telekom Cloud DNS user manual, PTR records",
        }],
        default_names: &[DefaultName {
            patterns: &["ecs-{a}-{b}-{c}-{d}.reverse.open-telekom-cloud.com"],
            example: "ecs-90-84-168-147.reverse.open-telekom-cloud.com",
            address: Some("90.84.168.147"),
            basis: Basis::ThirdParty,
        }],
        dmi: &[Dmi { field: "chassis_asset_tag", op: Op::Is, value: "OpenTelekomCloud" }],
        reverse_servers: &["open-telekom-cloud.com"],
        notes: &[("each address needs a PTR record of its own", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "cloudscale",
        name: "cloudscale.ch",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[Way {
            how: How::Api,
            family: None,
            text: "PATCH https://api.cloudscale.ch/v1/floating-ips/<IP_ID> with reverse_ptr={name}",
            basis: Basis::VendorCode,
            source: "cloudscale-go-sdk, floating_ips.go (2026-06)",
        }],
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.cust.cloudscale.ch"],
            example: "185-98-122-176.cust.cloudscale.ch",
            address: Some("185.98.122.176"),
            basis: Basis::VendorCode,
        }],
        reverse_servers: &["cloudscale.ch"],
        notes: &[("a Floating IP's PTR record can be set; a server's own is shown alone", Basis::VendorCode)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "gridscale",
        name: "gridscale",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[Way {
            how: How::Cli,
            family: None,
            text: "gscloud ip set {ip} --reverse-dns {name}",
            basis: Basis::VendorCode,
            source: "gridscale/gscloud, cmd/ip.go (2023-09; its example is an IPv6 address)",
        }],
        reverse_servers: &["gridscale.io", "gridscale.cloud"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "civo",
        name: "Civo",
        ptr4: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[Way {
            how: How::Cli,
            family: None,
            text: "civo instance update <INSTANCE> --reverse-dns {name}",
            basis: Basis::VendorCode,
            source: "civo/cli, cmd/instance/instance.go (2026-05)",
        }],
        reverse_servers: &["civo.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "lima-city",
        name: "lima-city (trafficplex cloud)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Panel,
            family: None,
            text: "Server > click the address's host name > {name}",
            basis: Basis::VendorDoc,
            source: "lima-city help, Reverse hostname (PTR record)",
        }],
        default_names: &[DefaultName {
            patterns: &["{l}.trafficplex.cloud"],
            example: "12345.trafficplex.cloud",
            address: None,
            basis: Basis::VendorDoc,
        }],
        reverse_servers: &["trafficplex.de", "lima-city.de"],
        ..Provider::UNKNOWN
    },
];
