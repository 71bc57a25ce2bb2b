//! Writes the seeds of the named targets, or of all, to `corpus/TARGET/`; what a fuzzer has found before stays there.

// What the compiler's coverage counters call.
use libfuzzer_sys as _;

use std::path::Path;
use std::{env, fs, io};

use helolint::fuzzing::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let named: Vec<String> = env::args().skip(1).collect();
    for (name, _) in TARGETS.iter().filter(|(name, _)| named.is_empty() || named.iter().any(|one| one == name)) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds::of(name).iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
