"""Checkpoints that come back as they were saved: what trl's trainers do not do for vision-language models."""

from typing import Any

from medsuite.core.errors import ResumeError


def restore_weights(target: Any, checkpoint: str) -> None:
    """Load a checkpoint's weights into a model, every one of them.

    A checkpoint of Qwen2-VL names its weights otherwise than the model in memory does. `from_pretrained` translates the
    names; the plain `load_state_dict` of the trainer does not, is not strict, and leaves the weights as they were.

    Args:
        target: The unwrapped model.
        checkpoint: Folder of the checkpoint.

    Raises:
        ResumeError: The checkpoint lacks a weight or has one too many.
    """
    loaded, report = type(target).from_pretrained(
        checkpoint, dtype=target.dtype, use_safetensors=True, output_loading_info=True
    )
    state = loaded.state_dict()
    unlike = set(report["missing_keys"]) | (state.keys() ^ target.state_dict().keys())
    if unlike:
        raise ResumeError(
            f"{checkpoint} does not fit the model: {len(unlike)} weights differ, such as {min(unlike)}",
            expected="a checkpoint of this run",
        )
    target.load_state_dict(state, strict=True)


class Restoring:
    """Mixin for trainers of trl that restores all weights of a full model on resume.

    Adapters, FSDP and DeepSpeed have their own way, which works and is left alone.
    """

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        trainer: Any = self
        target = trainer.accelerator.unwrap_model(model if model is not None else trainer.model)
        own_way = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled or hasattr(target, "peft_config")
        if own_way:
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]
        else:
            restore_weights(target, resume_from_checkpoint)
