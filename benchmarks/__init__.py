"""How fast parktwin is: one table from one run on one machine (`python -m benchmarks`; docs/benchmarks.md)."""
