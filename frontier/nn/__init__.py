"""Networks: backbones with plain ReLUs, gates in their place, and the counter that measures what is evaluated."""
