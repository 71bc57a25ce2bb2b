//! Clouds: where servers are made by an API, and the PTR record is set by one.
//!
//! Facts as of 2026-11-20, each with its basis; see [`Basis`]. What nobody confirmed is left out: a wrong path costs more than none.

use crate::addr::Family;
use crate::providers::data::{Basis, DefaultName, Dmi, Forward, How, Means, Op, Port25, Provider, Way};

/// The providers, in the order in which they are tried.
pub(super) const CLOUDS: &[Provider] = &[
    Provider {
        id: "aws-ec2",
        name: "Amazon Web Services (EC2)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Cli,
            family: Some(Family::Ipv4),
            text: "aws ec2 modify-address-attribute --allocation-id <EIPALLOC_ID> --domain-name {name}",
            basis: Basis::VendorDoc,
            source: "AWS CLI reference, ec2 modify-address-attribute",
        }],
        default_names: &[DefaultName {
            patterns: &["ec2-{a}-{b}-{c}-{d}.compute-1.amazonaws.com", "ec2-{a}-{b}-{c}-{d}.{l}.compute.amazonaws.com"],
            example: "ec2-3-15-22-8.us-east-2.compute.amazonaws.com",
            address: Some("3.15.22.8"),
            basis: Basis::ThirdParty,
        }],
        port_25: Some(Port25 {
            when: "for accounts that are not on its allow list",
            open: "ask it to remove the port 25 restriction, for each Region",
            basis: Basis::ThirdParty,
        }),
        dmi: &[
            Dmi { field: "sys_vendor", op: Op::Prefix, value: "Amazon EC2" },
            Dmi { field: "bios_vendor", op: Op::Prefix, value: "Amazon EC2" },
        ],
        cloud_ids: &["aws"],
        reverse_servers: &["amazonaws.com", "amazonaws.org", "amazonaws.co.uk"],
        notes: &[("Elastic IPs alone can have a PTR record of your own", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "google-cloud",
        name: "Google Cloud (Compute Engine)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        ways: &[
            Way {
                how: How::Cli,
                family: Some(Family::Ipv4),
                text: "gcloud compute instances update-access-config <INSTANCE> --zone=<ZONE> --network-interface=nic0 --public-ptr --public-ptr-domain={name.}",
                basis: Basis::VendorCode,
                source: "Google Cloud SDK source, update-access-config help text",
            },
            Way {
                how: How::Cli,
                family: Some(Family::Ipv6),
                text: "gcloud compute instances update-access-config <INSTANCE> --zone=<ZONE> --ipv6-public-ptr-domain={name.}",
                basis: Basis::VendorCode,
                source: "Google Cloud SDK source, update-access-config help text",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["{d}.{c}.{b}.{a}.bc.googleusercontent.com"],
            example: "60.140.196.35.bc.googleusercontent.com",
            address: Some("35.196.140.60"),
            basis: Basis::ThirdParty,
        }],
        port_25: Some(Port25 {
            when: "to every destination outside the VPC",
            open: "it is never opened: send through a relay on port 465 or 587",
            basis: Basis::ThirdParty,
        }),
        dmi: &[Dmi { field: "product_name", op: Op::Prefix, value: "Google Compute Engine" }],
        cloud_ids: &["gce"],
        reverse_servers: &["google.com"],
        notes: &[("the PTR record can be set on the VM's primary interface alone", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "azure",
        name: "Microsoft Azure",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "az network public-ip update --resource-group <GROUP> --name <PUBLIC_IP> --reverse-fqdn {name.}",
                basis: Basis::VendorDoc,
                source: "Azure DNS documentation, Configure reverse DNS for services hosted in Azure",
            },
            Way {
                how: How::Cli,
                family: None,
                text: "az network public-ip update --resource-group <GROUP> --name <PUBLIC_IP> --dns-name <LABEL> --reverse-fqdn {name.}",
                basis: Basis::VendorDoc,
                source: "same page: an address without a DNS name needs one first",
            },
        ],
        port_25: Some(Port25 {
            when: "unless the subscription is an Enterprise Agreement or MCA-E",
            open: "change the agreement, or send through a relay on port 587",
            basis: Basis::ThirdParty,
        }),
        dmi: &[Dmi { field: "chassis_asset_tag", op: Op::Is, value: "7783-7084-3265-9085-8269-3286-77" }],
        cloud_ids: &["azure"],
        reverse_servers: &["msft.net"],
        notes: &[("the name must lead to this public IP, or to a DNS name of the same subscription", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "digitalocean",
        name: "DigitalOcean",
        ptr4: Some((Means::FromName, Basis::VendorDoc)),
        ptr6: Some((Means::FromName, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "doctl compute droplet-action rename <DROPLET_ID> --droplet-name {name} --wait",
                basis: Basis::VendorCode,
                source: "doctl source: 'rename' updates the PTR when the new name is a fully qualified one",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "Droplets > the Droplet > click its name > enter {name} > confirm",
                basis: Basis::ThirdParty,
                source: "hosting panel vendor's guide",
            },
        ],
        port_25: Some(Port25 {
            when: "on Droplets",
            open: "it is not opened as a rule: send through a mail service",
            basis: Basis::ThirdParty,
        }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "DigitalOcean" }],
        cloud_ids: &["digitalocean"],
        reverse_servers: &["digitalocean.com"],
        notes: &[(
            "the PTR record follows the Droplet's name, which must be the full host name; with IPv6, the first of its addresses alone has one",
            Basis::VendorDoc,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "vultr",
        name: "Vultr",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: Some(Family::Ipv4),
                text: "vultr-cli instance reverse-dns set-ipv4 <INSTANCE_ID> {ip} --entry {name}",
                basis: Basis::VendorDoc,
                source: "Vultr CLI reference",
            },
            Way {
                how: How::Cli,
                family: Some(Family::Ipv6),
                text: "vultr-cli instance reverse-dns set-ipv6 <INSTANCE_ID> {ip} --entry {name}",
                basis: Basis::VendorDoc,
                source: "Vultr CLI reference",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["{a}.{b}.{c}.{d}.vultrusercontent.com"],
            example: "45.77.45.228.vultrusercontent.com",
            address: Some("45.77.45.228"),
            basis: Basis::ThirdParty,
        }],
        port_25: Some(Port25 { when: "by default", open: "open a support ticket", basis: Basis::ThirdParty }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Vultr" }],
        cloud_ids: &["vultr"],
        reverse_servers: &["choopa.com", "vultr.com"],
        notes: &[("a change can take 6 to 12 hours to show", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
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
                text: "POST /v1/servers/<ID>/actions/change_dns_ptr  (also primary_ips, floating_ips)",
                basis: Basis::VendorCode,
                source: "hcloud-go",
            },
        ],
        default_names: &[DefaultName {
            patterns: &["static.{d}.{c}.{b}.{a}.clients.your-server.de"],
            example: "static.130.235.21.65.clients.your-server.de",
            address: Some("65.21.235.130"),
            basis: Basis::ThirdParty,
        }],
        port_25: Some(Port25 {
            when: "by default on cloud servers",
            open: "request it in the Console after the first month and a paid invoice",
            basis: Basis::ThirdParty,
        }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Hetzner" }],
        cloud_ids: &["hetzner"],
        reverse_servers: &["your-server.de", "second-ns.com", "second-ns.de"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "linode",
        name: "Linode (Akamai Cloud)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Cli,
            family: None,
            text: "linode-cli linodes ip-update <LINODE_ID> {ip} --rdns {name}",
            basis: Basis::VendorDoc,
            source: "Akamai techdocs, Update an IP address's RDNS for a Linode",
        }],
        default_names: &[DefaultName {
            patterns: &["{a}-{b}-{c}-{d}.ip.linodeusercontent.com"],
            example: "172-105-1-2.ip.linodeusercontent.com",
            address: Some("172.105.1.2"),
            basis: Basis::VendorDoc,
        }],
        port_25: Some(Port25 {
            when: "on accounts created after 5 November 2019",
            open: "open a support ticket",
            basis: Basis::VendorDoc,
        }),
        dmi: &[
            Dmi { field: "sys_vendor", op: Op::Is, value: "Linode" },
            Dmi { field: "sys_vendor", op: Op::Is, value: "Akamai" },
        ],
        cloud_ids: &["akamai"],
        reverse_servers: &["linode.com"],
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
                text: "Cloud DNS API: POST /reverserecords  with name={name} and ip={ip}",
                basis: Basis::VendorDoc,
                source: "IONOS Cloud documentation, Reverse DNS",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "DCD > Menu > Network Services > Cloud DNS > Reverse DNS > create for {ip} with {name}",
                basis: Basis::VendorDoc,
                source: "IONOS Cloud documentation, Reverse DNS (step labels unchecked)",
            },
        ],
        reverse_servers: &["ionos.com", "profitbricks.com"],
        notes: &[("an IPv4 address must come from a reserved block", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "scaleway",
        name: "Scaleway (Instances, Elastic Metal)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
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
                basis: Basis::ThirdParty,
            },
        ],
        port_25: Some(Port25 {
            when: "by the default rules of the security group",
            open: "open a support ticket, then switch off enable-default-security of the security group",
            basis: Basis::VendorDoc,
        }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Scaleway" }],
        cloud_ids: &["scaleway"],
        reverse_servers: &["scaleway.com", "online.net", "proxad.net"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "oracle-cloud",
        name: "Oracle Cloud Infrastructure",
        ptr4: Some((Means::Ticket, Basis::VendorDoc)),
        ptr6: Some((Means::Ticket, Basis::VendorDoc)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Ticket,
            family: None,
            text: "Create the A/AAAA record for {name} first, then open a service request giving {ip}, the PTR name {name}, and the forward record",
            basis: Basis::VendorDoc,
            source: "OCI documentation, Reverse DNS (PTR)",
        }],
        port_25: Some(Port25 {
            when: "by default on newer tenancies",
            open: "request a higher service limit on a paid account",
            basis: Basis::ThirdParty,
        }),
        dmi: &[Dmi { field: "chassis_asset_tag", op: Op::Is, value: "OracleCloud.com" }],
        cloud_ids: &["oracle"],
        reverse_servers: &["oraclecloud.net", "oracleemaildelivery.com"],
        notes: &[("each address can have one PTR name", Basis::VendorDoc)],
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
            source: "upctl source, ip-address modify",
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
        id: "kamatera",
        name: "Kamatera",
        reverse_servers: &["kamatera.com", "cloudwm.com"],
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
                text: "POST /reverse-dns/instance/<ID>  with domain-name={name}   (also /reverse-dns/elastic-ip/<ID>)",
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
        id: "alibaba-cloud",
        name: "Alibaba Cloud (ECS)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::Unsupported, Basis::VendorDoc)),
        forward: Some((Forward::Ownership, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Panel,
            family: Some(Family::Ipv4),
            text: "Alibaba Cloud DNS console > PTR records > Add PTR record > region and public IP > {name} > verify with the TXT record shown",
            basis: Basis::VendorDoc,
            source: "Alibaba Cloud DNS documentation, Manage PTR records",
        }],
        dmi: &[Dmi { field: "product_name", op: Op::Is, value: "Alibaba Cloud ECS" }],
        cloud_ids: &["aliyun"],
        reverse_servers: &["aliyun.com"],
        notes: &[("Elastic IPs and static public addresses of your own account alone", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "tencent-cloud",
        name: "Tencent Cloud (CVM)",
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Tencent Cloud" }],
        reverse_servers: &["tencent"],
        ..Provider::UNKNOWN
    },
];
