"""Take the README's picture of a report: `python docs/report_picture.py RUN/report.html docs/_static/report.png`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

source, target = Path(sys.argv[1]).resolve(), sys.argv[2]
executable = shutil.which("chromium") or shutil.which("google-chrome")
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(source.as_uri())
    page.screenshot(path=target)
    browser.close()
