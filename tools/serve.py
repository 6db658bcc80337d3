"""Serve the built site on this machine: `python -m tools.serve [--port 8000]`."""

import argparse
import functools
import http.server
import sys

from tools.build import SITE


def main() -> None:
    """Serve _build/html until interrupted, on the first free port from --port on."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8000)
    port = options.parse_args().port
    if not (SITE / "index.html").exists():
        sys.exit("error: there is no site yet: run `make book` first")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(SITE))
    with first_free(port, handler) as server:
        print(
            f"Serving the book on http://localhost:{server.server_port}  (Ctrl-C ends it)",
            flush=True,
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def first_free(port: int, handler) -> http.server.ThreadingHTTPServer:
    """A server on the first port of `port`, `port + 1`, ... that nobody uses."""
    for candidate in range(port, port + 20):
        try:
            return http.server.ThreadingHTTPServer(("127.0.0.1", candidate), handler)
        except OSError:
            continue
    sys.exit(f"error: the ports {port} to {port + 19} are all in use")


if __name__ == "__main__":
    main()
