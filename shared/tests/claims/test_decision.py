import json
import math

from medsuite.core.claims import Measurement
from medsuite.core.claims.decision import decide, write_results
from medsuite.core.claims.journal import from_record, to_record
from medsuite.core.claims.registry import find_claims
from medsuite.core.claims.runner import Plan, run
from medsuite.core.runs import RunFolder


def measured(name, tmp_path, scale="laptop"):
    folder = RunFolder.open(tmp_path / "run", {"scale": scale, "data": None})
    claims = find_claims([name])
    run(Plan(claims, scale, folder))
    return claims[0], folder


def test_a_verdict_follows_from_the_rows(toy, tmp_path):
    claim, folder = measured("toy/coin", tmp_path)
    (verdict,) = decide(claim, "laptop", folder).verdicts
    assert (verdict.outcome, verdict.estimate, verdict.n) == ("supported", 1.0, 60)


def test_the_smoke_scale_never_gives_a_verdict(toy, tmp_path):
    claim, folder = measured("toy/coin", tmp_path, scale="smoke")
    assert [verdict.outcome for verdict in decide(claim, "smoke", folder).verdicts] == ["no verdict"]


def test_there_is_no_verdict_while_jobs_are_missing(toy, tmp_path):
    folder = RunFolder.open(tmp_path / "run", {})
    result = decide(find_claims(["toy/coin"])[0], "smoke", folder)
    assert (result.status, result.verdicts, result.done, result.jobs) == ("incomplete", (), 0, 3)


def test_a_rule_that_raises_is_this_claims_failure(toy, tmp_path):
    folder = RunFolder.open(tmp_path / "run", {"data": None})
    claims = find_claims(["toy/undecided"])
    run(Plan(claims, "smoke", folder))
    result = decide(claims[0], "smoke", folder)
    assert result.status == "failed"
    assert result.failures == ("the decision: KeyError: 'tails'",)


def test_results_are_strict_json_with_provenance(toy, tmp_path):
    claim, folder = measured("toy/coin", tmp_path)
    write_results([decide(claim, "laptop", folder)], folder)

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads((folder.path / "results.json").read_text(), parse_constant=refuse)
    assert content["environment"]["versions"]["medsuite-toy"] == "1.2.3"
    assert content["claims"][0]["verdicts"][0]["outcome"] == "supported"
    assert content["claims"][0]["seeds"] == [0, 1, 2]


def test_an_undefined_number_survives_the_journal():
    row = from_record(json.loads(json.dumps(to_record(Measurement("a", 0, "u", "m", math.nan)), allow_nan=False)))
    assert math.isnan(row.value)
    assert from_record(to_record(Measurement("a", 0, "u", "m", 0.5))) == Measurement("a", 0, "u", "m", 0.5)
