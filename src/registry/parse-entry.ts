import { type XlinkError, xlinkError } from '../errors/errors.js';
import { looksLikeDidKey } from '../identity/did.js';
import { copyKeyRecord } from '../identity/key-record.js';
import { copySuccession, MAX_SUCCESSIONS } from '../identity/succession.js';
import type { Did, RegistryEntry } from '../types/protocol.js';
import { isMembers } from '../util/members.js';

/** Says what the value of a member becomes, or that it cannot be (`undefined`). */
type Copy = (value: unknown, did: Did) => unknown;

const text: Copy = (value) => (typeof value === 'string' ? value : undefined);
const texts: Copy = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') // '*' as a string would grant all
    ? Object.freeze([...value])
    : undefined;
const flag: Copy = (value) => (typeof value === 'boolean' ? value : undefined);

const COPIES: { readonly [K in keyof Required<RegistryEntry>]: Copy } = {
  did: text,
  name: text,
  keys: (value, did) => {
    const keys = copyKeyRecord(value);
    return keys?.did === did ? keys : undefined;
  },
  capabilities: texts,
  sendScopes: texts,
  receiveScopes: texts,
  organization: text,
  xchange: flag,
  status: (value) => (value === 'active' || value === 'revoked' ? value : undefined),
  revocationReason: text,
  revision: (value) => (Number.isSafeInteger(value) && (value as number) > 0 ? value : undefined),
  succeededBy: (value, did) => {
    const succession = copySuccession(value);
    return succession.from === did ? succession : undefined;
  },
  predecessors: (value) =>
    Array.isArray(value) && value.length <= MAX_SUCCESSIONS && value.every(looksLikeDidKey)
      ? Object.freeze([...value])
      : undefined,
};

/**
 * A copy of an entry, checked member by member and frozen through and through: callers cannot
 * change what the registry holds. Members that are not known are left out. `wrong(field)` makes the error for a member of the wrong type.
 */
export function frozenEntry(value: RegistryEntry, wrong: (field: string) => XlinkError): RegistryEntry {
  const entry: Record<string, unknown> = {};
  for (const name of Object.keys(COPIES) as (keyof RegistryEntry)[]) {
    const given = value[name];
    if (given === undefined) continue;
    let copy: unknown;
    try {
      copy = COPIES[name](given, value.did);
    } catch {
      // a statement that is out of form
    }
    if (copy === undefined) throw wrong(name);
    entry[name] = copy;
  }
  if (entry['status'] === undefined) throw wrong('status');
  return Object.freeze(entry) as unknown as RegistryEntry;
}

/**
 * The entry of `did` from the JSON that a backend gave. The backend is not trusted: anything but a whole entry of this
 * DID throws `LOOKUP_FAILED`, which lets nothing pass, and nothing is ever taken for "not there". A member that is not
 * known throws as well: it may be a restriction that a newer version knows how to obey.
 */
export function parseEntry(json: string, did: Did): RegistryEntry {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw broken('entry'); // the parser's error would quote the text
  }
  return entryFrom(value, did);
}

/** The same for JSON that is parsed already. Without `did`: the entry of any DID. */
export function entryFrom(value: unknown, did?: Did): RegistryEntry {
  if (!isMembers(value)) throw broken('entry');
  if (!Object.keys(value).every((name) => Object.hasOwn(COPIES, name))) throw broken('entry');
  if (did === undefined ? !looksLikeDidKey(value['did']) : value['did'] !== did) throw broken('did');
  return frozenEntry(value as unknown as RegistryEntry, broken);
}

const broken = (field: string): XlinkError =>
  xlinkError('LOOKUP_FAILED', { field, cause: new Error(`The registry gave an entry with a bad ${field}.`) });
