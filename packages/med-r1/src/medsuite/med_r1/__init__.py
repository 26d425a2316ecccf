"""Reinforcement learning for medical visual question answering, with its controls (MedVLM-R1).

For example::

    from medsuite.med_r1 import audit, read

    questions = read(Path("MRI_CT_XRAY_300each_dataset.json"), layout="huatuo")
    print(audit(questions, np.random.default_rng(0)))

Importing this module imports neither torch nor transformers nor trl; the names below do when they are first used.
"""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.med_r1.auditing import Audit, SubsetAudit, audit
    from medsuite.med_r1.data import READERS, read
    from medsuite.med_r1.evaluation.controls import Evaluation, evaluate
    from medsuite.med_r1.evaluation.engine import answer
    from medsuite.med_r1.evaluation.score import Answers, agreement
    from medsuite.med_r1.extract import STRICTNESSES, Parsed, parse
    from medsuite.med_r1.objective import advantages, released_loss, zero_spread
    from medsuite.med_r1.pictures import blank, swapped
    from medsuite.med_r1.policy import Policy, load_policy, tiny_policy
    from medsuite.med_r1.prompts import STYLES, build
    from medsuite.med_r1.rewards import REWARDS, RandomReward, Reward, accuracy_reward, format_reward, probe
    from medsuite.med_r1.schema import Question, QuestionSet
    from medsuite.med_r1.simulation import simulate
    from medsuite.med_r1.train.grpo import GRPOSettings, Trained, train_grpo
    from medsuite.med_r1.train.sft import SFTSettings, train_sft

_HOMES = {
    "auditing": "Audit SubsetAudit audit",
    "data": "READERS read",
    "evaluation.controls": "Evaluation evaluate",
    "evaluation.engine": "answer",
    "evaluation.score": "Answers agreement",
    "extract": "STRICTNESSES Parsed parse",
    "objective": "advantages released_loss zero_spread",
    "pictures": "blank swapped",
    "policy": "Policy load_policy tiny_policy",
    "prompts": "STYLES build",
    "rewards": "REWARDS RandomReward Reward accuracy_reward format_reward probe",
    "schema": "Question QuestionSet",
    "simulation": "simulate",
    "train.grpo": "GRPOSettings Trained train_grpo",
    "train.sft": "SFTSettings train_sft",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "READERS",
    "REWARDS",
    "STRICTNESSES",
    "STYLES",
    "Answers",
    "Audit",
    "Evaluation",
    "GRPOSettings",
    "Parsed",
    "Policy",
    "Question",
    "QuestionSet",
    "RandomReward",
    "Reward",
    "SFTSettings",
    "SubsetAudit",
    "Trained",
    "accuracy_reward",
    "advantages",
    "agreement",
    "answer",
    "audit",
    "blank",
    "build",
    "evaluate",
    "format_reward",
    "load_policy",
    "parse",
    "probe",
    "read",
    "released_loss",
    "simulate",
    "swapped",
    "tiny_policy",
    "train_grpo",
    "train_sft",
    "zero_spread",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULE_OF)
