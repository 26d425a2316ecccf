"""A real headless browser, for what only a browser can tell: errors in the console and pages that scroll sideways."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@contextmanager
def opened(page_file: Path, width: int, scheme: str = "light") -> Iterator[tuple[object, list[str]]]:
    """Open a local file and yield the page with the list of its errors; skip the test where no browser is installed."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.append(request.url) if not _local(request.url) else None)
        page.goto(page_file.as_uri())
        yield page, errors
        browser.close()


def _local(url: str) -> bool:
    return url.startswith(("file:", "data:"))
