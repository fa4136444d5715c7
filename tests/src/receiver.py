"""An HTTPS server that prints its port and what it is asked, an object a line, and answers every POST by its body."""

import http.server
import json
import ssl
import sys

wanted = json.loads(sys.argv[1])


def say(**fields):
    print(json.dumps(fields), flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        say(path=self.path, headers=headers, body=body.decode())
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(wanted["certificate"], wanted["key"])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = tls.wrap_socket(server.socket, server_side=True)
say(port=server.server_port)
server.serve_forever()
