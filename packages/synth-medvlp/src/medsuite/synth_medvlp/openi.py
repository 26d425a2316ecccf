"""Reports of the Open-i / Indiana University collection (`ecgen-radiology/N.xml`): real text for pools and tails."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.entities import extract
from medsuite.synth_medvlp.pool import EntityPool

_REMOVED = re.compile(r"\bX{2,}\b")


@dataclass(frozen=True)
class OpenIReport:
    """One report.

    Attributes:
        key: Its number in the collection, such as `"CXR1"`.
        findings: The section of that name, empty where it is missing.
        impression: The section of that name, empty where it is missing.
        concepts: What the collection's annotators marked, without qualifiers: the MeSH majors before the first slash.
        images: Names of its films.
    """

    key: str
    findings: str
    impression: str
    concepts: frozenset[str]
    images: tuple[str, ...]

    @property
    def text(self) -> str:
        """Both sections, those that are there."""
        return "\n".join(section for section in (self.findings, self.impression) if section)


@dataclass(frozen=True)
class OpenI:
    """The reports that hold text, and why the others were left out.

    Attributes:
        reports: Reports in the order of their numbers.
        left_out: Number of files left out by reason.
    """

    reports: tuple[OpenIReport, ...]
    left_out: Mapping[str, int]

    def pool(self) -> EntityPool:
        """Count the entities that the reports affirm."""
        return EntityPool.from_reports(report.text for report in self.reports)


def read_openi(folder: Path) -> OpenI:
    """Read all reports of a folder.

    A report without findings and impression, or whose words were all removed ("XXXX"), is left out and counted.

    Args:
        folder: `ecgen-radiology`, or a folder that holds it.

    Raises:
        InputError: There is no report, or a file is no report of the collection.
    """
    inner = folder / "ecgen-radiology"
    found = (inner if inner.is_dir() else folder).glob("[!.]*.xml")
    paths = sorted(found, key=lambda path: (len(path.stem), path.stem))
    if not paths:
        raise InputError(f"{folder} holds no XML report", expected="the folder ecgen-radiology of Open-i")
    reports, reasons = [], Counter[str]()
    for report in map(read_report, paths):
        if not report.text:
            reasons["neither findings nor impression"] += 1
        elif not re.search(r"[A-Za-z]{2,}", _REMOVED.sub("", report.text)):
            reasons["all words removed"] += 1
        else:
            reports.append(report)
    return OpenI(tuple(reports), dict(reasons))


def read_report(path: Path) -> OpenIReport:
    """Read one file.

    Raises:
        InputError: The file is cut, no XML, or no report of the collection.
    """
    try:
        # Expat itself limits how far entities expand.
        root = ElementTree.parse(path).getroot()  # noqa: S314
    except (ElementTree.ParseError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="an Open-i report in XML") from error
    number = root.find("uId")
    sections = {entry.get("Label", ""): " ".join((entry.text or "").split()) for entry in root.iter("AbstractText")}
    if number is None or not sections:
        raise InputError(f"{path} has no uId or no AbstractText", expected="an Open-i report (eCitation)")
    return OpenIReport(
        number.get("id", path.stem),
        sections.get("FINDINGS", ""),
        sections.get("IMPRESSION", ""),
        frozenset((entry.text or "").partition("/")[0].strip().lower() for entry in root.iter("major")),
        tuple(entry.get("id", "") for entry in root.iter("parentImage")),
    )


def describe_tail(folder: Path) -> list[str]:
    """Say how the findings of the vocabulary are spread over a folder's reports, in lines.

    Raises:
        InputError: The folder cannot be read, or no report affirms a finding.
    """
    collection = read_openi(folder)
    pool = collection.pool()
    without = sum(not any(e.status == "present" for e in extract(report.text)) for report in collection.reports)
    left_out = ", ".join(f"{count} with {reason}" for reason, count in collection.left_out.items()) or "none"
    lines = [
        f"{len(collection.reports)} reports, {without} of them without a finding; left out: {left_out}",
        f"tail: {pool.tail()}",
    ]
    return lines + [f"  {count:6d} {name}" for name, count in pool.counts.items()]
