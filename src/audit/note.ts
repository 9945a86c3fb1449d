import { concat, equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { encodeUtf8 } from '../util/utf8.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { sha256Of } from './hash.js';

/** Types of signatures of C2SP signed-note: Ed25519 over the text, and a cosignature with a time. */
export const SIGNATURE_TYPES = { ed25519: 1, cosignature: 4 } as const;

/** One signature line of a note. */
export interface NoteSignature {
  /** Of the key. */
  readonly name: string;
  /** 4 bytes that tell keys of one name apart. */
  readonly id: Uint8Array;
  /** What stands behind the id. */
  readonly bytes: Uint8Array;
}

/** A note of C2SP signed-note. */
export interface Note {
  /** What is signed; ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const NAME = /^[^\s+]+$/u;

/** Whether a key may have this name: no white space and no plus. */
export const isKeyName = (name: string): boolean => NAME.test(name);

/** The id of a key (C2SP signed-note): the first 4 bytes of SHA-256(name || 0x0A || type || public key). */
export const keyIdOf = (
  crypto: CryptoProvider,
  name: string,
  type: number,
  publicKey: Uint8Array,
): Uint8Array => sha256Of(crypto, encodeUtf8(`${name}\n`), Uint8Array.of(type), publicKey).slice(0, 4);

/** A signature line, with its newline. */
export const signatureLine = ({ name, id, bytes }: NoteSignature): string =>
  `— ${name} ${encodeBase64(concat([id, bytes]))}\n`;

/** The text of a note with its signatures. */
export const formatNote = ({ text, signatures }: Note): string =>
  `${text}\n${signatures.map(signatureLine).join('')}`;

const MAX_SIGNATURES = 100;

/** `undefined` for anything but a note. */
export function parseNote(source: string): Note | undefined {
  const split = source.lastIndexOf('\n\n');
  if (split === -1 || !source.endsWith('\n') || hasControl(source)) return undefined;
  const lines = source.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return undefined;
  const signatures = lines.map(parseLine);
  if (signatures.includes(undefined)) return undefined;
  return { text: source.slice(0, split + 1), signatures: signatures as NoteSignature[] };
}

/** `undefined` for anything but a signature line without its newline. */
export function parseLine(line: string): NoteSignature | undefined {
  const [dash, name, base64, ...more] = line.split(' ');
  const bytes = base64 ? decodeBase64(base64) : undefined;
  if (dash !== '—' || !name || !isKeyName(name) || !bytes || bytes.length < 5 || more.length > 0)
    return undefined;
  return { name, id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
}

/** The signatures of a note by the key of this name and id. */
export const signaturesBy = (note: Note, name: string, id: Uint8Array): NoteSignature[] =>
  note.signatures.filter((one) => one.name === name && equalBytes(one.id, id));

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 && code !== 0x0a) return true;
  }
  return false;
}
