import { randomBytes } from 'node:crypto';
import { isXlockError, XlockError } from '../errors.js';
import { sha256, toBase64url } from '../util/bytes.js';
import type { Parts } from './parts.js';
import { asked, type SessionRecord } from './records.js';
import { assertActive } from './take-answer.js';

/** A session as the service sees it. */
export interface XlockSession {
  /** The passkey that approved, or its DID for this resource and epoch. */
  readonly did: string;
  /** The account; may be empty. */
  readonly userId: string;
  /** The device that approved; of an ephemeral session again `did`. */
  readonly deviceId: string;
  /** Origin that an ephemeral session is good at; absent: that of the verifier. */
  readonly resource?: string;
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
  const until = createdAt + (parts.options.sessionTtlMs ?? 86_400_000);
  const holder = await asked(() => parts.records.holders.get(did));
  const account = await asked(() => parts.records.accounts.get(holder?.did ?? did));
  const epoch = account?.sessionEpoch ?? 0;
  const session: SessionRecord = holder
    ? {
        did,
        userId: '',
        deviceId: did,
        createdAt,
        until: Math.min(until, holder.until),
        epoch,
        resource: holder.resource,
      }
    : { did, userId, deviceId, createdAt, until, epoch };
  await asked(() => parts.records.sessions.update(hashOf(token), () => session));
  const { epoch: _, ...shown } = session;
  return { token, session: shown };
}

/** The session of a token. Throws `SESSION_INVALID`, also where its device or passkey was revoked meanwhile. */
export async function sessionOf(
  parts: Parts,
  token: unknown,
  resource = parts.origin,
): Promise<XlockSession> {
  const invalid = () => new XlockError('SESSION_INVALID');
  if (typeof token !== 'string' || !TOKEN.test(token)) throw invalid();
  const session = await asked(() => parts.records.sessions.get(hashOf(token)));
  if (!session || session.until <= parts.now()) throw invalid();
  if ((session.resource ?? parts.origin) !== resource) throw invalid();
  const isLasting = session.resource === undefined;
  const holder = isLasting ? session : await asked(() => parts.records.holders.get(session.did));
  if (!holder) throw invalid();
  const account = await asked(() => parts.records.accounts.get(holder.did));
  try {
    assertActive(account, holder.deviceId);
  } catch (error) {
    if (isXlockError(error)) throw invalid();
    throw error;
  }
  const { epoch, ...shown } = session;
  if (epoch !== (account.sessionEpoch ?? 0)) throw invalid();
  return shown;
}

/** Ends a session, if there is one. */
export async function ended(parts: Parts, token: string): Promise<void> {
  if (TOKEN.test(token)) await asked(() => parts.records.sessions.removeIf(hashOf(token), () => true));
}
