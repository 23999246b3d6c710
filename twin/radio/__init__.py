"""The cells: slots, grants, transport blocks."""
