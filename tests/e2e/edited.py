#!/usr/bin/env python3
"""Asks the real programs about configurations in which helolint's edits set HELO names, source addresses and the host name.

usage: edited.py postfix FOLDER             (on the host that has Postfix)
       edited.py exim ROOT FOLDER COMMAND...     (as exim_answers.py has it)

E2E_EDITED says how many configurations of each are asked about at the most, spread over all. FOLDER is what the tests `what_is_set_is_read_so_and_nothing_else_changes` write with HELOLINT_EDITED. What was set must be read so, and nothing else
may be otherwise than before.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

import exim_answers

POSTFIX = {"smtp_helo_name": "new.example.com", "smtp_bind_address": "192.0.2.26", "smtp_bind_address6": "2001:db8::26",
           "myhostname": "other.example.com"}
EXIM = {"primary_hostname": "other.example.com", "helo_data": "new.example.com", "interface": "192.0.2.26"}


def some(names):
    """All of them, or as many as E2E_EDITED says, from the first to the last."""
    most = int(os.environ.get("E2E_EDITED") or len(names))
    return names if most >= len(names) else [names[at * len(names) // most] for at in range(most)]


class Everything:
    def __contains__(self, _):
        return True


def postconf(directory, *options):
    done = subprocess.run(["postconf", "-c", directory, *options], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    lines = done.stdout.decode("utf-8", "backslashreplace").splitlines()
    return done.returncode, {name: value.removeprefix(" ") for name, _, value in (line.partition(" =") for line in lines)}


def of_postfix(folder, name):
    """What is wrong with one case; how many of its parameters were set."""
    def read(ending):
        with open(os.path.join(folder, f"{name}.{ending}"), "rb") as file:
            return file.read()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        here = lambda text: text.replace(b"@DIR@", directory.encode())
        files = {"master.cf": read("master")}
        files |= {os.path.relpath(path, "@DIR@"): text.encode() for path, text in json.loads(read("files")).items()}
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(directory, path)), exist_ok=True)
            with open(os.path.join(directory, path), "wb") as file:
                file.write(here(text))
        said = {}
        for state in ("before", "after"):
            with open(os.path.join(directory, "main.cf"), "wb") as file:
                file.write(here(read(state)))
            said[state] = postconf(directory, "-n"), postconf(directory, "-x", *POSTFIX)
        (status, before), _ = said["before"]
        (again, after), (_, expanded) = said["after"]
        if status != 0:
            return [], 0
        if again != 0:
            return [f"{name}: postconf ends with {again}"], 0
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        # postconf shows a name that is nobody's only where another setting uses it.
        unused = {key for key in changed if key not in after and re.search(rf"^{key}\s*=".encode(), read("after"), re.M)}
        changed -= unused
        wrong = [f"{name}: {key}: {before.get(key)!r}, {after.get(key)!r}" for key in changed
                 if key not in POSTFIX or expanded.get(key) != POSTFIX[key]]
        return wrong, len(changed)


def postfix(folder):
    names = some(sorted(name.removesuffix(".before") for name in os.listdir(folder) if name.endswith(".before")))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return len(names), list(pool.map(lambda name: of_postfix(folder, name), names))


def of_exim(host, case):
    with open(os.path.join(case, "case.json"), encoding="utf-8") as file:
        spec = json.load(file)
    with open(os.path.join(case, "wished.json"), encoding="utf-8") as file:
        wished = json.load(file)
    base = ["-C", spec.get("config", "/etc/exim4/exim4.conf")] + [f"-D{name}={value}" for name, value in spec.get("defines", {}).items()]
    states = []
    # What the test put beside the case's files, for its own reader, is no part of it.
    for path in ("etc/passwd", "etc/hosts", "etc/nsswitch.conf"):
        if not os.path.exists(os.path.join(case, "root", path)):
            os.unlink(os.path.join(case, "after", path))
    for tree in ("root", "after"):
        host.place(os.path.join(case, tree))
        said = host.ask(spec.get("hostname", "mail1.example.com"), [base + ["-bP", *what] for what in ([], ["transports"], ["routers"])])
        if any(status for status, _, _ in said):
            states.append(None)
            continue
        state = exim_answers.options(said[0][1].splitlines(), Everything())
        for kind, (_, out, _) in zip(("transport", "router"), said[1:]):
            for name, options in exim_answers.drivers(out, kind, Everything()).items():
                state |= {f"{kind} {name} {option}": value for option, value in options.items()}
        states.append(state)
    before, after = states
    name = os.path.basename(case)
    if before is None:
        return [], 0
    if after is None:
        return [f"{name}: Exim refuses it now"], 0
    wrong, count = [], 0
    for key in before.keys() | after.keys():
        if before.get(key) == after.get(key):
            continue
        # What follows the host's name by default.
        if (before.get(key), after.get(key)) == (before["primary_hostname"], after["primary_hostname"]) and key != "primary_hostname":
            continue
        count += 1
        if after.get(key) != EXIM.get(key.split(" ")[-1]) or wished.get(key) != after.get(key):
            wrong.append(f"{name}: {key}: {before.get(key)!r}, {after.get(key)!r}, meant was {wished.get(key)!r}")
    for key, value in wished.items():
        if value == EXIM.get(key.split(" ")[-1]) and after.get(key) != value:
            wrong.append(f"{name}: {key} is {after.get(key)!r}, not {value!r}")
    return wrong, count


def exim(root, folder, *command):
    host = exim_answers.Host(root, command)
    cases = some(sorted(os.path.join(folder, name) for name in os.listdir(folder)))
    found = [of_exim(host, case) for case in cases]
    host.place("/nonexistent")
    return len(cases), found


def main(which, *arguments):
    number, found = {"postfix": postfix, "exim": exim}[which](*arguments)
    wrong = [fault for faults, _ in found for fault in faults]
    count = sum(count for _, count in found)
    print(f"    {number} configurations, {count} settings made", file=sys.stderr)
    for fault in wrong:
        print(f"    {fault}", file=sys.stderr)
    sys.exit(bool(wrong) or count < number)


main(*sys.argv[1:])
