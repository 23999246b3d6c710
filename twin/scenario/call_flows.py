"""Call flows: procedures of a core as rows of a CSV, one a message; the library's and a scenario's own.

Columns: procedure, trigger, step (1, 2, …), after (number of the step it follows; empty: the one before, 0: the start), sender,
receiver, interface, message, bytes, kind (request, response or empty), receive_us, send_us (empty: by the core profile's costs),
success (yes: the procedure has succeeded once the receiver has processed it), source.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.base.errors import Problem
from twin.scenario.problems import did_you_mean
from twin.scenario.signalling_names import EPC_ONLY, INTERFACES, PARTIES, TRIGGERS, CoreKind, functions_of

FOLDER = Path(__file__).parent / "library" / "call_flows"
COLUMNS = ("procedure", "trigger", "step", "after", "sender", "receiver", "interface", "message", "bytes", "kind", "receive_us",
           "send_us", "success", "source")  # fmt: skip
OPTIONAL = ("send_us", "receive_us", "kind", "source", "after")
KINDS = ("request", "response", "")
MAX_FILE_BYTES = 2 * 1024 * 1024
MAX_ROWS = 20_000
MAX_STEPS = 500
MAX_BYTES = 1_000_000
MAX_COST_US = 1e9
BETWEEN = {"Uu": ({"UE"}, {"GNB"}), "Xn": ({"GNB"}, {"GNB"}), "X2": ({"GNB"}, {"GNB"})}


@dataclass(frozen=True)
class Step:
    """A message. after: position of the step it follows, -1 the start. receive_us, send_us None: by the profile's costs."""

    after: int
    sender: str
    receiver: str
    interface: str
    message: str
    size_bytes: int
    kind: str
    receive_us: float | None
    send_us: float | None
    success: bool
    place: str = ""


@dataclass(frozen=True)
class Procedure:
    """A call flow."""

    name: str
    trigger: str
    steps: tuple[Step, ...]
    place: str = ""

    @property
    def parties(self) -> frozenset[str]:
        """Everyone who sends or receives."""
        return frozenset(party for step in self.steps for party in (step.sender, step.receiver))

    @property
    def cores(self) -> tuple[CoreKind, ...]:
        """Kinds of core it belongs to: by its functions; both if it has none of either."""
        if self.parties & set(EPC_ONLY):
            return ("epc",)
        return ("5gc",) if self.foreign("epc") else ("5gc", "epc")

    def foreign(self, kind: CoreKind) -> tuple[str, ...]:
        """Functions it needs that a core of this kind cannot have, in order of their names."""
        return tuple(sorted(self.parties - {"UE", "GNB", *functions_of(kind)}))


def library_flows(kind: CoreKind) -> dict[str, Procedure]:
    """Procedures the product ships for a kind of core, by name."""
    path = FOLDER / f"{kind}.csv"
    if not path.is_file():
        return {}
    procedures, problems = read_flows(path, f"library/call_flows/{path.name}")
    if problems:
        raise ValueError("\n".join(map(str, problems)))
    return {p.name: p for p in procedures}


def flows_of(kind: CoreKind, own: Iterable[Procedure]) -> dict[str, Procedure]:
    """The library's procedures of a kind of core with a scenario's own put in place of them or beside them."""
    return library_flows(kind) | {p.name: p for p in own if kind in p.cores}


def own_flows(path: Path | None) -> tuple[Procedure, ...]:
    """Procedures of a scenario's own file, which validation has looked at; none without a file."""
    return read_flows(path)[0] if path is not None else ()


def read_flows(path: Path, shown_as: str | None = None) -> tuple[tuple[Procedure, ...], list[Problem]]:
    """Procedures of a file, and everything wrong with it (then the procedures are not to be used)."""
    name = shown_as or path.name
    problems: list[Problem] = []
    rows = _rows(path, name, problems)
    groups: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for place, row in rows:
        if row["procedure"]:
            groups.setdefault(row["procedure"], []).append((place, row))
        else:
            problems.append(Problem(place, "procedure", "is empty", "name the procedure in every row"))
    procedures = tuple(_procedure(key, group, problems) for key, group in groups.items())
    if not problems:
        for procedure in procedures:
            problems += procedure_problems(procedure)
        problems += _doubled_triggers(procedures)
    return procedures, problems


