import subprocess
import sys

import pytest

import medsuite.ecg_align as package


def test_every_public_name_can_be_had_and_is_documented():
    for name in package.__all__:
        value = getattr(package, name)
        assert isinstance(value, tuple) or value.__doc__, name
    assert set(package.__all__) <= set(dir(package))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.parametrize("module", ["medsuite.ecg_align", "medsuite.ecg_align.cli", "medsuite.ecg_align.claims"])
def test_importing_what_the_command_line_imports_loads_nothing_heavy(module):
    heavy = "{'torch', 'transformers', 'matplotlib', 'pydicom', 'wfdb', 'scipy'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"
