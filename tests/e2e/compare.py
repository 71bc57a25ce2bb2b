#!/usr/bin/env python3
"""Compares the paths of a JSON report with what an SMTP sink recorded.

usage: compare.py REPORT RECORDS

Every (family, client address, HELO name) recorded must be a path, with the sending address and the sender's domain
right, and every path in use must have been recorded: each case sends mail along all of them. A path for some sender
domains must have been taken by one of them.
"""
import ipaddress
import json
import sys


def takes(path, domain, paths):
    """Whether mail from `domain` may take the path, as the report has it."""
    domains = path["sender_domains"]
    if domains is None or domain in domains:
        return True
    # The path of every domain that no other path claims.
    claimed = any(domain in (p["sender_domains"] or []) for p in paths if p["family"] == path["family"])
    return path["sender_selection"] == "listed-and-others" and not claimed


def main(report_file, records_file):
    with open(report_file, encoding="utf-8") as f:
        paths = [p for p in json.load(f)["paths"] if not p["unused"]]
    with open(records_file, encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    faults = []

    seen = {}
    for r in records:
        client = ipaddress.ip_address(r["client"])
        domain = r["sender"].rpartition("@")[2].lower()
        seen.setdefault((f"ipv{client.version}", str(client), r["helo"]), set()).add(domain)
    said = {}
    for p in paths:
        if p["sending"] != p["source"]:
            faults.append(f"{p['id']}: source {p['source']}, sending address {p['sending']}: there is no NAT here")
        said.setdefault((p["family"], p["source"], p["helo"]), []).append(p)

    for key, domains in sorted(seen.items()):
        candidates = said.get(key)
        if candidates is None:
            faults.append(f"mail went out as {key}, which is no path")
            continue
        for domain in sorted(domains):
            if not any(takes(p, domain, paths) for p in candidates):
                chosen = [(p["sender_domains"], p["sender_selection"]) for p in candidates]
                faults.append(f"{domain} sent as {key}; its paths are for {chosen}")
    for key in sorted(set(said) - set(seen), key=str):
        faults.append(f"path {said[key][0]['id']} {key}: no mail went out so")

    print(f"    {len(seen)} ways recorded, {len(said)} paths reported")
    for fault in faults:
        print(f"    WRONG: {fault}")
    return 1 if faults or not seen else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
