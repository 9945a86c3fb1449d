import { xlinkError } from '../errors/service-errors.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { isMembers } from '../util/members.js';
import type { StoredEpoch, StoredEpochs } from './key-store.js';

const NUMBERS = ['keyEpoch', 'recordEpoch', 'notBefore', 'notAfter', 'eraseAfter'] as const;
const WRAPPING_KEY_BYTES = 32;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** What stores write: what it is parsed from again. */
export const storedEpochsJson = (value: StoredEpochs): string => JSON.stringify(value);

/** Throws `KEY_STORE_DAMAGED` for anything that {@link storedEpochsJson} did not write: another program may write to the same place. */
export function parseStoredEpochs(json: string): StoredEpochs {
  const value = parsed(json);
  if (!isMembers(value)) throw damaged();
  const { did, epochs, highest, derivedUntil } = value;
  if (typeof did !== 'string' || !Array.isArray(epochs) || !isCount(highest) || !isCount(derivedUntil))
    throw damaged();
  const checked = epochs.map(checkEpoch);
  const isRising = checked.every(({ keyEpoch }, at) => at === 0 || keyEpoch > checked[at - 1]!.keyEpoch);
  if (!isRising || (checked.at(-1)?.keyEpoch ?? 0) > highest) throw damaged();
  return { did, epochs: checked, highest, derivedUntil };
}

function checkEpoch(value: unknown): StoredEpoch {
  if (!isMembers(value) || !NUMBERS.every((name) => isCount(value[name]))) throw damaged();
  const { keyEpoch, recordEpoch, notBefore, notAfter, eraseAfter, wrappingKey, sealed } =
    value as unknown as StoredEpoch;
  if (!isWrappingKeyId(wrappingKey) || typeof sealed !== 'string' || keyEpoch === 0) throw damaged();
  return { keyEpoch, recordEpoch, notBefore, notAfter, eraseAfter, wrappingKey, sealed };
}

/** A name under which a wrapping key may be stored: nothing that a file, a key or SQL would take for something else. */
export const isWrappingKeyId = (value: unknown): value is string =>
  typeof value === 'string' && /^[\w.-]{1,64}$/.test(value);

/** How a wrapping key is written: 43 characters of base64url. */
export const wrappingKeyText = encodeBase64url;

/** Throws `KEY_STORE_DAMAGED` for anything but the text of 32 bytes. */
export function parseWrappingKey(text: unknown): Uint8Array {
  const key = typeof text === 'string' ? decodeBase64url(text) : undefined;
  if (key?.length !== WRAPPING_KEY_BYTES) throw damaged();
  return key;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw damaged(); // the parser's error would quote the text
  }
}

const damaged = () => xlinkError('KEY_STORE_DAMAGED');
