//! The command line: what can be asked for, and the help texts. clap's types stay in here.

mod catalogue;
mod compare;
mod demo;
mod dns;
mod documents;
mod domains;
mod evidence;
mod facts;
mod manual;
mod merge;
mod output;
mod rules;
mod values;
mod wait;
mod words;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::report::Format;
pub(crate) use catalogue::{ExplainArgs, RulesArgs, RulesFormat};
pub(crate) use compare::{CompareArgs, CompareFormat};
pub(crate) use demo::DemoArgs;
pub(crate) use dns::DnsArgs;
pub(crate) use documents::{CompletionsArgs, ManArgs, SchemaArgs, SchemaDocument};
pub(crate) use domains::{DomainsArgs, DomainsFormat};
pub(crate) use evidence::{EvidenceArgs, Target, TargetHost};
pub(crate) use facts::{CutoverArgs, FactArgs, LogArgs, LogFrom, MoveArgs};
pub(crate) use manual::{all_pages, main_page};
pub(crate) use merge::{MergeArgs, MergeFormat};
pub(crate) use output::OutputArgs;
pub(crate) use rules::RuleArgs;
pub(crate) use values::{PublicIp, Resolver};
pub(crate) use values::{resolver, seconds};
pub(crate) use wait::{WaitArgs, WaitFormat};

const EXAMPLES: &str = "\
Examples:
  sudo helolint check                           check this host
  helolint check --root /mnt/old --offline      check the files of another, ask no DNS
  helolint check --format json=report.json      for people on the terminal, for machines in a file
  helolint check --fail-on warning -q           for scripts
  sudo helolint snapshot -o before.json         keep what there is before a migration
  helolint explain PTR001                       what a finding means";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  sudo helolint snapshot -o before.json
  helolint check --from before.json --replay    the same check again, no file read, no packet sent
  helolint check --from before.json             its files against the DNS of now";

const COMPARE_EXAMPLES: &str = "\
Examples:
  sudo helolint compare before.json             this host against its snapshot, or the old host's
  sudo helolint compare before.json --map mail.old.example=mail.new.example
  helolint compare before.json after.json       two snapshots: no file read, no packet sent";

const WAIT_EXAMPLES: &str = "\
Examples:
  sudo helolint wait                            until the DNS is as this host needs it, an hour at the most
  sudo helolint wait --until PTR --for 2h       until no rule about PTR records finds anything
  sudo helolint wait && systemctl start exim    as a step of a script";

const DOMAINS_EXAMPLES: &str = "\
Examples:
  sudo helolint domains                         every domain, grouped by finding
  sudo helolint domains --format csv > list.csv one line for each, as it is done
  sudo helolint domains --resume done.ndjson    a large server, in several goes
  helolint domains --domains list --resolver 192.0.2.53";

const MERGE_EXAMPLES: &str = "\
Examples:
  helolint merge reports/                       the reports of all hosts, as they were collected
  helolint merge --format csv reports/ > hosts.csv
  helolint merge a.json b.json old.snapshot     a snapshot is judged by what the DNS answered then";

const FIX_EXAMPLES: &str = "\
Examples:
  sudo helolint fix                             the changes, as diffs; nothing is written
  sudo helolint fix --apply --run               safe changes, and the programs that make them count
  sudo helolint fix --undo                      the files as they were";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  helolint explain PTR001
  helolint explain helo-not-qualified DNS005
  helolint explain PTR                          every rule of a family
  helolint explain --reply '550 5.7.25 ...'     what an SMTP reply says of this host
  sudo helolint explain --reply - < bounce.txt  the same of a bounce, and which findings explain it";

const MAN_EXAMPLES: &str = "\
Examples:
  helolint man | man -l -                        read the page
  sudo helolint man --all /usr/local/share/man   every page there is, in man1, man5 and man7";

