"""One browser and one look at each page for all the tests of the site."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

from tests.site.browse import Report, inspect, serve
from tests.site.pages import SITE, Page, read_site

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    # The network is cut off: only the test's own server has an address.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    assert (SITE / "index.html").exists(), f"no site in {SITE}: run `make book` first"
    return SITE


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the site, parsed."""
    return read_site(site)


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The address of a server of the site."""
    with serve(site) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium: the machine's, else Playwright's own. None is a failure in CI, else a skip."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        if chromium is None:
            message = (
                "NO BROWSER FOUND: the pages were NOT opened, so requests, console errors, "
                "mathematics, layout and accessibility were NOT tested. Install chromium."
            )
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        yield chromium
        chromium.close()


def launch(playwright: Playwright) -> Browser | None:
    """Start a browser from the PATH, else Playwright's own, fetched if need be."""
    for name in BROWSERS:
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


@pytest.fixture(scope="session")
def gallery_page(tmp_path_factory) -> Path:
    """A page with every mark and every control of a live figure."""
    from tests.live import gallery  # compiles for the browser: only where it is asked for

    return gallery.write_page(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="session")
def look(browser: Browser, address: str, site: Path) -> Callable[[str, str], Report]:
    """Look at a document over http or from its file; each is opened once in a session."""

    @functools.cache
    def at(document: str, scheme: str) -> Report:
        if scheme == "file":
            return inspect(browser, f"{site.as_uri()}/{document}.html", audit=False)
        return inspect(browser, f"{address}/{document}.html")

    return at
