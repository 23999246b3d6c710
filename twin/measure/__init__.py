"""What a run measured, and the tables made of it."""
