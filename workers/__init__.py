"""The jobs that run without a person: none yet, every move is made by command."""
