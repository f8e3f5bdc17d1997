"""What Python users call; the command line parses and calls the same functions."""
