"""What compression costs and buys: answers to a question about a long text, bytes and milliseconds."""
