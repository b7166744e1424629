"""One request under way: who is asked next, each attempt, and what follows a failure."""
