import pytest
from typer.testing import CliRunner

from medsuite.bpgpt.cli import app
from medsuite.bpgpt.evaluate.transcripts import read_decoded
from medsuite.core.errors import InputError

WORDS = [
    "a",
    "king",
    "hid",
    "the",
    "drum",
    "and",
    "nobody",
    "in",
    "the",
    "town",
    "could",
    "find",
    "it",
    "all",
    "winter",
    "long",
]


def invoke(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def transcript(tmp_path):
    """A story of 16 words, one every 5 s: four windows of 20 s."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", "85", "<exists>", "1"]
    lines += ['"IntervalTier"', '"words"', "0", "85", str(len(WORDS))]
    lines += [line for number, word in enumerate(WORDS) for line in (str(5 * number), str(5 * number + 4), f'"{word}"')]
    path = tmp_path / "story.TextGrid"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def decoded(tmp_path):
    path = tmp_path / "decoded.tsv"
    path.write_text("\n".join(f"{5 * number}\t{word.upper()}" for number, word in enumerate(WORDS)) + "\n\n")
    return path


def test_a_perfect_transcript_scores_perfectly_and_better_than_its_windows_exchanged(transcript, decoded):
    lines = invoke("evaluate", transcript, decoded).splitlines()
    table = {line.split()[0]: [float(value) for value in line.split()[1:]] for line in lines[2:-1]}
    assert lines[0] == "4 windows of 20 s, 0 silent; length ratio 1.00"
    assert table["wer"][0] == 0.0 < table["wer"][1]
    assert table["bleu1"][0] == 1.0 > table["bleu1"][1]
    # Four windows have six exchanges.
    assert table["wer"][2] == table["bleu1"][2] == pytest.approx(1 / 7, abs=5e-4)


def test_the_same_text_everywhere_is_not_better_than_exchanged(transcript, tmp_path):
    path = tmp_path / "same.tsv"
    path.write_text("\n".join(f"{20 * window + place}\tthe" for window in range(4) for place in range(4)))
    lines = invoke("evaluate", transcript, path, "--metrics", "bleu1").splitlines()
    score, null, p = (float(value) for value in lines[2].split()[1:])
    assert score == pytest.approx(null)
    assert p == 1.0


def test_data_lists_every_story_with_its_windows(lebel_folder):
    lines = invoke("data", lebel_folder, "--subject", "UTS01").splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["alpha", "31", "9", "51", "2", "0"],
        ["beta", "25", "9", "45", "2", "0"],
    ]
    assert lines[-1] == "3 stories, 7 windows of 20 s with 8 s of delay"


def test_what_cannot_be_checked_or_used_is_listed(lebel_folder):
    derivative = lebel_folder / "derivative"
    (derivative / "TextGrids" / "beta.TextGrid").unlink()
    (derivative / "TextGrids" / "._alpha.TextGrid").write_bytes(b"left by another system")
    (derivative / "respdict.json").write_text('{"wheretheressmoke": 60}', encoding="utf-8-sig")
    lines = invoke("data", lebel_folder, "--subject", "UTS01").splitlines()
    assert lines[-2] == "1 responses without a transcript: beta"
    assert lines[-1] == "1 stories that respdict.json does not list, their rows unchecked: alpha"


def test_a_transcript_that_goes_on_after_the_scan_is_another_storys(lebel_folder):
    folder = lebel_folder / "derivative" / "TextGrids"
    (folder / "beta.TextGrid").write_bytes((folder / "wheretheressmoke.TextGrid").read_bytes())
    with pytest.raises(InputError, match=r"transcript of beta ends at 119 s, its 45 TRs at 90 s.*another story's"):
        invoke("data", lebel_folder, "--subject", "UTS01")


def test_simulate_shows_what_the_oracle_reads():
    output = invoke("simulate", "--snr", "1", "--windows", "3")
    heard, decoded = output.splitlines()[:2]
    assert heard.removeprefix("heard   ") == decoded.removeprefix("decoded ")
    assert "slot accuracy 100.0 %" in output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1.0 word", "line 1 of .* is '1.0 word'"),
        ("1.0\tword\nnan\tword", "line 2"),
        ("3.0\t ", "line 1"),
        ("\n", "holds no word"),
    ],
)
def test_a_decoded_file_in_another_form_names_its_line(tmp_path, content, message):
    path = tmp_path / "decoded.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_decoded(path)


def test_bad_requests_are_refused(transcript, decoded, lebel_folder, tmp_path):
    runner = CliRunner()
    for arguments, message in (
        (["evaluate", transcript, tmp_path / "none.tsv"], "cannot read"),
        (["evaluate", transcript, decoded, "--metrics", "blue1"], "did you mean 'bleu1'"),
        (["evaluate", transcript, decoded, "--metrics", " , "], "no metric"),
        (["evaluate", transcript, decoded, "--metrics", "bertscore"], "bertscore without a model"),
        (["evaluate", transcript, decoded, "--metrics", "bertscore", "--bert", tmp_path / "none"], "is no folder"),
        (["evaluate", decoded, transcript], "is no TextGrid"),
        (["evaluate", tmp_path, decoded], "cannot read"),
        (["simulate", "--seed", "-1"], "a seed of 0 or more"),
        (["data", tmp_path / "none", "--subject", "UTS01"], "has no folder derivative"),
        (["data", lebel_folder, "--subject", "UTS9"], "did you mean 'UTS0"),
        (["simulate", "--snr", "-1"], "ratio of 0 or more"),
    ):
        result = runner.invoke(app, list(map(str, arguments)))
        assert isinstance(result.exception, InputError), (arguments, result.output)
        assert message in str(result.exception)
        assert result.output == ""
