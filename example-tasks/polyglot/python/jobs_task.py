"""Makes a task a plain Python function. Copy this file beside your own.

    from jobs_task import Guest, Permanent, log, progress, task

    @task(description="Greets.", input_schema={"type": "object", "required": ["name"]})
    def greet(payload):
        if not payload["name"]:
            raise Permanent("a name may not be empty")
        return {"greeting": f"Hello, {payload['name']}!"}

The function takes the payload and returns the result, both as JSON values. It fails by raising `Retryable`,
`RetryAfter` or `Permanent`. Every other exception is written to the job's log with its traceback and is
retryable. `print` goes to the log too.

The module that is built must have `Guest` among its names, and import at its top all that it uses: there are no
files to import from once it is a component. A task that sends mail, say, is built for a world of its own that
includes `task` and imports `mail`.
"""

import json
import traceback
from dataclasses import dataclass
from typing import Any, Callable, Optional

from componentize_py_types import Err
from wit_world.exports import guest
from wit_world.imports import checkpoint, config, context, files, progress
from wit_world.imports import log as wit_log

__all__ = [
    "Guest", "Permanent", "RetryAfter", "Retryable", "TaskError",
    "checkpoint", "config", "context", "files", "log", "progress", "task",
]


class TaskError(Exception):
    """How a task fails."""

    def outcome(self):
        return guest.Error_Retryable(_text(self))


class Retryable(TaskError):
    """It may pass: try again after the usual back-off."""


class RetryAfter(TaskError):
    """It may pass, and not before so many milliseconds."""

    def __init__(self, message: str, wait_ms: int):
        super().__init__(message)
        self.wait_ms = wait_ms

    def outcome(self):
        return guest.Error_RetryAfter((_text(self), self.wait_ms))


class Permanent(TaskError):
    """It is for good: do not try again."""

    def outcome(self):
        return guest.Error_Permanent(_text(self))


class log:
    """Lines in the job's log."""

    @staticmethod
    def debug(message):
        wit_log.write(wit_log.Level.DEBUG, _text(message))

    @staticmethod
    def info(message):
        wit_log.write(wit_log.Level.INFO, _text(message))

    @staticmethod
    def warn(message):
        wit_log.write(wit_log.Level.WARN, _text(message))

    @staticmethod
    def error(message):
        wit_log.write(wit_log.Level.ERROR, _text(message))


@dataclass
class _Task:
    function: Callable[[Any], Any]
    description: guest.Description


_tasks: dict[str, _Task] = {}


def task(
    *,
    name: Optional[str] = None,
    description: Optional[str] = None,
    input_schema: Any = None,
    output_schema: Any = None,
    fuel: Optional[int] = None,
    memory_bytes: Optional[int] = None,
    timeout_ms: Optional[int] = None,
    max_attempts: Optional[int] = None,
):
    """Makes the function a task of this component. Its name and doc string are the task's unless said otherwise."""

    def register(function):
        said = guest.Description(
            name=name or function.__name__,
            description=description or (function.__doc__ or "").strip(),
            input_schema=None if input_schema is None else json.dumps(input_schema),
            output_schema=None if output_schema is None else json.dumps(output_schema),
            limits=guest.Limits(fuel=fuel, memory_bytes=memory_bytes, timeout_ms=timeout_ms),
            max_attempts=max_attempts,
        )
        if said.name in _tasks:
            raise ValueError(f"two tasks of this component are called {said.name!r}")
        _tasks[said.name] = _Task(function, said)
        return function

    return register


class Guest:
    """What the component exports."""

    def describe(self):
        return [known.description for known in _tasks.values()]

    def run(self, name: str, payload: str) -> str:
        try:
            return _run(name, payload)
        except TaskError as error:
            raise Err(error.outcome()) from None
        except Exception as error:
            # Uncaught it would be a trap that tells nothing but "unreachable".
            log.error(traceback.format_exc().rstrip())
            raise Err(guest.Error_Retryable(_text(f"{type(error).__name__}: {error}"))) from None


def _run(name: str, payload: str) -> str:
    if name not in _tasks:
        raise Permanent(f"this component has no task {name!r}")
    try:
        value = json.loads(payload)
    except ValueError as error:
        raise Permanent(f"the input is not JSON: {error}") from None
    result = _tasks[name].function(value)
    try:
        text = json.dumps(result, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise Permanent(f"the result cannot be written as JSON: {error}") from None
    return text


def _text(message) -> str:
    """As text that can leave: half a surrogate pair cannot."""
    return str(message).encode("utf-8", "replace").decode()
