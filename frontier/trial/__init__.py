"""A trial is a function: TrialSpec -> TrialRecord. Needs torch; neither ray nor optuna."""
