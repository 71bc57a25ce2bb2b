#!/usr/bin/env python3
"""Runs of `helolint fix --apply` and `--undo` that are killed at each system call by which they write, once each.

usage: kills.py HELOLINT HOST...      (HOST: a folder of testdata/hosts; wants strace, and root for owners and attributes)

Whenever it is killed, each file is the old one or the new one, whole, with owner, permissions, access list and attributes; another --apply
finishes the work and leaves no draft; and --undo gives back the bytes. A file that is mounted from elsewhere, as in containers, or that may only be
read or that is immutable is left, with the reason and how that ends.
"""
import collections
import errno
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

# Calls by which a run changes what is on the disk, and the lock that it takes first.
WRITES = ["openat", "write", "fchown", "fchmod", "fsetxattr", "fsync", "linkat", "renameat", "renameat2", "unlinkat", "flock"]
OWN = re.compile(r"\.helolint-([0-9a-f]{16}$|\d{8}T\d{6}Z-[0-9a-f]{16}-[0-9a-f]{16}\.(bak|new)$)")
DRAFT = re.compile(r"(^|/)\.helolint-[0-9a-f]{16}$")
# Version 2: owner rw, user 7 r, group r, mask r, others nothing (acl(5), linux/posix_acl_xattr.h).
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in [
    (1, 6, 0xFFFFFFFF), (2, 4, 7), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)])
NOTE = b"kept"


class Host:
    """A copy of a scenario's host."""

    def __init__(self, helolint, scenario):
        self.folder = tempfile.mkdtemp()
        self.root = f"{self.folder}/root"
        shutil.copytree(f"{scenario}/root", self.root, symlinks=True)
        self.command = [helolint, "fix", "--root", self.root, "--kernel", f"{scenario}/kernel", "--zones", f"{scenario}/zones"]
        if os.path.exists(f"{scenario}/args"):
            self.command += open(f"{scenario}/args", encoding="utf-8").read().split()
        self.scenario = scenario
        self.lacks = set()

    def fix(self, *options, strace=()):
        command = [*(("strace", "-f", "-q", *strace) if strace else ()), *self.command, *options]
        done = subprocess.run(command, cwd=self.scenario, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, text=True, check=False)
        assert "panicked" not in done.stderr, done.stderr
        return done

    def files(self):
        """Every file: content, permissions, owner and attributes."""
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = f"{folder}/{name}"
                stat = os.lstat(path)
                link = os.path.islink(path)
                content = os.readlink(path) if link else open(path, "rb").read()
                marks = () if link else tuple((mark, os.getxattr(path, mark)) for mark in sorted(os.listxattr(path)))
                found[path[len(self.root):]] = (content, stat.st_mode, stat.st_uid, stat.st_gid, marks)
        return found

    def mark(self, files):
        """Gives files an owner, permissions and attributes that a new file would not have."""
        for path in (self.root + name for name in files if os.path.exists(self.root + name)):
            os.chown(path, 7, 8)
            os.chmod(path, 0o640)
            for mark, value in (("user.note", NOTE), ("system.posix_acl_access", ACL)):
                try:
                    os.setxattr(path, mark, value)
                except OSError as error:
                    # tmpfs has them since Linux 6.6.
                    if error.errno != errno.ENOTSUP:
                        raise
                    self.lacks.add(mark)

    def gone(self):
        shutil.rmtree(self.folder)


def own(files):
    return {name for name in files if OWN.search(name)}


def foreign(files):
    return {name: state for name, state in files.items() if not OWN.search(name)}


def points(trace):
    """The calls that write, each with its number among those of its kind, in the process that makes them."""
    seen = collections.defaultdict(collections.Counter)
    found, begun = [], False
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = re.match(r"^(\d+)\s+(\w+)\((.*)", line)
            if not call or call[2] not in WRITES:
                continue
            pid, name, rest = call.groups()
            seen[pid][name] += 1
            # Whatever comes before the folder is held is reading.
            begun = begun or name == "flock"
            if begun and (name != "openat" or "O_CREAT" in rest) and not (name == "write" and rest.startswith("1,")):
                found.append((name, seen[pid][name]))
    return found


def start(helolint, scenario, marked):
    host = Host(helolint, scenario)
    host.mark(marked)
    return host


def killed(host, options, name, number):
    done = host.fix(*options, strace=["-o", "/dev/null", "-e", "trace=" + name, "-e", f"inject={name}:signal=SIGKILL:when={number}"])
    assert done.returncode in (-9, 137), f"{name} {number}: not killed: {done.returncode} {done.stdout} {done.stderr}"


def undone(host, before, what):
    """Gives back run after run, until there is none."""
    for _ in range(4):
        done = host.fix("--undo")
        assert done.returncode == 0, f"{what}: --undo: {done.stdout} {done.stderr}"
        if "There is no backup" in done.stdout:
            break
    files = host.files()
    assert files == before, f"{what}: not given back: {sorted(name for name in files if files[name] != before.get(name))}"


