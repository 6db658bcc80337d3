"""Open a page in Chromium with no network and report all that is wrong with it."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from tests.site.pages import ROOT

AXE = ROOT / "tools" / "web" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
LOCAL = ("http://127.0.0.1:", "file://", "data:", "blob:", "about:")

# What is the theme's own and cannot be mended from here: (rule of axe-core, its node, reason).
THEMES_OWN = [
    (
        "label-content-name-mismatch",
        r"\.search-button",
        "the search button's name is 'Search', and its text also shows the shortcut Ctrl+K",
    ),
]

# Text that should have become mathematics: delimiters, or commands of TeX.
RAW_TEX = re.compile(r"\\\(|\\\[|\$\$|\$[^\s$][^$\n]*\$|\\[a-zA-Z]+\{")


@dataclass
class Report:
    """What went wrong on one page, by kind; an empty list is what one wants."""

    elsewhere: list[str] = field(default_factory=list)  # requests to other hosts
    failed: list[str] = field(default_factory=list)  # requests that failed
    console: list[str] = field(default_factory=list)  # errors, warnings, uncaught exceptions
    mathematics: list[str] = field(default_factory=list)  # not typeset, or typeset as an error
    too_wide: list[str] = field(default_factory=list)  # what sticks out of a phone's screen
    accessibility: list[str] = field(default_factory=list)  # axe-core's findings


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; gives the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def inspect(browser: Browser, url: str, *, audit: bool = True) -> Report:
    """Open `url` once and look at it on a desk and on a phone, in light and in dark.

    With `audit`, axe-core looks too: in light, in dark, and on a phone with all folds open.
    """
    report = Report()
    # One context for all pages, so that scripts and fonts are read once.
    context = browser.contexts[0] if browser.contexts else browser.new_context()
    tab = context.new_page()
    try:
        tab.set_viewport_size(DESKTOP)
        tab.emulate_media(color_scheme="light", reduced_motion="reduce")
        listen(tab, report)
        tab.goto(url, wait_until="load")
        settle(tab)
        report.mathematics += unset_mathematics(tab)
        if audit:
            tab.add_script_tag(path=str(AXE))
            report.accessibility += findings(tab, "light, 1280 px")
            darken(tab)
            report.accessibility += findings(tab, "dark, 1280 px")
        unfold(tab)
        tab.set_viewport_size(PHONE)
        settle(tab)
        report.too_wide += sticking_out(tab)
        if audit:
            report.accessibility += findings(tab, "dark, 390 px")
    finally:
        tab.close()
    return report


def listen(tab: Tab, report: Report) -> None:
    """Note down what the page asks for and complains of."""

    def requested(request) -> None:
        if not request.url.startswith(LOCAL):
            report.elsewhere.append(request.url)

    def answered(response) -> None:
        if response.status >= 400:
            report.failed.append(f"{response.status} {response.url}")

    def said(message) -> None:
        if message.type in ("error", "warning"):
            report.console.append(f"{message.type}: {message.text}")

    tab.on("request", requested)
    tab.on("response", answered)
    tab.on(
        "requestfailed", lambda request: report.failed.append(f"{request.failure} {request.url}")
    )
    tab.on("console", said)
    tab.on("pageerror", lambda error: report.console.append(f"uncaught: {error}"))


def settle(tab: Tab) -> None:
    """Until fonts are there and the page has been painted twice."""
    tab.evaluate(
        """async () => {
          await document.fonts.ready;
          for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
        }"""
    )


def darken(tab: Tab) -> None:
    """Ask for the dark scheme, as the reader's system would, and wait until the theme follows."""
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    settle(tab)


def unfold(tab: Tab) -> None:
    """Open solutions and hidden cells, so that what they hold is looked at too."""
    tab.evaluate(
        """() => {
          document.querySelectorAll('article details').forEach((fold) => (fold.open = true));
          document.querySelectorAll('article .toggle-hidden > .toggle-button')
            .forEach((button) => button.click());
        }"""
    )
    settle(tab)


def unset_mathematics(tab: Tab) -> list[str]:
    """Formulas that were not typeset, that MathJax marks as wrong, and raw TeX in the text."""
    found = tab.evaluate(
        """() => {
          const cut = (node) => node.textContent.trim().slice(0, 80);
          const article = document.querySelector('article') ?? document.body;
          const bare = [...article.querySelectorAll('.math')]
            .filter((node) => !node.querySelector('mjx-container')).map(cut);
          const wrong = [...document.querySelectorAll('mjx-merror, [data-mjx-error]')]
            .map((node) => node.getAttribute('data-mjx-error') ?? cut(node));
          const text = article.cloneNode(true);
          text.querySelectorAll('pre, code, script, style, mjx-container, .math')
            .forEach((node) => node.remove());
          return {bare, wrong, text: text.textContent};
        }"""
    )
    return (
        [f"not typeset: {tex}" for tex in found["bare"]]
        + [f"error: {message}" for message in found["wrong"]]
        + [f"raw: {match.group(0)}" for match in RAW_TEX.finditer(found["text"])]
    )


def sticking_out(tab: Tab) -> list[str]:
    """What makes the page scroll sideways; empty when it does not."""
    return tab.evaluate(
        """() => {
          const width = innerWidth, root = document.documentElement;
          if (root.scrollWidth <= width) return [];
          const scrolls = (node) => {
            for (let up = node.parentElement; up && up !== document.body; up = up.parentElement) {
              const style = getComputedStyle(up);
              if (style.overflowX !== 'visible' || style.position === 'fixed') return true;
            }
            return getComputedStyle(node).position === 'fixed';
          };
          const wide = [...document.body.querySelectorAll('*')]
            .filter((node) => node.getBoundingClientRect().right > width + 0.5 && !scrolls(node))
            .map((node) => `${node.tagName.toLowerCase()}#${node.id}.${node.className}`);
          return [`page is ${root.scrollWidth} px wide`, ...wide.slice(0, 5)];
        }"""
    )


def findings(tab: Tab, where: str) -> list[str]:
    """axe-core's violations, without what is the theme's own."""
    results = tab.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{where}: {violation['id']} at {target}: {violation['help']}"
        for violation in results["violations"]
        for node in violation["nodes"]
        for target in [" ".join(map(str, node["target"]))]
        if not is_themes_own(violation["id"], target)
    ]


def is_themes_own(rule: str, target: str) -> bool:
    """Whether a finding is on the list of the theme's own."""
    return any(rule == known and re.search(node, target) for known, node, _ in THEMES_OWN)
