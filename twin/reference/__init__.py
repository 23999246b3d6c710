"""The model as SimPy processes: the executable specification of docs/model.md and docs/signalling.md, slow and readable.

Read it in this order: `instant` (what comes first within one nanosecond), `bursts` (what moves), `sources` (who sends what
when), `cell` with `channel`, `harq`, `directions` and `grants` (radio), `epochs` (load becomes interference), `transport`,
`journey` and `servers` (the way behind it), `life` (one burst from end to end), `run` (putting it together).

The control plane, in this order: `devices` (what a device is and does), `random_access` (how it gets to its cell),
`procedures` (messages, their watch, admission), `air` (messages over the radio), `functions` and `hosts` (who serves them),
`scripts` (what a scenario makes happen), `control` (putting it together), `coupling` (what it takes of the cells).
"""
