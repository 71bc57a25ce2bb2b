//! Writes random Exim configurations, the files they look things up in, and expansions to be evaluated:
//!
//!     cargo run --example exim_fuzz -- SEED COUNT FOLDER
//!
//! puts COUNT cases `SEED-N/` into FOLDER, each a `case.json` and the files of a `root/`. `tests/e2e/exim_answers.py` asks
//! the real Exim about them, and `HELOLINT_EXIM_CASES=FOLDER cargo test --test exim_oracle fresh` compares. `tests/e2e/run
//! exim-fuzz` does all three. What Exim looks at only when it is called by hand is left out: an `smtp_active_hostname` that
//! cannot be expanded makes `exim -be` refuse the configuration that the daemon takes.

mod conditions;
mod config;
mod expansion;
#[path = "../random/mod.rs"]
mod random;
mod sections;
mod tables;

use std::path::Path;
use std::{env, fs, io, process};

use random::Random;
use serde_json::{Value, json};

/// Expansions asked for in each case.
const QUESTIONS: usize = 10;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [seed, count, folder] = &arguments[..] else {
        eprintln!("usage: exim_fuzz SEED COUNT FOLDER");
        process::exit(2);
    };
    let (Ok(seed), Ok(count)) = (seed.parse::<u64>(), count.parse::<u64>()) else {
        eprintln!("exim_fuzz: SEED and COUNT are numbers");
        process::exit(2);
    };
    println!("exim_fuzz: seed {seed}, {count} cases");
    for number in 0..count {
        let own = number.wrapping_mul(0x9e6c_63d0_76cc_4bd5);
        let mut random = Random::new(Random::new(seed).next() ^ own);
        let case = Path::new(folder).join(format!("{seed}-{number:04}"));
        if let Err(error) = write(&mut random, &case) {
            eprintln!("exim_fuzz: {}: {error}", case.display());
            process::exit(1);
        }
    }
}

fn write(random: &mut Random, case: &Path) -> io::Result<()> {
    let root = case.join("root/etc");
    fs::create_dir_all(root.join("exim4"))?;
    let configuration = config::write(random);
    fs::write(root.join("exim4/exim4.conf"), configuration.text)?;
    for (name, text) in configuration.included {
        fs::write(root.join("exim4").join(name), text)?;
    }
    for map in tables::MAPS {
        fs::write(root.join(map), tables::map(random))?;
    }
    fs::write(root.join("nets"), tables::nets(random))?;
    fs::write(root.join("empty"), "")?;
    fs::create_dir(root.join("names.d"))?;
    for (name, text) in tables::NAMES {
        if random.one_in(2) {
            fs::write(root.join("names.d").join(name), text)?;
        }
    }
    let mut expand: Vec<Value> = configuration
        .transports
        .iter()
        .flat_map(|name| ["interface", "helo_data"].map(|option| (name, option)))
        .map(|(name, option)| json!({"transport": name, "option": option, "vars": variables(random)}))
        .collect();
    for _ in 0..QUESTIONS {
        expand.push(json!({"text": expansion::text(random), "vars": variables(random)}));
    }
    let defines: serde_json::Map<String, Value> =
        configuration.defines.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    let spec = json!({
        "config": "/etc/exim4/exim4.conf",
        "hostname": random.pick(&["mail1.example.com", "Mail.Example.COM", "short"]),
        "defines": defines,
        "expand": expand,
    });
    fs::write(case.join("case.json"), format!("{spec:#}\n"))
}

/// What is assumed of the message.
fn variables(random: &mut Random) -> Value {
    let mut all = serde_json::Map::new();
    let mut set = |name: &str, value: &str| all.insert(name.to_owned(), Value::String(value.to_owned()));
    let domain = random.pick(&expansion::DOMAINS);
    if random.one_in(8) {
        set("sender_address", "");
    } else {
        set("sender_address", &format!("{}@{domain}", random.pick(&["alice", "Bob", "x.y"])));
    }
    set("sender_host_address", random.pick(&["192.0.2.7", "198.51.100.2", "2001:db8::7"]));
    if random.one_in(3) {
        set("sender_host_name", random.pick(&["client.example.net", "Client"]));
    }
    Value::Object(all)
}
