//! How names are worded: placeholders, serials, pools, and the roles that people name machines by.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::Generic;
use crate::name::DomainName;

/// A list of words, split when it is first looked at.
struct Words {
    text: &'static str,
    split: OnceLock<HashSet<&'static str>>,
}

impl Words {
    const fn new(text: &'static str) -> Words {
        Words { text, split: OnceLock::new() }
    }

    fn has(&self, word: &str) -> bool {
        self.split.get_or_init(|| self.text.split_ascii_whitespace().collect()).contains(word)
    }
}

/// Words of a role: whoever writes them chose the name. Digits behind them count machines.
static ROLES: Words = Words::new(
    "
    mail email smtp smtps esmtp asmtp mx mxa mxb mxs mta mtas mailer mailout mout out outbound outgoing outmail relay
    relays sender send delivery mgw gw gateway exchange exch owa imap pop webmail zimbra postfix exim sendmail mailman
    lists list listserv news newsletter bounce bounces notify notifications alerts correo courrier posta poczta post
    correio smarthost antispam spam filter mailfilter barracuda fw firewall proxy vpn edge lb dns ns mon monitor
    monitoring www web ftp git api app apps db backup cpanel whm plesk panel bulk transactional autodiscover support
    shop crm erp office router core nagios zabbix ticket tickets
",
);

/// Words of an access line: with a number they are a serial, whoever owns the domain.
static ACCESS: Words = Words::new(
    "
    adsl vdsl sdsl xdsl hdsl dsl dslb dyn dynamic dynip dynamicip dhcp ppp pppoe pptp dialup dialin dip cpe cust catv
    hfc cablemodem modemcable modem ftth fttb fttx fttc gpon umts gprs lte wimax abo hsd hsdpa cgn cgnat residential
    tunnel bredband lightspeed dclient neoplus subs aftr lns bras bng staticip isdn evdo cdma
",
);

/// Words of an access network that also stand in names that people choose: they count with a longer number only.
static LOOSE_ACCESS: Words = Words::new(
    "
    pool pools cable broadband customer customers client clients user users subscriber fiber fibre fios res bb cm rev
    reverse static fixed mobile wireless access priv retail members broad instances compute vps dedicated colo hosted
    biz nat rdns ip sta
",
);

/// Words for any machine: with a long number they are a serial.
static MACHINES: Words = Words::new(
    "
    host hosts server serv srv svr vps vserver vs vds vm vmi vmd kvm xen xvm lxc ve node instance inst cloud cloudhost
    cloudserver droplet guest ded dedi dedicated rootserver root box machine pc ip addr address static st h i m s v c
    d p r u n ks sd unit slot port line pool range net customer client user cable broadband cm lvps web vhost tenant
    uid id sn serial cl clt
",
);

/// Words that, alone or with others of this kind, describe a range and no machine.
static RANGES: Words = Words::new(
    "
    static dynamic dyn adsl xdsl vdsl dhcp ppp pppoe dialup broadband customer residential unallocated cust dynip
    dynamicip staticip ftth cpe cgnat subscriber gprs lte
",
);

/// Words that may stand beside those of [`RANGES`].
static FILLERS: Words = Words::new(
    "
    ip ips host dsl pool addr address net network user client line range internet access v ipv in is an
    the of from for public block
",
);

/// Labels that stand for a name nobody chose.
static PLACEHOLDERS: Words = Words::new(
    "
    localhost localdomain unassigned unallocated unknown undefined unused unnamed unconfigured unspecified
    unregistered placeholder reserved noname nohost nohostname noptr nordns noreverse norecord nodns none null nil
    invalid ptr rdns rev reverse reversedns revdns default changeme change-me example-host no-data nodata blank
    not-assigned notassigned notset notconfigured donotuse generic to-be-assigned tobeassigned tba tbd hostedby
    poweredby nxdomain unresolved notused temp-ptr nothing norevdns noreversedns norev
",
);

/// Openings that name the provider instead of the machine.
const PROVIDED_BY: &str = "hosted-by hosted-at powered-by managed-by served-by provided-by operated-by ip-by";

/// The name that Vultr's images have before anybody gives them one.
const GUEST: &str = "vultr.guest";

/// Words that deny, and what they deny: one of each in one label is a placeholder.
static DENIALS: Words = Words::new(
    "
    no not non without missing unset set please never need needs undefined default
",
);
static DENIED: Words = Words::new(
    "
    rdns ptr reverse rev revdns hostname record dns configured assigned allocated defined named delegated resolve
    resolvable
",
);

