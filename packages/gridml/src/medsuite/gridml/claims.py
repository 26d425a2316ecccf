"""The review's claims, executable. The statements are derived from its qualitative guidance; the figures are ours."""

from medsuite.core.claims import Claim, Paper
from medsuite.gridml.experiments import speed, unseen

REVIEW = Paper(
    "Machine learning for modelling unstructured grid data in computational physics: a review", 2025, "2502.09346"
)
DATA = "Simulated: Poisson problems on random star-shaped domains, solved by this package's P1 elements."

UNSEEN = Claim(
    id="gridml/unseen-meshes",
    paper=REVIEW,
    statement="Families that see the mesh keep their error on unseen meshes; node-indexed ones cannot be run.",
    published=(),
    data=DATA,
    scales={
        "smoke": unseen.UnseenSettings(seeds=(0,), train_cases=4, test_cases=3, effort=0.004),
        "laptop": unseen.UnseenSettings(seeds=(0, 1, 2), train_cases=200, test_cases=25, effort=1.0),
        "workstation": unseen.UnseenSettings(seeds=(0, 1, 2, 3, 4), train_cases=1000, test_cases=100, effort=10.0),
    },
    arms=unseen.ARMS,
    jobs=unseen.jobs,
    run=unseen.run,
    decide=unseen.decide,
    draw=unseen.draw,
)

SPEED = Claim(
    id="gridml/speed",
    paper=REVIEW,
    statement="A surrogate is faster than the solver at equal error (not at equal mesh).",
    published=(),
    data=DATA,
    scales={
        "smoke": speed.SpeedSettings(seeds=(0,), train_cases=4, test_cases=2, effort=0.004, reference=0.08, repeats=1),
        "laptop": speed.SpeedSettings(
            seeds=(0, 1, 2), train_cases=200, test_cases=8, effort=1.0, reference=0.025, repeats=5
        ),
        "workstation": speed.SpeedSettings(
            seeds=(0, 1, 2, 3, 4), train_cases=1000, test_cases=50, effort=10.0, reference=0.0125, repeats=15
        ),
    },
    arms=speed.ARMS,
    jobs=speed.jobs,
    run=speed.run,
    decide=speed.decide,
    draw=speed.draw,
)

CLAIMS: tuple[Claim, ...] = (UNSEEN, SPEED)
