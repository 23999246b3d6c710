"""Links, worker pools and servers between cell and application."""
