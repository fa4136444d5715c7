"""Makes vectors of schedules: expressions, zones and policies, and the instants that at least two oracles agree on.

One line of JSON each. `by` are the oracles that said so; `at` are the instants: seconds from `from` to the first, from each to the next, `900*4` for four of
900. Anything that they do not agree on ends the program; what each is asked is said in oracles.py.
"""

import json
from collections import Counter
from itertools import groupby
from multiprocessing import Pool
from pathlib import Path

import tzdata
from families import civil_questions, zone_questions
from oracles import ORACLES

HERE = Path(__file__).parent


def answer(question):
    """What the oracles that have an opinion agree on, and their names; or what they disagree on."""
    said = {name: oracle(question) for name, oracle in ORACLES.items()}
    said = {name: instants for name, instants in said.items() if instants is not None}
    return question, said


def compact(question, instants):
    steps, last = [], question.start
    for at in instants:
        steps.append(round((at - last).total_seconds()))
        last = at
    runs = [(step, len(list(run))) for step, run in groupby(steps)]
    return " ".join(str(step) if count == 1 else f"{step}*{count}" for step, count in runs)


def line(question, instants, names):
    vector = {"cron": question.cron, "by": " ".join(names)}
    if question.zone != "UTC":
        vector["zone"] = question.zone
    if question.gap != "after":
        vector["gap"] = question.gap
    if question.overlap != "first":
        vector["overlap"] = question.overlap
    vector["from"] = f"{question.start:%Y-%m-%dT%H:%M:%SZ}"
    vector["before"] = f"{question.end:%Y-%m-%dT%H:%M:%SZ}"
    vector["at"] = compact(question, instants)
    return json.dumps(vector, separators=(",", ":"))


def write(path, questions):
    counts, lines = Counter(), []
    with Pool() as pool:
        for question, said in pool.imap(answer, questions, chunksize=8):
            if any(instants != said["walk"] for instants in said.values()):
                shown = "\n".join(f"  {name}: {[str(at) for at in instants][:8]}" for name, instants in said.items())
                raise SystemExit(f"error: the oracles disagree on {question}\n{shown}")
            if len(said) < 2:
                raise SystemExit(f"error: one oracle alone speaks for {question}")
            counts["+".join(said)] += 1
            lines.append(line(question, said["walk"], list(said)))
    (HERE / path).write_text("\n".join(lines) + "\n")
    print(f"{path}: {len(lines)} vectors, {(HERE / path).stat().st_size // 1000} kB")
    for names, count in sorted(counts.items()):
        print(f"  {count:5} {names}")


if __name__ == "__main__":
    print(f"zones of release {tzdata.IANA_VERSION}", flush=True)
    write("civil.jsonl", civil_questions())
    write("zones.jsonl", zone_questions())
