"""Zero-shot ECG diagnosis from waveforms aligned with clinical text.

Not released: this distribution holds its metadata only.
"""
