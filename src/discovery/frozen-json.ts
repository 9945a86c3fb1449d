/** More levels than that are no value that a person wrote. */
const MAX_DEPTH = 1000;

/** A deeply frozen copy of a value as JSON has it; `undefined` for what JSON has not, a cycle or what is nested beyond all measure. */
export function frozenJson(value: unknown): unknown {
  let depth = 0;
  try {
    const copy: unknown = JSON.parse(JSON.stringify(value) ?? 'null');
    return freeze(copy);
  } catch {
    return undefined;
  }
  function freeze(part: unknown): unknown {
    if (typeof part !== 'object' || part === null) return part;
    if (++depth > MAX_DEPTH) throw new RangeError('nested too deep');
    for (const each of Object.values(part)) freeze(each);
    depth -= 1;
    return Object.freeze(part);
  }
}
