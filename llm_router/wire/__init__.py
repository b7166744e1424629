"""How bytes look: one codec per dialect, without I/O."""
