import { xlinkError } from '../errors/service-errors.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/** Whether a DID may use the relay. A throw or rejection means it cannot be told: no DID is admitted meanwhile. */
export type Admits = (did: Did) => Awaitable<boolean>;

/** Those who are in a registry and not revoked. */
export const registered =
  (registry: Pick<TrustRegistry, 'lookup'>): Admits =>
  async (did) =>
    (await registry.lookup(did))?.status === 'active';

/** What the options of a relay come to: all that are given must agree. An empty list admits nobody. */
export function admissionOf({ registry, admits }: AdmissionOptions): Admits {
  const rules = [...(registry ? [registered(registry)] : []), ...(admits ? [ruleOf(admits)] : [])];
  return async (did) => {
    for (const rule of rules) if ((await rule(did)) !== true) return false;
    return true;
  };
}

interface AdmissionOptions {
  readonly registry?: Pick<TrustRegistry, 'lookup'>;
  readonly admits?: Admits | readonly Did[];
}

function ruleOf(admits: Admits | readonly Did[]): Admits {
  if (typeof admits === 'function') return admits;
  const list = new Set(admits);
  return (did) => list.has(did);
}

/** Throws the error unless the DID is admitted, `LOOKUP_FAILED` if that cannot be told. */
export async function admit(
  admits: Admits,
  did: Did,
  id: 'RELAY_NOT_ALLOWED' | 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
): Promise<void> {
  let isAdmitted: boolean;
  try {
    isAdmitted = (await admits(did)) === true;
  } catch (cause) {
    throw xlinkError('LOOKUP_FAILED', { cause });
  }
  if (!isAdmitted) throw xlinkError(id);
}
