import { nonceTtlMs } from '../checks/timestamp.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import type { NonceUse } from '../types/ports.js';
import type { AgentContext } from './context.js';

/** Ends a claim: whether the nonce stays used, or is free again because the message was not handled. */
export type Settle = (isUsed: boolean) => Promise<void>;

type ReplayId = 'REPLAY_DETECTED' | 'REPLAY_DETECTED:GROUP_COMPLETE';

/** Throws `REPLAY_DETECTED…` if the nonce was claimed; writes nothing. */
export async function assertNotReplayed(
  context: AgentContext,
  use: NonceUse,
  id: ReplayId = 'REPLAY_DETECTED',
): Promise<void> {
  const seen = await askNonceStore(context, false, () => context.nonceStore.seen(use));
  if (seen) throw xlinkError(id, { field: 'nonce' });
}

/** Claims the nonce, once and for all or, if it is `reservable` and the store can do that, until it is settled. */
export async function claimNonce(
  context: AgentContext,
  use: NonceUse,
  reservable: boolean,
  id: ReplayId = 'REPLAY_DETECTED',
): Promise<Settle> {
  const { nonceStore, timestampWindowMs, maxAgeMs } = context;
  const ttlMs = nonceTtlMs(timestampWindowMs, maxAgeMs);
  const isReserved = reservable && nonceStore.reserve && nonceStore.settle;
  const claimed = await askNonceStore(context, true, () =>
    isReserved ? nonceStore.reserve!(use, ttlMs) : nonceStore.claim(use, ttlMs),
  );
  if (!claimed) throw xlinkError(id, { field: 'nonce' });
  return async (isUsed) => {
    if (!isReserved) return;
    await askNonceStore(context, true, async () => {
      await nonceStore.settle!(use, ttlMs, isUsed);
      return true;
    });
  };
}

/** Fails closed: without an answer nothing is accepted, unless the option with the unsafe name says so. */
async function askNonceStore(context: AgentContext, ifUnsafe: boolean, ask: () => unknown): Promise<boolean> {
  try {
    const answer = await ask();
    if (typeof answer === 'boolean') return answer;
    throw new TypeError('a nonce store must answer true or false');
  } catch (cause) {
    if (context.unsafeAcceptWhenNonceStoreFails) return ifUnsafe;
    throw isXlinkError(cause) ? cause : xlinkError('NONCE_STORE_UNAVAILABLE', { cause });
  }
}
