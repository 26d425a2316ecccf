"""Training on trl: GRPO and supervised fine-tuning with the same questions, and a resume that restores weights."""
