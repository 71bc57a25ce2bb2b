//! The ways in which a name spells an address, each in words that follow "it".

use std::fmt;
use std::net::Ipv4Addr;

/// The order of an address' octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the address is written.
    Forwards,
    /// The last one first.
    Backwards,
    /// Some other.
    Another,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Forwards => "",
            Order::Backwards => " backwards",
            Order::Another => " in another order",
        })
    }
}

/// What stands between octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// `192-0-2-10`
    Dashes,
    /// `192.0.2.10`
    Dots,
    /// `192_0_2_10`
    Underscores,
}

/// How a name spells an address or part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// All four octets, one after the other.
    Octets {
        /// Their order.
        order: Order,
        /// What stands between them, where it is one of these and always the same.
        separator: Option<Separator>,
        /// Whether zeros stand before some.
        padded: bool,
    },
    /// Eight hexadecimal digits.
    Hexadecimal(Order),
    /// Each octet in hexadecimal by itself.
    HexadecimalOctets,
    /// Twelve digits: octets of three each.
    Padded(Order),
    /// Octets without anything between them.
    Joined(Order),
    /// The address as one decimal number.
    Decimal(Order),
    /// Three octets in a row.
    Three,
    /// Three octets of three digits each.
    ThreePadded(Order),
    /// Three octets in hexadecimal.
    ThreeHexadecimal,
    /// The first two octets, and elsewhere the last.
    FirstTwoAndLast,
    /// The last two octets.
    LastTwo,
    /// The last two octets of three digits each.
    LastTwoPadded,
    /// The last two octets in hexadecimal.
    LastTwoHexadecimal,
    /// The last octet behind a word for any machine.
    LastBehindWord,
    /// The last octet and nothing else.
    LastAlone,
    /// An address, and not this one.
    AnotherAddress(Ipv4Addr),
    /// All digits of an IPv6 address.
    Full,
    /// All digits of an IPv6 address, the last first.
    DigitsBackwards,
    /// An IPv6 address in its short form.
    Shortened,
    /// One half of an IPv6 address.
    Half,
    /// The hardware address that an IPv6 address was made from.
    HardwareAddress,
    /// Several groups of an IPv6 address.
    Groups,
}

impl Spelling {
    /// Whether it holds the whole address, octets or digits readable.
    pub fn is_whole(self) -> bool {
        match self {
            Spelling::Octets { .. }
            | Spelling::Hexadecimal(_)
            | Spelling::HexadecimalOctets
            | Spelling::Padded(_)
            | Spelling::Joined(_)
            | Spelling::Full
            | Spelling::DigitsBackwards
            | Spelling::Shortened => true,
            Spelling::Decimal(_)
            | Spelling::Three
            | Spelling::ThreePadded(_)
            | Spelling::ThreeHexadecimal
            | Spelling::FirstTwoAndLast
            | Spelling::LastTwo
            | Spelling::LastTwoPadded
            | Spelling::LastTwoHexadecimal
            | Spelling::LastBehindWord
            | Spelling::LastAlone
            | Spelling::AnotherAddress(_)
            | Spelling::Half
            | Spelling::HardwareAddress
            | Spelling::Groups => false,
        }
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spelling::Octets { order, separator, padded } => {
                let separator = match separator {
                    Some(Separator::Dashes) => " with dashes",
                    Some(Separator::Dots) => " with dots",
                    Some(Separator::Underscores) => " with underscores",
                    None => "",
                };
                let padded = if *padded { ", padded with zeros" } else { "" };
                write!(f, "spells the address{order}{separator}{padded}")
            }
            Spelling::Hexadecimal(order) => write!(f, "spells the address{order} in hexadecimal"),
            Spelling::HexadecimalOctets => f.write_str("spells the address in hexadecimal, octet by octet"),
            Spelling::Padded(order) => write!(f, "spells the address{order}, padded with zeros"),
            Spelling::Joined(order) => write!(f, "spells the address{order} without separators"),
            Spelling::Decimal(order) => write!(f, "is the address{order} as one decimal number"),
            Spelling::Three => f.write_str("spells three octets of the address"),
            Spelling::ThreePadded(order) => write!(f, "spells three octets of the address{order}, padded with zeros"),
            Spelling::ThreeHexadecimal => f.write_str("spells three octets of the address in hexadecimal"),
            Spelling::FirstTwoAndLast => f.write_str("spells the first two octets of the address and the last"),
            Spelling::LastTwo => f.write_str("spells the last two octets of the address"),
            Spelling::LastTwoPadded => f.write_str("spells the last two octets of the address, padded with zeros"),
            Spelling::LastTwoHexadecimal => f.write_str("spells the last two octets of the address in hexadecimal"),
            Spelling::LastBehindWord => {
                f.write_str("spells the last octet of the address behind a word for any machine")
            }
            Spelling::LastAlone => f.write_str("is the last octet of the address"),
            Spelling::AnotherAddress(other) => {
                write!(f, "spells an address, though another one ({other} or backwards)")
            }
            Spelling::Full => f.write_str("spells the address in full"),
            Spelling::DigitsBackwards => f.write_str("spells the address backwards, digit by digit"),
            Spelling::Shortened => f.write_str("spells the address in its short form"),
            Spelling::Half => f.write_str("spells half of the address"),
            Spelling::HardwareAddress => f.write_str("spells the hardware address that the address was made from"),
            Spelling::Groups => f.write_str("spells several groups of the address"),
        }
    }
}
