//! System calls that a child may still make (seccomp(2)).
//!
//! Two filters, of which the stricter counts: one answers EPERM to what a program that was taken over would try first, the other
//! ENOSYS to everything that is not on its list, so that the C library takes its older way. None ends the process.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use super::task::Task;

/// Asking over UDP and TCP, memory, time, threads, the end.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_bind,
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone,
    libc::SYS_close,
    libc::SYS_connect,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_futex,
    libc::SYS_getpeername,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_ioctl,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_prlimit64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_set_robust_list,
    libc::SYS_setsockopt,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_socket,
    libc::SYS_write,
    libc::SYS_writev,
    // Calls that newer architectures leave out.
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// What is refused and not unknown: running programs, looking into others, opening files.
const REFUSED: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_ptrace,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
];

/// What the C library's name services never need: running programs, looking into others, changing what files and namespaces
/// there are, loading code into the kernel.
const REFUSED_TO_NAMES: &[libc::c_long] = &[
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_perf_event_open,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// What may be asked of a descriptor: not to push input into a terminal (TIOCSTI), among others.
const CONTROLS: [u64; 6] = [
    libc::FIONBIO as _,
    libc::FIONREAD as _,
    libc::FIOCLEX as _,
    libc::TCGETS as _,
    libc::TCGETS2 as _,
    libc::TIOCGWINSZ as _,
];

/// Limits this process to the calls that `task` needs.
///
/// # Errors
/// Where the kernel has no such filters: in words.
pub(crate) fn allow_only(task: &Task) -> Result<(), String> {
    let refused = match task {
        Task::Dns(_) | Task::Reports => REFUSED,
        Task::Names => REFUSED_TO_NAMES,
    };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = refused.iter().map(|call| (*call, Vec::new())).collect();
    if *task != Task::Names {
        rules.extend(conditional()?);
    }
    if *task == Task::Reports {
        // Without conditions: no socket at all.
        rules.insert(libc::SYS_socket, Vec::new());
    }
    install(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))?;
    if *task != Task::Names {
        // Those that the first filter refuses are let through here: with two errors, the later filter's would count.
        let known = ALLOWED.iter().chain(REFUSED).map(|call| (*call, Vec::new())).collect();
        install(known, SeccompAction::Errno(libc::ENOSYS as u32), SeccompAction::Allow)?;
    }
    Ok(())
}

/// Calls that are refused by their arguments: sockets that are not of the Internet, processes in place of threads, controls.
fn conditional() -> Result<Vec<(i64, Vec<SeccompRule>)>, String> {
    let argument = |at, operator, value: u64| {
        SeccompCondition::new(at, SeccompCmpArgLen::Dword, operator, value).map_err(|error| error.to_string())
    };
    let rule = |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions).map_err(|error| error.to_string());
    let families = [libc::AF_INET, libc::AF_INET6];
    let elsewhere = families.iter().map(|family| argument(0, SeccompCmpOp::Ne, *family as u64));
    let other = CONTROLS.iter().map(|control| argument(1, SeccompCmpOp::Ne, *control));
    let thread = libc::CLONE_THREAD as u64;
    Ok(vec![
        (libc::SYS_socket, vec![rule(elsewhere.collect::<Result<_, _>>()?)?]),
        (libc::SYS_ioctl, vec![rule(other.collect::<Result<_, _>>()?)?]),
        (libc::SYS_clone, vec![rule(vec![argument(0, SeccompCmpOp::MaskedEq(thread), 0)?])?]),
    ])
}

fn install(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<(), String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(|error| error.to_string())?;
    let program = BpfProgram::try_from(filter).map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())
}
