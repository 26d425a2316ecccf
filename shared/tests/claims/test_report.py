import pytest
from browser import opened

from medsuite.core.cli import main


@pytest.fixture(scope="module")
def report(toy_distribution, tmp_path_factory):
    """The report of a run in which a claim holds, one fails and one cannot be decided."""
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("report") / "run"
    program = "from medsuite.core.cli import main; main()"
    command = [sys.executable, "-c", program, "reproduce", "toy/coin", "toy/fail", "toy/undecided", "--out", str(out)]
    subprocess.run(command, env={"PYTHONPATH": str(toy_distribution)}, stdout=subprocess.DEVNULL, check=False)
    return out / "report.html"


def test_the_first_table_has_the_papers_number_beside_ours(report):
    text = report.read_text()
    table = text[text.index("<table") : text.index("</table>")]
    assert "90 %" in table
    assert "fair coin 0.5" in table
    assert "simulated coins" in table
    assert "supported" in table


def test_a_paper_is_one_row_that_links_to_its_other_claims(report):
    text = report.read_text()
    table = text[text.index("<table") : text.index("</table>")]
    assert table.count("<tr>") == 2
    assert 'href="#toy/coin"' in table
    assert 'class="small failed" href="#toy/fail"' in table


def test_failures_are_shown_with_their_error_and_traceback(report):
    text = report.read_text()
    assert "ZeroDivisionError: no such coin" in text
    assert "Traceback (most recent call last)" in text
    assert "KeyError: &#39;tails&#39;" in text


def test_what_a_claim_says_is_escaped(report):
    assert "The coin is biased &lt;b&gt;" in report.read_text()


def test_provenance_names_versions_and_command(report):
    text = report.read_text()
    assert "medsuite-toy 1.2.3" in text
    assert "medsuite reproduce toy/coin toy/fail toy/undecided" in text


def test_a_drawing_that_fails_is_told_in_its_place(toy, tmp_path, monkeypatch):
    import medsuite_toy

    def refuse(rows):
        raise ValueError("no ink")

    monkeypatch.setattr("matplotlib.figure.Figure.subplots", refuse)
    with pytest.raises(SystemExit) as stop:
        main(["reproduce", "toy/coin", "--out", str(tmp_path / "run")])
    assert not stop.value.code
    assert "The figures could not be drawn" in (tmp_path / "run" / "report.html").read_text()
    assert medsuite_toy.CLAIMS


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_errors_network_or_sideways_scroll(report, width, scheme):
    with opened(report, width, scheme) as (page, errors):
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("figure svg").first.bounding_box()["width"] <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 27)"}[scheme]
