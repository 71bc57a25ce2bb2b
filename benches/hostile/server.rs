//! The server: UDP and TCP on addresses of the loopback, all packets counted by the address that they came to.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::manners::{Asked, Manner, Stream};

/// Addresses of the manners that send their visitors from one server to the next.
pub const SERVERS: u8 = 30;

/// A server that runs until it is dropped.
pub struct Server {
    /// Where it listens first.
    pub address: SocketAddr,
    manner: Manner,
    counts: Vec<Arc<AtomicUsize>>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Starts one.
    pub fn start(manner: Manner) -> Server {
        let first = UdpSocket::bind((Ipv4Addr::new(127, 0, 1, 1), 0)).expect("a port is free");
        let address = first.local_addr().expect("it is bound");
        let over = Arc::new(AtomicBool::new(false));
        let mut server = Server { address, manner, counts: Vec::new(), over };
        server.listen(first);
        if manner.servers {
            for last in 2..=SERVERS {
                let own = SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), address.port()));
                server.listen(UdpSocket::bind(own).expect("the port is free"));
            }
        }
        server
    }

    fn listen(&mut self, socket: UdpSocket) {
        let count = Arc::new(AtomicUsize::new(0));
        self.counts.push(Arc::clone(&count));
        let (manner, over) = (self.manner, Arc::clone(&self.over));
        let own = socket.local_addr().expect("it is bound");
        if let Ok(listener) = TcpListener::bind(own) {
            let (count, over) = (Arc::clone(&count), Arc::clone(&self.over));
            listener.set_nonblocking(true).expect("a listener can be asked");
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    match listener.accept() {
                        Ok((stream, _)) => {
                            count.fetch_add(1, Ordering::Relaxed);
                            thread::spawn(move || drop(converse(stream, manner)));
                        }
                        Err(_) => thread::sleep(Duration::from_millis(2)),
                    }
                }
            });
        }
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time can be set");
        thread::spawn(move || {
            let mut room = [0; 4096];
            while !over.load(Ordering::Relaxed) {
                let Ok((length, client)) = socket.recv_from(&mut room) else { continue };
                let number = count.fetch_add(1, Ordering::Relaxed);
                let Some(asked) = Asked::read(&room[..length], number) else { continue };
                for (delay, reply) in (manner.udp)(&asked) {
                    if delay.is_zero() {
                        // A client that has gone is no fault.
                        let _ = socket.send_to(&reply, client);
                    } else if let Ok(socket) = socket.try_clone() {
                        thread::spawn(move || {
                            thread::sleep(delay);
                            socket.send_to(&reply, client)
                        });
                    }
                }
            }
        });
    }

    /// Whether servers of zones are to be looked for.
    pub fn authoritative(&self) -> bool {
        self.manner.servers
    }

    /// The packets and connections of the address that got most.
    pub fn most_packets(&self) -> usize {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).max().unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn converse(mut stream: TcpStream, manner: Manner) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut packet = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut packet)?;
    let Some(asked) = Asked::read(&packet, 0) else { return Ok(()) };
    match (manner.tcp)(&asked) {
        Stream::Closed => {}
        Stream::Silent => thread::sleep(Duration::from_secs(20)),
        Stream::Part(bytes) => {
            stream.write_all(&bytes)?;
            thread::sleep(Duration::from_secs(20));
        }
        Stream::Drip(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(100));
            }
        }
        Stream::Whole(reply) => {
            let length = u16::try_from(reply.len()).unwrap_or(u16::MAX);
            stream.write_all(&length.to_be_bytes())?;
            stream.write_all(&reply)?;
        }
    }
    Ok(())
}
