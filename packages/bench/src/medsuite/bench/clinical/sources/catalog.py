"""The tables of MIMIC-IV that the tasks need, with the columns of version 2.2 and later."""

from collections.abc import Mapping

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "patients": ("subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod"),
    "admissions": (
        *("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "admission_type", "admit_provider_id"),
        *("admission_location", "discharge_location", "insurance", "language", "marital_status", "race"),
        *("edregtime", "edouttime", "hospital_expire_flag"),
    ),
    "diagnoses_icd": ("subject_id", "hadm_id", "seq_num", "icd_code", "icd_version"),
    "procedures_icd": ("subject_id", "hadm_id", "seq_num", "chartdate", "icd_code", "icd_version"),
    "prescriptions": (
        *("subject_id", "hadm_id", "pharmacy_id", "poe_id", "poe_seq", "order_provider_id", "starttime", "stoptime"),
        *("drug_type", "drug", "formulary_drug_cd", "gsn", "ndc", "prod_strength", "form_rx", "dose_val_rx"),
        *("dose_unit_rx", "form_val_disp", "form_unit_disp", "doses_per_24_hrs", "route"),
    ),
    "d_icd_diagnoses": ("icd_code", "icd_version", "long_title"),
    "d_icd_procedures": ("icd_code", "icd_version", "long_title"),
    # The simulated hospital's own: MIMIC-IV does not say when a diagnosis came to be known.
    "diagnosis_times": ("subject_id", "hadm_id", "icd_code", "icd_version", "known_at"),
}
"""Columns as they are shipped; readers ask for them by name, since versions differ in order and number."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "patients": ("subject_id", "gender", "anchor_age", "anchor_year"),
    "admissions": ("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "hospital_expire_flag"),
    "diagnoses_icd": ("subject_id", "hadm_id", "seq_num", "icd_code", "icd_version"),
    "procedures_icd": ("subject_id", "hadm_id", "seq_num", "chartdate", "icd_code", "icd_version"),
    "prescriptions": ("subject_id", "hadm_id", "starttime", "ndc"),
    "d_icd_diagnoses": ("icd_code", "icd_version", "long_title"),
    "d_icd_procedures": ("icd_code", "icd_version", "long_title"),
    "diagnosis_times": ("subject_id", "hadm_id", "icd_code", "icd_version", "known_at"),
}
"""Columns without which a table cannot be used."""
OPTIONAL = frozenset({"diagnosis_times", "d_icd_diagnoses", "d_icd_procedures"})
"""Tables that need not be there: official titles stand in for those of MIMIC-IV."""

FINGERPRINTS: Mapping[str, Mapping[str, int]] = {
    "3.1": {
        "patients": 364_627,
        "admissions": 546_028,
        "diagnoses_icd": 6_364_488,
        "procedures_icd": 859_655,
        "prescriptions": 20_292_611,
        "d_icd_diagnoses": 112_107,
        "d_icd_procedures": 86_423,
    },
    "demo 2.2": {
        "patients": 100,
        "admissions": 275,
        "diagnoses_icd": 4_506,
        "procedures_icd": 722,
        "prescriptions": 18_087,
        "d_icd_diagnoses": 109_775,
        "d_icd_procedures": 85_257,
    },
}
"""Rows of each table of released versions, by the custodians' own build scripts."""
