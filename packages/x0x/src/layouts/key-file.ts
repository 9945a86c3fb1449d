import { utf8ToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import { X0xKeyPair } from '../identity/key-pair.js';
import { BincodeWriter, behindMarker, LayoutError, readAll } from './bincode.js';

/** In front of files of the second generation. The first has none: it begins with the length of the public key, a0 07. */
const MARKER = 'X0K2';
const FIRST_BYTES = [0xa0, 0x07];

/** What a key file holds. */
export interface KeyFile {
  /** The keys. */
  readonly keys: X0xKeyPair;
  /** Of the second generation: when the keys are over, in seconds since 1970. A note for their owner; no network checks it. */
  readonly notAfter: number | undefined;
}

/** A key file as x0x writes it: of the first generation, 6000 bytes; with `notAfter` of the second, 6012 bytes. */
export function encodeKeyFile(keys: X0xKeyPair, notAfter?: number): Uint8Array {
  const writer = new BincodeWriter();
  if (notAfter !== undefined) writer.raw(utf8ToBytes(MARKER));
  writer.bytes(keys.publicKey).bytes(keys.exportSecretKey());
  if (notAfter !== undefined) writer.u64(notAfter);
  return writer.done();
}

/** Reads a key file of either generation, and sees that its keys belong together. Throws `KEY_FILE_INVALID:…`. */
export function decodeKeyFile(file: Uint8Array): KeyFile {
  const second = behindMarker(file, MARKER);
  if (!second && (file[0] !== FIRST_BYTES[0] || file[1] !== FIRST_BYTES[1])) throw new X0xError(kindOf(file));
  const { publicKey, secretKey, notAfter } = read(second ?? file, second !== undefined);
  if (publicKey.length !== 1952 || secretKey.length !== 4032) throw new X0xError('KEY_FILE_INVALID:KIND');
  return { keys: X0xKeyPair.fromBytes(publicKey, secretKey), notAfter };
}

function read(bytes: Uint8Array, isSecond: boolean) {
  try {
    return readAll(bytes, (reader) => ({
      publicKey: reader.bytes(),
      secretKey: reader.bytes(),
      notAfter: isSecond ? reader.u64() : undefined,
    }));
  } catch (cause) {
    throw cause instanceof LayoutError ? new X0xError('KEY_FILE_INVALID:TRUNCATED', { cause }) : cause;
  }
}

function kindOf(file: Uint8Array) {
  if (file.length < 4) return 'KEY_FILE_INVALID:TRUNCATED';
  const marker = String.fromCharCode(...file.subarray(0, 4));
  return /^X0K\d$/.test(marker) ? 'KEY_FILE_INVALID:GENERATION' : 'KEY_FILE_INVALID:KIND';
}
