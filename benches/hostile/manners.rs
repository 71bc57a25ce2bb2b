//! What the server does, each manner under its name.

use std::time::Duration;

use super::server::SERVERS;

/// Types of records.
const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const OPT: u16 = 41;
/// The owner that the question names.
const OWNER: &[u8] = &[0xc0, 12];
/// QR, RD, RA.
const FLAGS: u16 = 0x8180;
const TRUNCATED: u16 = 0x0200;
const AUTHORITATIVE: u16 = 0x0400;

type Packets = Vec<(Duration, Vec<u8>)>;

/// A manner.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Its name.
    pub name: &'static str,
    /// What goes out for a packet.
    pub udp: fn(&Asked) -> Packets,
    /// What a connection gets.
    pub tcp: fn(&Asked) -> Stream,
    /// Whether it plays the servers of zones too.
    pub servers: bool,
}

/// What a connection gets.
pub enum Stream {
    /// It is closed.
    Closed,
    /// Nothing, for long.
    Silent,
    /// These octets, then nothing for long.
    Part(Vec<u8>),
    /// One octet now and then.
    Drip(Vec<u8>),
    /// A message behind its length.
    Whole(Vec<u8>),
}

/// A question that came.
pub struct Asked {
    id: [u8; 2],
    name: Vec<u8>,
    kind: u16,
    question: Vec<u8>,
    /// How many came before it.
    number: usize,
}

impl Asked {
    /// Reads one.
    pub fn read(packet: &[u8], number: usize) -> Option<Asked> {
        let mut end = 12;
        while *packet.get(end)? != 0 {
            end += usize::from(packet[end]) + 1;
        }
        let question = packet.get(12..end + 5)?.to_vec();
        let kind = u16::from_be_bytes([*packet.get(end + 1)?, *packet.get(end + 2)?]);
        Some(Asked { id: [packet[0], packet[1]], name: packet[12..=end].to_vec(), kind, question, number })
    }

    fn reply(&self, flags: u16, sections: [&[Vec<u8>]; 3]) -> Vec<u8> {
        let mut out = self.head(flags, 1, sections.map(|section| section.len() as u16));
        out.extend_from_slice(&self.question);
        sections.into_iter().flatten().for_each(|record| out.extend_from_slice(record));
        out
    }

    fn head(&self, flags: u16, questions: u16, counts: [u16; 3]) -> Vec<u8> {
        let mut out = self.id.to_vec();
        for number in [flags, questions, counts[0], counts[1], counts[2]] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out
    }

    fn answers(&self, records: &[Vec<u8>]) -> Vec<u8> {
        self.reply(FLAGS, [records, &[], &[]])
    }

    /// The answer of an honest server.
    fn honest(&self) -> Vec<u8> {
        match self.kind {
            PTR => self.answers(&[record(OWNER, PTR, &name("mail.example.com"))]),
            A => self.answers(&[record(OWNER, A, &[203, 0, 113, 10])]),
            _ => self.reply(FLAGS, [&[], &[soa("example.com")], &[]]),
        }
    }
}

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut out: Vec<u8> = labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    out.push(0);
    out
}

fn labels(labels: &[&[u8]]) -> Vec<u8> {
    let mut out: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat()).collect();
    out.push(0);
    out
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    with_ttl(owner, kind, 300, data)
}

fn with_ttl(owner: &[u8], kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut out = owner.to_vec();
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&1u16.to_be_bytes());
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
    out
}

fn soa(zone: &str) -> Vec<u8> {
    let mut data = [name("ns.example.com"), name("hostmaster.example.com")].concat();
    [1u32, 2, 3, 4, 300].iter().for_each(|number| data.extend_from_slice(&number.to_be_bytes()));
    record(&name(zone), SOA, &data)
}

