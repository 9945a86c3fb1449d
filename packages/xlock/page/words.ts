import { isXlockError, type XlockErrorId } from '../src/errors.js';

/** Where the table of errors speaks to who writes programs, the user reads this. */
const WORDS: Partial<Record<XlockErrorId, string>> = {
  CHALLENGE_EXPIRED: 'The time for this is up. Begin again at the service, if it was you.',
  CHALLENGE_INVALID:
    'This is no login that is signed by a service of yours. Begin again at the service itself.',
  'CHALLENGE_INVALID:CLOCK': 'The clock of this device is behind. Set it, and begin again at the service.',
  SERVICE_UNREACHABLE: 'The service did not take it. Check the connection, and try again.',
  CHALLENGE_ALREADY_USED: 'This was answered already. Begin again at the service.',
  PASSKEY_NOT_FOUND: 'This device is not registered for this account. Let the service register it first.',
  'PASSKEY_GENERATION_FAILED:EXISTS':
    'There is a key for this account in your share stores already. Let the service add this device instead.',
  PASSKEY_RECONSTRUCTION_FAILED: 'Too few share stores can be reached. Check the connection, and try again.',
  PASSKEY_STORAGE_FAILED: 'Too few share stores took their share. Check the connection, and try again.',
  PASSKEY_HMAC_MISMATCH:
    'A share was changed in its store, so the key is not put together. Tell who runs your share stores.',
  RESPONSE_DEVICE_MISMATCH:
    'This device is not registered for this account. Let the service register it first.',
  'RESPONSE_DEVICE_MISMATCH:REVOKED': 'This device was revoked. Use another one of yours.',
};

/** What went wrong and what to do, for people. */
export function wordsOf(error: unknown): string {
  if (!navigator.onLine) return 'There is no connection. Try again once this device is online.';
  if (isXlockError(error)) return WORDS[error.id] ?? `${error.title} ${error.resolution}`;
  if (error instanceof TypeError)
    return 'The service cannot be reached. Check the connection, and try again.';
  return error instanceof Error ? error.message : 'Something failed.';
}

/** Whether trying again with the same challenge is of no use. */
export const isFinal = (error: unknown): boolean =>
  isXlockError(error) &&
  error.id !== 'CHALLENGE_INVALID:UNKNOWN' &&
  ['Challenge Management', 'Response Validation'].includes(error.category);

/** A name of what a service says about a login, such as `ip`. */
export const labelOf = (name: string): string =>
  name.length <= 3
    ? name.toUpperCase()
    : name.charAt(0).toUpperCase() + name.slice(1).replaceAll(/[_-]/g, ' ');

/** `1:05`. */
export const minutes = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
