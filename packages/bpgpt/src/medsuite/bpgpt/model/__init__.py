"""The model of the paper: prompts from the brain and from the text, a causal language model that reads them, losses."""
