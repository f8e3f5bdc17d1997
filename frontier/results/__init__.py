"""The schema and the store: what was asked, what was measured, where it is kept. No torch, ray or optuna."""
