import { XidError } from '../errors.js';

const MAX_LENGTH = 256;

/**
 * The name by which an identity is derived for a service, from what a program has of it: an `http` or `https` URL gives its origin, in
 * lower case and without the port that is the default; a DID stays as it is; anything else is a display name, in front of which `name:` is put, after
 * Unicode normalization (NFC). What this returns gives itself. Throws `VERIFIER_INVALID`.
 *
 * Display names are for experiments: two services may have the same one, and would see the same identity.
 */
export function normalizeVerifier(verifier: string): string {
  if (typeof verifier !== 'string' || verifier === '' || verifier.length > 2048) throw invalid();
  if (/^https?:/i.test(verifier)) return originOf(verifier);
  if (/^did:/i.test(verifier)) return didOf(verifier);
  const name = verifier.replace(/^name:/, '').normalize('NFC');
  if (name.length > MAX_LENGTH || name.trim() !== name || name === '' || /\p{C}/u.test(name)) throw invalid();
  return `name:${name}`;
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.username !== '' || url.password !== '' || url.hostname === '') throw invalid();
  return url.origin;
}

function didOf(text: string): string {
  if (text.length > MAX_LENGTH || !/^did:[a-z0-9]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]$/.test(text))
    throw invalid();
  return text;
}

const invalid = () => new XidError('VERIFIER_INVALID', { field: 'verifier' });
