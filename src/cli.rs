//! The command line: what can be asked for, and the help texts. clap's types stay in here.

mod manual;
mod values;
mod words;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::exit::FailOn;
use crate::facts::{ExpectedHelo, Mta, NatEntry};
use crate::name::DomainName;
use crate::report::{Format, Verbosity};
pub use manual::{Page, all_pages, main_page, write_all};
use values::{DNS_PORT, FailOnArg, format_help, public_ip, report_format, rule_word};
pub use values::{FormatArg, PublicIp, Resolver};
pub(crate) use values::{resolver, seconds};
use words::Words;

/// Time for the whole DNS phase where nothing else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  sudo helolint                                 check this host
  helolint --root /mnt/old --offline            check the files of another, ask no DNS
  helolint --format json=report.json            for people on the terminal, for machines in a file
  helolint --fail-on warning -q                 for scripts
  sudo helolint snapshot -o before.json         keep what there is before a migration
  helolint explain PTR001                       what a finding means";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  sudo helolint snapshot -o before.json
  helolint check --from before.json --replay    the same check again, no file read, no packet sent
  helolint check --from before.json             its files against the DNS of now";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  helolint explain PTR001
  helolint explain helo-not-qualified";

const MAN_EXAMPLES: &str = "\
Examples:
  helolint man | man -l -                       read the page
  helolint man --all /usr/local/share/man/man1  every page there is";

/// Checks the identity of a mail host: HELO names, source addresses, PTR and forward records.
///
/// helolint reads how Postfix or Exim on this host introduce themselves and from which addresses they send, asks the DNS what
/// receivers see, and says where the two disagree and who has to change what. It changes nothing, sends no mail and connects to
/// DNS servers alone.
#[derive(Debug, Parser)]
#[command(name = "helolint", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::TABLE))]
pub struct Cli {
    /// What to do; `check` where none is named.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: CheckArgs,
}

impl Cli {
    /// Reads a command line; options may stand before the command too.
    ///
    /// # Errors
    /// Where it cannot be understood, and where help or version are asked for; `clap::Error::exit` prints either as it should be.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let cli = Cli::try_parse_from(command_first(args.into_iter().collect()))?;
        if let Some(output) = cli.output() {
            output.verify()?;
        }
        Ok(cli)
    }

    /// `--color`, which every command has.
    pub fn color(&self) -> anstream::ColorChoice {
        match &self.command {
            Some(Command::Check(check)) => check.output.color(),
            _ => self.check.output.color(),
        }
    }

    /// The command, `check` where none was named.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Check(Box::new(self.check)))
    }

    fn output(&self) -> Option<&OutputArgs> {
        match &self.command {
            None => Some(&self.check.output),
            Some(Command::Check(check)) => Some(&check.output),
            Some(_) => None,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lint this host (the default command)
    #[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::TABLE))]
    Check(Box<CheckArgs>),
    /// Write what this host says about itself and what the DNS answered, as one JSON document
    #[command(after_help = SNAPSHOT_EXAMPLES)]
    Snapshot(Box<SnapshotArgs>),
    /// Say what a rule means, why it matters and how to fix what it finds
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// List every rule: code, name, default severity, summary
    Rules(RulesArgs),
    /// Show the DNS questions that check would ask, and whom, without asking them
    Plan(Box<PlanArgs>),
    /// Print the JSON Schema of a document
    Schema(SchemaArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write all of them
    #[command(after_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

impl Command {
    /// The format that goes to standard output, where the command writes a report: its exit status counts.
    pub fn stdout_format(&self) -> Option<Format> {
        match self {
            Command::Check(check) => check.output.stdout_format(),
            _ => None,
        }
    }
}

/// Options of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub facts: FactArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
}

/// Options of `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct SnapshotArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub facts: FactArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsArgs,
    /// Write to FILE, whole or not at all, instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Options of `plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub facts: FactArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsArgs,
}

/// Where facts come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where facts come from")]
pub struct FactArgs {
    /// Read every file below DIR instead of /; nothing outside DIR is read
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Take the kernel's facts (names, addresses, source addresses) from this JSON file
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<PathBuf>,
    /// Take every fact from a snapshot
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["root", "kernel"])]
    pub from: Option<PathBuf>,
    /// Take the DNS answers from the snapshot too: no file is read, no packet sent
    #[arg(long, requires = "from")]
    pub replay: bool,
    /// Judge this MTA alone [default: the live ones]
    #[arg(long, value_name = "MTA", value_parser = PossibleValuesParser::new(["postfix", "exim"]).map(|id| match id.as_str() {
        "exim" => Mta::Exim,
        _ => Mta::Postfix,
    }))]
    pub mta: Option<Mta>,
    /// What a private source address looks like from outside (NAT); without LOCAL, every private one
    #[arg(long, value_name = "[LOCAL=]PUBLIC", value_parser = public_ip)]
    pub public_ip: Vec<PublicIp>,
    /// Ask public DNS services from which address private source addresses of this host come to them
    ///
    /// OpenDNS and Google learn this host's public address and that helolint or the like runs on it. An address counts where both
    /// agree; what --public-ip or a file says goes before it.
    #[arg(long, conflicts_with_all = ["root", "kernel", "from", "offline", "zones"])]
    pub discover_public_ip: bool,
    /// The name that this host is meant to have
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Ok::<_, String>(DomainName::new(text)))]
    pub expect_hostname: Option<DomainName>,
    /// An address from before a migration; whatever still names it is reported
    #[arg(long, value_name = "ADDR")]
    pub old_ip: Vec<IpAddr>,
    /// The settings [default: /etc/helolint.toml, below --root too, where there is one; none with --from]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// The settings' map of addresses behind NAT.
    #[arg(skip)]
    pub nat: Vec<NatEntry>,
    /// HELO names that the settings expect of single paths.
    #[arg(skip)]
    pub expected_helo: Vec<ExpectedHelo>,
}

