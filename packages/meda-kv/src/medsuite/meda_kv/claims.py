"""MEDA's claims as experiments: less memory at kept quality, faster decoding, entropy as the better guide."""

from dataclasses import dataclass

from medsuite.core.claims import Arm, Claim, Job, Paper, Published
from medsuite.core.lazy import deferred

HOME = "medsuite.meda_kv.evaluate"
"""Where the experiments lie."""

PAPER = Paper(
    "MEDA: Dynamic KV Cache Allocation for Efficient Multimodal Long-Context Inference", 2025, "arXiv 2502.17599"
)
DATA = (
    "Real: SmolLM2-135M-Instruct's published weights (4-bit, de-quantised) and Python's own documentation as the long "
    "text, with a five-digit pass key hidden in it; text only, so that MEDA's full-row entropy stands in for its "
    "cross-modal one. No statement about vision-language models follows; `--scale paper --data DIR` runs on yours."
)


@dataclass(frozen=True)
class QuestionSettings:
    """Size of a question-answering experiment.

    Attributes:
        model: `"tiny"`, a packaged name, or `"data"` for the folder given with `--data`.
        seeds: Number of seeds.
        questions: Questions per seed.
        context: Tokens of each text.
        shares: Kept shares.
        per_job: Questions per job.
    """

    model: str
    seeds: int
    questions: int
    context: int
    shares: tuple[float, ...]
    per_job: int = 5


@dataclass(frozen=True)
class PictureSettings:
    """Size of an experiment with the hand-set LLaVA.

    Attributes:
        seeds: Number of seeds.
        questions: Questions per seed.
        pictures: Pictures of each question.
        side: Patches along a picture's edge.
        shares: Kept shares.
        per_job: Questions per job.
    """

    seeds: int
    questions: int
    pictures: int
    side: int
    shares: tuple[float, ...]
    per_job: int = 40


@dataclass(frozen=True)
class SpeedSettings:
    """Size of a timing experiment.

    Attributes:
        model: As in `QuestionSettings`.
        seeds: Number of texts.
        contexts: Prompt lengths in tokens.
        share: Kept share.
        new_tokens: Tokens generated per round.
        rounds: Rounds, in which the arms alternate.
    """

    model: str
    seeds: int
    contexts: tuple[int, ...]
    share: float
    new_tokens: int
    rounds: int


def _question_jobs(settings: QuestionSettings) -> list[Job]:
    """A question costs some 2.5 passes over its text and a pass an arm."""
    seconds = {"tiny": 0.5}.get(settings.model, settings.context / 110 + 0.5 * len(settings.shares))
    return _blocks(settings, seconds)


def _picture_jobs(settings: PictureSettings) -> list[Job]:
    """A question costs two passes over its pictures and a pass an arm."""
    return _blocks(settings, 0.1 + settings.pictures * settings.side**2 / 4000)


def _blocks(settings: QuestionSettings | PictureSettings, seconds: float) -> list[Job]:
    """One job per seed and block of questions."""
    return [
        Job(
            f"seed={seed} questions={start}-{min(start + settings.per_job, settings.questions) - 1}",
            seed,
            {"start": start, "stop": min(start + settings.per_job, settings.questions)},
            seconds * settings.per_job,
        )
        for seed in range(settings.seeds)
        for start in range(0, settings.questions, settings.per_job)
    ]


def _speed_jobs(settings: SpeedSettings) -> list[Job]:
    """One exclusive job per text and prompt length."""
    return [
        Job(f"seed={seed} context={context}", seed, {"context": context}, context / 125, exclusive=True)
        for context in settings.contexts
        for seed in range(settings.seeds)
    ]


MEMORY = Claim(
    id="meda-kv/memory",
    paper=PAPER,
    statement="Dynamic allocation with merging frees 72 % of the KV cache and answers as well as the full cache",
    published=(
        Published(
            "72 %",
            "KV memory of LLaVA-type models on multi-image and long-video tasks, by a formula over the kept ratio, "
            "against the full cache",
            "abstract",
        ),
    ),
    data=DATA,
    scales={
        "smoke": QuestionSettings("tiny", 2, 2, 160, (0.28,)),
        "laptop": QuestionSettings("smollm2-135m", 3, 10, 500, (0.28,)),
        "workstation": QuestionSettings("smollm2-135m", 5, 40, 2000, (0.28,)),
        "paper": QuestionSettings("data", 5, 100, 4000, (0.28,)),
    },
    arms=(
        Arm("meda", "treatment", "entropy softmax, text prior, heavy hitters, half recent, values averaged"),
        Arm("uniform", "rival", "the same with equal layers, at equal bytes"),
        Arm("shuffled", "control", "the same with the entropies handed to the layers in random order"),
        Arm("random", "floor", "equal layers, random slots, nothing merged"),
        Arm("full", "ceiling", "the whole cache"),
    ),
    jobs=_question_jobs,
    run=deferred(f"{HOME}.experiments", "memory"),
    decide=deferred(f"{HOME}.decisions", "memory"),
    draw=deferred(f"{HOME}.drawings", "memory"),
)

