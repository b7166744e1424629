"""Who is told when money runs low or a deployment goes down: webhooks, mail, the log.

A Python callable needs no alert in the spec: every one of a router's `observers` hears `BudgetWarning`, `BudgetSpent`,
`HealthChanged` and all else of `engine.events`, in the thread or loop of the request that it comes from.
"""
