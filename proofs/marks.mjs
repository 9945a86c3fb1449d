// Marked inputs, and what of them is where in what the code makes of them.

/** A mark for each input: six characters, which a text, bytes and an integer of 48 bits can all be. */
const marks = new Map();
export function mark(name) {
  if (!marks.has(name)) marks.set(name, `<${String(marks.size).padStart(4, '0')}>`);
  return marks.get(name);
}
export const bytes = (name) => Buffer.from(mark(name));
export const text = (name) => bytes(name).toString('base64url');
export const integer = (name) => bytes(name).readUIntBE(0, 6);
export const marked = (names, make) => Object.fromEntries(names.map((name) => [name, make(name)]));

/** Hashes to a mark of its own. */
export const crypto = { sha256: (input) => Buffer.from(`sha256(${Buffer.from(input).toString('latin1')})`) };

/** The parts of a length-prefixed list. */
export function split(list) {
  const parts = [];
  for (let at = 0; at < list.length; ) {
    const length = list.readUInt32BE(at);
    parts.push(list.subarray(at + 4, at + 4 + length).toString('latin1'));
    at += 4 + length;
  }
  return parts;
}

/** Which input each part is, by its mark; every input must be there. A hash of one is `hash_` and its name. */
export function name(parts, names) {
  const found = parts.map((part) => {
    const hits = names.filter((one) => part.includes(mark(one)));
    if (hits.length !== 1) throw new Error(`a part that the model does not know: ${JSON.stringify(part)}`);
    return part.startsWith('sha256(') ? `hash_${hits[0]}` : hits[0];
  });
  const missing = names.filter((one) => !found.includes(one) && !found.includes(`hash_${one}`));
  if (missing.length > 0) throw new Error(`the code leaves out ${missing}`);
  return found;
}

export const named = (list, ...names) => name(split(Buffer.from(list)), names);

/** A label is known by its text. */
export const withLabel = (list, label, ...names) => {
  const [first, ...rest] = split(Buffer.from(list));
  if (first !== label) throw new Error(`the label is ${first}`);
  return ['label', ...name(rest, names)];
};
