//! Clouds that sell everywhere: servers are made by an API, and the PTR record is set by one.
//!
//! Facts as of 2026-11-28, each with its basis; see [`Basis`]. What nobody confirmed is left out: a wrong path costs more than none.

use crate::addr::Family;
use crate::providers::data::{Basis, DefaultName, Dmi, Forward, How, Means, Op, Port25, Provider, Way};

/// The providers, in the order in which they are tried.
pub(super) const CLOUDS: &[Provider] = &[
    Provider {
        id: "aws-ec2",
        name: "Amazon Web Services (EC2)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: Some(Family::Ipv4),
                text: "aws ec2 modify-address-attribute --allocation-id <EIPALLOC_ID> --domain-name {name}",
                basis: Basis::VendorDoc,
                source: "AWS CLI reference, ec2 modify-address-attribute",
            },
            Way {
                how: How::Panel,
                family: Some(Family::Ipv4),
                text: "EC2 console > Elastic IPs > select the address > Actions > Update reverse DNS > {name} > type update > Update",
                basis: Basis::VendorDoc,
                source: "EC2 user guide, Use reverse DNS for email applications (awsdocs/amazon-ec2-user-guide, doc_source/elastic-ip-addresses-eip.md, last public copy)",
            },
        ],
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
        notes: &[
            ("Elastic IPs alone can have a PTR record of your own", Basis::VendorDoc),
            ("while it has one, the address can be neither released nor given to another account", Basis::VendorDoc),
            (
                "in the GovCloud Regions, and on Lightsail (which looks the same from inside), AWS sets it on request, by the form that lifts the limits on sending mail; on Lightsail it takes a static IP",
                Basis::VendorDoc,
            ),
        ],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "google-cloud",
        name: "Google Cloud (Compute Engine)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorCode)),
        forward: Some((Forward::Ownership, Basis::ThirdParty)),
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
        notes: &[(
            "the PTR record can be set on the VM's primary interface alone; over IPv6 it takes a dual-stack subnet with an external range",
            Basis::VendorDoc,
        )],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "azure",
        name: "Microsoft Azure",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::Unsupported, Basis::VendorDoc)),
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
        notes: &[
            (
                "the name must lead to this public IP, or to a DNS name of the same subscription; it is checked when it is set, and never again",
                Basis::VendorDoc,
            ),
            (
                "one PTR record for each address, and none at all before it is set; the portal cannot set it",
                Basis::VendorDoc,
            ),
        ],
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
        notes: &[
            (
                "the PTR record follows the Droplet's name, which must be the full host name; with IPv6, the first of its addresses alone has one",
                Basis::VendorDoc,
            ),
            ("where no PTR record appears after the change of name, add the domain to its DNS", Basis::VendorCode),
        ],
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
                source: "Vultr CLI reference (2025-11-07) and vultr-cli source (2026-07)",
            },
            Way {
                how: How::Cli,
                family: Some(Family::Ipv6),
                text: "vultr-cli instance reverse-dns set-ipv6 <INSTANCE_ID> {ip} --entry {name}",
                basis: Basis::VendorDoc,
                source: "Vultr CLI reference (2025-11-07) and vultr-cli source (2026-07)",
            },
            Way {
                how: How::Api,
                family: None,
                text: "POST /v2/instances/<ID>/ipv4/reverse (or ipv6/reverse) with ip={ip} and reverse={name}",
                basis: Basis::VendorCode,
                source: "govultr, instance.go (2026-07)",
            },
        ],
        default_names: &[
            DefaultName {
                patterns: &["{a}.{b}.{c}.{d}.vultrusercontent.com"],
                example: "45.77.45.228.vultrusercontent.com",
                address: Some("45.77.45.228"),
                basis: Basis::ThirdParty,
            },
            DefaultName {
                patterns: &["{a}.{b}.{c}.{d}.vultr.com"],
                example: "45.77.45.228.vultr.com",
                address: Some("45.77.45.228"),
                basis: Basis::VendorCode,
            },
        ],
        port_25: Some(Port25 {
            when: "by default",
            open: "open a support ticket (some are refused)",
            basis: Basis::ThirdParty,
        }),
        dmi: &[Dmi { field: "sys_vendor", op: Op::Is, value: "Vultr" }],
        cloud_ids: &["vultr"],
        reverse_servers: &["choopa.com", "vultr.com"],
        notes: &[("a change can take 6 to 12 hours to show", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "linode",
        name: "Linode (Akamai Cloud)",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ptr6: Some((Means::SelfService, Basis::VendorDoc)),
        forward: Some((Forward::Enforced, Basis::VendorDoc)),
        ways: &[
            Way {
                how: How::Cli,
                family: None,
                text: "linode-cli linodes ip-update <LINODE_ID> {ip} --rdns {name}",
                basis: Basis::VendorDoc,
                source: "Akamai techdocs, Update an IP address's RDNS for a Linode",
            },
            Way {
                how: How::Cli,
                family: None,
                text: "linode-cli networking ip-update --rdns {name} {ip}",
                basis: Basis::VendorCode,
                source: "linode-cli, wiki/Usage.md (2026-05; '--rdns null' puts the default back)",
            },
            Way {
                how: How::Panel,
                family: None,
                text: "Cloud Manager > Linodes > the Linode > Network > {ip} (or the IPv6 range) > Edit rDNS > {name} > Save",
                basis: Basis::VendorDoc,
                source: "Linode guide, Configure rDNS on a Compute Instance (linode/docs, 2023-01-18)",
            },
        ],
        default_names: &[
            DefaultName {
                patterns: &["{a}-{b}-{c}-{d}.ip.linodeusercontent.com"],
                example: "172-105-1-2.ip.linodeusercontent.com",
                address: Some("172.105.1.2"),
                basis: Basis::VendorDoc,
            },
            DefaultName {
                patterns: &["li{n}-{d}.members.linode.com"],
                example: "li1080-207.members.linode.com",
                address: Some("45.33.61.207"),
                basis: Basis::VendorDoc,
            },
        ],
        port_25: Some(Port25 {
            when: "on accounts created after 5 November 2019",
            open: "open a support ticket, with the forward and PTR records in place",
            basis: Basis::VendorDoc,
        }),
        dmi: &[
            Dmi { field: "sys_vendor", op: Op::Is, value: "Linode" },
            Dmi { field: "sys_vendor", op: Op::Is, value: "Akamai" },
        ],
        cloud_ids: &["akamai"],
        reverse_servers: &["linode.com"],
        notes: &[("without the forward record the panel answers that it cannot look up the name", Basis::VendorDoc)],
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
        id: "ibm-cloud",
        name: "IBM Cloud (classic infrastructure, formerly SoftLayer)",
        default_names: &[DefaultName {
            patterns: &["{h}.{h}.{h}.ip4.static.sl-reverse.com"],
            example: "5d.69.3da9.ip4.static.sl-reverse.com",
            address: None,
            basis: Basis::ThirdParty,
        }],
        reverse_servers: &["softlayer.com", "softlayer.net"],
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
    Provider {
        id: "huawei-cloud",
        name: "Huawei Cloud",
        ptr4: Some((Means::SelfService, Basis::VendorDoc)),
        ways: &[Way {
            how: How::Panel,
            family: Some(Family::Ipv4),
            text: "DNS console > PTR records > Create PTR record > region, project, EIP {ip} > {name}",
            basis: Basis::VendorDoc,
            source: "Huawei Cloud DNS user guide, PTR records (2022-01-25; labels partly unchecked)",
        }],
        default_names: &[DefaultName {
            patterns: &["ecs-{a}-{b}-{c}-{d}.compute.hwclouds-dns.com"],
            example: "ecs-119-8-240-33.compute.hwclouds-dns.com",
            address: Some("119.8.240.33"),
            basis: Basis::ThirdParty,
        }],
        dmi: &[Dmi { field: "chassis_asset_tag", op: Op::Is, value: "HUAWEICLOUD" }],
        reverse_servers: &["hwclouds-dns.com", "huaweicloud.com"],
        notes: &[("50 PTR records for each user at most; deleting one puts the default name back", Basis::VendorDoc)],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "kamatera",
        name: "Kamatera",
        reverse_servers: &["kamatera.com", "cloudwm.com"],
        ..Provider::UNKNOWN
    },
    Provider {
        id: "equinix-metal",
        name: "Equinix Metal (formerly Packet)",
        retired: true,
        ptr4: Some((Means::Unsupported, Basis::ThirdParty)),
        ptr6: Some((Means::Unsupported, Basis::ThirdParty)),
        reverse_servers: &["packethost.net", "packet.net"],
        notes: &[("it shut down on 30 June 2026", Basis::ThirdParty)],
        ..Provider::UNKNOWN
    },
];
