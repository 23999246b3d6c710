"""What all rooms share: time, draws, hashing, tables' columns, scalar functions of the model."""
