import type { ClientActivity, ClientRecord, Standing } from '../../adapters/clients/store.js';
import type { ClientId } from '../../types/protocol.js';
import { escaped, unescaped } from '../ascii-json.js';
import type { RedisCommand } from './commands.js';

export type ClientCommand = RedisCommand<'RedisClientStore'>;

/**
 * A client is one sorted set, so that all of it is read at once and on one node of a cluster. What its members mean:
 * `n:` a count, `f:` a count of failures, `t:` a time, `d:` a DID and its place in the order of enrollment, `v:` a
 * DID and when its enrollment ends, `s:` how many places were taken.
 */
const TIMES = ['lastKeyUse', 'lastXlinkUse', 'lastFailure'] as const;
const KEY_OFF = 't:keyOffSince';
const REVOKED = 't:revokedSince';
const PLACES = 's:dids';

/** How long a batch is remembered whose answer may have got lost. */
const DOUBT_MS = 86_400_000;

/**
 * Adds activity, once for each name of a batch however often it is carried out. The counts of the batch are put beside
 * the client (`new`), less those that are already in (`done`, of which there are all or none), and then summed up.
 */
export function addCommands(key: string, activity: ClientActivity, batch: string): ClientCommand[] {
  const [fresh, done, rest] = [`${key}:${batch}:new`, doneKey(key, batch), `${key}:rest`];
  const times = TIMES.flatMap((name) =>
    activity[name] === undefined ? [] : [String(activity[name]), `t:${name}`],
  );
  return [
    ['ZADD', fresh, ...countsOf(activity)],
    ['ZDIFFSTORE', rest, '2', fresh, done],
    ['ZUNIONSTORE', key, '2', key, rest, 'AGGREGATE', 'SUM'],
    ['RENAME', fresh, done],
    ['PEXPIRE', done, String(DOUBT_MS)],
    ['DEL', rest],
    ...(times.length > 0 ? [['ZADD', key, 'GT', ...times] as const] : []),
  ];
}

/** What says that the batch is in. */
export const doneKey = (key: string, batch: string): string => `${key}:${batch}:done`;

export const keyOffCommands = (key: string, since: number | undefined) => timeCommands(key, KEY_OFF, since);

export const revokedCommands = (key: string, since: number | undefined) => timeCommands(key, REVOKED, since);

/** A client that was not known is known then. */
const timeCommands = (key: string, member: string, time: number | undefined): ClientCommand[] => [
  ['ZINCRBY', key, '0', 'n:keyRequests'],
  timeCommand(key, member, time),
];

const timeCommand = (key: string, member: string, time: number | undefined): ClientCommand =>
  time === undefined ? ['ZREM', key, member] : ['ZADD', key, String(time), member];

/** Of several that come at once, the end that is there stays. */
const firstTimeCommand = (key: string, member: string, time: number | undefined): ClientCommand =>
  time === undefined ? ['ZMSCORE', key, member] : ['ZADD', key, 'NX', String(time), member];

interface DidToAdd {
  readonly place: number;
  readonly validUntil: number | undefined;
  /** What another call has said of it stays. */
  readonly ifNew: boolean;
}

/** Resolves to the next place in the order of enrollment. */
export const placeCommand = (key: string): ClientCommand => ['ZINCRBY', key, '1', PLACES];

/** Adds a DID where it is not there yet, and reads all of the client at the same moment: 1 or 0, some answer, and the record. */
export const addDidCommands = (
  key: string,
  did: string,
  { place, validUntil, ifNew }: DidToAdd,
): ClientCommand[] => [
  ['ZADD', key, 'NX', String(place), `d:${escaped(did)}`],
  ifNew
    ? firstTimeCommand(key, `v:${escaped(did)}`, validUntil)
    : timeCommand(key, `v:${escaped(did)}`, validUntil),
  readCommand(key),
];

export const removeDidCommand = (key: string, did: string): ClientCommand => [
  'ZREM',
  key,
  `d:${escaped(did)}`,
  `v:${escaped(did)}`,
];

/** Answered with two scores, or nothing in their places. */
export const standingCommand = (key: string, did: string): ClientCommand => [
  'ZMSCORE',
  key,
  `v:${escaped(did)}`,
  REVOKED,
];

/** From the answer to {@link standingCommand}. */
export function standingOf(client: ClientId, reply: unknown): Standing {
  const [validUntil, revokedSince] = (reply as unknown[]).map((score) =>
    score === null ? undefined : Number(score),
  );
  return {
    client,
    ...(validUntil === undefined ? {} : { validUntil }),
    ...(revokedSince === undefined ? {} : { revokedSince }),
  };
}

export const readCommand = (key: string): ClientCommand => ['ZRANGE', key, '0', '-1', 'WITHSCORES'];

/** From the answer to {@link readCommand}, whose pairs are nested (RESP3) or not (RESP2). `undefined`: nothing is known. */
export function recordOf(client: ClientId, reply: unknown): ClientRecord | undefined {
  const flat = (reply as unknown[]).flat() as (string | number)[];
  const record = { client, dids: [] as string[], keyRequests: 0, xlinkRequests: 0 };
  const failures: [string, number][] = [];
  const ends: [string, number][] = [];
  let isKnown = false;
  // In the order of scores, so DIDs come in the order of their places.
  for (let at = 0; at < flat.length; at += 2) {
    const [kind, name, score] = [
      String(flat[at]).slice(0, 2),
      String(flat[at]).slice(2),
      Number(flat[at + 1]),
    ];
    if (kind === 'd:') record.dids.push(unescaped(name));
    else if (kind === 'f:') failures.push([unescaped(name), score]);
    else if (kind === 'v:') ends.push([unescaped(name), score]);
    else if (kind === 'n:' || kind === 't:') Object.assign(record, { [name]: score });
    isKnown ||= kind !== 's:';
  }
  if (!isKnown) return undefined;
  const validUntil = ends.length === 0 ? {} : { validUntil: Object.fromEntries(ends) };
  return { ...record, ...validUntil, failures: Object.fromEntries(failures) };
}

function countsOf({ keyRequests, xlinkRequests, signatureRequests, failures }: ClientActivity): string[] {
  const counts = Object.entries(failures).flatMap(([id, count]) => [String(count), `f:${escaped(id)}`]);
  if (signatureRequests) counts.push(String(signatureRequests), 'n:signatureRequests');
  return [String(keyRequests), 'n:keyRequests', String(xlinkRequests), 'n:xlinkRequests', ...counts];
}
