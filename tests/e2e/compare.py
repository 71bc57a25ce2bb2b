#!/usr/bin/env python3
"""Compares the paths of a JSON report with what an SMTP sink recorded.

usage: compare.py REPORT RECORDS

Every (family, client address, HELO name) recorded must be a path, with the sending address and the sender's domain
right, and every path must have been recorded: each case sends mail along all its paths. A path for a single sender domain
must have been taken by it.
"""
import ipaddress
import json
import sys


def main(report_file, records_file):
    with open(report_file, encoding="utf-8") as f:
        paths = json.load(f)["paths"]
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
            takes = [p for p in candidates if p["sender_domains"] is None or domain in p["sender_domains"]]
            if not takes:
                faults.append(f"{domain} sent as {key}; its paths are for {[p['sender_domains'] for p in candidates]}")
    for key in sorted(set(said) - set(seen), key=str):
        faults.append(f"path {said[key][0]['id']} {key}: no mail went out so")

    print(f"    {len(seen)} ways recorded, {len(said)} paths reported")
    for fault in faults:
        print(f"    WRONG: {fault}")
    return 1 if faults or not seen else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
