/** A change that waits for its turn. */
export interface Change {
  /** What is to be written, asked for when its turn has come; `undefined`: nothing. What it throws is why it is not made. */
  readonly value: () => unknown;
  /** Called when the value is durable, before anything else happens, so that no snapshot misses it. */
  readonly apply: () => void;
  /** Changes with the same key build on each other: if one cannot be written, those in its batch are not made either. */
  readonly key?: string;
}

export interface Pending extends Change {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A change with the JSON text of its value, or why it is not made. */
export interface Prepared {
  readonly change: Pending;
  readonly text?: string;
  readonly refusal?: { readonly error: unknown };
}

/** Values of one line, and their characters, about. */
const MAX_VALUES = 256;
const MAX_LENGTH = 1 << 20;
/** Tells the caller. */
export function settle({ resolve, reject }: Pending, refusal: Prepared['refusal']): void {
  if (refusal) reject(refusal.error);
  else resolve();
}

/** The first of those that wait, as many as fit into one line. */
export function takeBatch(pending: Pending[]): Prepared[] {
  const batch: Prepared[] = [];
  let length = 0;
  for (const change of pending) {
    const prepared = prepare(change);
    batch.push(prepared);
    length += prepared.text?.length ?? 0;
    if (batch.length >= MAX_VALUES || length >= MAX_LENGTH) break;
  }
  pending.splice(0, batch.length);
  return batch;
}

function prepare(change: Pending): Prepared {
  try {
    const value = change.value();
    return value === undefined ? { change } : { change, text: JSON.stringify(value) };
  } catch (error) {
    return { change, refusal: { error } };
  }
}

/** JSON texts of the values, in lines of that size. */
export function* inLines(values: Iterable<unknown>): Iterable<string[]> {
  let texts: string[] = [];
  let length = 0;
  for (const value of values) {
    const text = JSON.stringify(value);
    texts.push(text);
    length += text.length;
    if (texts.length < MAX_VALUES && length < MAX_LENGTH) continue;
    yield texts;
    texts = [];
    length = 0;
  }
  if (texts.length > 0) yield texts;
}
