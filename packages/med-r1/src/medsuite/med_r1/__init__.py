"""Reinforcement learning for medical visual question answering, with its controls (MedVLM-R1).

For example::

    from medsuite.med_r1 import audit, probe, read

    questions = read("MRI_CT_XRAY_300each_dataset.json", layout="huatuo")
    print(audit(questions, numpy.random.default_rng(0)))

Importing this module imports neither torch nor transformers nor trl; the names below do when they are first used.
"""
