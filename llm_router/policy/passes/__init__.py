"""The passes of the compiler, each for some sections of the spec; `compile` puts them in order."""
