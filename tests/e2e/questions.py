#!/usr/bin/env python3
"""Writes down every question by UDP that comes to a server, until it is ended.

usage: questions.py FILE ADDRESS...      (in the server's network namespace, root; FILE.ready is there when it listens)

A line each: where it comes from, to whom, name, number of the type.
"""
import socket
import struct
import sys

IPV4, UDP = 0x0800, 17


def name_and_type(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
        at += 1 + message[at]
    return ".".join(labels) + ".", struct.unpack_from("!H", message, at + 1)[0]


def main(path, *addresses):
    door = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
    with open(path, "w", encoding="utf-8", buffering=1) as file:
        open(f"{path}.ready", "w", encoding="utf-8").close()
        while True:
            packet, (_, _, direction, *_) = door.recvfrom(65535)
            header = (packet[0] & 15) * 4
            fragment = struct.unpack_from("!H", packet, 6)[0] & 0x1FFF
            if direction == socket.PACKET_OUTGOING or packet[9] != UDP or fragment:
                continue
            source, to = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
            message = packet[header + 8:]
            # A question, not an answer.
            if to not in addresses or struct.unpack_from("!H", packet, header + 2)[0] != 53 or len(message) < 17 or message[2] & 0x80:
                continue
            try:
                print(source, to, *name_and_type(message), file=file)
            except (IndexError, struct.error):
                print(source, to, "? 0", file=file)


main(*sys.argv[1:])
