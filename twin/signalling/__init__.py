"""The control plane: device state machines, random access, call flows through network functions (docs/signalling.md)."""
