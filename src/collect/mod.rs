//! Reads the host, yields facts. Two doors open to the outside here: files ([`root`]) and the kernel ([`kernel`]).

pub mod cpanel;
pub mod identity;
pub mod kernel;
pub mod live;
pub mod lsearch;
pub mod processes;
pub mod reading;
pub mod postfix;
pub mod root;
pub mod sender;
pub mod system;
