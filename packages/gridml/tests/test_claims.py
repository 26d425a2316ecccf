import pytest

from medsuite.gridml.claims import CLAIMS


class Folder:
    """The context of a run, without a run."""

    scale, data = "smoke", None

    def __init__(self, settings, path):
        self.settings, self.path, self.built = settings, path, []

    def artefact(self, name, build):
        folder = self.path / name
        if not folder.exists():
            folder.mkdir()
            build(folder)
            self.built.append(name)
        return folder

    def progress(self, fraction):
        assert 0 <= fraction <= 1


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_goes_from_its_jobs_to_verdicts_and_figures_at_the_smoke_scale(claim, tmp_path):
    context = Folder(claim.settings("smoke"), tmp_path)
    rows = [row for job in claim.jobs(context.settings) for row in claim.run(job, context)]
    arms = {arm.name for arm in claim.arms}
    assert {row.arm for row in rows} == arms
    assert len({(row.arm, row.seed, row.unit, row.metric) for row in rows}) == len(rows)
    assert claim.decide(rows)
    assert all(drawing.figure.axes for drawing in claim.draw(rows))
    before = len(context.built)
    list(claim.run(claim.jobs(context.settings)[0], context))
    assert len(context.built) == before


def test_each_claim_has_scales_from_seconds_to_hours_and_three_seeds_at_the_laptop():
    for claim in CLAIMS:
        assert set(claim.scales) == {"smoke", "laptop", "workstation"}
        assert len(claim.settings("laptop").seeds) == 3
