"""`medsuite bpgpt`: check a folder of story data, score decoded text, look at the micro-world."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Language decoding from fMRI through brain prompts (BP-GPT).", no_args_is_help=True)


@app.command()
def data(
    folder: Annotated[Path, typer.Argument(help="Folder of ds003020, with derivative/ in it.")],
    subject: Annotated[str, typer.Option(help="Listener, such as UTS03.")],
) -> None:
    """Check a listener's responses and transcripts, and list the windows that they give."""
    from medsuite.bpgpt.data.summary import summarise

    typer.echo(summarise(folder, subject))


@app.command()
def evaluate(
    reference: Annotated[Path, typer.Argument(help="TextGrid of what was heard.")],
    decoded: Annotated[Path, typer.Argument(help="Table of what was decoded: lines of onset in s, tab, word.")],
    metrics: Annotated[
        str, typer.Option(help="Metrics, separated by commas: wer, bleu1, meteor, bertscore.")
    ] = "wer,bleu1",
    bert: Annotated[Path | None, typer.Option(help="Folder of the BERT-like model of bertscore.")] = None,
    bert_layer: Annotated[int, typer.Option(help="Layer of that model whose states are compared.")] = 6,
) -> None:
    """Score a decoded story in windows of 20 s, beside the story's own windows exchanged."""
    from medsuite.bpgpt.evaluate.scoring import BertModel
    from medsuite.bpgpt.evaluate.transcripts import score_table

    names = [name.strip() for name in metrics.split(",") if name.strip()]
    typer.echo(score_table(reference, decoded, names, bert=BertModel(bert, bert_layer) if bert else None))


@app.command()
def simulate(
    snr: Annotated[float, typer.Option(help="Factor on the ratio of signal to noise variance.")] = 0.05,
    windows: Annotated[int, typer.Option(help="Number of windows.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 0,
) -> None:
    """Let the micro-world's listener hear sentences, and decode them with the exact Bayes decoder."""
    from medsuite.bpgpt.world.summary import decode_table

    typer.echo(decode_table(snr, windows, seed))
