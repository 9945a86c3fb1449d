/** What authenticators write: whole numbers, bytes, texts, and maps in the order that is given. */
export type Cbor = number | string | Uint8Array | ReadonlyMap<number | string, Cbor>;

/** CBOR (RFC 8949) of it; keys of maps must come in the canonical order of CTAP2 already. */
export function cbor(value: Cbor): Uint8Array<ArrayBuffer> {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'utf8');
    return joined(head(3, bytes.length), bytes);
  }
  if (value instanceof Uint8Array) return joined(head(2, value.length), value);
  const members = [...value].flatMap(([name, member]) => [cbor(name), cbor(member)]);
  return joined(head(5, value.size), ...members);
}

const joined = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function head(major: number, length: number): Uint8Array<ArrayBuffer> {
  const type = major << 5;
  if (length < 24) return Uint8Array.of(type | length);
  if (length < 0x100) return Uint8Array.of(type | 24, length);
  return Uint8Array.of(type | 25, length >> 8, length & 0xff);
}
