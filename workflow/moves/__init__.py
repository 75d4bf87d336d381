"""What can happen to applications and calls: the tables of moves."""
