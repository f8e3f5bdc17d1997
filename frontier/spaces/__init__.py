"""Questions: a YAML file becomes a typed, resolved, hashed Space that yields trial specs. No torch, ray or optuna."""
