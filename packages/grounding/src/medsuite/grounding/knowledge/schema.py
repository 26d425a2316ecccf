"""The schema of a knowledge base: findings, each decomposed into visual attributes (AG-KD, section 2.2)."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from medsuite.core.errors import unknown_name

Status = Literal["draft", "reviewed"]


class Frozen(BaseModel):
    """A record that cannot change and takes no unknown field."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Attributes(Frozen):
    """How a finding looks, an attribute a field; the order of the fields is the order in a prompt.

    Attributes:
        shape: Outline, such as `"thin band along the chest wall"`.
        density: Radiographic density: bright is more opaque, dark is more lucent.
        texture: Inner pattern, such as `"stippled"`.
        location: Where it is found.
        effect: What it does to its neighbours, or another cue.
    """

    shape: str | None = None
    density: str | None = None
    texture: str | None = None
    location: str | None = None
    effect: str | None = None

    def present(self) -> dict[str, str]:
        """Return the attributes that are filled in, in the order of the schema."""
        values = ((name, getattr(self, name)) for name in ATTRIBUTES)
        return {name: value for name, value in values if value}


ATTRIBUTES: tuple[str, ...] = tuple(Attributes.model_fields)


class Finding(Frozen):
    """An abnormality with its names and its knowledge.

    Attributes:
        id: Stable identifier, lower case with hyphens.
        name: Preferred name, as it stands in a prompt.
        synonyms: Other names under which data sets list it, such as `"Nodule/Mass"`.
        attributes: What it looks like.
        status: `draft` until a clinician has reviewed the text.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str = Field(min_length=1)
    synonyms: tuple[str, ...] = ()
    attributes: Attributes
    status: Status = "draft"


class KnowledgeBase(Frozen):
    """A named, versioned set of findings; `kb["Nodule/Mass"]` finds by id, name or synonym, whatever its case.

    Attributes:
        name: Name of the set.
        version: Version of its text.
        license: Licence of its text.
        source: Where the text comes from, in one sentence.
        findings: The findings, in the order that class indices follow.
    """

    name: str
    version: str
    license: str
    source: str
    findings: tuple[Finding, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "KnowledgeBase":
        owner: dict[str, str] = {}
        for finding in self.findings:
            for name in {_key(name) for name in (finding.id, finding.name, *finding.synonyms)}:
                if owner.setdefault(name, finding.id) != finding.id:
                    raise ValueError(f"{name!r} names both {owner[name]!r} and {finding.id!r}")
        if len({finding.id for finding in self.findings}) < len(self.findings):
            raise ValueError("two findings share an id")
        return self

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each finding by every name it goes by, in lower case."""
        return {
            _key(name): position
            for position, finding in enumerate(self.findings)
            for name in (finding.id, finding.name, *finding.synonyms)
        }

    def __getitem__(self, name: str) -> Finding:
        """Find by id, name or synonym.

        Raises:
            InputError: No finding goes by that name; the nearest one is proposed.
        """
        position = self.index.get(_key(name))
        if position is None:
            raise unknown_name("finding", name, [finding.name for finding in self.findings])
        return self.findings[position]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _key(name) in self.index

    def __len__(self) -> int:
        return len(self.findings)


def _key(name: str) -> str:
    return " ".join(name.lower().split())
