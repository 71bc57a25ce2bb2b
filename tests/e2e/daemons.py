"""Starts the real master on configurations, and a program for each of its services (see postconf)."""
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import threading
import time

LOGGED = re.compile(r"<\d+>\w+ +\d+ [\d:]+ (\S+)\[(\d+)\]: (.*)", re.S)
ENDED = re.compile(r"warning: process \S+ pid (\d+) (?:exit status|killed by signal) (\d+)")
DIRECTORIES = "active bounce corrupt defer deferred flush hold incoming maildrop pid private public saved trace".split()


class Log:
    """What programs say to syslog, by process."""

    def __init__(self):
        self.said = {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            found = LOGGED.fullmatch(self.socket.recv(1 << 16).decode("utf-8", "backslashreplace"))
            if found:
                self.said.setdefault(int(found[2]), []).append(found[3])

    def fatal(self, pid):
        """The first words by which a process ended itself."""
        return next((text for text in self.said.get(pid, []) if text.startswith(("fatal: ", "panic: "))), None)


def eventually(seconds, found):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (value := found()) is not None:
            return value
        time.sleep(0.02)
    return None


class Master:
    """The master of one configuration, in a queue directory of its own."""

    def __init__(self, log, directory):
        self.log, self.directory, self.queue = log, directory, directory + ".queue"
        os.mkdir(self.queue)
        for name in DIRECTORIES:
            os.mkdir(os.path.join(self.queue, name))
            os.chmod(os.path.join(self.queue, name), 0o777)
        os.chmod(self.queue, 0o755)
        with open(os.path.join(directory, "main.cf"), "ab") as main:
            main.write(f"\nqueue_directory = {self.queue}\ndata_directory = {self.queue}/pid\n".encode())
            # A server would wait for the services behind these.
            main.write(b"local_recipient_maps =\nsmtpd_client_event_limit_exceptions = static:all\n")
        os.utime(os.path.join(directory, "main.cf"), (1e9, 1e9))

    def __enter__(self):
        self.process = subprocess.Popen(["/usr/lib/postfix/sbin/master"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True,
                                        env={"PATH": os.environ["PATH"], "MAIL_CONFIG": self.directory})
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.queue, ignore_errors=True)

    def said(self):
        return list(self.log.said.get(self.process.pid, []))

    def refusal(self):
        """Why it does not start; None where it does."""
        def state():
            if any(text.startswith("daemon started") for text in self.said()):
                return ""
            if fatal := self.log.fatal(self.process.pid):
                return fatal
            if self.process.poll() is not None:
                return f"ends with {self.process.returncode}"
            return None
        return eventually(20, state) or None

    def children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return {int(word) for word in file.read().split()}

    def service(self, path):
        """What ends the program behind a socket when it starts; None where it serves."""
        known, others = len(self.said()), self.children()
        begun = []
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(15)
            client.connect(path)

            def state():
                # What it greets with; nothing where it has ended.
                if select.select([client], [], [], 0)[0] and client.recv(1, socket.MSG_PEEK):
                    return ""
                if not begun and self.children() - others:
                    begun.append(time.monotonic())
                for text in self.said()[known:]:
                    found = ENDED.search(text)
                    if found and int(found[1]) not in others:
                        time.sleep(0.05)
                        return self.log.fatal(int(found[1])) or f"signal or status {found[2]}"
                # A server greets later, if at all; a program that refuses its parameters ends after a second.
                if begun and time.monotonic() - begun[0] > 8:
                    return ""
                return None
            return eventually(30, state) or None

    def services(self):
        found = {}
        for folder in ("private", "public"):
            for name in sorted(os.listdir(os.path.join(self.queue, folder))):
                path = os.path.join(self.queue, folder, name)
                # Of the other types nobody waits for an answer.
                if stat.S_ISSOCK(os.stat(path).st_mode):
                    try:
                        found[name] = self.service(path)
                    except OSError:
                        pass
        return found


def record(log, directory):
    with Master(log, directory) as master:
        refusal = master.refusal()
        plain = lambda text: text and text.replace(directory, "@DIR@").removeprefix("fatal: ").removeprefix("panic: ")
        services = {} if refusal else {name: plain(text) for name, text in master.services().items()}
        return {"master": plain(refusal), "services": services}
