import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** In which `GET /health` is asked to prove that it is the daemon: 64 hex digits. */
export const CHALLENGE_HEADER = 'x0x-challenge';

const LABEL = 'xlink/1 x0x daemon';

/** 32 random bytes, hex. */
export const newChallenge = (): string => randomBytes(32).toString('hex');

export const isChallenge = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/**
 * HMAC-SHA-256 with the token over a challenge and the address that was asked, hex: who makes it has the token, and need not be sent it. The
 * address is in it so that nobody else passes the question on to the daemon.
 */
export const proofFor = (token: string, address: string, challenge: string): string =>
  createHmac('sha256', token).update(`${LABEL}\n${address}\n${challenge}`).digest('hex');

export function isProof(proof: unknown, wanted: string): boolean {
  return (
    typeof proof === 'string' &&
    proof.length === wanted.length &&
    timingSafeEqual(Buffer.from(proof), Buffer.from(wanted))
  );
}
