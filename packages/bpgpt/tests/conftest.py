import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import settings

# The first call of a library imports it, and machines differ: a test's time is no property of the code.
settings.register_profile("bpgpt", deadline=None)
settings.load_profile("bpgpt")

TRS = {"alpha": 51, "beta": 45, "wheretheressmoke": 60}
VOXELS = 9


def transcript(words):
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", "200", "<exists>", "1"]
    lines += ['"IntervalTier"', '"word"', "0", "200", str(len(words))]
    lines += [
        line for number, word in enumerate(words) for line in (str(2.0 * number), str(2.0 * number + 1), f'"{word}"')
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def lebel_folder(tmp_path):
    """A folder in the layout of ds003020 with two listeners and three stories, a word every 2 s."""
    derivative = tmp_path / "derivative"
    (derivative / "TextGrids").mkdir(parents=True)
    (derivative / "respdict.json").write_text(json.dumps(TRS))
    rng = np.random.default_rng(0)
    for story, trs in TRS.items():
        words = [f"{story}{number}" for number in range(trs)]
        (derivative / "TextGrids" / f"{story}.TextGrid").write_text(transcript(words))
    for subject in ("UTS01", "UTS02"):
        folder = derivative / "preprocessed_data" / subject
        folder.mkdir(parents=True)
        for story, trs in TRS.items():
            with h5py.File(folder / f"{story}.hf5", "w") as file:
                repeats = rng.standard_normal((2, trs - 20, VOXELS))
                file["data"] = repeats.mean(axis=0)
                if story == "wheretheressmoke":
                    file["individual_repeats"] = repeats
    return tmp_path


@pytest.fixture(scope="session")
def tiny_wordnet():
    """Write a WordNet of a few nouns in WordNet's own format."""
    return write_wordnet


@pytest.fixture(scope="session")
def real_wordnet(tmp_path_factory):
    """WordNet 3.0 as NLTK reads it: from NLTK_DATA, or from Debian's packages."""
    if (Path(os.environ.get("NLTK_DATA", "/nowhere")) / "corpora" / "wordnet" / "data.noun").is_file():
        return Path(os.environ["NLTK_DATA"])
    found = lay_wordnet_out(tmp_path_factory.mktemp("wordnet"))
    return found or pytest.skip("no WordNet here: apt-get install wordnet-base wordnet-sense-index, or set NLTK_DATA")


@pytest.fixture(scope="session")
def meteors():
    """Score pairs of reference and hypothesis in a process of their own: NLTK keeps the first WordNet that it finds."""

    def score(data, pairs):
        code = "import json, sys; from medsuite.bpgpt import meteor\n"
        code += "print(json.dumps([meteor(*pair) for pair in json.load(sys.stdin)]))"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            input=json.dumps(pairs), capture_output=True, text=True, env=os.environ | {"NLTK_DATA": str(data)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return score


LEXNAMES = (
    "adj.all 3", "adj.pert 3", "adv.all 4", "noun.Tops 1", "noun.act 1", "noun.animal 1", "noun.artifact 1",
    "noun.attribute 1", "noun.body 1", "noun.cognition 1", "noun.communication 1", "noun.event 1", "noun.feeling 1",
    "noun.food 1", "noun.group 1", "noun.location 1", "noun.motive 1", "noun.object 1", "noun.person 1",
    "noun.phenomenon 1", "noun.plant 1", "noun.possession 1", "noun.process 1", "noun.quantity 1", "noun.relation 1",
    "noun.shape 1", "noun.state 1", "noun.substance 1", "noun.time 1", "verb.body 2", "verb.change 2",
    "verb.cognition 2", "verb.communication 2", "verb.competition 2", "verb.consumption 2", "verb.contact 2",
    "verb.creation 2", "verb.emotion 2", "verb.motion 2", "verb.perception 2", "verb.possession 2", "verb.social 2",
    "verb.stative 2", "verb.weather 2", "adj.ppl 3",
)  # fmt: skip
"""The lexicographer files of WordNet 3.0, as the manual page lexnames(5WN) lists them."""
PARTS = ("adj", "adv", "noun", "verb")
DEBIAN = Path("/usr/share/wordnet")
"""Where Debian's wordnet-base and wordnet-sense-index put it."""


def write_wordnet(data: Path, synonyms: list[tuple[str, ...]]) -> Path:
    """Write a WordNet of nouns, one synset for each tuple of words, and return the folder for NLTK_DATA."""
    folder = data / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    head, lines, places = "  1 WordNet 3.0 Copyright of nobody\n", [], {}
    at = len(head)
    for words in synonyms:
        names = " ".join(f"{word} 0" for word in words)
        line = f"{at:08d} 03 n {len(words):02x} {names} 000 | one thing\n"
        for word in words:
            places.setdefault(word, []).append(at)
        lines.append(line)
        at += len(line)
    index = [
        f"{word} n {len(found)} 0 {len(found)} 0 {' '.join(f'{place:08d}' for place in found)}\n"
        for word, found in sorted(places.items())
    ]
    senses = [f"{word}%1:03:00:: {place:08d} 1 0\n" for word, found in sorted(places.items()) for place in found]
    contents = {f"{kind}.{part}": head for part in PARTS for kind in ("data", "index")}
    contents |= {f"{part}.exc": "" for part in PARTS} | {"cntlist.rev": "", "lexnames": _lexnames()}
    contents |= {
        "data.noun": head + "".join(lines),
        "index.noun": head + "".join(index),
        "index.sense": "".join(senses),
    }
    for name, content in contents.items():
        (folder / name).write_text(content)
    return data


def lay_wordnet_out(data: Path, source: Path = DEBIAN) -> Path | None:
    """Lay Debian's WordNet 3.0 out for NLTK and return the folder for NLTK_DATA; None where it is not installed."""
    needed = [*(f"{kind}.{part}" for part in PARTS for kind in ("data", "index")), "index.sense"]
    if not all((source / name).is_file() for name in needed):
        return None
    folder = data / "corpora" / "wordnet"
    folder.mkdir(parents=True)
    for name in [*needed, *(f"{part}.exc" for part in PARTS)]:
        # NLTK follows no link that leaves its folder.
        shutil.copyfile(source / name, folder / name)
    (folder / "cntlist.rev").touch()
    (folder / "lexnames").write_text(_lexnames())
    return data


def _lexnames() -> str:
    return "".join(f"{number:02d}\t{name.replace(' ', chr(9))}\n" for number, name in enumerate(LEXNAMES))