/// Words of operating systems, as installers and images name machines.
static SYSTEMS: Words = Words::new(
    "
    ubuntu debian centos almalinux alma rocky rockylinux fedora windows freebsd opensuse cloudlinux vultr arch linux
    raspberrypi
",
);

/// Digits in a row that nobody chooses.
const SERIAL: usize = 5;
/// Digits behind a word for any machine that are a serial rather than a count.
const COUNT: usize = 3;
/// Hexadecimal digits in a row, letters and decimal digits mixed, that nobody chooses.
const HEX_SERIAL: usize = 8;

/// Hexadecimal digits behind a word for any machine that are an identifier.
const SHORT_HEX: usize = 6;

/// The words of a label: runs of letters, with the word and its number apart.
fn words(label: &str) -> impl Iterator<Item = &str> {
    label.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty())
}

/// Whether a label names a role: `mail3`, `smtp-out`, `webmail`.
pub(super) fn has_role(label: &str) -> bool {
    words(label).any(|word| {
        let mailish =
            word.starts_with("mail") || word.starts_with("smtp") || word.ends_with("mail") || word.ends_with("smtp");
        ROLES.has(word) || (mailish && word.len() <= 14)
    })
}

/// Whether the host part is a role and no number: a provider's own machine, or somebody's choice.
pub(super) fn is_role_alone(host: &str) -> bool {
    let first = host.split('.').next().unwrap_or("");
    has_role(first) && digits(first) < COUNT
}

/// Whether a label has a word for any machine or an access line.
pub(super) fn has_machine_word(label: &str) -> bool {
    words(label).any(|word| MACHINES.has(word) || ACCESS.has(word) || LOOSE_ACCESS.has(word))
}

/// Whether a label below the first is one of an access network.
pub(super) fn in_access_pool(host: &str) -> bool {
    host.split('.').skip(1).flat_map(words).any(|word| ACCESS.has(word) || LOOSE_ACCESS.has(word))
}

fn digits(label: &str) -> usize {
    label.bytes().filter(u8::is_ascii_digit).count()
}

/// How a name is a placeholder.
pub(super) fn placeholder(name: &DomainName, host: &str) -> Option<Generic> {
    if name.is_private() {
        return Some(Generic::Private);
    }
    let labels: Vec<&str> = name.labels().collect();
    let registered = labels.len().saturating_sub(host.split('.').filter(|label| !label.is_empty()).count());
    for (at, label) in labels.iter().enumerate() {
        let pieces: Vec<&str> = label.split(['-', '_']).collect();
        let denied = pieces.iter().any(|w| DENIALS.has(w)) && pieces.iter().any(|w| DENIED.has(w));
        let undone = ["un", "not", "no"].iter().any(|no| {
            label
                .strip_prefix(no)
                .is_some_and(|rest| ["configured", "assigned", "allocated", "rdns", "reverse", "ptr"].contains(&rest))
        });
        if (denied || undone) && !has_role(labels.first().unwrap_or(&"")) || denied && at == 0 {
            return Some(Generic::SaysUnset);
        }
    }
    if name.as_str() == GUEST {
        return Some(Generic::Image);
    }
    let mut below = host.split('.');
    let first = below.next().filter(|first| !first.is_empty())?;
    let second = below.next().unwrap_or("");
    let bare = first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let filled = first.split('-').any(|piece| PLACEHOLDERS.has(piece))
        && first.split('-').all(|piece| PLACEHOLDERS.has(piece) || FILLERS.has(piece));
    if PLACEHOLDERS.has(first) || filled || (PLACEHOLDERS.has(bare) && registered > 0) {
        return Some(Generic::Placeholder(first.to_owned()));
    }
    let opening = format!("{first}-{second}");
    if PROVIDED_BY.split_ascii_whitespace().any(|words| opening.starts_with(words)) {
        return Some(Generic::NamesProvider);
    }
    if first.split('-').any(is_size) {
        return Some(Generic::MachineSize);
    }
    let worded: Vec<&str> = words(first).collect();
    let installed = |word: &&str| SYSTEMS.has(word) || (MACHINES.has(word) && word.len() > 2);
    if labels.len() == 1 && worded.iter().any(installed) {
        return Some(Generic::Installed);
    }
    for part in [first, host] {
        let range = words(part).any(|word| RANGES.has(word));
        if range && words(part).all(|word| RANGES.has(word) || FILLERS.has(word)) && !numbered(part) {
            return Some(Generic::Range(part.to_owned()));
        }
    }
    None
}

