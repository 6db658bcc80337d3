"""The map of the chapters: the way to a chapter, by mouse and by keyboard."""

import pytest

from tools import way


@pytest.fixture
def tab(browser, site):
    tab = browser.new_page()
    tab.goto((site / "book" / "chapter_map.html").as_uri())
    yield tab
    tab.close()


def shown(tab):
    return tab.locator(".chapter-way li a").all_text_contents()


@pytest.mark.parametrize("name", way.chapters())
def test_a_click_shows_the_shortest_way(tab, name):
    known = way.chapters()
    tab.locator(f"a.chapter-card[data-name='{name}']").click()
    assert shown(tab) == [known[step].title for step in way.way_to(name, known)]
    edges = sum(len(known[step].prerequisites) for step in way.way_to(name, known))
    assert tab.locator(".chapter-map path.needed").count() == edges
    hours, minutes = divmod(sum(known[step].minutes for step in way.way_to(name, known)), 60)
    assert f": {hours} h {minutes} min." in tab.locator(".chapter-way p").text_content()


def test_the_keyboard_does_the_same(tab):
    card = tab.locator("a.chapter-card[data-name='01_markov_kernels']")
    card.focus()
    card.press(" ")
    assert shown(tab) == ["What is a kernel?", "Markov kernels and sampling"]
    assert card.get_attribute("aria-pressed") == "true"


def test_the_way_leads_to_the_chapters(tab):
    tab.locator("a.chapter-card[data-name='01_markov_kernels']").click()
    tab.locator(".chapter-way li a").first.click()
    assert "What is a kernel?" in tab.locator("article h1").text_content()
