import { randomBytes, randomInt } from 'node:crypto';
import {
  challengeText,
  encodeChallenge,
  isMetadata,
  isReadable,
  type UnsignedChallenge,
  type XlockChallenge,
} from '../challenge/challenge.js';
import { linksOf, type XlockLinks } from '../challenge/links.js';
import { XlockError } from '../errors.js';
import { sha256, toBase64url } from '../util/bytes.js';
import { integerIn, invalidOption } from '../util/options.js';
import type { Parts } from './parts.js';
import { type AccountRecord, asked } from './records.js';

/** A challenge as the service has it. */
export interface IssuedChallenge extends XlockChallenge {
  /** The two digits that the login page shows, and the device asks for; empty without matching. They are not part of what is pushed. */
  readonly match: string;
  /** The challenge as devices take it. */
  readonly text: string;
  /** The same as links, for a button or a code to scan. */
  readonly links: XlockLinks;
  /** DIDs of the devices that a push was handed over for. */
  readonly pushed: readonly string[];
}

/** What is asked for, in {@link makeChallenge}. */
export interface NewChallenge {
  readonly kind: XlockChallenge['kind'];
  readonly did: string;
  readonly userId: string;
  readonly action: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly deviceId: string;
  readonly timeout: number | undefined;
  readonly binding: string | undefined;
}

/** Makes, signs and keeps a challenge. Throws `INVALID_OPTION` or `CHALLENGE_GENERATION_FAILED`. */
export async function makeChallenge(parts: Parts, wanted: NewChallenge): Promise<IssuedChallenge> {
  const { options, origin, records, now } = parts;
  const { kind, did, userId, action, metadata = {}, deviceId, timeout, binding } = wanted;
  if (!isReadable(action))
    throw invalidOption('action', 'action must be 1 to 200 characters that a screen shows as they are.');
  if (!isMetadata(metadata))
    throw invalidOption(
      'metadata',
      'metadata must be up to 16 texts of 1 to 200 characters that a screen shows as they are.',
    );
  if (typeof userId !== 'string' || userId.length > 256)
    throw invalidOption('userId', 'userId must be a text of up to 256 characters.');
  const { challengeTtlMs = 300_000, numberMatching = true, answerPath = '/xlock/answer' } = options;
  if (timeout !== undefined && !integerIn(1000, challengeTtlMs)(timeout))
    throw invalidOption('timeout', 'timeout must be a whole number of ms from 1000 to challengeTtlMs.');
  const responseMs = timeout ?? Math.min(options.responseTimeoutMs ?? 120_000, challengeTtlMs);
  const issuedAt = now();
  const isLogin = kind === 'auth';
  const signer = await parts.identity();
  try {
    const unsigned: UnsignedChallenge = {
      kind,
      id: toBase64url(randomBytes(16)),
      did,
      userId,
      origin,
      action,
      metadata: { ...metadata },
      nonce: toBase64url(randomBytes(32)),
      issuedAt,
      respondBy: issuedAt + (isLogin ? responseMs : challengeTtlMs),
      expiresAt: issuedAt + challengeTtlMs,
      matching: isLogin && numberMatching,
      deviceId,
      callback: answerPath === '' ? '' : origin + answerPath,
      verifier: signer.did,
    };
    const signature = toBase64url(await signer.ed25519.sign(challengeText(unsigned)));
    const challenge: XlockChallenge = { ...unsigned, signature };
    const match = unsigned.matching ? String(randomInt(10, 100)) : '';
    const record = {
      challenge,
      state: 'pending' as const,
      match,
      binding: binding === undefined ? '' : toBase64url(sha256(binding)),
    };
    await asked(() => records.challenges.update(challenge.id, () => record));
    const text = encodeChallenge(challenge);
    return { ...challenge, match, text, links: linksOf(challenge), pushed: [] };
  } catch (cause) {
    if (cause instanceof XlockError) throw cause;
    throw new XlockError('CHALLENGE_GENERATION_FAILED', { cause });
  }
}

/** Throws `CHALLENGE_GENERATION_FAILED:PAUSED` or `:FLOOD` if nothing is to be asked of this user now. */
export async function assertCalm(parts: Parts, account: AccountRecord): Promise<void> {
  const { maxPushes = 5, pushWindowMs = 300_000, denialPauseMs = 60_000 } = parts.options;
  const { deniedAt } = account;
  if (deniedAt !== undefined && parts.now() - deniedAt < denialPauseMs)
    throw new XlockError('CHALLENGE_GENERATION_FAILED:PAUSED');
  const { count } = await asked(async () => parts.limits.take(`xlock-push ${account.did}`, pushWindowMs));
  if (count > maxPushes) throw new XlockError('CHALLENGE_GENERATION_FAILED:FLOOD');
}

/** Hands a challenge over for the devices that may answer it; their DIDs. What fails for one does not stand in the way of others. */
export async function pushTo(
  parts: Parts,
  account: AccountRecord,
  issued: IssuedChallenge,
): Promise<IssuedChallenge> {
  const { push } = parts.options;
  if (!push) return issued;
  const devices = account.devices.filter(
    ({ id, revokedAt }) => revokedAt === undefined && (issued.deviceId === '' || issued.deviceId === id),
  );
  const outcomes = await Promise.allSettled(
    devices.map(async ({ id, keys }) => push.send(id, issued.text, keys)),
  );
  const pushed = devices.flatMap(({ id }, at) => (outcomes[at]!.status === 'fulfilled' ? [id] : []));
  return { ...issued, pushed };
}
