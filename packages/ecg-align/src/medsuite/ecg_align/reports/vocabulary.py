"""English words of electrocardiogram reports: findings, walls, negation and doubt, as patterns."""

import re

WALL_WORDS: dict[str, str] = {
    "high lateral": r"high[- ]lateral",
    "inferior": r"inferior|infero(?=-?(?:lateral|septal|posterior|apical))",
    "anterior": r"anterior|antero(?=-?(?:lateral|septal|apical))",
    # A word of its own or the end of a compound of walls, but not of "bilateral".
    "lateral": r"(?<!high )(?<!high-)(?<!bi-)(?:(?<![a-z])|(?<=antero)|(?<=infero)|(?<=postero))lateral",
    "septal": r"(?:(?<![a-z])|(?<=antero)|(?<=infero))septal",
}
CHANGE_WORDS: dict[str, str] = {
    # "NSTEMI" and "non-ST elevation infarction" are named after what they do not show.
    "ST elevation": (
        r"(?<!non-)(?<!non )\bst(?:emis?\b|(?:[- ]segments?)?[- ]elevations?"
        r"|(?:[- ]segments?)? (?:is |are )?(?:elevated|raised))|\belevated st\b"
    ),
    "ST depression": (
        r"\bst(?:[- ]segments?)?(?:[- ]depressions?| (?:is |are )?(?:depressed|lowered))|\bdepressed st\b"
        r"|subendocardial isch(?:a)?emia"
    ),
    "T inversion": (
        r"\bt(?:[- ]?waves?)?(?:[- ]inversions?| (?:is |are )?inverted)|\binverted t\b|\bnegative t[- ]waves?|\btwi\b"
    ),
    "tall T": r"\b(?:tall|peaked|hyperacute) t\b(?:[- ]waves?)?|\bt[- ]?waves? (?:is |are )?(?:tall|peaked)",
    "Q wave": r"(?:pathological )?\bq[- ]waves?|(?:myocardial )?\binfarct(?:ion)?s?|\bmi\b",
}
OTHER_WORDS: dict[str, str] = {
    "LBBB": r"(?<!incomplete )(?:(?:\bcomplete )?\bleft bundle[- ]branch[- ]block|\bc?lbbb\b)",
    "RBBB": r"(?<!incomplete )(?:(?:\bcomplete )?\bright bundle[- ]branch[- ]block|\bc?rbbb\b)",
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
_NO_CHANGE = r"(?! (?:(?:significant|interval|definite|acute|further) )*change)"
CERTAINTY_WORDS: dict[str, str] = {
    "possible": (
        r"can(?:not|'t| not) (?:\w+ ){0,2}?(?:rule|exclude)d?(?: out)?|\bnot (?:be )?(?:ruled out|excluded)|possibl[ey]"
        r"|(?:may|might|could) (?:be|represent|reflect|indicate)|\bunlikely|\bimprobabl[ey]|equivocal|doubtful|perhaps"
        r"|suspect(?:ed)?|suspicious for|suggest(?:s|ive of|ing)?|question(?:able)?|borderline|consider|rule out|\?"
    ),
    "excluded": (
        r"(?:\bnot |\bin)(?:consistent|compatible) with|\bno longer\b|\bno\b" + _NO_CHANGE + r"|\bnot\b(?! only)"
        r"|\bwithout\b" + _NO_CHANGE + r"|absence of|absent|negative for|denies|free of|resolved"
        r"|(?:has|have) disappeared|ruled out|excluded"
    ),
    "probable": r"\bprobabl[ey]|\blikely|consistent with|compatible with|presumabl[ey]",
}
"""In order: words of doubt come before the negation that they contain ("cannot be ruled out").

"No change in left bundle branch block" denies a change and not the block.
"""

FORWARD_ONLY = re.compile(
    r"no|without|absence of|negative for|denies|free of|rule out|consider|suggest.*|suspicious for"
    r"|(?:may|might|could) .*|(?:not |in)?(?:consistent|compatible) with"
)
"""Cues that speak of what follows: "LBBB without ST elevation" denies no block, "Q waves suggest infarction" no Q."""

WALL_LEADS: dict[str, tuple[str, ...]] = {
    "high lateral": ("i", "avl"),
    "inferior": ("ii", "iii", "avf"),
    "anterior": ("v3", "v4"),
    "lateral": ("v5", "v6"),
    "septal": ("v1", "v2"),
}
"""The leads that look at a wall; two of them name it."""

_LEAD = r"(?:i{1,3}|av[rlf]|v[1-6](?:-[1-6])?)\b"
LEAD_LIST = re.compile(
    rf"\b(?:in|over|leads?)\s+(?:the\s+)?(?:leads?\s+)?({_LEAD}(?:(?:[\s,&/-]|and|or|to|through)+{_LEAD})*)"
)
"""Leads one after the other, as in "in leads II, III and aVF"."""

CHEST_RANGE = re.compile(r"\bv([1-6])\s*(?:-|to|through)\s*v?([1-6])\b")

SENTENCES = re.compile(r"[;\n]|\.(?!\d)|\bbut\b|\balthough\b|\bhowever\b|(?<!consistent )(?<!compatible )\bwith\b")
"""Where the reach of a negation always ends; a full stop inside a number is no end."""

ENGLISH = re.compile(
    r"\b(?:the|and|with|without|no|not|sinus|rhythm|wave|waves|segment|block|normal|abnormal|left|right|interval|axis"
    r"|ecg|possible|probable|infarct(?:ion)?|atrial|ventricular|elevation|depression|inversion)\b"
)
FOREIGN = re.compile(
    r"\b(?:der|die|das|und|kein|keine|keinen|ohne|mit|nicht|sinusrhythmus|lagetyp|linkstyp|ritmo|sinusale|normale|con"
    r"|senza|sin|rythme|sinusal|avec|pas|blocco|bloqueo|eller|och|ikke)\b"
)
