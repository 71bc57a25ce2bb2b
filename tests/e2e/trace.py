#!/usr/bin/env python3
"""What each process of a run did, by its strace: the one that parses strangers' answers can do nothing else.

usage: trace.py TRACE          (of `strace -f -ttt -o TRACE helolint check ...`)

Fails in words where the process that asks the DNS opens, starts or asks for anything after the first packet that it gets, or has not given
its rights up by then; where the one that asks the C library for a name does more than read; where the one that has rights receives anything
from the network.
"""
import re
import sys

LINE = re.compile(r"^(\d+)\s+[\d.]+ (.*)$")
CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+|\?)")
OPENS = {"open", "openat", "openat2", "creat", "name_to_handle_at", "open_by_handle_at", "memfd_create", "io_uring_setup"}
STARTS = {"execve", "execveat", "fork", "vfork", "ptrace"}
RECEIVES = {"recvfrom", "recvmsg", "recvmmsg", "recv"}
RIGHTS = {
    "another user": lambda name, text: name.startswith("setresuid") and "65534, 65534, 65534" in text,
    "no capability": lambda name, text: name == "capset" and "effective=0, permitted=0, inheritable=0" in text,
    "no_new_privs": lambda name, text: name == "prctl" and text.startswith("PR_SET_NO_NEW_PRIVS, 1"),
    "an end": lambda name, text: name == "alarm" or name == "setitimer" and text.startswith("ITIMER_REAL"),
    "seccomp": lambda name, text: name == "seccomp" and "SECCOMP_SET_MODE_FILTER" in text
    or name == "prctl" and text.startswith("PR_SET_SECCOMP, SECCOMP_MODE_FILTER"),
}


def calls(path):
    """Each call with its process, put together where another came between."""
    begun = {}
    with open(path, encoding="utf-8", errors="replace") as trace:
        for line in trace:
            found = LINE.match(line.rstrip("\n"))
            if not found:
                continue
            pid, text = int(found[1]), found[2]
            if text.endswith("<unfinished ...>"):
                begun[pid] = text[: -len("<unfinished ...>")].rstrip()
                continue
            resumed = re.match(r"^<\.\.\. \w+ resumed>(.*)$", text)
            if resumed:
                text = begun.pop(pid, "") + resumed[1]
            call = CALL.match(text)
            if call:
                result = -1 if call[3] == "?" else int(call[3], 0)
                yield pid, call[1], call[2], result


def makes_process(name, text):
    return name in ("fork", "vfork") or name in ("clone", "clone3") and "CLONE_THREAD" not in text


def main(path):
    process = {}   # of each thread
    parent = {}
    done = {}      # rights given up, by process
    heard = set()  # processes that have received
    faults = []
    order = []
    for pid, name, text, result in calls(path):
        own = process.setdefault(pid, pid)
        if own not in order:
            order.append(own)
        if name in ("fork", "vfork", "clone", "clone3") and result > 0:
            if makes_process(name, text):
                process[result] = result
                parent[result] = own
            else:
                process[result] = own
        if result >= 0:
            for right, is_it in RIGHTS.items():
                if is_it(name, text):
                    done.setdefault(own, set()).add(right)
        depth = 0
        above = own
        while above in parent:
            above, depth = parent[above], depth + 1
        if depth == 0:
            # The kernel itself says which interfaces there are.
            if name in RECEIVES and "AF_NETLINK" not in text:
                faults.append(f"the process with rights receives: {name}({text})")
            continue
        if own in heard:
            if name in STARTS or makes_process(name, text):
                faults.append(f"process of depth {depth} starts another after the first packet: {name}({text})")
            if depth == 1 and name in OPENS:
                faults.append(f"the process that asks the DNS opens after the first packet: {name}({text})")
            if depth > 1 and name in OPENS and result >= 0 and re.search(r"O_(WRONLY|RDWR|CREAT)", text):
                faults.append(f"the process that asks for a name opens to write: {name}({text})")
            if name == "socket" and depth == 1 and not text.startswith("AF_INET"):
                faults.append(f"the process that asks the DNS makes a socket: {name}({text})")
        elif name in RECEIVES and result > 0 and "AF_NETLINK" not in text:
            heard.add(own)
            if missing := RIGHTS.keys() - done.get(own, set()):
                faults.append(f"process of depth {depth} receives, and has not given up: {', '.join(sorted(missing))}")
    depths = {pid: (1 if parent.get(pid) not in parent else 2) for pid in heard}
    if 1 not in depths.values():
        faults.append("no process that was made for it has received anything")
    if faults:
        sys.exit("\n".join(fault[:300] for fault in faults[:20]))
    print(f"    {len(order)} processes, of which {len(heard)} received; depths {sorted(depths.values())}", file=sys.stderr)


main(sys.argv[1])
