//! Connections, all at once and with one end of patience. Nothing is read from them here.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect as begin, getsockopt, socket, sockopt,
};

use crate::facts::Fault;

/// A connection that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The address that it comes from; `None`: the kernel's choice.
    pub from: Option<IpAddr>,
    /// Where it goes.
    pub to: SocketAddr,
}

/// Makes connections, in the order in which they are wanted. One that has not come about when `patience` is over counts as
/// [`Fault::Filtered`].
pub fn connect(wanted: &[Wanted], patience: Duration) -> Vec<Result<OwnedFd, Fault>> {
    let end = Instant::now() + patience;
    let mut made: Vec<Result<OwnedFd, Fault>> = Vec::new();
    // Those that the kernel is still about, by their place.
    let mut open: Vec<usize> = Vec::new();
    for one in wanted {
        match start(one) {
            Ok((descriptor, done)) => {
                if !done {
                    open.push(made.len());
                }
                made.push(Ok(descriptor));
            }
            Err(fault) => made.push(Err(fault)),
        }
    }
    while !open.is_empty() {
        let left = end.saturating_duration_since(Instant::now());
        let ended = match ready(&made, &open, left) {
            Ok(ready) => ready,
            Err(errno) => {
                let fault = Fault::NotMade(errno.desc().to_owned());
                open.drain(..).for_each(|at| made[at] = Err(fault.clone()));
                break;
            }
        };
        for at in &ended {
            if let Ok(descriptor) = &made[*at]
                && let Some(fault) = fault_of(descriptor)
            {
                made[*at] = Err(fault);
            }
        }
        open.retain(|at| !ended.contains(at));
        if left.is_zero() {
            open.drain(..).for_each(|at| made[at] = Err(Fault::Filtered));
        }
    }
    made
}

/// Begins with one; whether it is made already.
fn start(wanted: &Wanted) -> Result<(OwnedFd, bool), Fault> {
    let family = if wanted.to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let not_made = |errno: Errno| Fault::NotMade(errno.desc().to_owned());
    let descriptor = socket(family, SockType::Stream, flags, None).map_err(not_made)?;
    if let Some(from) = wanted.from {
        let from = SockaddrStorage::from(SocketAddr::new(from, 0));
        bind(descriptor.as_raw_fd(), &from).map_err(not_made)?;
    }
    match begin(descriptor.as_raw_fd(), &SockaddrStorage::from(wanted.to)) {
        Ok(()) => Ok((descriptor, true)),
        Err(Errno::EINPROGRESS | Errno::EINTR) => Ok((descriptor, false)),
        Err(errno) => Err(fault(errno)),
    }
}

/// Those of `open` whose connection has been made or has failed.
fn ready(made: &[Result<OwnedFd, Fault>], open: &[usize], left: Duration) -> Result<Vec<usize>, Errno> {
    let known = open.iter().filter_map(|at| Some((*at, made.get(*at)?.as_ref().ok()?)));
    let (places, mut polled): (Vec<usize>, Vec<PollFd<'_>>) =
        known.map(|(at, descriptor)| (at, PollFd::new(descriptor.as_fd(), PollFlags::POLLOUT))).unzip();
    match poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno),
    }
    let any = places.into_iter().zip(&polled).filter(|(_, descriptor)| descriptor.any().unwrap_or(false));
    Ok(any.map(|(at, _)| at).collect())
}

fn fault_of(descriptor: &OwnedFd) -> Option<Fault> {
    match getsockopt(descriptor, sockopt::SocketError) {
        Ok(0) => None,
        Ok(number) => Some(fault(Errno::from_raw(number))),
        Err(errno) => Some(fault(errno)),
    }
}

fn fault(errno: Errno) -> Fault {
    match errno {
        Errno::ECONNREFUSED => Fault::Refused,
        Errno::ETIMEDOUT => Fault::Filtered,
        Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::ENETDOWN | Errno::EHOSTDOWN => {
            Fault::Unreachable(errno.desc().to_owned())
        }
        other => Fault::NotMade(io::Error::from(other).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn each_for_itself() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        // Nobody listens any more where somebody did.
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let to = |to| Wanted { from: None, to };
        let bound = |from: &str, to| Wanted { from: Some(from.parse().unwrap()), to };
        let wanted = [to(open), to(closed), bound("127.0.0.9", open), bound("192.0.2.1", open)];
        let mut made = connect(&wanted, Duration::from_secs(5)).into_iter();
        assert!(made.next().unwrap().is_ok());
        assert_eq!(made.next().unwrap().unwrap_err(), Fault::Refused);
        assert!(made.next().unwrap().is_ok());
        assert!(matches!(made.next().unwrap(), Err(Fault::NotMade(_))), "an address of nobody here");
        let (_kept, first) = listener.accept().unwrap();
        let (_kept, second) = listener.accept().unwrap();
        assert!([first.ip(), second.ip()].contains(&"127.0.0.9".parse().unwrap()), "{first} {second}");
        assert!(connect(&[], Duration::ZERO).is_empty());
    }

    #[test]
    fn who_does_not_answer_costs_the_patience_once() {
        // A full queue: the kernel drops what comes then, as a filter does.
        let listener = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).unwrap();
        bind(listener.as_raw_fd(), &SockaddrStorage::from("127.0.0.1:0".parse::<SocketAddr>().unwrap())).unwrap();
        nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
        let address: SockaddrStorage = nix::sys::socket::getsockname(listener.as_raw_fd()).unwrap();
        let to = SocketAddr::from(*address.as_sockaddr_in().unwrap());
        let wanted = [Wanted { from: None, to }; 6];
        let began = Instant::now();
        let made = connect(&wanted, Duration::from_millis(300));
        assert!(began.elapsed() < Duration::from_secs(3));
        assert!(made.iter().any(|one| matches!(one, Err(Fault::Filtered))), "{made:?}");
    }
}
