"""Stands in for the `nexus` command in the supervisor's own tests: the same arguments, next to no work.

The environment tells it how to misbehave: FAKE_BROKEN names a command that fails. FAKE_CALLS is a file that
notes every call.
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DECLARED = {
    "services": [
        {
            "name": "mailbox",
            "module": "http.server",
            "arguments": ["{port}", "--bind", "127.0.0.1", "--directory", "{state_dir}"],
            "settings": {
                "NEXUS_FAKE__MAILBOX": "http://127.0.0.1:{port}/{secret}",
                "NEXUS_FAKE__API": "{api}",
            },
            "health_path": "/",
        },
        {"name": "absent", "module": "nexus_no_such_module"},
    ],
    "seeds": [
        {"name": "accounts", "command": ["seed", "accounts"], "order": 1},
        {"name": "catalog", "command": ["seed", "catalog"]},
    ],
}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"pid": os.getpid(), "environment": dict(os.environ)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        return


def main(words: list[str]) -> None:
    with open(os.environ["FAKE_CALLS"], "a") as calls:
        calls.write(" ".join(words) + "\n")
    if words[0] == os.environ.get("FAKE_BROKEN"):
        sys.exit("the reason why it is broken")
    if words[0] == "declare":
        print(json.dumps(DECLARED))
    elif words == ["seed", "accounts"]:
        print(json.dumps({"accounts": {"admin": {"email": "admin@example.com", "password": "s3cret"}}}))
    elif words[0] == "serve":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        ThreadingHTTPServer(("127.0.0.1", int(words[2])), Answer).serve_forever()
    elif words[0] == "worker":
        print("2026-01-01 ERROR the worker complains", flush=True)
        if os.environ.get("FAKE_STUBBORN"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    elif words[0] == "beat":
        time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1:])
