#!/usr/bin/env python3
"""An SMTP server that records who delivers: one JSON object a line for each message accepted.

usage: sink.py LOG ADDRESS...        (port 25 of each address; writes LOG.ready once it listens on all)

It refuses recipients called `refused` as Gmail refuses an address without PTR record, and puts those called `later` off as Postfix does;
`nobody` is unknown to it.
"""
import asyncio
import json
import sys


REFUSALS = {
    "refused": [
        "550-5.7.25 [{client}] The IP address sending this message does not have a",
        "550-5.7.25 PTR record setup, or the corresponding forward DNS entry does not",
        "550 5.7.25 match the sending IP. a1-20020a.77 - gsmtp",
    ],
    "later": ["450 4.7.1 Client host rejected: cannot find your reverse hostname, [{client}]"],
    "nobody": ["550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"],
}


async def converse(reader, writer, log):
    client = writer.get_extra_info("peername")[0]
    helo = sender = None
    recipients = []

    async def say(text):
        writer.write(text.encode() + b"\r\n")
        await writer.drain()

    await say("220 sink.example.net ESMTP")
    while line := await reader.readline():
        # surrogateescape: a HELO argument may hold any byte, and is recorded as it came.
        text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        verb, _, rest = text.partition(" ")
        match verb.upper():
            case "EHLO" | "HELO" | "LHLO":
                helo = rest
                await say("250 sink.example.net")
            case "MAIL":
                sender, recipients = rest.partition("<")[2].partition(">")[0], []
                await say("250 sender noted")
            case "RCPT":
                recipient = rest.partition("<")[2].partition(">")[0]
                refusal = REFUSALS.get(recipient.partition("@")[0])
                if refusal is None:
                    recipients.append(recipient)
                for line in refusal or ["250 recipient noted"]:
                    await say(line.format(client=client, recipient=recipient))
            case "DATA":
                await say("354 go on")
                while (line := await reader.readline()) and line.rstrip(b"\r\n") != b".":
                    pass
                record = {"client": client, "helo": helo, "sender": sender, "recipients": recipients}
                log.write(json.dumps(record) + "\n")
                log.flush()
                await say("250 kept")
            case "RSET" | "NOOP":
                await say("250 done")
            case "QUIT":
                await say("221 bye")
                break
            case _:
                await say("502 unknown")
    writer.close()


async def main(path, addresses):
    with open(path, "a", encoding="utf-8") as log:
        for address in addresses:
            await asyncio.start_server(lambda r, w: converse(r, w, log), address, 25)
        with open(path + ".ready", "w", encoding="utf-8"):
            pass
        await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], sys.argv[2:]))
