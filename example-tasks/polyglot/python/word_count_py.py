"""Counts words: the example of a task in Python. Its twin in JavaScript gives the same results."""

import re
from collections import Counter

from jobs_task import Guest, Permanent, RetryAfter, Retryable, context, log, progress, task

__all__ = ["Guest", "word_count_py"]

INPUT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What to count the words of."},
        "top": {"type": "integer", "minimum": 0, "maximum": 100, "description": "How many words to list; 3 if absent."},
        "fail": {
            "enum": ["retryable", "retry-after", "permanent", "exception"],
            "description": "Fails in this way instead, to see what becomes of the job.",
        },
        "until_attempt": {
            "type": "integer",
            "minimum": 1,
            "description": "Fails only before this attempt: with 2, the second attempt succeeds.",
        },
        "wait_ms": {
            "type": "integer",
            "minimum": 0,
            "description": "With `retry-after`, how long to wait at the least; a minute if absent.",
        },
    },
    "required": ["text"],
    "additionalProperties": False,
}

OUTPUT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "words": {"type": "integer"},
        "distinct": {"type": "integer"},
        "top": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"word": {"type": "string"}, "count": {"type": "integer"}},
                "required": ["word", "count"],
            },
        },
    },
    "required": ["words", "distinct", "top"],
}


@task(input_schema=INPUT, output_schema=OUTPUT)
def word_count_py(payload):
    """Counts the words of a text, in Python."""
    attempt = context.current().attempt
    log.info(f"counting in Python, attempt {attempt}")
    progress.report(10, "counting")
    if "fail" in payload and attempt < payload.get("until_attempt", attempt + 1):
        fail(payload["fail"], payload.get("wait_ms", 60_000))

    words = re.findall(r"[^\W\d_]+", payload["text"].lower())
    counts = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    progress.report(100, "counted")
    top = [{"word": word, "count": count} for word, count in counts[: payload.get("top", 3)]]
    return {"words": len(words), "distinct": len(counts), "top": top}


def fail(how, wait_ms):
    if how == "retryable":
        raise Retryable("asked to fail for now")
    if how == "retry-after":
        raise RetryAfter("asked to fail for a while", wait_ms)
    if how == "permanent":
        raise Permanent("asked to fail for good")
    raise ZeroDivisionError("asked to raise what nobody catches")
