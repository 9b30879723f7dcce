"""Runs commands for the benchmark as agent-sandbox's python-runtime-sandbox does (POST /execute, a subprocess each), without its FastAPI."""

import json
import shlex
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({"status": "ok"})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        done = subprocess.run(shlex.split(request["command"]), capture_output=True, text=True)
        self.answer({"stdout": done.stdout, "stderr": done.stderr, "exit_code": done.returncode})

    def answer(self, body):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 8888), Handler).serve_forever()
