"""Answers: records become points, points become figures, figures become one page. No torch, ray or optuna."""