def _rows(path: Path, name: str, problems: list[Problem]) -> list[tuple[str, dict[str, str]]]:
    text = _text(path, name, problems)
    if text is None:
        return []
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        header = [h.strip().lower() for h in reader.fieldnames or ()]
        missing = [c for c in COLUMNS if c not in header and c not in OPTIONAL]
        unknown = [h for h in header if h not in COLUMNS]
        if missing or unknown or len(set(header)) != len(header):
            wrong = f"lacks {', '.join(missing)}" if missing else f"has columns {', '.join(map(repr, unknown or header))}"
            problems.append(Problem(f"{name}:1", "", f"the header {wrong}", f"columns are {', '.join(COLUMNS)}"))
            return []
        reader.fieldnames = header
        out: list[tuple[str, dict[str, str]]] = []
        for raw in reader:
            if len(out) >= MAX_ROWS:
                problems.append(Problem(name, "", f"more than {MAX_ROWS} rows", "keep only the procedures that are needed"))
                return []
            row = {column: (raw.get(column) or "").strip() for column in COLUMNS}
            if None in raw:
                problems.append(Problem(f"{name}:{reader.line_num}", "", "has more cells than the header", "quote commas"))
            elif any(row.values()):
                out.append((f"{name}:{reader.line_num}", row))
        if not out and not problems:
            problems.append(Problem(name, "", "has no rows", "add a procedure, or remove the file"))
        return out
    except csv.Error as error:
        problems.append(Problem(name, "", f"is not a CSV: {error}", "save it as CSV with commas, UTF-8"))
        return []


def _text(path: Path, name: str, problems: list[Problem]) -> str | None:
    try:
        if not path.is_file():
            problems.append(Problem(name, "", f"file {path} does not exist", "paths are relative to the scenario file"))
        elif path.stat().st_size > MAX_FILE_BYTES:
            problems.append(Problem(name, "", f"is larger than {MAX_FILE_BYTES // 2**20} MiB", "keep only what is needed"))
        else:
            return path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error}"
        problems.append(Problem(name, "", reason, "save it as CSV with commas, UTF-8"))
    return None


def _procedure(name: str, rows: Sequence[tuple[str, dict[str, str]]], problems: list[Problem]) -> Procedure:
    place, first = rows[0]
    if first["trigger"] not in TRIGGERS:
        problems.append(_unknown(place, "trigger", first["trigger"], TRIGGERS))
    if len(rows) > MAX_STEPS:
        problems.append(Problem(place, "procedure", f"{name!r} has more than {MAX_STEPS} steps", "split it"))
        rows = rows[:MAX_STEPS]
    steps = []
    for number, (where, row) in enumerate(rows, 1):
        if row["trigger"] != first["trigger"]:
            problems.append(Problem(where, "trigger", f"is {first['trigger']!r} in the rows above", "give it one trigger"))
        if row["step"] != str(number):
            problems.append(Problem(where, "step", f"is {row['step']!r}: {name!r} goes on with {number}", "count steps from 1"))
        steps.append(_step(where, row, number, problems))
    return Procedure(name, first["trigger"], tuple(steps), place)


def _step(place: str, row: Mapping[str, str], number: int, problems: list[Problem]) -> Step:
    for key in ("sender", "receiver"):
        if row[key].upper() not in PARTIES:
            problems.append(_unknown(place, key, row[key], PARTIES))
    known = {i.lower(): i for i in INTERFACES}
    if row["interface"].lower() not in known:
        problems.append(_unknown(place, "interface", row["interface"], INTERFACES))
    if row["kind"] not in KINDS:
        problems.append(Problem(place, "kind", f"{row['kind']!r} is neither request nor response", "or leave it empty"))
    if row["success"] not in ("", "yes"):
        problems.append(Problem(place, "success", f"is {row['success']!r}", "write yes in one step, leave the others empty"))
    after = _number(place, "after", row["after"], 0, number - 1, problems)
    cost = {key: _number(place, key, row[key], 0, MAX_COST_US, problems) for key in ("receive_us", "send_us")}
    size = _number(place, "bytes", row["bytes"] or "?", 1, MAX_BYTES, problems)
    return Step(number - 2 if after is None else int(after) - 1, row["sender"].upper(), row["receiver"].upper(),
                known.get(row["interface"].lower(), ""), row["message"], int(size or 1), row["kind"], cost["receive_us"],
                cost["send_us"], row["success"] == "yes", place)


