"""A page with every mark and every control, in a browser without network, from a file."""

import pytest

from tests.site import drive
from tests.site.browse import AXE, Report, findings, listen

FIGURES = ("walks", "field", "smoother", "swirl", "slow", "ring")


@pytest.fixture(scope="module")
def visit(browser, gallery_page):
    """The page in a tab, and what it complained of."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    report = Report()
    listen(tab, report)
    tab.goto(gallery_page.as_uri())
    yield tab, report
    context.close()


def frame_of(tab, name):
    frame = tab.locator(f"#fig-{name}")
    drive.start(frame)
    return frame


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "slow"])
def test_every_control_works_and_shows_pythons_numbers(visit, name):
    tab, report = visit
    wrong = {done: faults for done, faults in drive.drive(frame_of(tab, name)) if faults}
    assert wrong == {}
    assert report.console == report.elsewhere == report.failed == []


def test_a_wrong_number_would_be_seen(visit):
    tab, _ = visit
    frame = frame_of(tab, "ring")
    frame.locator(".lf-numbers dd").first.evaluate("(node) => (node.textContent = '0.123')")
    assert len(drive.wrong_numbers(frame)) == 1
    frame.get_by_role("button", name="Reset").click()
    frame.locator("input[type=range]").first.press("ArrowRight")
    frame.get_by_role("button", name="Reset").click()
    assert drive.wrong_numbers(frame) == []


def test_a_long_computation_is_stopped_and_the_figure_goes_on(visit):
    tab, _ = visit
    frame = frame_of(tab, "slow")
    choice = frame.get_by_label("rounds")
    choice.select_option(label="very many")
    stop = frame.get_by_role("button", name="Stop")
    stop.wait_for(timeout=5000)
    assert tab.evaluate("1 + 1") == 2  # the page is not blocked
    stop.click()
    assert "Stopped" in frame.locator(".lf-status").text_content()
    choice.select_option(label="few")
    assert drive.wrong_numbers(frame) == []


def test_a_figure_times_its_kernel(visit):
    tab, _ = visit
    frame = frame_of(tab, "slow")
    times = {}
    for rounds in ("few", "many"):
        frame.get_by_label("rounds").select_option(label=rounds)
        assert drive.wrong_numbers(frame) == []
        times[rounds] = float(drive.shown(frame)[1])
    assert times["few"] < 10 < times["many"]


def test_the_latest_state_wins(visit):
    tab, _ = visit
    frame = frame_of(tab, "slow")
    choice = frame.get_by_label("rounds")
    choice.select_option(label="very many")
    frame.get_by_role("button", name="Stop").wait_for(timeout=5000)
    choice.select_option(label="few")
    drive.settle(frame)
    assert drive.wrong_numbers(frame) == []


def test_a_click_in_the_plot_adds_a_point(visit):
    tab, _ = visit
    frame = frame_of(tab, "smoother")
    before = len(drive.state(frame)["data"])
    frame.locator(".lf-ground").click(position={"x": 20, "y": 20})
    assert len(drive.state(frame)["data"]) == before + 1
    assert drive.wrong_numbers(frame) == []
    frame.get_by_role("button", name="Reset").click()


def test_values_and_changes_are_read_out(visit):
    tab, _ = visit
    frame = frame_of(tab, "swirl")
    slider = frame.get_by_label("time", exact=True)
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "0.01"
    said = frame.locator("[aria-live=polite]").filter(has_text="At time 0.01 the mean is 0.0141")
    said.wait_for(state="attached", timeout=drive.PATIENCE)


def test_a_link_brings_back_the_state(browser, visit, gallery_page):
    tab, _ = visit
    frame = frame_of(tab, "smoother")
    frame.locator(".lf-handle").first.press("ArrowRight")
    frame.get_by_label("lengthscale ℓ").press("ArrowRight")
    tab.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    frame.get_by_role("button", name="Copy link").click()
    link = tab.evaluate("window.copied")
    context = browser.new_context()
    try:
        other = context.new_page()
        other.goto(link)
        twin = frame_of(other, "smoother")
        assert drive.state(twin) == drive.state(frame)
        assert drive.shown(twin) == drive.shown(frame)
    finally:
        context.close()
        frame.get_by_role("button", name="Reset").click()


def test_a_link_with_nonsense_changes_nothing(browser, gallery_page):
    context = browser.new_context()
    try:
        tab = context.new_page()
        tab.goto(gallery_page.as_uri() + "#fig-ring:nodes=1e9,gap=<b>,other=3,%")
        frame = frame_of(tab, "ring")
        assert drive.state(frame) == {"nodes": 12, "gap": 5}
    finally:
        context.close()


def test_nothing_moves_while_the_reader_scrolls_through_the_figures(browser, gallery_page):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        tab = context.new_page()
        tab.add_init_script(
            """window.shifts = [];
            new PerformanceObserver((list) => list.getEntries().forEach(
              (entry) => window.shifts.push([entry.value, ...entry.sources.map(
                (source) => source.node?.textContent?.slice(0, 60))]))
            ).observe({type: 'layout-shift', buffered: true});"""
        )
        tab.goto(gallery_page.as_uri())
        for name in FIGURES:
            frame_of(tab, name)
        assert tab.evaluate("window.shifts") == []
    finally:
        context.close()


def test_a_figure_out_of_sight_gives_back_its_worker_and_comes_back(browser, gallery_page):
    context = browser.new_context(viewport={"width": 1280, "height": 400})
    try:
        tab = context.new_page()
        tab.goto(gallery_page.as_uri())
        frame = frame_of(tab, "walks")
        first = tab.workers[0]
        gone = []
        first.on("close", lambda worker: gone.append(worker))
        frame_of(tab, "ring")
        for _ in range(200):
            if gone:
                break
            tab.wait_for_timeout(100)
        assert gone == [first]
        frame_of(tab, "walks").get_by_label("volatility σ").press("ArrowRight")
        assert drive.wrong_numbers(frame) == []
    finally:
        context.close()


def test_the_still_picture_is_what_prints_and_what_is_seen_without_scripts(
    browser, visit, gallery_page
):
    tab, _ = visit
    tab.emulate_media(media="print")
    assert tab.locator("#fig-ring img").is_visible()
    assert not tab.locator("#fig-ring .lf").is_visible()
    tab.emulate_media(media="screen")
    assert not tab.locator("#fig-ring img").is_visible()
    context = browser.new_context(java_script_enabled=False)
    try:
        plain = context.new_page()
        plain.goto(gallery_page.as_uri())
        assert plain.locator("#fig-ring img").is_visible()
    finally:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_figures_are_accessible_and_fit(visit, theme, width):
    tab, _ = visit
    tab.set_viewport_size({"width": width, "height": 900})
    tab.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
    for name in FIGURES:
        frame_of(tab, name)
    tab.add_script_tag(path=str(AXE))
    assert findings(tab, theme) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    targets = tab.evaluate(
        """() => [...document.querySelectorAll('.lf :is(button, select, input)')]
          .filter((n) => n.type !== 'checkbox' && n.offsetParent && n.offsetHeight < 44)
          .map((n) => n.outerHTML)"""
    )
    assert targets == []


def test_switching_the_theme_redraws(visit):
    tab, _ = visit
    frame = frame_of(tab, "walks")
    pictures = []
    for theme in ("light", "dark"):
        tab.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", theme)
        drive.settle(frame)
        pictures.append(frame.evaluate("(f) => f.querySelector('.lf-plot canvas').toDataURL()"))
    assert pictures[0] != pictures[1]
