"""Runs of scenarios: replications, results folder, comparison."""
