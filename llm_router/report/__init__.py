"""The report: what a ledger says of a span of days, gathered into values, drawn, and written as one page of HTML.

The page needs nothing but itself: no network, no script, no font. Charts are SVG of our own, each with its numbers in a
table behind it.
"""
