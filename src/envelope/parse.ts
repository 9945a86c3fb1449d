import { findSuite, type Suite } from '../crypto/suites.js';
import { xlinkError } from '../errors/errors.js';
import type { Envelope, Kind } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import { ownText } from '../util/own-text.js';
import { type BinaryName, FIELD_NAMES, FIELDS, type Field, type FieldName, fitsBytes } from './fields.js';
import { LongValue, readFlatJson } from './flat-json.js';
import { KINDS, labelOf, suiteHasKind } from './kinds.js';

/**
 * Members that nothing keeps longer than the envelope. All others are copied out of the input, of which they would be views:
 * caches remember some of them, and must not keep the input.
 */
const NOT_KEPT: ReadonlySet<FieldName> = new Set([
  'ephemeralPub',
  'kemCiphertext',
  'payload',
  'signature',
  'pqSignature',
]);

/** Inherits nothing, as with `Object.create(null)`, of which V8 makes a dictionary. */
class Members {
  [name: string]: unknown;
}
Object.setPrototypeOf(Members.prototype, null);

/** Those that say what the others have to be are checked first. */
const UNCHECKED = FIELD_NAMES.filter((name) => name !== 'version' && name !== 'suite' && name !== 'kind');

/** An envelope whose every member was checked. Made once from the input; nothing reads the input afterwards. */
export interface ParsedEnvelope {
  readonly suite: Suite;
  /** Domain separation: of the suite and the kind. */
  readonly label: Uint8Array;
  readonly fields: Envelope;
  /** Decoded binary members; a member that is absent has no entry. */
  readonly bytes: Readonly<Partial<Record<BinaryName, Uint8Array>>>;
}

/** The largest envelope taken unless the receiver says otherwise: 1.5 MiB, which holds 1 MiB of content in base64url. */
export const DEFAULT_MAX_ENVELOPE_BYTES = 1.5 * 1024 * 1024;

/**
 * Reads an envelope: JSON text or its UTF-8 bytes, or an object that never was text. `beside`: the payload of an answer, which
 * travels beside its envelope. Throws `ENVELOPE_TOO_LARGE` or `PARSE_FAILED` with the member at fault in `field`.
 */
export function parseEnvelope(
  input: unknown,
  maxBytes = DEFAULT_MAX_ENVELOPE_BYTES,
  beside?: Uint8Array,
): ParsedEnvelope {
  const parsed = validate(
    isText(input) ? readFlatJson(input, maxBytes, 'payload') : snapshot(input, maxBytes),
  );
  if (parsed.fields.kind !== 'answer') return parsed;
  if (!beside) throw missing('payload');
  return { ...parsed, bytes: { ...parsed.bytes, payload: beside } };
}

/** Also `false` for a proxy around bytes, which has no length to read. */
function isText(input: unknown): input is string | Uint8Array {
  try {
    return typeof input === 'string' || (input instanceof Uint8Array && input.byteLength >= 0);
  } catch {
    return false;
  }
}

/** Copies the own members of an object, each read once. */
function snapshot(input: unknown, maxBytes: number): Map<string, unknown> {
  const members = ownMembers(input);
  if (!members) throw xlinkError('PARSE_FAILED:SYNTAX');
  let size = 0;
  for (const value of members.values()) size += typeof value === 'string' ? value.length : 16;
  if (size > maxBytes) throw xlinkError('ENVELOPE_TOO_LARGE');
  return members;
}

/** `undefined` for what is no plain object, getters and proxies that throw included. */
function ownMembers(input: unknown): Map<string, unknown> | undefined {
  try {
    const isRecord = typeof input === 'object' && input !== null && !Array.isArray(input);
    return isRecord ? new Map(Object.entries(input)) : undefined;
  } catch {
    return undefined;
  }
}

