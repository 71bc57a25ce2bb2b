#!/usr/bin/env python3
"""Runs of helolint in which one system call fails, each of them once: reading the host, asking the DNS, writing the report.

usage: faults.py HELOLINT HOST RESOLVER...      (HOST: a folder of testdata/hosts; RESOLVER: what answers; wants strace)

A run must end with a status of the contract, in time and without panic; its report must be whole or, where there was none before, absent; no
file may stay beside it; and where a file could not be read, nothing may be called missing that was there.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

# What is made to fail, and as which error. Memory, the loader's own calls and the end of a process are no doors.
ERRORS = {
    "openat": "EIO", "openat2": "EIO", "read": "EIO", "fstat": "EIO", "newfstatat": "EIO", "statx": "EIO", "readlinkat": "EIO",
    "readlink": "EIO", "getdents64": "EIO", "fcntl": "EINVAL", "pipe2": "EMFILE", "poll": "EINTR", "dup2": "EBUSY", "dup3": "EBUSY",
    "clone": "EAGAIN", "fork": "EAGAIN", "vfork": "EAGAIN", "wait4": "EINTR", "uname": "EFAULT", "prlimit64": "EPERM",
    "socket": "EMFILE", "bind": "EADDRINUSE", "connect": "ENETUNREACH", "sendto": "ENOBUFS", "sendmsg": "ENOBUFS",
    "sendmmsg": "ENOBUFS", "recvfrom": "ECONNREFUSED", "recvmsg": "ENETDOWN", "recvmmsg": "ENOMEM", "setsockopt": "ENOPROTOOPT",
    "getsockname": "ENOBUFS", "epoll_create1": "EMFILE", "epoll_ctl": "ENOMEM", "epoll_wait": "EINTR", "epoll_pwait": "EINTR",
    "eventfd2": "EMFILE", "getrandom": "EINTR", "setresuid": "EPERM", "setresgid": "EPERM", "setgroups": "EPERM", "capset": "EPERM",
    "prctl": "EINVAL", "seccomp": "ENOSYS", "landlock_create_ruleset": "ENOSYS", "landlock_add_rule": "EINVAL",
    "landlock_restrict_self": "EPERM", "write": "ENOSPC", "linkat": "EPERM", "renameat": "EXDEV", "renameat2": "EXDEV",
    "unlinkat": "EACCES", "fchown": "EPERM", "fchmod": "EPERM", "fsync": "EIO", "statfs": "EIO", "fstatfs": "EIO",
    "rt_sigprocmask": "EINVAL", "kill": "EPERM",
}
MISSING = {"PTR001", "PTR002", "HST004", "HLO002"}
# Later ones of a kind come in loops that are the same each time.
MOST = int(os.environ.get("FAULTS_MOST", "12"))


def run(helolint, host, out, further, strace):
    command = ["strace", "-f", "-q", "-o", *strace, helolint, "check", "--root", f"{host}/root", "--kernel", f"{host}/kernel"]
    return subprocess.run([*command, *further, "--format", "json", "-o", out], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          text=True, errors="replace")


def counted(trace):
    """How many calls of each kind a process makes before its own work begins, and the most that one makes in all."""
    before, total = collections.Counter(), collections.Counter()
    each = collections.defaultdict(collections.Counter)
    first, started = None, False
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = re.match(r"^(\d+)\s+(\w+)\(", line)
            if not found:
                continue
            pid, name = found[1], found[2]
            first = first or pid
            each[pid][name] += 1
            if pid == first and not started:
                before[name] += 1
                started = name == "sigaltstack"
    for counts in each.values():
        for name, count in counts.items():
            total[name] = max(total[name], count)
    return before, total


def main(helolint, host, *resolvers):
    runs = 0
    ends = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        trace, out = f"{folder}/trace", f"{folder}/out/report"
        os.mkdir(f"{folder}/out")
        live = ["--no-authoritative", "--timeout", "1", *(word for resolver in resolvers for word in ("--resolver", resolver))]
        for further in (["--offline"], live):
            plain = run(helolint, host, out, further, [trace])
            assert plain.returncode in (0, 1, 3), plain
            with open(out, encoding="utf-8") as report:
                known = {(f["code"], f["subject"]) for f in json.load(report)["findings"] if f["verdict"] == "fail"}
            before, total = counted(trace)
            for name, count in sorted(total.items()):
                if name not in ERRORS:
                    continue
                for number in range(before[name] + 1, min(count, before[name] + MOST) + 1):
                    replaces = number % 2 == 1
                    if replaces:
                        with open(out, "w", encoding="utf-8") as report:
                            report.write("before")
                    elif os.path.exists(out):
                        os.unlink(out)
                    inject = f"inject={name}:error={ERRORS[name]}:when={number}"
                    what = f"{further[0]}, {inject}"
                    ended = run(helolint, host, out, further, ["/dev/null", "-e", "trace=" + name, "-e", inject])
                    runs += 1
                    ends[ended.returncode] += 1
                    assert ended.returncode in (0, 1, 2, 3), f"{what}: status {ended.returncode}: {ended.stderr}"
                    # An eventfd takes every wake-up: what the event loop says of one that does not is no news.
                    wakes = name == "write" and "tokio" in ended.stderr
                    assert wakes or "panicked" not in ended.stderr, f"{what}: {ended.stderr}"
                    assert ended.returncode != 2 or ended.stderr.strip(), f"{what}: no word"
                    left = set(os.listdir(f"{folder}/out"))
                    assert left <= {"report"}, f"{what}: {left}"
                    text = open(out, encoding="utf-8").read() if left else None
                    if text == "before" or text is None:
                        assert ended.returncode == 2 and (text == "before") == replaces, f"{what}: {ended.returncode}, {text}"
                        continue
                    found = {(f["code"], f["subject"]) for f in json.loads(text)["findings"] if f["verdict"] == "fail"}
                    wrong = {(code, subject) for code, subject in found - known if code in MISSING}
                    assert not wrong, f"{what}: called missing: {wrong}"
    print(f"    {runs} runs with a fault, by exit status {dict(sorted(ends.items()))}", file=sys.stderr)


main(*sys.argv[1:])
