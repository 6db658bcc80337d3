"""Check the links that leave the site: `python -m tools.links`. Needs the network; not a test.

A link is dead when its host answers 404 or 410, or does not exist. Hosts that refuse scripts
(403, 429, ...) or are slow are listed apart: they say nothing about the link.
"""

import concurrent.futures
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from html.parser import HTMLParser

from tools.build import SITE

HEADERS = {"User-Agent": "Mozilla/5.0 (link check of Kernels, Noise & Flows)"}
DEAD = {404, 410}
# Links that name what may not exist yet: the launch and source buttons of each page.
BUTTONS = ("btn", "dropdown-item")


class Links(HTMLParser):
    """The external addresses that a page's own text links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        is_button = any(word in at.get("class", "").split() for word in BUTTONS)
        if tag == "a" and not is_button and at.get("href", "").startswith(("http://", "https://")):
            self.found.add(at["href"].partition("#")[0])


def main() -> int:
    """Check every link once, four at a time; returns 1 if any is dead."""
    if not (SITE / "index.html").exists():
        sys.exit("error: there is no site yet: run `make book` first")
    pages = defaultdict(set)
    for path in SITE.rglob("*.html"):
        for url in Links(path.read_text(encoding="utf-8")).found:
            pages[url].add(path.relative_to(SITE).as_posix())
    print(f"Checking {len(pages)} external links (up to a minute) ...", flush=True)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        verdicts = dict(zip(sorted(pages), pool.map(verdict, sorted(pages)), strict=True))
    for word in ("dead", "unsure"):
        for url, (kind, why) in verdicts.items():
            if kind == word:
                print(f"{word}: {url} ({why}) on {', '.join(sorted(pages[url]))}")
    dead = sum(kind == "dead" for kind, _ in verdicts.values())
    good = sum(kind == "good" for kind, _ in verdicts.values())
    print(f"{good} good, {dead} dead, {len(verdicts) - good - dead} unsure.")
    return 1 if dead else 0


def verdict(url: str) -> tuple[str, str]:
    """'good', 'dead' or 'unsure', and why."""
    try:
        request = urllib.request.Request(url, headers=HEADERS)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return "good", str(answer.status)
    except urllib.error.HTTPError as error:
        return ("dead" if error.code in DEAD else "unsure"), str(error.code)
    except (OSError, ValueError) as error:
        return "unsure", str(error)


if __name__ == "__main__":
    sys.exit(main())