function validate(members: ReadonlyMap<string, unknown>): ParsedEnvelope {
  for (const name of members.keys()) {
    if (!Object.hasOwn(FIELDS, name)) throw xlinkError('PARSE_FAILED:UNKNOWN_FIELD'); // the name is the sender's: not repeated
  }
  const suite = suiteOf(members);
  const kind = kindOf(members, suite);
  const fields: Record<string, unknown> = Object.assign(new Members(), {
    version: suite.version,
    suite: suite.name,
    kind,
  });
  const bytes = new Members() as Record<string, Uint8Array>;
  for (const name of UNCHECKED) {
    const value = members.get(name);
    const presence = FIELDS[name].presence(suite, kind);
    if (value === undefined) {
      if (presence === 'required') throw missing(name);
      continue;
    }
    if (presence === 'forbidden') throw xlinkError('PARSE_FAILED:UNKNOWN_FIELD', { field: name });
    if (value instanceof LongValue) {
      Object.defineProperty(fields, name, { get: () => value.text, enumerable: true });
      bytes[name] = value.bytes;
      continue;
    }
    const decoded = checkField(name, value);
    fields[name] = typeof value === 'string' && !NOT_KEPT.has(name) ? ownText(value) : value;
    if (decoded) bytes[name] = decoded;
  }
  if (fields.contentType !== undefined && fields.contentDigest === undefined) throw missing('contentDigest'); // it says how to read a body, so there must be one
  if ((fields.fields === undefined) !== (fields.fieldsDigest === undefined))
    throw missing(fields.fields === undefined ? 'fields' : 'fieldsDigest');
  if (fields.scope === '*' && kind !== 'request' && kind !== 'answer' && kind !== 'refusal')
    throw xlinkError('PARSE_FAILED', { field: 'scope' }); // a message is about one thing
  return { suite, label: labelOf(suite, kind), fields: Object.freeze(fields) as unknown as Envelope, bytes };
}

function suiteOf(members: ReadonlyMap<string, unknown>): Suite {
  const version = members.get('version');
  const name = members.get('suite');
  if (version === undefined) throw missing('version');
  if (typeof version !== 'number') throw xlinkError('PARSE_FAILED', { field: 'version' });
  if (version !== 1 && version !== 2 && version !== 3)
    throw xlinkError('PARSE_FAILED:UNKNOWN_VERSION', { field: 'version' });
  if (name === undefined) throw missing('suite');
  if (typeof name !== 'string') throw xlinkError('PARSE_FAILED', { field: 'suite' });
  const suite = findSuite(version, name);
  if (!suite) throw xlinkError('PARSE_FAILED:UNKNOWN_VERSION', { field: 'suite' });
  return suite;
}

function kindOf(members: ReadonlyMap<string, unknown>, suite: Suite): Kind {
  const said = members.get('kind');
  if (said === undefined) throw missing('kind');
  const kind = KINDS.find((one) => one === said); // not the text of the input, which would keep all of it
  if (!kind || !suiteHasKind(suite, kind)) throw xlinkError('PARSE_FAILED', { field: 'kind' });
  return kind;
}

/** Checks one value; returns the bytes of a binary member. */
function checkField(name: FieldName, value: unknown): Uint8Array | undefined {
  const field: Field = FIELDS[name];
  const fail = () => xlinkError('PARSE_FAILED', { field: name });
  if (typeof value !== field.type) throw fail();
  if (field.type === 'number' && !Number.isSafeInteger(value)) throw fail();
  if (field.valid && !field.valid(value as never)) throw fail();
  if (field.bytes === undefined) return undefined;
  const decoded = fitsBytes(value as string, field.bytes) ? decodeBase64url(value as string) : undefined;
  if (!decoded) throw fail();
  return decoded;
}

const missing = (name: FieldName) =>
  xlinkError(name === 'pqSignature' ? 'PARSE_FAILED:PQ_SIGNATURE_MISSING' : 'PARSE_FAILED:MISSING_FIELD', {
    field: name,
  });
