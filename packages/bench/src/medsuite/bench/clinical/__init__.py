"""ClinicalBench: can language models beat classical models in clinical prediction?"""
