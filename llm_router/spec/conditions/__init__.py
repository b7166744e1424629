"""The language of conditions: its values, its two spellings (`if:`, `when:`), and the features it speaks of."""
