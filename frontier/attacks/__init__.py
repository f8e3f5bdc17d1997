"""Attacks, one module each: `run(model, images, labels, *, eps, steps, seed, batch) -> adversarial images`."""