def _number(place: str, key: str, text: str, low: float, high: float, problems: list[Problem]) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        problems.append(Problem(place, key, f"{text!r} is not a number", "write a plain number"))
        return None
    if not low <= value <= high or (key in ("after", "bytes") and value != int(value)):
        meaning = "an earlier step, or 0 for the start" if key == "after" else f"between {low:g} and {high:g}"
        problems.append(Problem(place, key, f"is {text}", meaning))
        return None
    return value


def _unknown(place: str, key: str, value: str, known: Iterable[str]) -> Problem:
    return Problem(place, key, f"{key} {value!r} does not exist", did_you_mean(value, known))


def procedure_problems(procedure: Procedure) -> list[Problem]:
    """What is wrong with how the steps hang together."""
    out: list[Problem] = []
    for step in procedure.steps:
        out += _follows(step, procedure) + _between(step)
    ends = [step for step in procedure.steps if step.success]
    if len(ends) != 1:
        found = "no step with success: it has no end" if not ends else f"{len(ends)} steps with success"
        out.append(Problem(procedure.place, "success", f"procedure {procedure.name!r} has {found}", "write yes in exactly one"))
    return out + _one_core(procedure) + _unanswered(procedure)


def _one_core(procedure: Procedure) -> list[Problem]:
    """No core has the functions of both kinds; none but a 5GC (which has the SCP) has the service-based interface."""
    out: list[Problem] = []
    epc, other = procedure.foreign("5gc"), procedure.foreign("epc")
    if epc and other:
        message = f"procedure {procedure.name!r} needs functions of both cores: {', '.join(other)} and {', '.join(epc)}"
        out.append(Problem(procedure.place, "receiver", message, "write one procedure for the 5GC, another for the EPC"))
    for step in procedure.steps if epc and not other else ():
        if step.interface == "SBI":
            message = f"procedure {procedure.name!r} is one of the EPC, which has no SBI"
            out.append(Problem(step.place, "interface", message, "use S6a, S11, S5, Gx or DB"))
    return out


def _follows(step: Step, procedure: Procedure) -> list[Problem]:
    if step.after < 0:
        return []
    before = procedure.steps[step.after]
    if before.receiver == step.sender:
        return []
    message = f"{step.sender} sends it, but step {step.after + 1}, which it follows, goes to {before.receiver}"
    return [Problem(step.place, "sender", message, "name the step in `after` whose receiver sends this one")]


def _between(step: Step) -> list[Problem]:
    ends = {step.sender, step.receiver}
    radio = "UE" in ends
    if step.interface in BETWEEN:
        wanted = set().union(*BETWEEN[step.interface])
        if ends != wanted:
            return [Problem(step.place, "interface", f"{step.interface} does not join {step.sender} and {step.receiver}",
                            f"it joins {' and '.join(sorted(wanted))}")]
        return []
    if radio or step.sender == step.receiver:
        return [Problem(step.place, "interface", f"{step.interface} cannot join {step.sender} and {step.receiver}",
                        "a UE talks to the GNB over Uu; functions talk to others")]
    if step.interface == "SBI" and not step.kind:
        return [Problem(step.place, "kind", "an SBI message is a request or a response", "write which")]
    return []


def _unanswered(procedure: Procedure) -> list[Problem]:
    """SBI requests without a response, and responses without a request."""
    opened: dict[tuple[str, str], int] = {}
    for step in procedure.steps:
        if step.interface == "SBI":
            pair = (step.sender, step.receiver) if step.kind == "request" else (step.receiver, step.sender)
            opened[pair] = opened.get(pair, 0) + (1 if step.kind == "request" else -1)
    return [Problem(procedure.place, "kind", f"{procedure.name!r}: {abs(n)} SBI {'request' if n > 0 else 'response'}(s) between "
                    f"{client} and {server} without {'response' if n > 0 else 'request'}", "give every request its response")
            for (client, server), n in opened.items() if n]


def _doubled_triggers(procedures: Iterable[Procedure]) -> list[Problem]:
    seen: dict[tuple[str, str], str] = {}
    out = []
    for procedure in procedures:
        for kind in procedure.cores if procedure.trigger != "other" else ():
            first = seen.setdefault((kind, procedure.trigger), procedure.name)
            if first != procedure.name:
                message = f"{procedure.name!r} and {first!r} both have the trigger {procedure.trigger}"
                out.append(Problem(procedure.place, "trigger", message, "only `other` may stand for several procedures"))
    return out