/// Checks the identity of a mail host: HELO names, source addresses, PTR and forward records.
///
/// helolint reads how Postfix or Exim on this host introduce themselves and from which addresses they send, asks the DNS what
/// receivers see, and says where the two disagree and who has to change what. It sends no mail, connects to DNS servers
/// alone unless evidence is asked for, and changes nothing unless `fix --apply` is asked to.
#[derive(Debug, Parser)]
#[command(name = "helolint", version, args_conflicts_with_subcommands = true, max_term_width = 100)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::TABLE))]
pub(crate) struct Cli {
    /// What to do; `check` where options alone are given.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: CheckArgs,
}

impl Cli {
    /// Reads a command line; options may stand before the command too. Nothing but the program's name asks for help.
    ///
    /// # Errors
    /// Where it cannot be understood, and where help or version are asked for; `clap::Error::exit` prints either as it should be.
    pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let mut args: Vec<OsString> = args.into_iter().collect();
        if args.len() == 1 {
            args.push("-h".into());
        }
        let cli = Cli::try_parse_from(command_first(args))?;
        if let Some(Err(problem)) = cli.output().map(OutputArgs::verify) {
            let kind = clap::error::ErrorKind::ArgumentConflict;
            return Err(<Cli as CommandFactory>::command().error(kind, problem));
        }
        Ok(cli)
    }

    /// `--color`, which every command has.
    pub(crate) fn color(&self) -> anstream::ColorChoice {
        match &self.command {
            Some(Command::Check(check)) => check.output.color(),
            _ => self.check.output.color(),
        }
    }

    /// The command, `check` where none was named.
    pub(crate) fn into_command(self) -> Command {
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
pub(crate) enum Command {
    /// Lint this host (the default where options are given)
    #[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::TABLE))]
    Check(Box<CheckArgs>),
    /// Write what this host says about itself and what the DNS answered, as one JSON document
    #[command(after_help = SNAPSHOT_EXAMPLES)]
    Snapshot(Box<SnapshotArgs>),
    /// Say what changed between two snapshots, or between a snapshot and this host, and what of it nobody asked for
    ///
    /// What is found is judged by the rules of a move (MIG) and of records that still hold what was (DNS008, DNS011), unless --select names
    /// others.
    #[command(after_help = COMPARE_EXAMPLES, after_long_help = format!("{COMPARE_EXAMPLES}\n\n{}", crate::exit::TABLE))]
    Compare(Box<CompareArgs>),
    /// Ask again, no oftener than needed, until every server agrees with what this host needs, or a time is up
    ///
    /// The servers of the zones come first: while a record is wrong there, no resolver is asked for it, since the question itself would make
    /// it keep the wrong answer. Then each resolver is asked, and again when the copy that it still has can have expired.
    #[command(after_help = WAIT_EXAMPLES)]
    Wait(Box<WaitArgs>),
    /// Look at the records of every domain that this host handles mail for: MX, SPF, DMARC, DKIM
    ///
    /// The domains are those of cPanel, DirectAdmin and Hestia, of Postfix's and Exim's lists, or of a file. SPF is evaluated for each
    /// address that a domain's mail leaves from, the published DKIM keys are compared with the private ones here. This host's own resolver alone is
    /// asked, and no faster than --qps says.
    #[command(after_help = DOMAINS_EXAMPLES, after_long_help = format!("{DOMAINS_EXAMPLES}\n\n{}", crate::exit::DOMAINS_TABLE))]
    Domains(Box<DomainsArgs>),
    /// Put the reports of many hosts into one view: what two of them claim, a table of hosts, findings by rule
    ///
    /// Reports that cannot be read are named, and the others are shown. Of two reports of one host the newer counts. The exit status is that of
    /// the worst host.
    #[command(after_help = MERGE_EXAMPLES, after_long_help = format!("{MERGE_EXAMPLES}\n\n{}", crate::exit::TABLE))]
    Merge(MergeArgs),
    /// Show a report on a made-up broken host: nothing is read, nothing is sent
    Demo(DemoArgs),
    /// Say what rules mean, why they matter and how to fix what they find; or what an SMTP reply means
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Box<ExplainArgs>),
    /// List every rule: code, name, default severity, summary
    Rules(RulesArgs),
    /// Show the DNS questions that check would ask, and of which servers, without asking them
    Questions(Box<QuestionsArgs>),
    /// Show, and with --apply make, the changes to this host's files that findings call for
    ///
    /// Each step of the plan is shown as a unified diff. A step is safe where it settles its findings and takes nothing away, and unsafe where
    /// something goes or an administrator may prefer another way (--unsafe). What is for a zone of the DNS, for whoever holds an address, for a
    /// person's hand or for a program that generates the file is only shown, with the place where it lasts.
    #[command(after_help = FIX_EXAMPLES, after_long_help = format!("{FIX_EXAMPLES}\n\n{}", crate::exit::FIX_TABLE))]
    Fix(Box<FixArgs>),
    /// Write the file that `--kernel` reads: this host's names, addresses and source addresses
    Kernel(KernelArgs),
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
    pub(crate) fn stdout_format(&self) -> Option<Format> {
        match self {
            Command::Check(check) => check.output.stdout_format(),
            _ => None,
        }
    }
}

