import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { GroupError } from '../errors.js';
import { lengthPrefixed, toBytes, toText, u64, utf8 } from '../util/bytes.js';

/** A document at rest. */
interface SealedDocument {
  readonly v: 1;
  readonly salt: string;
  readonly sealed: string;
}

const LABEL = utf8('xlink mls state 1');

/** Each write has a key and an IV of its own, from a fresh 32-byte salt: no counter has to survive a restored backup. */
function keysOf(key: Uint8Array, id: string, version: number, salt: Uint8Array) {
  const info = lengthPrefixed(LABEL, utf8(id), u64(version));
  const out = new Uint8Array(hkdfSync('sha256', key, salt, info, 44));
  return { key: out.subarray(0, 32), iv: out.subarray(32) };
}

/** Seals a value under the 32-byte key (AES-256-GCM, NIST SP 800-38D), bound to the name and version of the document. */
export function sealValue(key: Uint8Array, id: string, version: number, value: unknown): string {
  const salt = new Uint8Array(randomBytes(32));
  const keys = keysOf(key, id, version, salt);
  const cipher = createCipheriv('aes-256-gcm', keys.key, keys.iv);
  const plain = Buffer.from(JSON.stringify(value));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  plain.fill(0);
  return JSON.stringify({ v: 1, salt: toText(salt), sealed: toText(sealed) } satisfies SealedDocument);
}

/** Throws `STATE_UNREADABLE`. */
export function openValue<T>(key: Uint8Array, id: string, version: number, json: string): T {
  try {
    const { v, salt, sealed } = JSON.parse(json) as SealedDocument;
    if (v !== 1) throw new Error('another form of document');
    const keys = keysOf(key, id, version, toBytes(salt));
    const bytes = toBytes(sealed);
    const decipher = createDecipheriv('aes-256-gcm', keys.key, keys.iv);
    decipher.setAuthTag(bytes.subarray(-16));
    const plain = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    return JSON.parse(plain.toString()) as T;
  } catch (cause) {
    throw new GroupError('STATE_UNREADABLE', { cause });
  }
}