/// Where DNS answers come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Where DNS answers come from")]
pub struct DnsArgs {
    /// Ask these recursive resolvers [default: those of resolv.conf, 1.1.1.1, 8.8.8.8 and 9.9.9.9]
    #[arg(long, value_name = "[NAME=]ADDR[:PORT]", value_parser = resolver)]
    pub resolver: Vec<Resolver>,
    /// Ask authoritative servers on this port (test networks)
    #[arg(long, value_name = "PORT", default_value_t = DNS_PORT, hide_default_value = true)]
    pub authoritative_port: u16,
    /// Ask recursive resolvers only
    #[arg(long)]
    pub no_authoritative: bool,
    /// Answer every question from the master files (ORIGIN.zone) in DIR: no packet leaves
    #[arg(long, value_name = "DIR")]
    pub zones: Option<PathBuf>,
    /// Planned records (a master file): where it has the name and type, it answers instead of the live DNS
    #[arg(long, value_name = "FILE")]
    pub overlay: Option<PathBuf>,
    /// Ask nothing; rules that need the DNS are listed as not checked
    #[arg(long)]
    pub offline: bool,
    /// Time for the whole DNS phase; what is not answered by then is undetermined [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
}

impl DnsArgs {
    /// `--timeout`, or its default.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// What comes out.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What comes out")]
pub struct OutputArgs {
    /// The format, or one more in a file; repeatable [default: human]
    #[arg(long, value_name = "NAME[=FILE]", long_help = format_help(), hide_possible_values = true,
        value_parser = Words { parse: report_format, known: words::formats })]
    pub format: Vec<FormatArg>,
    /// Write the report to FILE, whole or not at all, instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Judge by these rules only: codes, names or families such as PTR
    #[arg(long, value_name = "CODES", value_delimiter = ',', hide_possible_values = true,
        value_parser = Words { parse: rule_word, known: words::rules_and_families })]
    pub select: Vec<String>,
    /// Do not judge by these rules
    #[arg(long, value_name = "CODES", value_delimiter = ',', hide_possible_values = true,
        value_parser = Words { parse: rule_word, known: words::rules_and_families })]
    pub ignore: Vec<String>,
    /// The weakest severity that makes the exit status other than 0 [default: error]
    #[arg(long, value_name = "SEVERITY", value_enum)]
    fail_on: Option<FailOnArg>,
    /// Findings in this file are known: they are shown apart and do not count
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub baseline: Option<PathBuf>,
    /// Write what was found to FILE, for --baseline
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub write_baseline: Option<PathBuf>,
    /// What the settings have in place of `--fail-on`.
    #[arg(skip)]
    settings_fail_on: Option<FailOn>,
    #[command(flatten)]
    color: colorchoice_clap::Color,
    /// Say the verdict and one line for each finding
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say everything: all paths, all places, all evidence
    #[arg(short, long)]
    verbose: bool,
}

impl OutputArgs {
    /// `--fail-on`.
    pub fn fail_on(&self) -> FailOn {
        match self.fail_on {
            None => self.settings_fail_on.unwrap_or_default(),
            Some(FailOnArg::Error) => FailOn::Error,
            Some(FailOnArg::Warning) => FailOn::Warning,
            Some(FailOnArg::Info) => FailOn::Info,
            Some(FailOnArg::Never) => FailOn::Never,
        }
    }

    /// Sets what holds where the command line has no `--fail-on`.
    pub fn default_fail_on(&mut self, fail_on: Option<FailOn>) {
        self.settings_fail_on = fail_on;
    }

