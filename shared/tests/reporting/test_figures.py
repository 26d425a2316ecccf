import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from medsuite.core.reporting import drawing_style, svg
from medsuite.core.reporting.figures import INK, PALETTE

PAGES = {"light": "#ffffff", "dark": "#14171b"}


@pytest.fixture(scope="module")
def line():
    with drawing_style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label="a < b & c")
        axes.legend()
    return figure


def luminance(colour):
    """Relative luminance of WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", PAGES)
@pytest.mark.parametrize("colour", PALETTE)
def test_every_line_colour_has_contrast_on_both_pages(colour, scheme):
    high, low = sorted((luminance(colour), luminance(PAGES[scheme])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3


def test_text_and_axes_take_the_colour_of_the_page(line):
    text = svg(line, "f", "a line")
    assert "currentColor" in text
    assert INK not in text


def test_the_background_is_left_to_the_page(line):
    assert "#ffffff" not in svg(line, "f", "a line")


def test_the_element_is_well_formed_and_says_what_it_shows(line):
    root = ElementTree.fromstring(svg(line, "f", 'a "quoted" <line>'))
    assert root.attrib["aria-label"] == 'a "quoted" <line>'
    assert "width" not in root.attrib
    assert "a < b & c" in "".join(root.itertext())


def test_two_figures_in_a_page_share_no_id_and_keep_their_references(line):
    first, second = (svg(line, name, "a line") for name in ("one", "two"))

    def ids(text):
        return set(re.findall(r'\bid="([^"]+)"', text))

    def references(text):
        return set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))

    assert not ids(first) & ids(second)
    assert references(first)
    assert references(first) <= ids(first)


def test_the_same_figure_is_the_same_text(line):
    assert svg(line, "f", "a line") == svg(line, "f", "a line")
