"""The command line: one verb, one file, found by its name. A verb parses and calls frontier.api."""
