// How the suite notes what it finds. Portable: no imports, no assertion library.

/** Collects a row for each case: `{ name, ok, detail, ms }`. A case passes unless it throws. */
export function createRows() {
  const rows = [];
  return {
    rows,
    async check(name, run) {
      const started = performance.now();
      const note = (ok, detail) =>
        rows.push({ name, ok, detail, ms: Math.round(performance.now() - started) });
      try {
        note(true, (await run()) ?? '');
      } catch (error) {
        note(false, describe(error));
      }
    },
  };
}

/** Throws unless both have the same JSON text. */
export function same(found, expected, what) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(sorted(value)));
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

/** The value of a `Result`; throws its error. */
export function unwrap(result) {
  if (result.ok) return result.value;
  throw result.error;
}

/** `ok`, or the id of the error that a call throws or rejects with. */
export async function outcome(call) {
  try {
    await call();
    return 'ok';
  } catch (error) {
    return error.id ?? `${error}`;
  }
}

/** An error with its causes, for the report. */
export function describe(error) {
  const own = error?.id ? `${error.id} (${error.field ?? error.message})` : `${error?.stack ?? error}`;
  return error?.cause ? `${own}, caused by ${describe(error.cause)}` : own;
}

/** JSON does not tell the order of members. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}
