"""Sphinx extension: what the pages load is cut down to what they show of it.

It works on the finished site, because only then is it known what is used. Compressed, the
five chapters weighed 1,237 to 1,470 kB before and 506 to 576 kB after, tools/mathematics.py
included.

    fonts of the text     320 -> 120 kB   characters, weights and features in use
    icons of the theme  1,500 ->   4 kB   the ones in use, by font and not by script
    style sheets           95 ->  35 kB   rules for classes that occur
    pictures              180 -> 100 kB   lossless WebP, which notebooks cannot hold
    scripts of the search      41 kB      on the search page alone
"""

import re
from collections.abc import Iterable
from pathlib import Path

import tinycss2
from PIL import Image
from sphinx.application import Sphinx

from tools.light_fonts import FEATURES, cut_font

WEIGHTS = (400, 700)  # regular to bold: what book.css and the theme ask for
KEYBOARD = range(0x20, 0x7F)  # readers type, and scripts write numbers
# Classes that scripts put together from parts, so that no file names them.
COMPOSED = re.compile(r"(bs-(tooltip|popover)|highlight|lf)-")

ICON = re.compile(r"\bfa-[a-z0-9-]+")
INSERTS = re.compile(r"""([^{}]*)\{[^{}]*content:\s*["']\\([0-9a-f]{2,5})["']""")
CLASSES = re.compile(r"""\bclass=(?:"([^"]*)"|'([^']*)')""")
SCRIPT = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
WORD = re.compile(r"[A-Za-z_-][\w-]*")
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
PICTURE = re.compile(r'(src|href)="([^":]*(?:_images|_static/images)/[^"]+)\.png"')


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Make the finished site light."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    lighten_icons(out)
    lighten_scripts(out)
    lighten_styles(out)
    lighten_pictures(out)
    lighten_fonts(out)
    for left in [*out.rglob("fa-*.ttf"), *out.rglob("*.map")]:
        left.unlink()  # for browsers before 2014, and for those who debug the theme


def lighten_icons(out: Path) -> None:
    """Leave of Font Awesome what the pages show."""
    static = out / "_static"
    script = static / "scripts" / "fontawesome.js"
    if script.exists():
        script.write_text("/* The icons come from the web font, through the style sheet. */\n")
    styles = "".join(read(path) for path in files(static, "css"))
    # An icon in use is a class of a page or script, or a character that a style sheet inserts.
    sources = [*files(out, "html"), *files(static, "js")]
    used = {name for path in sources for name in ICON.findall(read(path))}
    characters = {
        int(code, 16)
        for selectors, code in INSERTS.findall(styles)
        if not (names := set(ICON.findall(selectors))) or names & used
    }
    for font in files(static / "vendor" / "fontawesome", "woff2"):
        cut_font(font, font, characters)


def lighten_scripts(out: Path) -> None:
    """Load the search's index where one searches, and not on every page."""
    for page in files(out, "html"):
        if page.name != "search.html":
            write(page, SEARCH.sub("", read(page)))


def lighten_styles(out: Path) -> None:
    """Drop the rules for classes that no page has and no script names."""
    used = classes_in_use(map(read, files(out, "html")), map(read, files(out, "js")))
    for sheet in files(out / "_static", "css"):
        write(sheet, pruned(read(sheet), used))


def classes_in_use(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """The classes of the pages, and all words of scripts, any of which may be one."""
    used: set[str] = set()
    for page in pages:
        used.update(word for pair in CLASSES.findall(page) for word in "".join(pair).split())
        used.update(word for script in SCRIPT.findall(page) for word in WORD.findall(script))
    for script in scripts:
        used.update(WORD.findall(script))
    return used


def pruned(css: str, used: set[str]) -> str:
    """A style sheet without comments and without selectors that ask for a class not in use."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(text for rule in rules if (text := _pruned_rule(rule, used)))


def _pruned_rule(rule: tinycss2.ast.Node, used: set[str]) -> str:
    if rule.type == "qualified-rule":
        kept = [part for part in _split(rule.prelude) if _matches(part, used)]
        selectors = ",".join(tinycss2.serialize(part).strip() for part in kept)
        return f"{selectors}{{{_packed(rule.content)}}}\n" if kept else ""
    if rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "container"):
        inner = pruned(tinycss2.serialize(rule.content), used)
        prelude = tinycss2.serialize(rule.prelude).strip()
        return f"@{rule.at_keyword} {prelude}{{{inner}}}\n" if inner else ""
    return f"{rule.serialize()}\n"


def _split(prelude: list) -> list[list]:
    """The selectors of a rule: what stands between commas that are in no brackets."""
    parts: list[list] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _matches(selector: list, used: set[str]) -> bool:
    """Whether all classes that a selector asks for are in use; those in :not() it does not."""
    for before, token in zip([None, *selector], selector, strict=False):
        is_class = before is not None and before.type == "literal" and before.value == "."
        if is_class and token.type == "ident":
            if token.value not in used and not COMPOSED.match(token.value):
                return False
    return True


def _packed(content: list) -> str:
    """Declarations without comments and without needless space."""
    tokens = [token for token in content if token.type != "comment"]
    for token in tokens:
        if token.type == "whitespace":
            token.value = " "
    return tinycss2.serialize(tokens).strip()


def lighten_pictures(out: Path) -> None:
    """Serve pictures as WebP, each pixel being kept."""
    for picture in [*files(out / "_images", "png"), *files(out / "_static" / "images", "png")]:
        with Image.open(picture) as image:
            pixels = image.convert("RGBA")
        pixels.save(picture.with_suffix(".webp"), lossless=True, method=4)
        picture.unlink()
    for page in files(out, "html"):
        write(page, PICTURE.sub(r'\1="\2.webp"', read(page)))


def lighten_fonts(out: Path) -> None:
    """Leave of the text's fonts the characters that stand on a page or in a script."""
    characters = set(KEYBOARD)
    for path in [*files(out, "html"), *files(out, "js"), *files(out, "css")]:
        characters |= set(map(ord, read(path)))
    for font in files(out / "_static" / "vendor" / "fonts", "woff2"):
        cut_font(font, font, characters, features=FEATURES, weights=WEIGHTS)


def files(folder: Path, suffix: str) -> list[Path]:
    """The files below a folder with this suffix, in order."""
    return sorted(folder.rglob(f"*.{suffix}"))


def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def write(path: Path, text: str) -> None:
    """Write the text of a file, if it has changed."""
    if text != read(path):
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("build-finished", finish, priority=850)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