/// Options of `check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub moved: MoveArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub cutover: CutoverArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `snapshot`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SnapshotArgs {
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub cutover: CutoverArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Write to FILE, whole or not at all and for its owner alone, instead of to standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Options of `questions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QuestionsArgs {
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
}

/// Options of `fix`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FixArgs {
    #[command(flatten)]
    pub facts: FactArgs,
    #[command(flatten)]
    pub moved: MoveArgs,
    #[command(flatten)]
    pub dns: DnsArgs,
    /// Write the files: each whole, with its backup beside it, owner, permissions and attributes as they were
    #[arg(long, help_heading = "What is changed")]
    pub apply: bool,
    /// Include steps that take something away, or beside which there is another way
    #[arg(long = "unsafe", help_heading = "What is changed")]
    pub with_unsafe: bool,
    /// Run the programs that belong to the steps: postfix reload, postmap, update-exim4.conf and the like, from a fixed list
    #[arg(long, requires = "apply", help_heading = "What is changed")]
    pub run: bool,
    /// Give back what the last --apply wrote, where it has not changed since
    #[arg(long, conflicts_with_all = ["apply", "run", "with_unsafe"], help_heading = "What is changed")]
    pub undo: bool,
    #[command(flatten)]
    pub rules: RuleArgs,
    /// Say what of the sandbox the kernel does not have
    #[arg(short, long)]
    pub verbose: bool,
}

/// Options of `kernel`.
#[derive(Debug, Clone, Args)]
pub(crate) struct KernelArgs {
    /// Write to FILE, whole or not at all, instead of to standard output (`-`)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Time for `hostname -f`, which may ask the system's resolver; what it prints is left out where it is not there by then [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<std::time::Duration>,
}

impl KernelArgs {
    /// `--timeout`, or its default.
    pub(crate) fn timeout(&self) -> std::time::Duration {
        self.timeout.unwrap_or(dns::DEFAULT_TIMEOUT)
    }
}

/// What stands in for a command line that cannot be understood, or that asks for help or version: prints it, and gives the exit
/// status.
///
/// A monitoring system reads standard output: it gets a line there where the command line asks for its format.
pub(crate) fn refuse(error: &clap::Error, args: &[OsString]) -> u8 {
    let printed = error.print().and_then(|()| io::stdout().flush());
    if !error.use_stderr() {
        return match printed {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => crate::exit::COULD_NOT_RUN,
            _ => crate::exit::OK,
        };
    }
    let format = stdout_format(args);
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    if let Some(line) = format.and_then(|format| crate::report::could_not_run(format, first)) {
        // The exit status says it too, where nobody reads this.
        let _ = io::stdout().write_all(line.as_bytes());
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

/// Moves options in front of a command behind it: `helolint --root X questions` is `helolint questions --root X`.
fn command_first(mut args: Vec<OsString>) -> Vec<OsString> {
    // All commands with all their options are not put together twice where nothing stands before the command.
    if !args.get(1).is_some_and(|first| first.as_encoded_bytes().starts_with(b"-")) {
        return args;
    }
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
