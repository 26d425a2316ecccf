"""Knowledge as data: what a finding looks like, where it is kept, and what is wrong with a description."""

from medsuite.grounding.knowledge.lint import Issue, lint
from medsuite.grounding.knowledge.schema import ATTRIBUTES, Attributes, Finding, KnowledgeBase
from medsuite.grounding.knowledge.store import BUILTIN, load_knowledge, save_knowledge

__all__ = [
    "ATTRIBUTES",
    "BUILTIN",
    "Attributes",
    "Finding",
    "Issue",
    "KnowledgeBase",
    "lint",
    "load_knowledge",
    "save_knowledge",
]
