#!/usr/bin/env python3
"""Asks a real Exim about the cases that tests/generators/exim_fuzz wrote, and keeps its answers beside them.

usage: exim_answers.py ROOT FOLDER COMMAND...

ROOT is the folder that Exim sees as /; COMMAND with a program behind it runs that program there, with a host name that
may be set. Each case's files are put into ROOT, asked about, and taken away; `expected.json` has what Exim says.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

MAIN = """primary_hostname qualify_domain qualify_recipient smtp_banner smtp_active_hostname local_interfaces
    extra_local_interfaces daemon_smtp_ports tls_on_connect_ports disable_ipv6 dns_ipv4_lookup tls_certificate
    tls_advertise_hosts helo_allow_chars smtp_enforce_sync""".split()
TRANSPORT = "driver interface helo_data hosts dkim_domain return_path".split()
ROUTER = "driver transport domains condition route_list more unseen".split()
VARIABLES = {"sender_address": "-f", "sender_host_address": "-oMa", "sender_host_name": "-oMs"}


def options(lines, wanted):
    """Options as -bP prints them: `name = value`, `name`, `no_name`."""
    found = {}
    for line in lines:
        name, equals, value = line.partition(" =")
        if equals:
            found[name] = value.removeprefix(" ")
        elif line.startswith("no_"):
            found[line.removeprefix("no_")] = False
        else:
            found[line] = True
    return {name: value for name, value in found.items() if name in wanted}


def drivers(text, kind, wanted):
    """Driver instances as -bP prints them: a heading each, then options."""
    heading = re.compile(rf"(\w+) {kind}:")
    found, lines = {}, []
    for line in text.splitlines():
        if match := heading.fullmatch(line):
            lines = found[match[1]] = []
        else:
            lines.append(line)
    return {name: options(lines, wanted) for name, lines in found.items()}


def refusal(text):
    """Exim's message, without time stamps and what it says of the environment, and the place where it names one."""
    text = re.sub(r"^\d{4}-\d\d-\d\d [\d:]{8} ", "", text, flags=re.M)
    kept = []
    for line in text.splitlines():
        if line.strip() and line not in kept and "purging the environment" not in line and "keep_environment" not in line:
            kept.append(line.rstrip())
    error = {"text": "\n".join(kept)}
    if place := re.search(r"error in line (\d+) of (\S+?):?$", error["text"], re.M):
        error.update(line=int(place[1]), file=place[2])
    return error


def latin(text):
    """What is no UTF-8 as the characters of ISO 8859-1, which is how helolint shows an octet."""
    return re.sub("[\udc80-\udcff]", lambda octet: chr(ord(octet[0]) - 0xDC00), text)


class Host:
    def __init__(self, root, command):
        self.root, self.command = root, command
        self.put = []

    def path(self, path):
        return os.path.join(self.root, path.lstrip("/"))

    def place(self, tree):
        """Puts the files of a case into the root; takes those of the one before away."""
        for path in self.put:
            os.unlink(path)
        self.put = []
        for folder, _, names in os.walk(tree):
            target = os.path.join(self.root, os.path.relpath(folder, tree))
            os.makedirs(target, exist_ok=True)
            for name in names:
                path = os.path.join(target, name)
                shutil.copyfile(os.path.join(folder, name), path)
                os.chmod(path, 0o644)
                self.put.append(path)

    def ask(self, hostname, calls):
        """Runs exim with each list of arguments; status, standard output and error of each."""
        script = [f"hostname {shlex.quote(hostname)}"]
        for number, arguments in enumerate(calls):
            script.append(f"exim4 {shlex.join(arguments)} >/tmp/{number}.out 2>/tmp/{number}.err; echo $? >/tmp/{number}.rc")
        with open(self.path("/tmp/ask.sh"), "w", encoding="utf-8") as f:
            f.write("\n".join(script) + "\n")
        subprocess.run([*self.command, "sh", "/tmp/ask.sh"], check=True, stdin=subprocess.DEVNULL)
        answers = []
        for number in range(len(calls)):
            texts = []
            for kind in ("rc", "out", "err"):
                # Carriage returns are a part of what Exim says.
                with open(self.path(f"/tmp/{number}.{kind}"), encoding="utf-8", errors="surrogateescape", newline="") as f:
                    texts.append(latin(f.read()))
            answers.append((int(texts[0]), texts[1], texts[2]))
        return answers


def answers(host, case):
    with open(os.path.join(case, "case.json"), encoding="utf-8") as f:
        spec = json.load(f)
    host.place(os.path.join(case, "root"))
    base = ["-C", spec["config"]] + [f"-D{name}={value}" for name, value in spec["defines"].items()]
    asked = [["-bV"], ["-bP", *MAIN], ["-bP", "transports"], ["-bP", "routers"], ["-bP", "macros"], ["-bP", "config"]]
    said = host.ask(spec["hostname"], [base + question for question in asked])
    if refused := next((err or out for status, out, err in said if status != 0), None):
        return {"ok": False, "error": refusal(refused)}
    printed = [out for _, out, _ in said]
    expected = {
        "ok": True,
        "main": options(printed[1].splitlines(), MAIN),
        "transports": drivers(printed[2], "transport", TRANSPORT),
        "routers": drivers(printed[3], "router", ROUTER),
        "macros": dict(line.split("=", 1) for line in printed[4].splitlines() if "=" in line and line[0] != "_"),
        "lines": [line.strip() for line in printed[5].splitlines() if line.strip() and not line.lstrip().startswith("#")],
        "expand": [],
    }
    calls = []
    for item in spec["expand"]:
        text = item.get("text")
        if text is None:
            transport = expected["transports"].get(item["transport"])
            if transport is None or item["option"] not in transport:
                continue
            text = transport[item["option"]]
        # From a file, so that macros are not replaced in it once more.
        path = f"/tmp/text{len(calls)}"
        with open(host.path(path), "w", encoding="utf-8", errors="surrogateescape") as f:
            f.write(text)
        given = [part for name, value in item["vars"].items() for part in (VARIABLES[name], value or "<>")]
        calls.append(base + given + ["-be", f"${{expand:${{readfile{{{path}}}}}}}"])
        expected["expand"].append(item)
    for item, (status, out, _) in zip(expected["expand"], host.ask(spec["hostname"], calls)):
        out = out.removesuffix("\n")
        if status != 0 and not out:
            item["result"] = {"volatile": f"Exim ends with {status}"}
        elif out.startswith("Failed: "):
            inner = re.fullmatch(r'internal expansion of ".*" failed: (.*)', out[8:], re.S)
            item["result"] = {"failed": inner[1] if inner else out[8:]}
        else:
            item["result"] = {"value": out}
    return expected


def main(root, folder, *command):
    host = Host(root, command)
    accepted = refused = 0
    for name in sorted(os.listdir(folder)):
        case = os.path.join(folder, name)
        expected = answers(host, case)
        accepted, refused = accepted + expected["ok"], refused + (not expected["ok"])
        with open(os.path.join(case, "expected.json"), "w", encoding="utf-8") as f:
            json.dump(expected, f, indent=1)
    host.place("/nonexistent")
    print(f"    Exim takes {accepted} configurations and refuses {refused}")


if __name__ == "__main__":
    main(*sys.argv[1:])
