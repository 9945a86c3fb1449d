import { defaultProvider } from '#provider';
import { type XlinkError, xlinkError } from '../errors/errors.js';
import { decodeDidKey } from '../identity/did.js';
import { assertKeyRecord, copyKeyRecord } from '../identity/key-record.js';
import { MODES, type Mode } from '../types/mode.js';
import type { Did, KeyRecord, Version } from '../types/protocol.js';
import { isMembers } from '../util/members.js';
import type { DiscoveryDocument } from './document.js';

const ENDPOINTS = ['enroll', 'key'] as const;
/** No control characters, which could forge lines of a log. */
const NAME = /^[^\p{Cc}\p{Cf}]{1,256}$/u;
const KEYS_OF_VERSION = { 1: 'x25519', 2: 'mlKem768', 3: 'mlDsa65' } as const;

const invalid = (field: string, cause?: unknown): XlinkError =>
  xlinkError('DISCOVERY_FAILED:INVALID', { field, ...(cause === undefined ? {} : { cause }) });

/**
 * A copy of the document with the members that are known, each checked; endpoints come back as URLs. Members that are
 * not known are left out: newer services may say more. Throws `DISCOVERY_FAILED:INVALID`, and `:OTHER_IDENTITY` if the
 * DID is not the pinned one.
 */
export async function checkDocument(
  value: unknown,
  origin: string,
  pinnedDid: Did | undefined,
): Promise<DiscoveryDocument> {
  if (!isMembers(value)) throw invalid('document');
  const did = checkDid(value['did']);
  if (pinnedDid !== undefined && did !== pinnedDid)
    throw xlinkError('DISCOVERY_FAILED:OTHER_IDENTITY', { field: 'did' });
  const keyRecord = await checkRecord(value['keyRecord'], did);
  const name = value['name'];
  if (name !== undefined && (typeof name !== 'string' || !NAME.test(name))) throw invalid('name');
  const mode = value['mode'];
  if (!MODES.includes(mode as Mode)) throw invalid('mode');
  return {
    did,
    ...(name === undefined ? {} : { name }),
    keyRecord,
    versions: checkVersions(value['versions'], keyRecord),
    mode: mode as Mode,
    endpoints: checkEndpoints(value['endpoints'], origin),
  };
}

function checkDid(did: unknown): Did {
  try {
    decodeDidKey(did as Did);
    return did as Did;
  } catch (cause) {
    throw invalid('did', cause);
  }
}

/** A copy of a key record of this DID, its proof checked. */
export async function checkRecord(value: unknown, did: Did): Promise<KeyRecord> {
  const record = copyKeyRecord(value);
  if (record?.did !== did) throw invalid('keyRecord');
  try {
    await assertKeyRecord(record, defaultProvider());
  } catch (cause) {
    throw invalid('keyRecord', cause);
  }
  return record;
}

/** Only versions whose keys are in the record. */
function checkVersions(value: unknown, record: KeyRecord): readonly Version[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > 3) throw invalid('versions');
  for (const version of value) {
    const key = Object.hasOwn(KEYS_OF_VERSION, version) ? KEYS_OF_VERSION[version as Version] : undefined;
    if (typeof version !== 'number' || !key || record[key] === undefined) throw invalid('versions');
  }
  return [...new Set(value as Version[])];
}

function checkEndpoints(value: unknown = {}, origin: string): DiscoveryDocument['endpoints'] {
  if (!isMembers(value)) throw invalid('endpoints');
  const given = ENDPOINTS.filter((name) => value[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, onOrigin(value[name], origin)]));
}

/** Services are remembered by the thousand. */
const MAX_PATH_CHARACTERS = 2048;

/** `//host` and `/\host` look like paths and are not. */
function onOrigin(path: unknown, origin: string): string {
  const url =
    typeof path === 'string' &&
    path.startsWith('/') &&
    path.length <= MAX_PATH_CHARACTERS &&
    URL.canParse(path, origin) &&
    new URL(path, origin);
  if (!url || url.origin !== origin || url.hash !== '') throw invalid('endpoints');
  return url.href;
}
