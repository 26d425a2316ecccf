import pytest

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import read_openi
from medsuite.synth_medvlp.openi import describe_tail, read_report

LAYOUT = """<?xml version="1.0" encoding="utf-8"?>
<eCitation>
   <meta type="rr"/>
   <uId id="CXR{number}"/>
   <MedlineCitation Owner="Indiana University" Status="supplied by publisher"><Article PubModel="Electronic"><Abstract>
         <AbstractText Label="COMPARISON">None.</AbstractText>
         <AbstractText Label="FINDINGS">{findings}</AbstractText>
         <AbstractText Label="IMPRESSION">{impression}</AbstractText>
   </Abstract></Article></MedlineCitation>
   <MeSH><major>Calcified Granuloma/lung/upper lobe/right</major><automatic>calcified granuloma</automatic></MeSH>
   <parentImage id="CXR{number}_1_IM-0001-3001"><figureId>F1</figureId></parentImage>
</eCitation>
"""


def write(folder, number, findings="", impression=""):
    path = folder / f"{number}.xml"
    path.write_text(LAYOUT.format(number=number, findings=findings, impression=impression))
    return path


def test_sections_annotations_and_films_are_read(tmp_path):
    report = read_report(write(tmp_path, 7, "There is\n   a mass.", "Mass."))
    assert (report.key, report.findings, report.impression) == ("CXR7", "There is a mass.", "Mass.")
    assert report.concepts == {"calcified granuloma"}
    assert report.images == ("CXR7_1_IM-0001-3001",)
    assert report.text == "There is a mass.\nMass."


def test_reports_without_words_are_left_out_and_counted(tmp_path):
    folder = tmp_path / "ecgen-radiology"
    folder.mkdir()
    write(folder, 10, "A mass.")
    write(folder, 2, "", "No effusion. Cavity.")
    write(folder, 3)
    write(folder, 4, "XXXX XXXX.", "XXXX")
    collection = read_openi(tmp_path)
    assert [report.key for report in collection.reports] == ["CXR2", "CXR10"]
    assert collection.left_out == {"neither findings nor impression": 1, "all words removed": 1}
    assert collection.pool().counts == {"cavity": 1, "mass": 1}
    assert describe_tail(tmp_path)[0].startswith("2 reports, 0 of them without a finding; left out: 1 with neither")


def test_a_cut_a_foreign_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no XML report"):
        read_openi(tmp_path)
    path = write(tmp_path, 1, "A mass.")
    path.write_text(path.read_text()[:400])
    with pytest.raises(InputError, match=r"1\.xml cannot be read"):
        read_openi(tmp_path)
    path.write_text("<note/>")
    with pytest.raises(InputError, match="no uId or no AbstractText"):
        read_openi(tmp_path)
