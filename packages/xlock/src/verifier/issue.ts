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
import { isDid } from '../util/signed-by.js';
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
  /** DIDs of the devices that a push was handed over for within a second; a slower one may still come. */
  readonly pushed: readonly string[];
  /** Why nothing was pushed; empty: nothing stood in the way. The challenge is good all the same: by link or code. */
  readonly held: Held;
}

/** `flood`: too many logins were asked for, for this user. `paused`: the user has just denied one. */
export type Held = '' | 'flood' | 'paused';

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
  /** Of a registration: whether the passkeys that the user has are revoked by it. */
  readonly replaces: boolean;
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
      ...(wanted.replaces ? { replaces: true } : {}),
    };
    await asked(() => records.challenges.update(challenge.id, () => record));
    void records.sweep(issuedAt).catch(() => {});
    const text = encodeChallenge(challenge);
    return { ...challenge, match, text, links: linksOf(challenge), pushed: [], held: '' };
  } catch (cause) {
    if (cause instanceof XlockError) throw cause;
    throw new XlockError('CHALLENGE_GENERATION_FAILED', { cause });
  }
}

/** Counts that something is asked of this user, and says whether it is to be held back. */
export async function heldFor(parts: Parts, { did, deniedAt }: AccountRecord): Promise<Held> {
  const { maxPushes = 5, pushWindowMs = 300_000, denialPauseMs = 60_000 } = parts.options;
  const { count } = await asked(async () => parts.limits.take(`xlock-push ${did}`, pushWindowMs));
  const sinceMs = deniedAt === undefined ? -1 : parts.now() - deniedAt; // below 0, too, once a clock was set back
  if (sinceMs >= 0 && sinceMs < denialPauseMs) return 'paused';
  return count > maxPushes ? 'flood' : '';
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
    ({ id, revokedAt }) =>
      revokedAt === undefined && isDid(id) && (issued.deviceId === '' || issued.deviceId === id),
  );
  const outcomes = await Promise.allSettled(
    devices.map(({ id, keys }) => soon(async () => push.send(id, issued.text, keys))),
  );
  const pushed = devices.flatMap(({ id }, at) => (outcomes[at]!.status === 'fulfilled' ? [id] : []));
  return { ...issued, pushed };
}

/** How long a login waits for a push to be handed over, in ms; a slow push service goes on without it. */
const PUSH_PATIENCE_MS = 1000;

async function soon(work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('not handed over yet')), PUSH_PATIENCE_MS);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
