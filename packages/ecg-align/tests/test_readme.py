import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_of_the_readme_runs_and_shows_real_leads(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, str(README), "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert "10.0 ('RITMO SINUSALE', 'ECG NORMALE')" in first
    assert second == "('I', 'II', 'III', 'aVR', 'aVL', 'aVF') (6, 1000)"
