"""A mail server that behaves as it is told, and keeps what it got.

    python3 smtp.py LOG MODE [CERTIFICATE]

MODE is words joined by commas: `tls` (from the first byte), `starttls`, `inject` (says something
behind its "go ahead" for STARTTLS), `plain` or `login` (wants AUTH, user `lotse`, password `correct
horse`), `hang`, `greet-554`, `data-451`, `data-554`, `fail-1` (answers 451 to the first message),
`cut` (hangs up after the message without a word). A recipient whose name begins with a number, as in
550@example.org, is answered with it. Prints its port, appends a line of JSON per message to LOG, and
ends when its standard input does.
"""

import base64
import json
import os
import socket
import ssl
import sys
import threading
import time

log = open(sys.argv[1], "a", encoding="utf-8")
modes = set(sys.argv[2].split(","))
context = None
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
lock = threading.Lock()
messages = 0


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.secure = False
        self.user = ""
        self.hello = ""
        self.clear()
        if "tls" in modes:
            self.wrap()
        self.lines = self.connection.makefile("rb")

    def clear(self):
        self.sender, self.recipients = "", []

    def wrap(self):
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.secure = True

    def say(self, *lines):
        for line in lines[:-1]:
            self.connection.sendall(line.replace(" ", "-", 1).encode() + b"\r\n")
        self.connection.sendall(lines[-1].encode() + b"\r\n")

    def offers(self):
        offers = ["250 receiver.test", "250 8BITMIME", "250 SMTPUTF8"]
        if "starttls" in modes and not self.secure:
            return offers + ["250 STARTTLS"]
        methods = [mode.upper() for mode in ("plain", "login") if mode in modes]
        return offers + ([f"250 AUTH {' '.join(methods)}"] if methods else [])

    def ask(self, text):
        self.say(f"334 {base64.b64encode(text.encode()).decode()}")
        return base64.b64decode(self.lines.readline().strip()).decode()

    def auth(self, words):
        if words[1].upper() == "PLAIN":
            given = words[2] if len(words) > 2 else self.ask("")
            user, password = base64.b64decode(given).decode().split("\0")[1:]
        else:
            user, password = self.ask("Username:"), self.ask("Password:")
        if (user, password) == ("lotse", "correct horse"):
            self.user = user
            self.say("235 2.7.0 welcome")
        else:
            self.say("535 5.7.8 inside words about " + user)

    def data(self):
        global messages
        self.say("354 go ahead")
        content = b""
        while (line := self.lines.readline()) not in (b".\r\n", b""):
            content += line[1:] if line.startswith(b".") else line
        with lock:
            messages += 1
            number = messages
            record = {
                "hello": self.hello,
                "secure": self.secure,
                "user": self.user,
                "from": self.sender,
                "to": self.recipients,
                "content": content.decode(),
            }
            log.write(json.dumps(record) + "\n")
            log.flush()
        if "cut" in modes:
            return False
        if "data-451" in modes or ("fail-1" in modes and number == 1):
            self.say("451 4.3.0 inside words: try again")
        elif "data-554" in modes:
            self.say("554 5.6.0 inside words: never")
        else:
            self.say("250 2.0.0 taken")
        self.clear()
        return True

    def run(self):
        if "hang" in modes:
            time.sleep(3600)
        if "greet-554" in modes:
            return self.say("554 5.3.2 inside words: go away")
        self.say("220 receiver.test ESMTP")
        while line := self.lines.readline():
            words = line.decode().strip().split(" ")
            command = words[0].upper()
            if command in ("EHLO", "HELO"):
                self.hello = words[1]
                self.say(*self.offers())
            elif command == "STARTTLS" and "starttls" in modes:
                if "inject" in modes:
                    self.connection.sendall(b"220 go ahead\r\n250 slipped in\r\n")
                    continue
                self.say("220 go ahead")
                self.wrap()
                self.lines = self.connection.makefile("rb")
            elif command == "AUTH":
                self.auth(words)
            elif modes & {"plain", "login"} and not self.user and command != "QUIT":
                self.say("530 5.7.0 who are you?")
            elif command == "MAIL":
                self.sender = line.decode().split("<", 1)[1].split(">")[0]
                self.say("250 2.1.0 fine")
            elif command == "RCPT":
                address = line.decode().split("<", 1)[1].split(">")[0]
                code = address.split("@")[0][:3]
                if code.isdigit():
                    self.say(f"{code} inside words about {address}")
                else:
                    self.recipients.append(address)
                    self.say("250 2.1.5 fine")
            elif command == "DATA":
                if not self.data():
                    return
            elif command == "QUIT":
                return self.say("221 2.0.0 bye")
            else:
                self.say("250 2.0.0 fine")


def serve(connection):
    try:
        Session(connection).run()
    except (OSError, IndexError, ValueError):
        pass
    finally:
        connection.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=128)


def accept():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
os._exit(0)
