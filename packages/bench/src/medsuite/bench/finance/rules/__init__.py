"""Rules that compare a reply with its reference answer."""
