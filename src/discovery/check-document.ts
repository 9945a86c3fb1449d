import { defaultProvider } from '#provider';
import { type XlinkError, xlinkError } from '../errors/errors.js';
import { decodeDidKey } from '../identity/did.js';
import { assertKeyRecord, copyKeyRecord } from '../identity/key-record.js';
import { copySuccession, MAX_SUCCESSIONS } from '../identity/succession.js';
import { MODES, type Mode } from '../types/mode.js';
import type { Did, KeyRecord, Succession, Version } from '../types/protocol.js';
import { given } from '../util/given.js';
import { isMembers, type Members } from '../util/members.js';
import type { DiscoveryDocument, SignedDiscoveryDocument } from './document.js';
import { assertSameService } from './same-service.js';
import { DOCUMENT_LIFETIME_MS, verifyDocument } from './signed-document.js';

const ENDPOINTS = ['enroll', 'key', 'session'] as const;
/** No control characters, which could forge lines of a log. */
const NAME = /^[^\p{Cc}\p{Cf}]{1,256}$/u;
/** Half a surrogate pair has no UTF-8 of its own, so no signature could tell it from U+FFFD. */
const LONE_SURROGATE = /\p{Cs}/u;
const KEYS_OF_VERSION = { 1: 'x25519', 2: 'mlKem768', 3: 'mlDsa65' } as const;

const invalid = (field: string, cause?: unknown): XlinkError =>
  xlinkError('DISCOVERY_FAILED:INVALID', { field, ...given({ cause }) });

/** What a document must be, beside well formed. */
export interface DocumentRules {
  /** Where it was read. */
  readonly origin: string;
  /** The only DID that is taken, or one that took its place. */
  readonly pinnedDid?: Did | undefined;
  /** ms since 1970. */
  readonly now: number;
}

/** How far the clocks of service and caller may be apart, in ms. */
const MAX_SKEW_MS = 300_000;

/**
 * A copy of the document with the members that are known, each checked; endpoints come back as URLs. Members that are
 * not known are left out: newer services may say more. Throws `DISCOVERY_FAILED:INVALID` for what is malformed or not signed by
 * the DID and its record, `:OTHER_IDENTITY` if the DID is neither the pinned one nor took its place, `:OTHER_HOST` if it speaks for other hosts,
 * and `:EXPIRED` if it is not of now.
 */
export async function checkDocument(
  value: unknown,
  { origin, pinnedDid, now }: DocumentRules,
): Promise<DiscoveryDocument> {
  if (!isMembers(value)) throw invalid('document');
  const did = checkDid(value['did']);
  if (pinnedDid !== undefined && did !== pinnedDid && !namesDid(value['succession'], pinnedDid))
    throw xlinkError('DISCOVERY_FAILED:OTHER_IDENTITY', { field: 'did' });
  const keyRecord = await checkRecord(value['keyRecord'], did);
  const document = {
    ...checkMembers(value, keyRecord),
    ...checkSuccession(value['succession'], did),
    endpoints: checkPaths(value['endpoints']),
  };
  const { signature, pqSignature } = value;
  for (const [name, text] of Object.entries({ signature, pqSignature }))
    if (text !== undefined && typeof text !== 'string') throw invalid(name);
  await verifyDocument({ ...document, signature, pqSignature } as SignedDiscoveryDocument);
  if (pinnedDid !== undefined) await assertSameService({ did: pinnedDid }, document);
  const { issuedAt, notAfter, hosts } = document;
  if (!hosts.includes(new URL(origin).host))
    throw xlinkError('DISCOVERY_FAILED:OTHER_HOST', { field: 'hosts' });
  if (notAfter < now - MAX_SKEW_MS || issuedAt > now + MAX_SKEW_MS)
    throw xlinkError('DISCOVERY_FAILED:EXPIRED', { field: 'notAfter' });
  return { ...document, endpoints: checkEndpoints(document.endpoints, origin) };
}

