"""English words of electrocardiogram reports: findings, walls, negation and doubt, as patterns."""

import re

WALL_WORDS: dict[str, str] = {
    "high lateral": r"high[- ]lateral",
    "inferior": r"inferior|infero(?=lateral)",
    "anterior": r"anterior|antero(?=septal|lateral)",
    "lateral": r"(?<!high )(?<!high-)(?:lateral|(?<=antero)lateral|(?<=infero)lateral)",
    "septal": r"(?:antero)?septal",
}
CHANGE_WORDS: dict[str, str] = {
    "ST elevation": (
        r"st(?:[- ]segments?)?[- ]elevations?|elevated st|stemi"
        r"|st(?: segments?)? (?:is |are )?(?:elevated|raised)"
    ),
    "ST depression": (
        r"st(?:[- ]segments?)?[- ]depressions?|depressed st|subendocardial isch(?:a)?emia"
        r"|st(?: segments?)? (?:is |are )?depressed"
    ),
    "T inversion": r"t[- ]?(?:waves?)? inversions?|inverted t|negative t[- ]waves?",
    "tall T": r"(?:tall|peaked|hyperacute) t(?:[- ]waves?)?",
    "Q wave": r"(?:pathological )?q[- ]waves?|(?:myocardial )?infarct(?:ion)?s?|\bmi\b",
}
OTHER_WORDS: dict[str, str] = {
    "LBBB": r"(?:complete )?left bundle[- ]branch block|\bc?lbbb\b",
    "RBBB": r"(?:complete )?right bundle[- ]branch block|\bc?rbbb\b",
    "LAFB": r"left anterior (?:fascicular block|hemi-?block)|\blafb\b|\blahb?\b",
    "WPW": r"wolff[- ]parkinson[- ]white|\bwpw\b|(?:ventricular )?pre-?excitation",
    "atrial fibrillation": r"atrial fibrillation|\ba-?fib\b",
    "tachycardia": r"sinus tachycardia",
    "bradycardia": r"sinus bradycardia",
    "LVH": r"left ventricular hypertrophy|\blvh\b",
    "low voltage": r"low (?:qrs )?voltages?",
    "long QT": r"(?:long|prolonged) qtc?(?: interval)?|qtc?(?: interval)? (?:is )?(?:prolonged|prolongation)",
    "short QT": r"short(?:ened)? qtc?(?: interval)?",
    "AV block I": r"(?:first|1st)[- ]degree (?:av|a-v|atrioventricular) block|prolonged pr(?: interval)?",
    "PVC": (
        r"premature ventricular (?:complex|contraction|beat)(?:e?s)?"
        r"|ventricular (?:extrasystole|premature complexe?)s?|\bpvcs?\b"
    ),
}
CERTAINTY_WORDS: dict[str, str] = {
    "possible": (
        r"cannot (?:be )?(?:rule|exclude)d?(?: out)?|not (?:be )?(?:ruled out|excluded)|possibl[ey]|may be"
        r"|might be|could be"
        r"|suspect(?:ed)?|suspicious for|suggest(?:s|ive of)?|question(?:able)?|borderline|consider|rule out|\?"
    ),
    "excluded": (
        r"\bno\b|\bnot\b|without|absence of|absent|negative for|denies|free of|resolved"
        r"|(?:has|have) disappeared|ruled out|excluded"
    ),
    "probable": r"probabl[ey]|likely|consistent with|compatible with|presumabl[ey]",
}
"""In order: words of doubt come before the negation that they contain ("cannot be ruled out")."""

SENTENCES = re.compile(r"[;\n]|\.(?!\d)|\bbut\b|\balthough\b|\bhowever\b|\bwith\b")
"""Where the reach of a negation always ends; a full stop inside a number is no end."""

ENGLISH = re.compile(
    r"\b(?:the|and|with|without|no|not|sinus|rhythm|wave|waves|segment|block|normal|abnormal|left|right|interval|axis"
    r"|ecg|possible|probable|infarct(?:ion)?|atrial|ventricular|elevation|depression|inversion)\b"
)
FOREIGN = re.compile(
    r"\b(?:der|die|das|und|kein|keine|keinen|ohne|mit|nicht|sinusrhythmus|lagetyp|linkstyp|ritmo|sinusale|normale|con"
    r"|senza|sin|rythme|sinusal|avec|pas|blocco|bloqueo|eller|och|ikke)\b"
)
