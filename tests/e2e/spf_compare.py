#!/usr/bin/env python3
"""Compares pyspf (Debian's python3-spf) with helolint over random policies.

usage: cargo run --example spf_fuzz -- SEED COUNT | spf_compare.py

Each line has a zone, a client and what helolint made of it; pyspf is asked with its look-ups answered from that zone. Result and lookup
count have to be equal. Exit status 1 where one is not, or where nothing was compared.
"""

import inspect
import json
import sys
import textwrap

import spf

# pyspf counts a redirect when it reads it; RFC 7208 section 4.6.4 counts terms that are evaluated. Nothing else of it is changed.
EARLY = """\
                self.check_lookups()
                redirect = self.expand_domain(arg)
"""
LATE = """\
                redirect_record = self.dns_spf(redirect)
"""


def counted_when_followed():
    source = inspect.getsource(spf.query.check0)
    assert source.count(EARLY) == 1 and source.count(LATE) == 1, "another pyspf"
    source = source.replace(EARLY, EARLY.split("\n", 1)[1]).replace(LATE, "                self.check_lookups()\n" + LATE)
    scope = {}
    exec(compile(textwrap.dedent(source), "check0", "exec"), spf.__dict__, scope)  # pylint: disable=exec-used
    spf.query.check0 = scope["check0"]


def main():
    counted_when_followed()
    zone = {}

    def lookup(name, qtype, *_):
        name = name.lower()
        records = zone.get(f"{name} {qtype}", [])
        if records is None:
            raise spf.TempError("timeout")
        if qtype == "MX":
            records = [(int(preference), host) for preference, host in (record.split(" ") for record in records)]
        elif qtype == "TXT":
            records = [(record.encode(),) for record in records]
        return [((name, qtype), record) for record in records]

    spf.DNSLookup = lookup
    count, faults, results = 0, 0, {}
    for line in sys.stdin:
        case = json.loads(line)
        zone.clear()
        zone.update(case["zone"])
        query = spf.query(i=case["client"], s=case["sender"], h=case["helo"])
        result, _, text = query.check()
        count += 1
        results[result] = results.get(result, 0) + 1
        if (result, query.lookups) != (case["result"], case["lookups"]):
            faults += 1
            if faults <= 5:
                print(f"case {case['case']}: pyspf {result}, {query.lookups} lookups ({text}); "
                      f"helolint {case['result']}, {case['lookups']}; {case['client']} {case['sender']} {case['helo']}")
                for key, records in sorted(case["zone"].items()):
                    print(f"    {key} {records}")
    print(f"{count} compared, {faults} differ: {dict(sorted(results.items()))}")
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main())