    /// How much the human report says.
    pub fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }

    /// `--color`, for `Style::for_stdout`.
    pub fn color(&self) -> anstream::ColorChoice {
        self.color.as_choice()
    }

    /// What to write, and where: each format with its file; `None` is standard output, which at most one of them has.
    pub fn targets(&self) -> Vec<(Format, Option<PathBuf>)> {
        let mut targets: Vec<(Format, Option<PathBuf>)> =
            self.format.iter().map(|arg| (arg.format, arg.file.clone())).collect();
        match (targets.iter_mut().find(|(_, file)| file.is_none()), &self.output) {
            (Some((_, file)), output) => *file = output.clone(),
            // `-o` needs a format of its own; so does a terminal that would stay empty.
            (None, output) => targets.push((Format::Human, output.clone())),
        }
        targets
    }

    /// The format on standard output, where there is one: its exit status counts.
    pub fn stdout_format(&self) -> Option<Format> {
        self.targets().iter().find(|(_, file)| file.is_none()).map(|(format, _)| *format)
    }

    fn verify(&self) -> Result<(), clap::Error> {
        let usage =
            |text: String| <Cli as CommandFactory>::command().error(clap::error::ErrorKind::ArgumentConflict, text);
        if self.format.iter().filter(|arg| arg.file.is_none()).count() > 1 {
            return Err(usage(
                "only one --format can go to standard output: give the others a file, as in --format json=report.json"
                    .into(),
            ));
        }
        let mut files: Vec<PathBuf> = self.targets().into_iter().filter_map(|(_, file)| file).collect();
        files.sort();
        match files.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(usage(format!("two formats would be written to {}", pair[0].display()))),
            None => Ok(()),
        }
    }
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Code or name of the rule, such as PTR001 or ptr-missing
    #[arg(value_name = "CODE|NAME", hide_possible_values = true,
        value_parser = Words { parse: |text| Ok(text.to_owned()), known: words::rules })]
    pub rule: String,
}

/// Options of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// A table for people, or JSON
    #[arg(long, value_enum, default_value_t = RulesFormat::Human)]
    pub format: RulesFormat,
}

/// The formats of `rules`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RulesFormat {
    /// A table.
    Human,
    /// One JSON document.
    Json,
}

/// Options of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The document
    #[arg(value_enum)]
    pub document: SchemaDocument,
}

/// Documents with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaDocument {
    /// What `check --format json` writes
    Report,
    /// What `snapshot` writes
    Snapshot,
    /// The settings file
    Config,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl CompletionsArgs {
    /// The completions for the shell asked for.
    pub fn render(&self) -> Vec<u8> {
        let mut out = Vec::new();
        clap_complete::generate(self.shell, &mut <Cli as CommandFactory>::command(), "helolint", &mut out);
        out
    }
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write helolint.1, a page for each command, helolint.toml.5 and helolint-rules.7 into DIR
    #[arg(long, value_name = "DIR")]
    pub all: Option<PathBuf>,
}

/// What stands in for a command line that cannot be understood, or that asks for help or version: prints it, and gives the exit
/// status.
///
/// A monitoring system reads standard output: it gets a line there where the command line asks for its format.
pub fn refuse(error: &clap::Error, args: &[OsString]) -> u8 {
    // Where the terminal is gone there is nobody to tell.
    let _ = error.print();
    if !error.use_stderr() {
        return crate::exit::OK;
    }
    let format = stdout_format(args);
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    if let Some(line) = format.and_then(|format| crate::report::could_not_run(format, first)) {
        print!("{line}");
    }
    crate::exit::could_not_run(format)
}

/// The format that a command line, understood or not, asks for on standard output.
fn stdout_format(args: &[OsString]) -> Option<Format> {
    let words: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let behind = words.windows(2).filter(|pair| pair[0] == "--format").map(|pair| pair[1]);
    let within = words.iter().filter_map(|word| word.strip_prefix("--format="));
    behind.chain(within).find_map(|id| Format::ALL.iter().copied().find(|format| format.id() == id))
}

/// Moves options in front of a command behind it: `helolint --root X plan` is `helolint plan --root X`.
fn command_first(mut args: Vec<OsString>) -> Vec<OsString> {
    let command = <Cli as CommandFactory>::command();
    let takes_value = |word: &str| {
        let arg = command.get_arguments().find(|arg| match word.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => word.len() == 2 && arg.get_short() == word.chars().nth(1),
        });
        arg.is_some_and(|arg| arg.get_action().takes_values())
    };
    let mut at = 1;
    while let Some(word) = args.get(at).and_then(|arg| arg.to_str()) {
        if !word.starts_with('-') {
            if at > 1 && command.find_subcommand(word).is_some() {
                let name = args.remove(at);
                args.insert(1, name);
            }
            break;
        }
        if word == "--" {
            break;
        }
        at += if takes_value(word) { 2 } else { 1 };
    }
    args
}

#[cfg(test)]
mod tests;
