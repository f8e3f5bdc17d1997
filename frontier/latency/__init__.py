"""Protocols, one file each: pure functions of a profile and a link to seconds, bytes and rounds. No framework."""
