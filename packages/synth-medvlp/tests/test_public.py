import subprocess
import sys

import pytest

import medsuite.synth_medvlp as package


def test_every_public_name_can_be_had_and_is_documented():
    for name in package.__all__:
        value = getattr(package, name)
        assert name in ("CONCEPTS", "FINDINGS") or value.__doc__, name
    assert set(package.__all__) == set(dir(package))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.parametrize(
    "module", ["medsuite.synth_medvlp", "medsuite.synth_medvlp.cli", "medsuite.synth_medvlp.claims"]
)
def test_importing_what_the_command_line_imports_loads_nothing_heavy(module):
    heavy = "{'torch', 'transformers', 'matplotlib', 'scipy', 'PIL', 'numpy'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
