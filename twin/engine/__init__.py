"""The clock: windows, state, the order of stages."""