function checkMembers(value: Members, keyRecord: KeyRecord): Omit<DiscoveryDocument, 'endpoints'> {
  const { name, mode, acceptsEnvelopes, hosts, publicPaths, issuedAt, notAfter } = value;
  if (name !== undefined && (!isText(name) || !NAME.test(name))) throw invalid('name');
  if (!MODES.includes(mode as Mode)) throw invalid('mode');
  if (typeof acceptsEnvelopes !== 'boolean') throw invalid('acceptsEnvelopes');
  if (!isTexts(hosts, 1, 64)) throw invalid('hosts');
  if (!isTexts(publicPaths, 0, 1000)) throw invalid('publicPaths');
  if (!isTime(issuedAt)) throw invalid('issuedAt');
  if (!isTime(notAfter) || notAfter < issuedAt || notAfter > issuedAt + DOCUMENT_LIFETIME_MS)
    throw invalid('notAfter');
  return {
    did: keyRecord.did,
    ...given({ name }),
    keyRecord,
    versions: checkVersions(value['versions'], keyRecord),
    mode: mode as Mode,
    acceptsEnvelopes,
    hosts,
    publicPaths,
    issuedAt,
    notAfter,
  };
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === 'string' && !LONE_SURROGATE.test(value);
const isTexts = (value: unknown, min: number, max: number): value is string[] =>
  Array.isArray(value) &&
  value.length >= min &&
  value.length <= max &&
  value.every((text) => isText(text) && text.length <= 1024);

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

/** Only versions whose keys are in the record, each once. */
function checkVersions(value: unknown, record: KeyRecord): readonly Version[] {
  if (!Array.isArray(value) || value.length === 0 || new Set(value).size < value.length)
    throw invalid('versions');
  for (const version of value) {
    const key = Object.hasOwn(KEYS_OF_VERSION, version) ? KEYS_OF_VERSION[version as Version] : undefined;
    if (typeof version !== 'number' || !key || record[key] === undefined) throw invalid('versions');
  }
  return value as Version[];
}

/** Whether it is worth while to look at all. */
const namesDid = (succession: unknown, did: Did): boolean =>
  Array.isArray(succession) && succession.some((step) => (step as Partial<Succession> | null)?.from === did);

/** Each in form, each where the one before it ended, and the last one at this DID. */
function checkSuccession(value: unknown, did: Did): Pick<DiscoveryDocument, 'succession'> {
  if (value === undefined) return {};
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SUCCESSIONS)
    throw invalid('succession');
  let succession: Succession[];
  try {
    succession = value.map(copySuccession);
  } catch (cause) {
    throw invalid('succession', cause);
  }
  const dids = [...succession.map(({ from }) => from), did];
  if (new Set(dids).size < dids.length || succession.some(({ to }, at) => to !== dids[at + 1]))
    throw invalid('succession');
  return { succession };
}

/** All of them, as they stand: the signature covers also those that a newer service has. */
function checkPaths(value: unknown = {}): Readonly<Record<string, string>> {
  const isPaths = isMembers(value) && Object.entries(value).flat().every(isText);
  if (!isPaths || Object.keys(value).length > 32) throw invalid('endpoints');
  return value as Readonly<Record<string, string>>;
}

function checkEndpoints(
  paths: Readonly<Record<string, string>>,
  origin: string,
): DiscoveryDocument['endpoints'] {
  const given = ENDPOINTS.filter((name) => paths[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, onOrigin(paths[name], origin)]));
}

/** Services are remembered by the thousand. */
const MAX_PATH_CHARACTERS = 2048;

/** `//host` and `/\host` look like paths and are not. */
function onOrigin(path: unknown, origin: string): string {
  const url =
    typeof path === 'string' &&
    path.startsWith('/') &&
    !path.includes('#') &&
    path.length <= MAX_PATH_CHARACTERS &&
    URL.canParse(path, origin) &&
    new URL(path, origin);
  if (!url || url.origin !== origin) throw invalid('endpoints');
  return url.href;
}
