//! Answers from the network: the only door to it. Nothing of hickory's or tokio's types leaves this module.
