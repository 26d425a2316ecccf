"""The commands of `medsuite grounding`: parse, call the library, print."""

import json
import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medsuite.core.stats import Interval
    from medsuite.grounding.data import Annotations
    from medsuite.grounding.evaluation import Evaluation

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Abnormality grounding with decomposed knowledge (AG-KD). Not a medical device.",
)


class Layout(StrEnum):
    """Formats of annotations."""

    VINDR = "vindr"
    PADCHEST_GR = "padchest-gr"


Knowledge = Annotated[str, typer.Option("--knowledge", help="Built-in name (phantom, vindr) or a YAML or JSON file.")]
File = Annotated[Path, typer.Argument(help="The data set's own file.")]
Format = Annotated[Layout, typer.Option("--format", help="Layout of the file.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the images; PadChest-GR needs it for their sizes.")]
Fuse = Annotated[float | None, typer.Option(help="Fuse the boxes of several readers at this IoU.")]
Seed = Annotated[int, typer.Option(help="Seed of the strategies that draw.", min=0)]
DropBad = Annotated[
    bool, typer.Option("--drop-bad-boxes", help="Leave out boxes without area or outside, and count them.")
]


@app.command()
def knowledge(source: Annotated[str, typer.Argument(help="Built-in name or a file.")] = "vindr") -> None:
    """List a knowledge base and what is wrong with it; exit code 1 if a rule finds an error."""
    from medsuite.grounding.knowledge import lint, load_knowledge

    base = load_knowledge(source)
    typer.echo(f"{base.name} {base.version}, {len(base)} findings, {base.license}. {base.source}")
    for finding in base.findings:
        typer.echo(f"  {finding.name} [{finding.status}]: {', '.join(finding.attributes.present().values())}")
    issues = lint(base)
    for issue in issues:
        typer.echo(f"{issue.severity}: {issue.finding}: {issue.message} ({issue.rule})")
    typer.echo(f"{len(issues)} issues")
    if any(issue.severity == "error" for issue in issues):
        raise typer.Exit(1)


@app.command()
def prompts(
    finding: Annotated[str, typer.Argument(help="Its id, name or a synonym.")],
    base: Knowledge = "vindr",
    seed: Seed = 0,
) -> None:
    """Show what each prompt strategy says about a finding, or why it cannot say anything."""
    from medsuite.grounding.knowledge import load_knowledge
    from medsuite.grounding.prompts import all_strategies

    loaded = load_knowledge(base)
    for name, text in all_strategies(loaded[finding], loaded, seed).items():
        typer.echo(f"{name + ':':24}{text}")


@app.command()
def data(
    file: File,
    layout: Format = Layout.VINDR,
    images: Images = None,
    fuse: Fuse = None,
    drop: DropBad = False,
    agreement: Annotated[bool, typer.Option("--agreement", help="Measure one reader against another.")] = False,
) -> None:
    """Check a data set's boxes and count them by finding; say how far its readers agree."""
    from collections import Counter

    annotations = _read(file, layout, images, fuse, drop)
    counts = Counter(label for record in annotations for label in record.labels)
    typer.echo(f"{len(annotations)} images, {annotations.box_count} boxes, {len(annotations.dropped)} dropped")
    for label, count in counts.most_common():
        typer.echo(f"  {count:6d}  {label}")
    for line in annotations.dropped:
        typer.echo(f"dropped: {line}", err=True)
    if agreement:
        from medsuite.grounding.evaluation import evaluate as measure
        from medsuite.grounding.metrics import between_readers

        typer.echo("one reader against another, of findings that both marked:")
        _show(measure(*between_readers(annotations)))


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="DICOM, PNG, JPEG or TIFF images.")],
    find: Annotated[list[str], typer.Option(help="Finding to look for; may be repeated.")],
    model: Annotated[str, typer.Option(help="Folder of a Florence-2 in transformers' own layout, or a hub id.")],
    base: Knowledge = "vindr",
    strategy: Annotated[str, typer.Option(help="Prompt strategy.")] = "knowledge",
    out: Annotated[Path | None, typer.Option(help="Write the predictions there as JSON.")] = None,
) -> None:
    """Draw boxes for findings in images with a Florence-2; `evaluate` reads what `--out` writes."""
    from medsuite.grounding.evaluation import write_predictions
    from medsuite.grounding.prediction import predict_images

    predictions = []
    for prediction in predict_images(images, find, model, base, strategy):
        predictions.append(prediction)
        for label, box, score in zip(prediction.labels, prediction.boxes, prediction.scores, strict=True):
            edges = ", ".join(f"{edge:.1f}" for edge in box)
            typer.echo(f"{prediction.image_id}  {label}: {edges}  (score {score:.3g})")
    if out:
        _write(out, write_predictions(predictions))


@app.command()
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="JSON list of image_id, labels, boxes, scores.")],
    annotations: File,
    layout: Format = Layout.VINDR,
    images: Images = None,
    fuse: Fuse = None,
    drop: DropBad = False,
    base: Knowledge = "vindr",
    out: Annotated[Path | None, typer.Option(help="Write all numbers there as JSON.")] = None,
) -> None:
    """Measure predictions: COCO AP, RoDeO, pointing game, each query's best box, with intervals over images."""
    from medsuite.grounding.evaluation import evaluate as measure
    from medsuite.grounding.evaluation import read_predictions
    from medsuite.grounding.knowledge import load_knowledge

    truth = _read(annotations, layout, images, fuse, drop)
    result = measure(truth, read_predictions(predictions), knowledge=load_knowledge(base))
    typer.echo("only findings that are present are asked for:")
    _show(result)
    if out:
        _write(out, json.dumps(result.to_json(), indent=2) + "\n")


def _show(result: "Evaluation") -> None:
    def line(name: str, interval: "Interval") -> None:
        shown = f"{interval.estimate:.3g}, {interval.method}" if math.isnan(interval.low) else str(interval)
        typer.echo(f"{name:15}{shown}")

    typer.echo(f"{result.images} images")
    coco, parts = result.coco, result.rodeo
    typer.echo(f"AP 50:95 {coco.mean:.4f}   AP 50 {coco.at_50:.4f}   AP 75 {coco.at_75:.4f}   AR {coco.recall:.4f}")
    line("AP 50", result.ap_50)
    typer.echo(f"RoDeO localisation {parts.localization:.4f}   shape {parts.shape:.4f}   "
               f"classification {parts.classification:.4f}")  # fmt: skip
    line("RoDeO total", result.rodeo_total)
    line("pointing game", result.pointing)
    line("found at 0.5", result.found)


def _write(path: Path, text: str) -> None:
    from medsuite.core.errors import InputError
    from medsuite.core.runs import write_atomically

    try:
        write_atomically(path, text)
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror})", expected="the name of a file") from error


def _read(file: Path, layout: Layout, images: Path | None, fuse: float | None, drop: bool) -> "Annotations":
    from medsuite.grounding.data.open import open_annotations

    return open_annotations(file, layout.value, images=images, fuse=fuse, bad_boxes="drop" if drop else "raise")
