import type { TrustRegistry } from '@private.me/xlink';
import type { DeliveryClient } from '../delivery/client.js';
import type { MlsEvent } from '../events.js';
import { standingOf } from '../standing.js';
import type { OperationName, Operations, Self } from '../worker/protocol.js';
import type { CryptoWorker } from '../worker/worker.js';

/** What the groups of a client have in common. */
export interface GroupHost {
  readonly did: string;
  readonly self: Self;
  readonly registry: TrustRegistry;
  readonly worker: CryptoWorker;
  /** The delivery service at this URL. Throws `SERVER_NOT_ALLOWED`. */
  readonly apiAt: (url: string) => DeliveryClient;
  /** Where a DID has its key packages and invitations. */
  readonly homeOf: (did: string) => string;
  readonly tell: (event: MlsEvent) => void;
  /** Between one member and the next that would remove a revoked one, in ms. */
  readonly removeDelayMs: number;
  readonly closed: AbortSignal;
  /** ms since 1970. */
  readonly clock: () => number;
}

/** Runs an operation of the worker, which may ask the registry of this client. */
export const operate = <Op extends OperationName>(
  { worker, registry, clock }: Pick<GroupHost, 'worker' | 'registry' | 'clock'>,
  op: Op,
  input: Parameters<Operations[Op]>[0],
): Promise<ReturnType<Operations[Op]>> => worker.call(op, input, (did) => standingOf(registry, did, clock()));
