"""The search: who decides (samplers), who runs (backends), who keeps the books (Search). Optuna lives here only."""
