import type { TrustRegistry } from '@private.me/xlink';
import { GroupError } from './errors.js';
import type { Standing } from './worker/protocol.js';

/**
 * Whether a DID may be a member, as the registry says. One that was succeeded may until the overlap is over (PROTOCOL.md, 3.4): so it can add
 * its successor. `now`: ms since 1970. Throws `REGISTRY_UNAVAILABLE`.
 */
export async function standingOf(registry: TrustRegistry, did: string, now: number): Promise<Standing> {
  let entry: Awaited<ReturnType<TrustRegistry['lookup']>>;
  try {
    entry = await registry.lookup(did);
  } catch (cause) {
    throw new GroupError('REGISTRY_UNAVAILABLE', { cause });
  }
  if (entry === undefined || entry === null) return 'unknown';
  if (entry.did !== did) throw new GroupError('REGISTRY_UNAVAILABLE', { field: 'did' });
  const { status, succeededBy } = entry;
  const isOver = succeededBy !== undefined && now > succeededBy.issuedAt + succeededBy.overlapMs;
  return status === 'active' && !isOver ? 'active' : 'revoked';
}

/** Lookups of one registry that are under way at a time. */
const AT_ONCE = 16;

/** Those of the DIDs that are revoked by now. One that the registry does not answer for, or no longer knows, is not among them. */
export async function revokedAmong(
  registry: TrustRegistry,
  dids: readonly string[],
  now: number,
): Promise<Set<string>> {
  const revoked = new Set<string>();
  const left = [...dids];
  const work = async () => {
    for (let did = left.pop(); did !== undefined; did = left.pop()) {
      const standing = await standingOf(registry, did, now).catch(() => undefined);
      if (standing === 'revoked') revoked.add(did);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, dids.length) }, work));
  return revoked;
}
