"""Common corruptions, one module each: `PARAMETERS` (severity 1 to 5) and `corrupt(images, severity, rng)`."""
