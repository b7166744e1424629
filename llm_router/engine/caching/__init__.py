"""Answers that were given before: what makes two requests equal, and a kept answer told again."""
