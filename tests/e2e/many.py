#!/usr/bin/env python3
"""Many domains: their zone, a way to its server on which packets are lost, and what has to come of them.

usage: many.py make COUNT FOLDER                      zones, `domains` and `expected.json`
       many.py relay LOG LOSS MILLISECONDS SERVER ADDRESS...   passes on what comes to ADDRESS:53, until it is ended
       many.py results FOLDER OUTPUT                  every domain is in the output once, as it was made
       many.py asked LOG SOURCE [MOST [A_SECOND]]     no question came twice from SOURCE, nor too many at one time, nor too fast
       many.py fresh LOG SOURCE OUTPUT                nothing about domains of an earlier output was asked
"""
import collections
import heapq
import json
import random
import select
import socket
import struct
import sys
import threading
import time

ZONE = "customers.example"
HERE, ELSEWHERE = "203.0.113.10", "198.51.100.9"
KINDS = ("plain", "include", "no-spf", "fail", "own-exchanger", "nothing", "own-dmarc", "include-missing", "large", "many-lookups")
QUESTION, REPLY = "question", "reply"


def make(count, folder):
    lines = [f"$ORIGIN {ZONE}.", "$TTL 300", "@ IN SOA ns1 hostmaster 1 7200 3600 1209600 300", "@ IN NS ns1", "@ IN NS ns2",
             "ns1 IN A 192.0.2.63", "ns2 IN A 192.0.2.64", f"mx IN A {HERE}", f'_spf IN TXT "v=spf1 ip4:{HERE} -all"',
             '_dmarc IN TXT "v=DMARC1; p=none"']
    lines += [f'_s{n} IN TXT "v=spf1 ip4:192.0.2.{n} ?all"' for n in range(1, 12)]
    expected = {}
    for n in range(count):
        kind, name = KINDS[n % len(KINDS)], f"d{n:03}"
        spf, result, mx, policy = f"v=spf1 ip4:{HERE} -all", "pass", f"mx.{ZONE}", "none"
        if kind == "include":
            spf = f"v=spf1 include:_spf.{ZONE} -all"
        elif kind == "no-spf":
            spf, result = None, "none"
        elif kind == "fail":
            spf, result = "v=spf1 ip4:198.51.100.7 -all", "fail"
        elif kind == "own-exchanger":
            mx = f"mail.{name}.{ZONE}"
            lines.append(f"mail.{name} IN A {ELSEWHERE}")
        elif kind == "nothing":
            spf, result, mx = None, "none", None
        elif kind == "own-dmarc":
            policy = "reject"
            lines.append(f'_dmarc.{name} IN TXT "v=DMARC1; p=reject"')
        elif kind == "include-missing":
            spf, result = f"v=spf1 include:_none.{ZONE} -all", "permerror"
        elif kind == "large":
            # More than a packet holds: the rest of the set comes over TCP.
            lines += [f'{name} IN TXT "{letter * 200}"' for letter in "abcdefgh"]
        elif kind == "many-lookups":
            spf, result = "v=spf1 " + " ".join(f"include:_s{n}.{ZONE}" for n in range(1, 12)) + " -all", "permerror"
        if spf:
            # A string has no more than 255 octets.
            lines.append(f"{name} IN TXT " + " ".join(f'"{spf[at:at + 200]}"' for at in range(0, len(spf), 200)))
        if mx:
            lines += [f"{name} IN MX 10 {mx}.", f"{name} IN A {HERE}"]
        expected[f"{name}.{ZONE}"] = {"spf": result, "mx": [mx or f"{name}.{ZONE}"], "policy": policy}
    with open(f"{folder}/{ZONE}.zone", "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    with open(f"{folder}/example.zone", "w", encoding="ascii") as file:
        file.write("$ORIGIN example.\n$TTL 300\n@ IN SOA ns1.customers hostmaster 1 7200 3600 1209600 300\n@ IN NS ns1.customers\n")
        file.write("customers IN NS ns1.customers\ncustomers IN NS ns2.customers\nns1.customers IN A 192.0.2.63\nns2.customers IN A 192.0.2.64\n")
    with open(f"{folder}/domains", "w", encoding="ascii") as file:
        file.write("".join(f"{name}\n" for name in expected))
    with open(f"{folder}/expected.json", "w", encoding="ascii") as file:
        json.dump(expected, file)


def name_and_type(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
        at += 1 + message[at]
    return ".".join(labels), struct.unpack_from("!H", message, at + 1)[0]


def pass_stream(server, stream):
    with stream, socket.create_connection((server, 53), 5) as upstream:
        def whole(source):
            head = source.recv(2, socket.MSG_WAITALL)
            return head + source.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else b""
        upstream.sendall(whole(stream))
        stream.sendall(whole(upstream))


def listen(server, address):
    door = socket.create_server((address, 53), backlog=64)
    while True:
        threading.Thread(target=pass_stream, args=(server, door.accept()[0]), daemon=True).start()


def relay(path, loss, delay, server, *addresses):
    """Each packet is lost with this probability, each way; replies are held back for the delay."""
    loss, delay, chance = float(loss), float(delay) / 1000, random.Random(16)
    doors = {}
    for address in addresses:
        door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        door.bind((address, 53))
        doors[door] = address
        threading.Thread(target=listen, args=(server, address), daemon=True).start()
    upstream = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    upstream.connect((server, 53))
    waiting, later, number = {}, [], 0
    with open(path, "w", encoding="utf-8", buffering=1) as log:
        def note(what, door, peer, message, lost):
            name, rtype = name_and_type(message)
            print(json.dumps([time.monotonic(), what, doors[door], peer[0], peer[1], message[:2].hex(), name, rtype, lost]), file=log)

        open(f"{path}.ready", "w", encoding="utf-8").close()
        while True:
            wait = max(0, later[0][0] - time.monotonic()) if later else None
            for ready in select.select([upstream, *doors], [], [], wait)[0]:
                if ready is upstream:
                    message = upstream.recv(65535)
                    door, peer, own = waiting.pop(message[:2], (None, None, None))
                    if door:
                        number += 1
                        heapq.heappush(later, (time.monotonic() + delay, number, door, peer, own + message[2:]))
                    continue
                message, peer = ready.recvfrom(65535)
                lost = chance.random() < loss
                note(QUESTION, ready, peer, message, lost)
                if not lost:
                    number += 1
                    fresh = struct.pack("!H", number % 65536)
                    waiting[fresh] = (ready, peer, message[:2])
                    upstream.send(fresh + message[2:])
            while later and later[0][0] <= time.monotonic():
                _, _, door, peer, message = heapq.heappop(later)
                lost = chance.random() < loss
                note(REPLY, door, peer, message, lost)
                if not lost:
                    door.sendto(message, peer)


def results(folder, output):
    with open(f"{folder}/expected.json", encoding="ascii") as file:
        expected = json.load(file)
    with open(output, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert len(lines) == len(expected), f"{len(lines)} lines, {len(expected)} domains"
    for line in lines:
        # A second line of one domain is not found here any more.
        wanted = expected.pop(line["domain"])
        spf = {one["result"] for one in line["spf"]["results"] if one["identity"] == "mailfrom"}
        found = {"spf": spf.pop() if len(spf) == 1 else spf, "mx": [mx["name"] for mx in line["mx"] or []],
                 "policy": line["dmarc"] and line["dmarc"]["policy"]}
        assert found == wanted, f"{line['domain']}: {found}, not {wanted}"
        open_ones = [one for one in line["findings"] if one["verdict"] == "undetermined"]
        assert not open_ones, f"{line['domain']}: {open_ones}"


def read(path, source):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [line for line in lines if line[3] == source]


def asked(path, source, most=256, a_second=None):
    log = read(path, source)
    assert log, f"nothing came from {source}"
    by_server = collections.defaultdict(list)
    for line in log:
        by_server[line[2]].append(line)
    for server, lines in by_server.items():
        packets = [line for line in lines if line[1] == QUESTION]
        ids = collections.defaultdict(set)
        for _, _, _, _, port, number, name, rtype, _ in packets:
            ids[name, rtype].add((port, number))
        # A packet sent again is the same one, from the same port.
        twice = {question: numbers for question, numbers in ids.items() if len(numbers) > 1}
        assert not twice, f"asked twice of {server}: {twice}"
        # A packet sent again may come when its question has been answered: that one is no longer open.
        open_ones, seen, largest = set(), set(), 0
        for at, what, _, _, port, number, *asked_for in lines:
            one = (port, number, *asked_for[:2])
            if what != QUESTION:
                open_ones.discard(one)
            elif one not in seen:
                open_ones.add(one)
            seen.add(one)
            largest = max(largest, len(open_ones))
        assert largest <= int(most), f"{largest} questions at one time at {server}"
        times = [line[0] for line in packets]
        took = times[-1] - times[0]
        if a_second:
            # Packets of 50 ms may go at once; a tenth for the clocks' sake.
            allowed = took * int(a_second) * 1.1 + int(a_second) / 20 + 2
            assert len(times) <= allowed, f"{len(times)} packets in {took:.2f} s to {server}"
        print(f"    {server}: {len(ids)} questions, {len(packets)} packets, {largest} at one time, {len(ids) / max(took, 0.001):.0f} a second")


def fresh(path, source, output):
    with open(output, encoding="utf-8") as file:
        done = {json.loads(line)["domain"] for line in file if line.endswith("\n")}
    assert done, "nothing was kept"
    again = {line[6] for line in read(path, source)} & done
    assert not again, f"asked again: {sorted(again)[:5]}"
    print(f"    {len(done)} domains were done before")


{"make": lambda count, folder: make(int(count), folder), "relay": relay, "results": results, "asked": asked, "fresh": fresh}[sys.argv[1]](*sys.argv[2:])
