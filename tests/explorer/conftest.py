"""A headless Chromium for tests; where there is none they are left out, and say why."""

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: the extra `dev` has it")
    with api.sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, NAMES)), None)
        try:
            # As root, as CI runs, Chromium has no sandbox; the pages are our own.
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except api.Error:
            pytest.skip("no Chromium that starts on this machine: `make browser` installs one")
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def page(browser):
    """An empty page; `problems` gathers errors of its scripts, `requests` the addresses that it asks for."""
    page = browser.new_page(viewport={"width": 1340, "height": 1000})
    page.problems, page.requests = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda line: line.type == "error" and page.problems.append(line.text))
    page.on("request", lambda request: page.requests.append(request.url))
    yield page
    page.close()
