"""Masks: which activation positions keep their ReLU, as immutable values and as small files. No torch."""
