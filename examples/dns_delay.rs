//! A delaying DNS server, for measuring `dns_timing` and the program itself:
//!
//!     cargo run --release --example dns_delay -- 127.0.0.1:5400 30 200
//!
//! listens on that address, answers after 30 ms and loses 200 of 1000 questions. A fourth argument is the RCODE of every answer.

use std::time::Duration;

#[path = "../benches/responder/mod.rs"]
mod responder;

fn main() {
    let mut args = std::env::args().skip(1);
    let listen = args.next().expect("ADDRESS:PORT DELAY_MS [LOST_OF_1000 [RCODE]]");
    let mut number = |otherwise: u64| args.next().map_or(otherwise, |text| text.parse().expect("a number"));
    let manner = responder::Manner {
        delay: Duration::from_millis(number(30)),
        lost: number(0),
        rcode: u8::try_from(number(0)).expect("an RCODE"),
    };
    println!("listening on {}", responder::serve(&listen, manner));
    loop {
        std::thread::park();
    }
}