/// Octets that look like chance and are the same in each run.
fn noise(seed: usize, length: usize) -> Vec<u8> {
    let mut state = seed as u64 + 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn now(reply: Vec<u8>) -> Packets {
    vec![(Duration::ZERO, reply)]
}

fn honest(asked: &Asked) -> Packets {
    now(asked.honest())
}

fn truncated(asked: &Asked) -> Packets {
    now(asked.reply(FLAGS | TRUNCATED, [&[], &[], &[]]))
}

fn whole(asked: &Asked) -> Stream {
    Stream::Whole(asked.honest())
}

/// As many records as a message over TCP takes.
fn crowd(asked: &Asked) -> Stream {
    let pick = |number: u16| number.to_be_bytes();
    let host = |number: u16| labels(&[format!("h{number}").as_bytes(), b"example", b"net"]);
    let all = |count: u16, of: &dyn Fn(u16) -> Vec<u8>| -> Vec<Vec<u8>> {
        (0..count).map(|number| record(OWNER, asked.kind, &of(number))).collect()
    };
    let records = match asked.kind {
        A => all(4000, &|number| vec![203, 0, pick(number)[0], pick(number)[1]]),
        AAAA => all(2300, &|number| [&[0x20, 1, 0x0d, 0xb8], &[0; 10][..], &pick(number)].concat()),
        MX => all(1900, &|number| [vec![0, 1], host(number)].concat()),
        TXT => all(200, &|_| vec![255; 256]),
        _ => all(2000, &host),
    };
    Stream::Whole(asked.answers(&records))
}

/// Labels with everything in them that means something to a terminal, a shell, a page, a log.
fn odd(asked: &Asked) -> Packets {
    let long = [b'x'; 63];
    let all = [
        labels(&[b"\x1b[31mred\x1b[0m", b"com"]),
        labels(&[b"nul\x00", b"com"]),
        labels(&[b"dot.in.label", b"com"]),
        labels(&["\u{202e}moc".as_bytes(), b"com"]),
        labels(&[b"<img src=x onerror=alert(1)>", b"com"]),
        labels(&[b"$(id)`id`|;\"'", b"com"]),
        labels(&[b"a\r\nb", b"com"]),
        labels(&[b"\xff\xfe\x9b", b"com"]),
        labels(&[b"::error file=a,line=1::b", b"com"]),
        labels(&[b"](http://example.com) **b** | c", b"com"]),
        labels(&[b"{{7*7}}%n%s&lt;", b"com"]),
        labels(&[&long, &long, &long, &long[..61]]),
        labels(&[b" "]),
        labels(&[]),
    ];
    match asked.kind {
        PTR => now(asked.answers(&all.map(|name| record(OWNER, PTR, &name)))),
        TXT => now(asked.answers(&[record(OWNER, TXT, b"\x0e\x1b]0;title\x07\r\n\x9b2J")])),
        _ => honest(asked),
    }
}

/// Every name is an alias of a new one, in a new zone.
fn aliases(asked: &Asked) -> Packets {
    now(asked.answers(&[record(OWNER, CNAME, &name(&format!("a{0}.z{0}.example.net", asked.number)))]))
}

/// Every zone is delegated further, to as many servers as there are, each with an address of ours.
fn delegations(asked: &Asked) -> Packets {
    match asked.kind {
        A => {
            let last = 1 + (asked.number % usize::from(SERVERS)) as u8;
            now(asked.reply(FLAGS | AUTHORITATIVE, [&[record(OWNER, A, &[127, 0, 1, last])], &[], &[]]))
        }
        NS => {
            let server = |number: u32| record(OWNER, NS, &name(&format!("n{number}x{}.example.net", asked.number)));
            now(asked.reply(FLAGS, [&(0..100).map(server).collect::<Vec<_>>(), &[], &[]]))
        }
        _ => {
            let deeper = [labels(&[format!("d{}", asked.number).as_bytes()]), asked.name.clone()].concat();
            let server = |number: u32| record(&deeper[..], NS, &name(&format!("m{number}.example.net")));
            now(asked.reply(0x8000, [&[], &(0..60).map(server).collect::<Vec<_>>(), &[]]))
        }
    }
}

/// One name, many names of servers, all of which are at one address.
fn one_address(asked: &Asked) -> Packets {
    match asked.kind {
        A => now(asked.answers(&[record(OWNER, A, &[127, 0, 1, 2])])),
        NS => {
            let server = |number: u32| record(OWNER, NS, &name(&format!("s{number}.example.net")));
            now(asked.answers(&(0..60).map(server).collect::<Vec<_>>()))
        }
        _ => honest(asked),
    }
}

const fn over_udp(name: &'static str, udp: fn(&Asked) -> Packets) -> Manner {
    Manner { name, udp, tcp: whole, servers: false }
}

const fn over_tcp(name: &'static str, tcp: fn(&Asked) -> Stream) -> Manner {
    Manner { name, udp: truncated, tcp, servers: false }
}

const fn of_zones(name: &'static str, udp: fn(&Asked) -> Packets) -> Manner {
    Manner { name, udp, tcp: whole, servers: true }
}

/// An OPT record: owner, flags (the upper half the rest of the RCODE, then the version), options.
fn opt(owner: &[u8], flags: u32, options: &[u8]) -> Vec<u8> {
    let mut out = with_ttl(owner, OPT, flags, options);
    out[owner.len() + 2..owner.len() + 4].copy_from_slice(&1232u16.to_be_bytes());
    out
}

/// Every manner.
pub const ALL: &[Manner] = &[
    over_udp("honest", honest),
    over_udp("silent", |_| Vec::new()),
    over_udp("slow", |asked| vec![(Duration::from_millis(1900), asked.honest())]),
    over_udp("nothing", |_| now(Vec::new())),
    over_udp("one-octet", |_| now(vec![0])),
    over_udp("header-alone", |asked| now(asked.head(FLAGS, 0, [0; 3]))),
    over_udp(
        "no-question",
        |asked| now([asked.head(FLAGS, 0, [1, 0, 0]), record(&[0], A, &[203, 0, 113, 9])].concat()),
    ),
    over_udp("two-questions", |asked| {
        now([asked.head(FLAGS, 2, [0; 3]), asked.question.clone(), asked.question.clone()].concat())
    }),
    over_udp("other-question", |asked| {
        let question = [name("other.example"), vec![0, 1, 0, 1]].concat();
        let other = Asked { id: asked.id, name: name("other.example"), kind: A, question, number: 0 };
        now(other.answers(&[record(OWNER, A, &[203, 0, 113, 9])]))
    }),
    over_udp("other-id", |asked| {
        let wrong = |at: u16| {
            let mut reply = asked.honest();
            reply[..2].copy_from_slice(&u16::from_be_bytes(asked.id).wrapping_add(at).to_be_bytes());
            (Duration::ZERO, reply)
        };
        (1..60).map(wrong).collect()
    }),
    over_udp("flood", |asked| vec![(Duration::ZERO, asked.honest()); 2000]),
    over_udp("flood-of-noise", |asked| {
        let random = |at: usize| (Duration::ZERO, [noise(at, 2), asked.honest()[2..].to_vec()].concat());
        (0..2000).map(random).collect()
    }),
    over_udp("a-query", |asked| now(asked.reply(0x0100, [&[], &[], &[]]))),
    over_udp("an-update", |asked| now(asked.reply(0xa800, [&[], &[], &[]]))),
    over_udp("upper-case", |asked| {
        let mut reply = asked.honest();
        reply[12..12 + asked.name.len()].make_ascii_uppercase();
        now(reply)
    }),
    over_udp("pointer-loop", |asked| {
        let here = [0xc0, 12 + asked.question.len() as u8];
        now(asked.answers(&[record(&here, PTR, &here)]))
    }),
    over_udp("pointer-ahead", |asked| now(asked.answers(&[record(&[0xff, 0xff], PTR, OWNER)]))),
    over_udp("bad-label", |asked| now(asked.answers(&[record(b"\x80ab", PTR, OWNER)]))),
    over_udp("long-name", |asked| {
        let long = [&[63][..], &[b'a'; 63]].concat().repeat(10);
        now(asked.answers(&[record(OWNER, asked.kind, &[long, vec![0]].concat())]))
    }),
    over_udp("counts", |asked| now([asked.head(FLAGS, 1, [u16::MAX; 3]), asked.question.clone()].concat())),
    over_udp("length", |asked| {
        let mut reply = asked.answers(&[record(OWNER, asked.kind, b"ab")]);
        let at = reply.len() - 4;
        reply[at..at + 2].copy_from_slice(&60_000u16.to_be_bytes());
        now(reply)
    }),
    over_udp("long-packet", |asked| now([asked.honest(), vec![0; 60_000]].concat())),
    over_udp("noise", |asked| {
        now([asked.head(FLAGS, 1, [3, 1, 1]), asked.question.clone(), noise(asked.number, 300)].concat())
    }),
    over_udp("flipped", |asked| {
        let mut reply = asked.honest();
        for change in noise(asked.number, 3) {
            let at = 2 + usize::from(change) % (reply.len() - 2);
            reply[at] ^= 1 << (change % 8);
        }
        now(reply)
    }),
    over_udp("ttl-highest", |asked| now(asked.answers(&[with_ttl(OWNER, PTR, u32::MAX, &name("mail.example.com"))]))),
    over_udp("ttl-none", |asked| now(asked.answers(&[with_ttl(OWNER, PTR, 0, &name("mail.example.com"))]))),
    over_udp("any-types", |asked| {
        let any = |kind: u16| record(OWNER, kind * 7, &noise(usize::from(kind), usize::from(kind)));
        now(asked.answers(&(0..30).map(any).collect::<Vec<_>>()))
    }),
    over_udp("elsewhere", |asked| {
        let theirs = [
            record(&name("mail.example.com"), A, &[203, 0, 113, 66]),
            record(&name("example.org"), A, &[203, 0, 113, 66]),
        ];
        now(asked.reply(FLAGS, [&theirs, &[record(&name("com"), NS, &name("ns.example.net"))], &theirs]))
    }),
    over_udp("opt-twice", |asked| now(asked.reply(FLAGS, [&[], &[], &[opt(&[0], 0, &[]), opt(&[0], 0, &[])]]))),
    over_udp("opt-with-owner", |asked| now(asked.reply(FLAGS, [&[], &[], &[opt(&name("a.b"), 0, &[])]]))),
    over_udp("opt-in-answer", |asked| now(asked.answers(&[opt(&[0], 0, &[])]))),
    over_udp("opt-broken", |asked| now(asked.reply(FLAGS, [&[], &[], &[opt(&[0], 0, b"\x00\x03\xff\xffab")]]))),
    over_udp("bad-version", |asked| now(asked.reply(FLAGS, [&[], &[], &[opt(&[0], 0x0101_0000, &[])]]))),
    over_udp("rcode-formerr", |asked| now(asked.reply(FLAGS | 1, [&[], &[], &[]]))),
    over_udp("rcode-servfail", |asked| now(asked.reply(FLAGS | 2, [&[], &[], &[]]))),
    over_udp("rcode-nxdomain", |asked| now(asked.reply(FLAGS | 3, [&[], &[soa("example.com")], &[]]))),
    over_udp("rcode-notimp", |asked| now(asked.reply(FLAGS | 4, [&[], &[], &[]]))),
    over_udp("rcode-refused", |asked| now(asked.reply(FLAGS | 5, [&[], &[], &[]]))),
    over_udp("rcode-15", |asked| now(asked.reply(FLAGS | 15, [&[], &[], &[]]))),
    over_udp("rcode-4095", |asked| now(asked.reply(FLAGS | 15, [&[], &[], &[opt(&[0], 0xff00_0000, &[])]]))),
    over_udp("odd-labels", odd),
    over_udp("alias-to-itself", |asked| now(asked.answers(&[record(OWNER, CNAME, OWNER)]))),
    over_udp("alias-of-100", |asked| {
        let at = |number: u32| name(&format!("c{number}.example.net"));
        let link = |number: u32| record(&if number == 0 { OWNER.to_vec() } else { at(number) }, CNAME, &at(number + 1));
        now(asked.answers(&(0..40).map(link).collect::<Vec<_>>()))
    }),
    over_udp("aliases", aliases),
    over_tcp("tcp-crowd", crowd),
    over_tcp("tcp-closed", |_| Stream::Closed),
    over_tcp("tcp-silent", |_| Stream::Silent),
    over_tcp("tcp-no-length", |_| Stream::Part(vec![0, 0])),
    over_tcp("tcp-part", |asked| Stream::Part([&[0x13, 0x88][..], &asked.honest()].concat())),
    over_tcp("tcp-drip", |asked| Stream::Drip([&[0xff, 0xff][..], &asked.honest(), &[0; 60_000]].concat())),
    over_tcp("tcp-truncated", |asked| Stream::Whole(asked.reply(FLAGS | TRUNCATED, [&[], &[], &[]]))),
    over_tcp("tcp-noise", |asked| Stream::Whole([&asked.id[..], &noise(7, 65_000)].concat())),
    over_tcp("tcp-other-id", |asked| Stream::Whole([vec![0, 0], asked.honest()[2..].to_vec()].concat())),
    of_zones("zones-delegations", delegations),
    of_zones("zones-aliases", aliases),
    of_zones("zones-one-address", one_address),
    of_zones("zones-silent", |asked| if asked.kind == NS { one_address(asked) } else { Vec::new() }),
];
