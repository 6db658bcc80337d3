"""A Chromium, for the tests of the site and for the printed book."""

import shutil
import subprocess
import sys

from playwright.sync_api import Browser, Error, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    # The network is cut off: only this machine has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def launch(playwright: Playwright) -> Browser | None:
    """Start a browser from the PATH, else Playwright's own, fetched if need be; else None."""
    for name in NAMES:
        if path := shutil.which(name):
            return playwright.chromium.launch(executable_path=path, args=FLAGS)
    try:
        return playwright.chromium.launch(args=FLAGS)
    except Error:
        fetch = [sys.executable, "-m", "playwright", "install", "chromium"]
        try:
            subprocess.run(fetch, check=True, capture_output=True, timeout=300)
            return playwright.chromium.launch(args=FLAGS)
        except (subprocess.SubprocessError, Error):
            return None
