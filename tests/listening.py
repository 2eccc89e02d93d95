"""Listening: an HTTP server of a test's, in a thread."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Quiet(BaseHTTPRequestHandler):
    """Answers without writing to the terminal, and takes what was posted."""

    def posted(self):
        return self.rfile.read(int(self.headers["content-length"]))

    def log_message(self, *arguments):
        pass


class Server(HTTPServer):
    """Says nothing of a client that has gone."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Listening:
    """Listens on loopback as long as its block lasts."""

    def __init__(self, handler):
        self.server = Server(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        # It looks this often whether it is shut down.
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
