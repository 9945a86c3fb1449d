import type { KeyRecord, RegistryEntry, TrustRegistry } from '@private.me/xlink';
import { MeshError } from '../errors/mesh-error.js';

/** What a channel needs of a trust registry. */
export type ChannelRegistry = Pick<TrustRegistry, 'lookup'> & {
  /** Tells of changes; channels of revoked identities then end at once. */
  onChange?(listener: (did?: string) => void): () => void;
};

/** How often a registry is asked about the other side of an open channel. */
export interface WatchTimes {
  /** Between two questions, in ms. */
  readonly recheckMs: number;
  /** How long the registry may be silent before the channel ends, in ms. */
  readonly graceMs: number;
  /** ms since 1970. */
  readonly clock: () => number;
}

const SAID = ['x25519', 'mlKem768', 'mlDsa65', 'keyEpoch', 'notBefore', 'notAfter', 'next'] as const;

/** The entry of a DID. Throws `NOISE_IDENTITY_MISMATCH…` unless it is active in the registry, with these keys if they are given. */
export async function assertTrusted(
  registry: ChannelRegistry,
  did: string,
  keys: KeyRecord | undefined,
  now: number,
): Promise<RegistryEntry> {
  let entry: RegistryEntry | undefined;
  try {
    entry = await registry.lookup(did);
  } catch (cause) {
    throw new MeshError('NOISE_IDENTITY_MISMATCH:REGISTRY', { cause });
  }
  if (!entry || entry.did !== did) throw new MeshError('NOISE_IDENTITY_MISMATCH:UNKNOWN');
  const { status, succeededBy, keys: known } = entry;
  const isOver = succeededBy !== undefined && now > succeededBy.issuedAt + succeededBy.overlapMs;
  if (status !== 'active' || isOver) throw new MeshError('NOISE_IDENTITY_MISMATCH:REVOKED');
  if (keys && !known)
    throw new MeshError('NOISE_IDENTITY_MISMATCH:KEYS', {
      field: 'keys',
      hint: 'The entry in the registry has no keys: register it with `keys: await createKeyRecord(identity)`, or by Agent.fromSeed().',
    });
  if (keys && (!known || SAID.some((name) => known[name] !== keys[name])))
    throw new MeshError('NOISE_IDENTITY_MISMATCH:KEYS', { field: 'keyRecord' });
  return entry;
}

/**
 * Looks after the identity at the other end until the returned function is called. `lost` is called once, when it is no longer trusted or
 * the registry was silent for too long.
 */
export function watchTrust(
  registry: ChannelRegistry,
  did: string,
  { recheckMs, graceMs, clock }: WatchTimes,
  lost: (error: unknown) => void,
): () => void {
  let heardAt = clock();
  let isOver = false;
  let isAsking = false;
  let isStale = false; // something changed while it was asked
  let ending: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    isOver = true;
    clearInterval(timer);
    clearTimeout(ending);
    unsubscribe?.();
  };
  const ask = async () => {
    if (isOver) return;
    if (isAsking) {
      isStale = true;
      return;
    }
    isAsking = true;
    isStale = false;
    try {
      const { succeededBy } = await assertTrusted(registry, did, undefined, clock());
      heardAt = clock();
      if (succeededBy && !isOver) lookAt(succeededBy.issuedAt + succeededBy.overlapMs + 1);
    } catch (error) {
      const isDown = error instanceof MeshError && error.id === 'NOISE_IDENTITY_MISMATCH:REGISTRY';
      if (!isOver && !(isDown && clock() - heardAt < graceMs)) {
        stop();
        lost(error);
      }
    } finally {
      isAsking = false;
      if (isStale) void ask();
    }
  };
  // Nobody tells of the end of an overlap, which may be long before the registry is asked again.
  const lookAt = (time: number) => {
    clearTimeout(ending);
    ending = setTimeout(ask, Math.min(time - clock(), recheckMs));
    ending.unref();
  };
  const timer = setInterval(ask, recheckMs);
  timer.unref();
  const unsubscribe = registry.onChange?.((changed) => {
    if (changed === undefined || changed === did) void ask();
  });
  void ask(); // what changed since the handshake, and when an overlap ends
  return stop;
}