def applied_and_killed(helolint, scenario):
    plain = start(helolint, scenario, [])
    before = plain.files()
    plain.fix("--apply", "--unsafe")
    changed = sorted(name for name, state in foreign(plain.files()).items() if state != before.get(name))
    changed += sorted(name for name in before if name not in plain.files())
    assert changed, f"{scenario}: nothing is changed"
    plain.gone()

    whole = start(helolint, scenario, changed)
    before = whole.files()
    trace = f"{whole.folder}/trace"
    done = whole.fix("--apply", "--unsafe", strace=["-o", trace, "-e", "trace=" + ",".join(WRITES)])
    after, status = foreign(whole.files()), done.returncode
    for name in changed:
        if name in before and name in after:
            assert after[name][1:] == before[name][1:], f"{scenario}: {name}: owner, permissions or attributes: {after[name][1:]}"
            kept = {mark for mark, _ in after[name][4]}
            assert {"user.note", "system.posix_acl_access"} <= kept | whole.lacks, f"{name}: {kept}"
    calls = points(trace)
    assert len(calls) >= 8, calls
    for name, number in calls:
        what = f"{os.path.basename(scenario)}: killed at {name} {number}"
        for then in ("apply", "undo"):
            host = start(helolint, scenario, changed)
            killed(host, ["--apply", "--unsafe"], name, number)
            files = host.files()
            for path, state in foreign(files).items():
                assert state in (before.get(path), after.get(path)), f"{what}: {path} is neither the old nor the new one: {state}"
            for path in before:
                assert path in files or path not in after, f"{what}: {path} is gone"
            if then == "apply":
                again = host.fix("--apply", "--unsafe")
                assert again.returncode == status, f"{what}: again: {again.returncode} {again.stdout} {again.stderr}"
                files = host.files()
                assert foreign(files) == after, f"{what}: not finished: {again.stdout}"
                assert not any(DRAFT.search(path) for path in files), f"{what}: {own(files)}"
                third = host.fix("--apply", "--unsafe")
                assert third.stdout.endswith("No file was written.\n") and host.files() == files, f"{what}: {third.stdout}"
            undone(host, before, what)
            host.gone()

    trace = f"{whole.folder}/undo"
    applied = whole.files()
    shutil.copytree(whole.root, f"{whole.folder}/applied", symlinks=True)
    whole.fix("--undo", strace=["-o", trace, "-e", "trace=" + ",".join(WRITES)])
    assert whole.files() == before, scenario
    undoing = points(trace)
    whole.gone()
    for name, number in undoing:
        what = f"{os.path.basename(scenario)}: --undo killed at {name} {number}"
        host = start(helolint, scenario, changed)
        host.fix("--apply", "--unsafe")
        assert foreign(host.files()) == foreign(applied), what
        killed(host, ["--undo"], name, number)
        for path, state in foreign(host.files()).items():
            assert state in (before.get(path), after.get(path)), f"{what}: {path}: {state}"
        undone(host, before, what)
        host.gone()
    return len(calls), len(undoing), whole.lacks


def refused(helolint, scenario):
    """What cannot be replaced is left, with the reason and the place that lasts: a file or a folder that is mounted from elsewhere, may only be read,
    or is immutable. Nothing is left beside it, and once it can be replaced, it is."""
    file = "/etc/postfix/main.cf"
    ways = {
        "mounted file": "it is mounted here from elsewhere (a container's file): it is changed where it comes from",
        "read-only folder": "its file system is read-only: it is changed where that is made",
        "immutable file": "it is immutable (lsattr shows it, chattr -i ends it)",
        "immutable folder": "immutable (lsattr shows it)",
    }
    for how, words in ways.items():
        host = Host(helolint, scenario)
        path = host.root + file
        at = path if how.endswith("file") else os.path.dirname(path)
        other = f"{host.folder}/other"
        if how.startswith("immutable"):
            subprocess.run(["chattr", "+i", at], check=True)
            end = ["chattr", "-i", at]
        else:
            (shutil.copy if how.endswith("file") else shutil.copytree)(at, other)
            subprocess.run(["mount", "--bind", other, at], check=True)
            if how == "read-only folder":
                subprocess.run(["mount", "-o", "remount,bind,ro", at], check=True)
            end = ["umount", at]
        before = host.files()
        done = host.fix("--apply", "--unsafe")
        assert done.returncode == 1 and f"{file}: " in done.stdout and words in done.stdout, f"{how}: {done.returncode} {done.stdout} {done.stderr}"
        assert host.files() == before, f"{how}: {sorted(host.files().keys() ^ before.keys())}"
        subprocess.run(end, check=True)
        done = host.fix("--apply", "--unsafe")
        assert done.returncode == 0 and host.files() != before, f"{how}: it ended, and then: {done.returncode} {done.stdout} {done.stderr}"
        host.gone()


def main(helolint, *scenarios):
    refused(helolint, scenarios[0])
    for scenario in scenarios:
        applies, undos, lacks = applied_and_killed(helolint, scenario)
        without = f" (this file system has no {', '.join(sorted(lacks))})" if lacks else ""
        print(f"    {os.path.basename(scenario)}: killed at {applies} calls of --apply, twice each, and {undos} of --undo{without}", file=sys.stderr)


main(*sys.argv[1:])
