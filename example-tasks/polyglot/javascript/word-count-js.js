/** Counts words: the example of a task in JavaScript. Its twin in Python gives the same results. */

import { Permanent, RetryAfter, Retryable, context, log, progress, tasks } from "./jobs-task.js";

const inputSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    text: { type: "string", description: "What to count the words of." },
    top: { type: "integer", minimum: 0, maximum: 100, description: "How many words to list; 3 if absent." },
    fail: {
      enum: ["retryable", "retry-after", "permanent", "exception"],
      description: "Fails in this way instead, to see what becomes of the job.",
    },
    until_attempt: {
      type: "integer",
      minimum: 1,
      description: "Fails only before this attempt: with 2, the second attempt succeeds.",
    },
    wait_ms: {
      type: "integer",
      minimum: 0,
      description: "With `retry-after`, how long to wait at the least; a minute if absent.",
    },
  },
  required: ["text"],
  additionalProperties: false,
};

const outputSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: {
    words: { type: "integer" },
    distinct: { type: "integer" },
    top: {
      type: "array",
      items: {
        type: "object",
        properties: { word: { type: "string" }, count: { type: "integer" } },
        required: ["word", "count"],
      },
    },
  },
  required: ["words", "distinct", "top"],
};

function wordCount({ text, top = 3, fail: how, until_attempt: until, wait_ms: waitMs = 60_000 }) {
  const { attempt } = context.current();
  log.info(`counting in JavaScript, attempt ${attempt}`);
  progress.report(10, "counting");
  if (how !== undefined && attempt < (until ?? attempt + 1)) fail(how, waitMs);

  const counts = new Map();
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort(([left, more], [right, less]) => less - more || (left < right ? -1 : 1));
  progress.report(100, "counted");
  const listed = sorted.slice(0, top).map(([word, count]) => ({ word, count }));
  return { words: words.length, distinct: counts.size, top: listed };
}

function fail(how, waitMs) {
  switch (how) {
    case "retryable":
      throw new Retryable("asked to fail for now");
    case "retry-after":
      throw new RetryAfter("asked to fail for a while", waitMs);
    case "permanent":
      throw new Permanent("asked to fail for good");
    default:
      throw new RangeError("asked to throw what nobody catches");
  }
}

export const guest = tasks({
  word_count_js: { run: wordCount, description: "Counts the words of a text, in JavaScript.", inputSchema, outputSchema },
});
