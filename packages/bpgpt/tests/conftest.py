import json

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