/// Whether a label holds a number, that of an address family apart.
fn numbered(part: &str) -> bool {
    part.split(['.', '-', '_']).any(|piece| digits(piece) > 0 && !["v4", "v6", "ipv4", "ipv6"].contains(&piece))
}

/// `1vcpu`, `4gb`: what a cloud calls a machine's size.
fn is_size(piece: &str) -> bool {
    let unit = piece.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < piece.len() && ["vcpu", "vcpus", "cpu", "gb", "mb", "gib"].contains(&unit)
}

/// How the host part looks like a serial.
pub(super) fn serial(host: &str) -> Option<Generic> {
    let (first, below) = host.split_once('.').unwrap_or((host, ""));
    if first.is_empty() {
        return None;
    }
    let count = digits(first);
    let uuid = first.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && first.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    if uuid {
        return Some(Generic::Uuid);
    }
    let inner = |list: &Words| below.split('.').flat_map(words).find(|word| list.has(word)).map(str::to_owned);
    if has_role(first) {
        return None;
    }
    if let Some(word) = words(first).find(|word| ACCESS.has(word)).filter(|_| count > 0) {
        return Some(Generic::AccessLine(word.to_owned()));
    }
    if let Some(word) = inner(&ACCESS).filter(|_| count > 0) {
        return Some(Generic::AccessSerial(word));
    }
    let longest = first.split(|c: char| !c.is_ascii_digit()).max_by_key(|run| run.len()).unwrap_or("");
    if longest.len() >= SERIAL && !(is_date(longest) && first.ends_with(longest)) {
        return Some(Generic::SerialNumber);
    }
    if hex_serial(first) || short_identifier(first) {
        return Some(Generic::HexadecimalSerial);
    }
    let counted = (longest.len() >= COUNT || count >= SERIAL) && !is_year(longest);
    if counted {
        if let Some(word) = inner(&LOOSE_ACCESS) {
            return Some(Generic::PoolSerial(word));
        }
        if first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return Some(Generic::NumberAlone);
        }
        let machine = words(first).next().is_some_and(|word| MACHINES.has(word) || LOOSE_ACCESS.has(word))
            || words(first).last().is_some_and(|word| MACHINES.has(word) && word.len() > 2);
        if machine && words(first).all(|word| word.len() > 1 || words(first).count() == 1) {
            return Some(Generic::MachineSerial);
        }
    }
    None
}

/// How a name without host part looks like a serial: a word for any machine and a long number. Numbers alone are names of companies.
pub(super) fn bare_serial(name: &str) -> Option<Generic> {
    let first = name.split('.').next().unwrap_or("");
    let machine = words(first).any(|word| MACHINES.has(word) && word.len() > 2);
    let longest = first.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    (machine && longest >= SERIAL && !has_role(first)).then_some(Generic::MachineSerial)
}

/// A year of this age: people put them into names.
fn is_year(run: &str) -> bool {
    run.len() == 4 && (run.starts_with("19") || run.starts_with("20"))
}

/// A date as people write it into names: `20241103`, `202411`.
fn is_date(run: &str) -> bool {
    let month =
        |at: usize| run.get(at..at + 2).and_then(|m| m.parse::<u8>().ok()).is_some_and(|m| (1..=12).contains(&m));
    let day = |at: usize| run.get(at..at + 2).and_then(|d| d.parse::<u8>().ok()).is_some_and(|d| (1..=31).contains(&d));
    run.starts_with("20")
        && match run.len() {
            8 => month(4) && day(6),
            6 => month(4),
            _ => false,
        }
}

/// Whether a label is a word for any machine and a short identifier in hexadecimal: `vm-5f3a9c`.
fn short_identifier(label: &str) -> bool {
    let Some((word, id)) = label.split_once('-') else { return false };
    let mixed = (2..id.len()).contains(&digits(id));
    MACHINES.has(word) && id.len() >= SHORT_HEX && mixed && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a label holds a long run of hexadecimal digits with letters and decimal digits mixed.
fn hex_serial(label: &str) -> bool {
    label.split(|c: char| !c.is_ascii_hexdigit()).any(|run| {
        let decimal = digits(run);
        run.len() >= HEX_SERIAL && decimal >= 3 && decimal < run.len()
    })
}
