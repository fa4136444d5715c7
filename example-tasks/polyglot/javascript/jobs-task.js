/**
 * Makes a task a plain JavaScript function. Copy this file beside your own.
 *
 *     import { Permanent, log, tasks } from "./jobs-task.js";
 *
 *     function greet(payload) {
 *       if (!payload.name) throw new Permanent("a name may not be empty");
 *       return { greeting: `Hello, ${payload.name}!` };
 *     }
 *
 *     export const guest = tasks({
 *       greet: { run: greet, description: "Greets.", inputSchema: { type: "object", required: ["name"] } },
 *     });
 *
 * The function takes the payload and returns the result, both as JSON values. It fails by throwing `Retryable`,
 * `RetryAfter` or `Permanent`. Everything else that is thrown is written to the job's log with its stack and is
 * retryable. Functions are synchronous: calls into the host just wait.
 *
 * A task that sends mail, say, is built for a world of its own that includes `task` and imports `mail`.
 */

import { current } from "jobs:task/context@1.0.0";
import { write } from "jobs:task/log@1.0.0";

export * as checkpoint from "jobs:task/checkpoint@1.0.0";
export * as config from "jobs:task/config@1.0.0";
export * as context from "jobs:task/context@1.0.0";
export * as files from "jobs:task/files@1.0.0";
export * as progress from "jobs:task/progress@1.0.0";

/** How a task fails. */
export class TaskError extends Error {
  outcome() {
    return { tag: "retryable", val: this.message };
  }
}

/** It may pass: try again after the usual back-off. */
export class Retryable extends TaskError {}

/** It may pass, and not before so many milliseconds. */
export class RetryAfter extends TaskError {
  constructor(message, waitMs) {
    super(message);
    this.waitMs = waitMs;
  }

  outcome() {
    return { tag: "retry-after", val: [this.message, this.waitMs] };
  }
}

/** It is for good: do not try again. */
export class Permanent extends TaskError {
  outcome() {
    return { tag: "permanent", val: this.message };
  }
}

/** Lines in the job's log. */
export const log = {
  debug: (message) => write("debug", String(message)),
  info: (message) => write("info", String(message)),
  warn: (message) => write("warn", String(message)),
  error: (message) => write("error", String(message)),
};

/** What the component exports for these tasks. */
export function tasks(known) {
  return {
    describe: () => Object.entries(known).map(([name, task]) => description(name, task)),
    run(name, payload) {
      try {
        return run(known, name, payload);
      } catch (error) {
        throw outcome(error);
      }
    },
  };
}

function description(name, task) {
  return {
    name,
    description: task.description ?? "",
    inputSchema: task.inputSchema === undefined ? null : JSON.stringify(task.inputSchema),
    outputSchema: task.outputSchema === undefined ? null : JSON.stringify(task.outputSchema),
    limits: {
      fuel: task.fuel ?? null,
      memoryBytes: task.memoryBytes ?? null,
      timeoutMs: task.timeoutMs ?? null,
    },
    maxAttempts: task.maxAttempts ?? null,
  };
}

function run(known, name, payload) {
  if (!Object.hasOwn(known, name)) throw new Permanent(`this component has no task ${JSON.stringify(name)}`);
  let value;
  try {
    value = JSON.parse(payload);
  } catch (error) {
    throw new Permanent(`the input is not JSON: ${error.message}`);
  }
  seedRandom(current());
  return JSON.stringify(known[name].run(value)) ?? "null";
}

function outcome(error) {
  if (error instanceof TaskError) return error.outcome();
  // Uncaught it would be a trap that leaves nothing in the log.
  const name = error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;
  log.error(error instanceof Error ? `${name}\n${error.stack}`.trimEnd() : name);
  return { tag: "retryable", val: name };
}

/**
 * `Math.random` of a component is seeded while it is built, so that every job would draw the same numbers. Here it
 * is drawn from the job's id and the attempt: not for secrets, and the same for a repetition of one attempt.
 */
function seedRandom({ id, attempt }) {
  let state = attempt;
  for (const letter of id) state = Math.imul(state ^ letter.codePointAt(0), 0x01000193);
  Math.random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
