"""The jobs that run without a person at the command line."""
