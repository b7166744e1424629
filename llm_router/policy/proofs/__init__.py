"""What can be proved about conditions without a request: whether one can hold, what covers it, and an example."""
