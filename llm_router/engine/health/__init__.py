"""How deployments do: asked in the background, shared with other processes, and told."""
