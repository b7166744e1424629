"""`llm-router`: one file per verb, each with what it says of itself, its arguments and what it does."""
