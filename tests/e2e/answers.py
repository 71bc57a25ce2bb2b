#!/usr/bin/env python3
"""A name server of few words: every address has one name, every name one address of the host, and nothing else exists.

usage: answers.py NAME ADDRESS4 LISTEN...     (port 53 over UDP; writes `ready` to standard output once it listens)
"""
import selectors
import socket
import struct
import sys

A, PTR = 1, 12


def labels(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def answer(packet, name, address):
    end = 12
    while packet[end]:
        end += packet[end] + 1
    question = packet[12:end + 5]
    (kind,) = struct.unpack(">H", packet[end + 1:end + 3])
    data = {A: socket.inet_aton(address), PTR: labels(name)}.get(kind)
    head = packet[:2] + struct.pack(">5H", 0x8580, 1, 0 if data is None else 1, 0, 0) + question
    return head if data is None else head + struct.pack(">HHHIH", 0xC00C, kind, 1, 300, len(data)) + data


def main(name, address, *listen):
    waiting = selectors.DefaultSelector()
    for own in listen:
        server = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((own, 53))
        waiting.register(server, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in waiting.select():
            packet, client = key.fileobj.recvfrom(4096)
            key.fileobj.sendto(answer(packet, name, address), client)


main(*sys.argv[1:])
