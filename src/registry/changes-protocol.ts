import { defaultProvider } from '#provider';
import type { Did } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { isMembers } from '../util/members.js';
import { encodeUtf8 } from '../util/utf8.js';

// GET /registry/changes?wait=500&after=server.position,…

/** A server answers after that many ms at the latest: proxies cut off what is silent for longer. */
export const MAX_WAIT_MS = 25_000;
/** Positions that a client sends: of so many servers behind one address. */
export const MAX_POSITIONS = 16;

const TAG_BYTES = 16;

/** What the JSON of an answer says. */
export interface ChangesAnswer {
  /** Names one run of one server: it counts its own positions. */
  readonly server: string;
  /** What to ask this server for next. */
  readonly position: number;
  /** Tags of what changed since the position that was sent; `undefined`: anything may have. */
  readonly changed: readonly string[] | undefined;
}

/**
 * Stands for a DID in an answer: the first 16 bytes of its SHA-256, base64url. Anybody may ask for changes; the tag tells
 * those who know the DID, and nobody else, whose entry it was.
 */
export async function changeTag(did: Did): Promise<string> {
  return encodeBase64url((await defaultProvider().sha256(encodeUtf8(did))).subarray(0, TAG_BYTES));
}

/** Throws for anything but an answer. */
export function changesIn(body: unknown): ChangesAnswer {
  const { server, position, changed } = (isMembers(body) ? body : {}) as Partial<ChangesAnswer>;
  const isGood =
    typeof server === 'string' &&
    /^[\w-]{1,64}$/.test(server) &&
    Number.isSafeInteger(position) &&
    (changed === undefined || (Array.isArray(changed) && changed.every((tag) => typeof tag === 'string')));
  if (!isGood) throw new Error('the registry answered with something else than changes');
  return { server, position: position as number, changed };
}

/** The text of `after`. */
export const positionsText = (positions: ReadonlyMap<string, number>): string =>
  [...positions].map(([server, position]) => `${server}.${position}`).join(',');

/** The position in `after` that is of this server; `undefined` if there is none. */
export function positionIn(after: string, server: string): number | undefined {
  const found = after.split(',', MAX_POSITIONS).find((one) => one.startsWith(`${server}.`));
  return found === undefined ? undefined : Number(found.slice(server.length + 1));
}
