"""Drives scripts: performs the effects that they yield, for threads and for tasks, and lets some race."""
