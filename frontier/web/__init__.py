"""The interactive page of `frontier browse`: read-only, on one machine, and asks nobody else for anything. Dash."""
