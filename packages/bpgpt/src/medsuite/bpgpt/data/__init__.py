"""Reading the LeBel/Tang story data, cutting it into windows, and splits by story that refuse to leak."""
