import { type NameOptions, secretNames } from './secret-names.js';
import { looksSecret, REDACTED, USER_INFO } from './secret-values.js';

/** URLs in parameters of URLs, down to here; what is deeper is redacted whole. */
const MAX_DEPTH = 3;

const everyday = secretNames();

/**
 * The URL, absolute or not, with `[redacted]` for the values of query and fragment parameters that are secret by their
 * name or by their looks, and without user and password. Everything else stays as it is; no URL makes it throw.
 */
export const redactUrl = (url: string, options?: NameOptions): string =>
  redactWithin(url, options ? secretNames(options) : everyday, MAX_DEPTH);

/** `redactUrl` with names that were prepared before. */
export const urlRedactor =
  (isSecretName: (name: string) => boolean) =>
  (url: string): string =>
    redactWithin(url, isSecretName, MAX_DEPTH);

function redactWithin(url: string, isSecretName: (name: string) => boolean, depth: number): string {
  const [, address = '', query = '', fragment = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(url) ?? [];
  const parameters = (text: string) => redactParameters(text, isSecretName, depth);
  return `${withoutUser(address)}${parameters(query)}${parameters(fragment)}`;
}

const withoutUser = (address: string): string => address.replace(USER_INFO, `$1//${REDACTED}@`);

/** `?a=1&b=2`, or a fragment of the same form. */
function redactParameters(text: string, isSecretName: (name: string) => boolean, depth: number): string {
  if (text === '') return '';
  const parts = text.slice(1).split(/([&;])/);
  return text[0] + parts.map((part) => redactParameter(part, isSecretName, depth)).join('');
}

function redactParameter(part: string, isSecretName: (name: string) => boolean, depth: number): string {
  const equals = part.indexOf('=');
  const [name, value] = equals === -1 ? ['', part] : [part.slice(0, equals), part.slice(equals + 1)];
  if (value === '') return part;
  const prefix = part.slice(0, equals + 1);
  const decoded = decode(value);
  if (isSecretName(decode(name)) || looksSecret(decoded)) return prefix + REDACTED;
  const nested = /[?#&]|:\/\//.test(decoded) || decoded.includes('=');
  if (!nested || equals === -1) return part;
  if (depth === 0 || redactWithin(asUrl(decoded), isSecretName, depth - 1) !== asUrl(decoded))
    return prefix + REDACTED;
  return part;
}

/** `a=1&b=2` alone is a query as well. */
const asUrl = (text: string): string => (/[?#]|:\/\//.test(text) ? text : `?${text}`);

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Half an escape: what can be read is still judged.
    return spaced.replace(/%[0-9a-f]{2}/gi, (code) =>
      String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    );
  }
}
