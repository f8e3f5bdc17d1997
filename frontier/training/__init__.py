"""The shared training code: batches, losses, optimizers, the loop, finetuning. Functions that methods call."""
