"""The search works with no server behind it: the index is a script of the site."""


def test_search_finds_the_chapter_with_a_word_of_its_title(browser, address):
    tab = browser.new_page()
    tab.goto(f"{address}/search.html")
    box = tab.locator(".bd-search-container input[name=q]")
    box.fill("noise")
    box.press("Enter")
    # Results come in one after the other.
    found = '#search-results ul.search li a[href*="01_noise_in_continuous_time.html"]'
    tab.locator(found).first.wait_for(timeout=20_000)
    tab.close()


def test_search_quotes_the_text_and_not_the_furniture_of_a_page(browser, address):
    tab = browser.new_page()
    tab.goto(f"{address}/search.html?q=noise")
    excerpt = tab.locator("#search-results ul.search li p.context")
    excerpt.first.wait_for(timeout=10_000)
    texts = " ".join(excerpt.all_text_contents())
    assert "On this page" not in texts
    assert ".pdf" not in texts
    tab.close()


def test_search_says_so_when_nothing_is_found(browser, address):
    tab = browser.new_page()
    tab.goto(f"{address}/search.html?q=zzyzxqqq")
    summary = tab.locator("#search-results p.search-summary")
    summary.wait_for(timeout=10_000)
    tab.wait_for_function(
        "() => /did not match/.test(document.querySelector('#search-results').textContent)"
    )
    assert tab.locator("#search-results ul.search li").count() == 0
    tab.close()
