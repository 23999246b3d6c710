"""One self-contained HTML report of a run, in Vietnamese or English, for an operator or a department."""

from twin.report.html import write_report

__all__ = ["write_report"]
