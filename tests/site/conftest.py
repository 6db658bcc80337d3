"""One browser and one look at each page for all the tests of the site."""

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.site.browse import Report, inspect, serve
from tests.site.pages import SITE, Page, read_site
from tools.browser import launch


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
