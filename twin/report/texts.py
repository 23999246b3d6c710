"""The words and the numbers of the report in Vietnamese and English."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

LANGUAGES = ("vi", "en")
_SPACE = "\u00a0"  # no line break between a number and its per cent sign


@lru_cache(maxsize=1)
def all_texts() -> dict[str, dict[str, dict[str, str]]]:
    """section -> key -> language -> text, from `texts.yaml`."""
    source = resources.files("twin.report").joinpath("texts.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe", pure=True).load(source)


@dataclass(frozen=True)
class Texts:
    """Texts and number formats of one language."""

    lang: str

    def __call__(self, key: str, **values: Any) -> str:
        """The text `section.key` with its placeholders filled in."""
        section, _, name = key.partition(".")
        text = all_texts()[section][name][self.lang]
        return text.format(**values) if values else text

    def named(self, section: str, key: str) -> str:
        """A text of a section, or the key itself where the section has none (names that data brings along)."""
        found = (all_texts().get(section) or {}).get(key)
        return found[self.lang] if found else key

    def section(self, section: str) -> dict[str, str]:
        """All texts of one section."""
        return {key: text[self.lang] for key, text in all_texts()[section].items()}

    def number(self, value: Any, digits: int = 0) -> str:
        """12.345,6 in Vietnamese, 12,345.6 in English; an en dash where there is no value."""
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return "–"
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.lang == "vi" else text

    def measure(self, value: Any) -> str:
        """A measured quantity with three significant digits or so."""
        if value is None or not math.isfinite(value):
            return "–"
        size = abs(value)
        return self.number(value, 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 3)

    def given(self, value: float) -> str:
        """A quantity that somebody set, with the digits it was set with: 20, 99.999."""
        text = f"{value:.10g}"
        return self.number(float(text), len(text.partition(".")[2]) if "e" not in text else 0)

    def percent(self, value: Any, digits: int = 1) -> str:
        """A value in per cent with its sign."""
        return f"{self.number(value, digits)}{_SPACE}%" if value is not None and math.isfinite(value) else "–"

    def share(self, value: Any) -> str:
        """A share as per cent: digits enough to tell it from 100 %, and never rounded up to it."""
        if value is None or not math.isfinite(value):
            return "–"
        missing = 1.0 - value
        if missing <= 0:
            return self.percent(100.0, 0)
        digits = 1 if missing >= 0.1 else max(2, min(6, math.ceil(-math.log10(missing)) - 1))
        return self.percent(math.floor(value * 100 * 10**digits + 1e-6) / 10**digits, digits)
