"""Models of the Hugging Face hub: from its local cache if they are there, else over the network."""

import re
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, OfflineError, require

HUB_NAME = re.compile(r"(?P<id>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?")
# Configuration, tokenizer and safetensors: nothing that can run, and no second copy of the weights.
WANTED = ["*.json", "*.txt", "*.jinja", "*.model", "*.safetensors"]
UNWANTED = ["*/*.safetensors", "consolidated*.safetensors", "original/*", "onnx/*", "openvino/*"]


def is_hub_name(name: str) -> bool:
    """Whether a text can be a model's id on the hub, `owner/model` or `owner/model@revision`."""
    return HUB_NAME.fullmatch(name) is not None


def fetch(name: str) -> Path:
    """Return the folder that holds a hub model, downloading it if the local cache does not have it.

    Only configuration, tokenizer and safetensors files are fetched. The folder's name is the commit.

    Args:
        name: `owner/model`, or `owner/model@revision` with a branch, a tag or a commit.

    Raises:
        InputError: The hub has no such model or revision, or does not show it to this user.
        OfflineError: The hub does not answer.
    """
    hub = require("huggingface_hub", extra="medsuite-core[models]")
    # The package loads its submodules on demand, and not through attributes.
    require("huggingface_hub.errors", extra="medsuite-core[models]")
    match = HUB_NAME.fullmatch(name)
    try:
        if match is None:
            raise hub.errors.HFValidationError
        return _snapshot(hub, match["id"], match["revision"])
    except hub.errors.HFValidationError as error:
        raise InputError(f"{name!r} is no model id", expected="owner/model or owner/model@revision") from error
    except (hub.errors.RepositoryNotFoundError, hub.errors.RevisionNotFoundError) as error:
        fix = "check the spelling; a private or gated model needs `hf auth login` first"
        raise InputError(f"the hub shows no model {name!r}", fix=fix) from error
    except (OSError, hub.errors.HTTPError) as error:
        raise _offline(name, error) from error


def _snapshot(hub: Any, model: str, revision: str | None) -> Path:
    wanted = {"repo_id": model, "revision": revision, "allow_patterns": WANTED, "ignore_patterns": UNWANTED}
    try:
        return Path(hub.snapshot_download(**wanted, local_files_only=True))
    except hub.errors.LocalEntryNotFoundError:
        # The download itself waits for ever on a hub that takes the connection and says nothing.
        hub.HfApi().model_info(model, revision=revision, timeout=hub.constants.HF_HUB_ETAG_TIMEOUT)
        return Path(hub.snapshot_download(**wanted))


def _offline(name: str, error: Exception) -> OfflineError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return OfflineError(
        f"{name!r} is not in the local cache and the hub does not give it ({reason})",
        fix="download it elsewhere (`hf download`) and give the folder, or point HF_HOME at a cache that has it",
    )
