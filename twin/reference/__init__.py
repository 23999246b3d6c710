"""The model as SimPy processes: the executable specification of docs/model.md, slow and readable.

Read it in this order: `instant` (what comes first within one nanosecond), `bursts` (what moves), `sources` (who sends what
when), `cell` with `channel`, `harq`, `directions` and `grants` (radio), `epochs` (load becomes interference), `transport`,
`journey` and `servers` (the way behind it), `life` (one burst from end to end), `run` (putting it together).
"""
