//! Answers from zone files and from snapshots, behind the same interface as the network.
