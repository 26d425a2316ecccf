"""MileBench (arXiv 2404.18532): `DATASET/DATASET.json` and `DATASET/images`.

The JSON is `{meta_data: {task_instruction, question_type}, data: [{sample_id, task_instruction_id, task_instance:
{context, images_path, choice_list?}, response}]}`; `{image#1}` and `{table#1}` in a context stand for pictures. Files
`DATASET_combined_N.json` with their `combined_N_images` are read as well.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, unknown_name
from medsuite.meda_kv.evaluate import measures
from medsuite.meda_kv.evaluate.released.files import existing, field, open_picture, read_json
from medsuite.meda_kv.evaluate.released.sample import PICTURE, Sample, Source

GROUPS: dict[str, tuple[str, ...]] = {
    "temporal": (
        *("action_localization", "action_prediction", "action_sequence", "character_order"),
        *("counterfactual_inference", "egocentric_navigation", "moving_attribute", "moving_direction"),
        *("object_existence", "object_interaction", "object_shuffle", "scene_transition", "state_change"),
    ),
    "semantic": (
        *("ALFRED", "CLEVR-Change", "DocVQA", "IEdit", "MMCoQA", "MultiModalQA", "nuscenes", "OCR-VQA"),
        *("SlideVQA", "Spot-the-Diff", "TQA", "WebQA", "WikiVQA"),
    ),
    "diagnostic": ("GPR1200", "ImageNeedleInAHaystack", "TextNeedleInAHaystack"),
}
"""The 29 data sets in their three groups."""
DATASETS = tuple(name for names in GROUPS.values() for name in names)
MOST = {"open-ended": 128, "multi-choice": 16, "needle": 16}
"""Tokens that an answer may have."""
PLACE = re.compile(r"\{(?:image|table)#(\d+)\}")


def milebench(source: Source) -> Iterator[Sample]:
    """Yield the samples of the wanted data sets.

    Args:
        source: The folder of data sets, one data set's folder, or its JSON file.

    Raises:
        InputError: There is no data set, or one is unknown, empty or damaged, or names a picture that is not there.
    """
    for file in _files(source):
        released = read_json(file)
        rows = field(released, "data", str(file)) if isinstance(released, dict) else []
        if not rows:
            raise InputError(f"{file} holds no samples", expected="an object with meta_data and data")
        meta = field(released, "meta_data", str(file))
        for row in rows:
            yield _sample(row, meta, file)


def _files(source: Source) -> list[Path]:
    path = existing(source.path, "a MileBench folder or a data set's JSON file")
    if path.is_file():
        return [path]
    if (path / f"{path.name}.json").is_file():
        return [path / f"{path.name}.json"]
    unknown = [name for name in source.datasets if name not in DATASETS and not (path / name).is_dir()]
    if unknown:
        raise unknown_name("data set of MileBench", unknown[0], DATASETS)
    wanted = source.datasets or tuple(name for name in DATASETS if (path / name).is_dir())
    if not wanted:
        raise InputError(f"{path} holds no data set of MileBench", expected="folders such as IEdit/IEdit.json")
    return [existing(path / name / f"{name}.json", "this data set's file") for name in wanted]


def _sample(row: Mapping[str, Any], meta: Mapping[str, Any], file: Path) -> Sample:
    name = re.sub(r"_combined_\d+$", "", file.stem)
    unit = f"{name} {field(row, 'sample_id', f'a sample of {file}')}"
    instance = field(row, "task_instance", unit)
    text, paths = _text(instance, name, unit), _paths(instance, file)
    if file.stem == name:
        text, paths = _placed(text, paths, unit)
    else:
        # Several pictures were put together into one, which comes first; their places become words.
        text = PICTURE * len(paths) + "\n" + PLACE.sub(r"<Image \1> ", text)
    instructions = field(meta, "task_instruction", str(file))
    whole = f"{instructions[int(row.get('task_instruction_id', 0))]}\n{text}"
    before, _, after = whole.rpartition(PICTURE)
    grade, most = _grade(name, row, instance, meta, unit)
    return Sample(unit, before + PICTURE if paths else "", after, grade, most, partial(_open, paths))


def _placed(text: str, paths: list[Path], unit: str) -> tuple[str, list[Path]]:
    """Mark the pictures' places and order the pictures by them; without any place they come first."""
    places = [int(match.group(1)) for match in PLACE.finditer(text)]
    if not places:
        return PICTURE * len(paths) + text, paths
    if max(places) > len(paths) or min(places) < 1:
        raise InputError(f"{unit} shows picture {max(places)} and names {len(paths)}", expected="a path for each")
    return PLACE.sub(PICTURE, text), [paths[place - 1] for place in places]


def _open(paths: Sequence[Path]) -> tuple[Any, ...]:
    return tuple(map(open_picture, paths))


def _paths(instance: Mapping[str, Any], file: Path) -> list[Path]:
    combined = re.search(r"_combined_(\d+)$", file.stem)
    key = f"combined_{combined.group(1)}_images" if combined else "images_path"
    folder = file.parent / (key if combined else "images")
    return [folder / name for name in field(instance, key, str(file))]


def _text(instance: Mapping[str, Any], name: str, unit: str) -> str:
    """Context and, for multiple choice, the choices; those of GPR1200 are too many for letters."""
    text = str(field(instance, "context", unit))
    choices = instance.get("choice_list")
    if not choices:
        return text
    listed = [
        str(choice) if name == "GPR1200" else f"{chr(ord('A') + place)}. {choice}"
        for place, choice in enumerate(choices)
    ]
    return "\n".join([text, "Choice list:", *listed, "Your answer is:"])


def _grade(
    name: str, row: Mapping[str, Any], instance: Mapping[str, Any], meta: Mapping[str, Any], unit: str
) -> tuple[Callable[[str], float], int]:
    reference = str(field(row, "response", unit))
    if "NeedleInAHaystack" in name:
        return measures.against(measures.milebench_needle, [reference]), MOST["needle"]
    if name == "MMCoQA":
        return measures.against(measures.milebench_contained, [reference]), MOST["open-ended"]
    kind = str(field(meta, "question_type", unit))
    if kind == "open-ended":
        return measures.against(measures.milebench_rouge, [reference]), MOST[kind]
    if kind != "multi-choice":
        raise InputError(f"{unit} has question_type {kind!r}", expected="open-ended or multi-choice")
    choices = list(map(str, field(instance, "choice_list", unit)))
    if measures.milebench_plain(reference) not in map(measures.milebench_plain, choices):
        raise InputError(f"{unit}: response {reference!r} is none of its choices")
    return measures.against(partial(measures.milebench_choice, choices=choices), [reference]), MOST[kind]
