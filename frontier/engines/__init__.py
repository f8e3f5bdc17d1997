"""Engines, one module each: what evaluates ReLUs and squares on secret shares between two real processes."""
