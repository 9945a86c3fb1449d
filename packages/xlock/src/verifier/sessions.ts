import { randomBytes } from 'node:crypto';
import { isXlockError, XlockError } from '../errors.js';
import { sha256, toBase64url } from '../util/bytes.js';
import type { Parts } from './parts.js';
import { asked, type SessionRecord } from './records.js';
import { assertActive } from './take-answer.js';

/** A session as the service sees it. */
export interface XlockSession {
  /** The passkey that approved. */
  readonly did: string;
  /** The account; may be empty. */
  readonly userId: string;
  /** The device that approved. */
  readonly deviceId: string;
  /** In ms since 1970. */
  readonly createdAt: number;
  /** When it ends, in ms since 1970. */
  readonly until: number;
}

const TOKEN = /^xls_[\w-]{43}$/;
const hashOf = (token: string): string => toBase64url(sha256(token));

/** Begins a session; its token is 47 characters, of which the store has the SHA-256 only. */
export async function begun(
  parts: Parts,
  who: Pick<SessionRecord, 'did' | 'userId' | 'deviceId'>,
): Promise<{ readonly token: string; readonly session: XlockSession }> {
  const token = `xls_${toBase64url(randomBytes(32))}`;
  const createdAt = parts.now();
  const { did, userId, deviceId } = who;
  const session: SessionRecord = {
    did,
    userId,
    deviceId,
    createdAt,
    until: createdAt + (parts.options.sessionTtlMs ?? 86_400_000),
  };
  await asked(() => parts.records.sessions.update(hashOf(token), () => session));
  return { token, session };
}

/** The session of a token. Throws `SESSION_INVALID`, also where its device or passkey was revoked meanwhile. */
export async function sessionOf(parts: Parts, token: unknown): Promise<XlockSession> {
  const invalid = () => new XlockError('SESSION_INVALID');
  if (typeof token !== 'string' || !TOKEN.test(token)) throw invalid();
  const session = await asked(() => parts.records.sessions.get(hashOf(token)));
  if (!session || session.until <= parts.now()) throw invalid();
  const account = await asked(() => parts.records.accounts.get(session.did));
  try {
    assertActive(account, session.deviceId);
  } catch (error) {
    if (isXlockError(error)) throw invalid();
    throw error;
  }
  if (account.sessionsFrom !== undefined && session.createdAt < account.sessionsFrom) throw invalid();
  return session;
}

/** Ends a session, if there is one. */
export async function ended(parts: Parts, token: string): Promise<void> {
  if (TOKEN.test(token)) await asked(() => parts.records.sessions.removeIf(hashOf(token), () => true));
}