SPEED = Claim(
    id="meda-kv/speed",
    paper=PAPER,
    statement="Decoding behind the smaller cache is 2.82 times faster",
    published=(
        Published(
            "2.82x",
            "decoding speed of LLaVA-type models on a GPU against the 2023 eager attention of the authors' fork",
            "abstract",
        ),
    ),
    data=DATA,
    scales={
        "smoke": SpeedSettings("tiny", 2, (128, 256), 0.28, 4, 1),
        "laptop": SpeedSettings("smollm2-135m", 3, (1024, 3072), 0.28, 9, 5),
        "workstation": SpeedSettings("smollm2-135m", 5, (2048, 4096, 8000), 0.28, 32, 3),
        "paper": SpeedSettings("data", 5, (4096, 8192, 32768), 0.28, 64, 3),
    },
    arms=(
        Arm("meda", "treatment", "the recipe of meda-kv/memory with sampled observation"),
        Arm("full", "rival", "the whole cache, same attention function, same run"),
    ),
    jobs=_speed_jobs,
    run=deferred(f"{HOME}.experiments", "speed"),
    decide=deferred(f"{HOME}.decisions", "speed"),
    draw=deferred(f"{HOME}.drawings", "speed"),
)

ALLOCATION = Claim(
    id="meda-kv/allocation",
    paper=PAPER,
    statement="Sharing slots among layers by attention entropy beats equal layers at equal bytes",
    published=(Published("better", "quality at the same ratio, against baselines with equal layers", "abstract"),),
    data=DATA,
    scales={
        "smoke": QuestionSettings("tiny", 2, 2, 160, (0.4,)),
        "laptop": QuestionSettings("smollm2-135m", 3, 8, 500, (0.4, 0.2)),
        "workstation": QuestionSettings("smollm2-135m", 5, 40, 2000, (0.5, 0.4, 0.3, 0.2, 0.1)),
        "paper": QuestionSettings("data", 5, 100, 4000, (0.5, 0.4, 0.3, 0.2, 0.1)),
    },
    arms=(
        Arm("entropy", "treatment", "softmax of attention entropy; SnapKV chooses the slots, nothing is merged"),
        Arm("uniform", "rival", "equal layers"),
        Arm("pyramid", "rival", "linearly fewer slots from the first layer to the last"),
        Arm("shuffled", "control", "the entropies handed to the layers in random order"),
        Arm("full", "ceiling", "the whole cache"),
    ),
    jobs=_question_jobs,
    run=deferred(f"{HOME}.experiments", "allocation"),
    decide=deferred(f"{HOME}.decisions", "allocation"),
    draw=deferred(f"{HOME}.drawings", "allocation"),
)

PICTURES = Claim(
    id="meda-kv/pictures",
    paper=PAPER,
    statement="Where layers differ in what they need, cross-modal entropy shares slots better than equal layers",
    published=(Published("better", "quality at the same ratio, against baselines with equal layers", "abstract"),),
    data=(
        "Simulated: a real LLaVA class whose weights are set by hand. Two layers look a key up, which takes one slot; "
        "two take a census of all patches, which every lost slot makes less certain. It shows MEDA's mechanism where "
        "its premise holds, and is no evidence that trained models are like that."
    ),
    scales={
        "smoke": PictureSettings(2, 2, 4, 4, (0.4,)),
        "laptop": PictureSettings(3, 40, 24, 8, (0.2, 0.1)),
        "workstation": PictureSettings(5, 100, 24, 16, (0.4, 0.2, 0.1, 0.05)),
        "paper": PictureSettings(5, 200, 48, 16, (0.4, 0.2, 0.1, 0.05)),
    },
    arms=(
        Arm("entropy", "treatment", "softmax of cross-modal entropy; SnapKV chooses the slots, nothing is merged"),
        Arm("uniform", "rival", "equal layers"),
        Arm("pyramid", "rival", "linearly fewer slots from the first layer to the last"),
        Arm("shuffled", "control", "the entropies handed to the layers in random order"),
        Arm("full", "ceiling", "the whole cache"),
    ),
    jobs=_picture_jobs,
    run=deferred(f"{HOME}.experiments", "pictures"),
    decide=deferred(f"{HOME}.decisions", "pictures"),
    draw=deferred(f"{HOME}.drawings", "pictures"),
)

CLAIMS: tuple[Claim, ...] = (MEMORY, SPEED, ALLOCATION, PICTURES)
"""The claims that the entry point `medsuite.claims` registers."""
