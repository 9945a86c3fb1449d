import { answerText, assertAnswer, type UnsignedAnswer, type XlockAnswer } from '../challenge/answer.js';
import { isXlockError, XlockError } from '../errors.js';
import { fromBase64url, sameBytes } from '../util/bytes.js';
import { isSignedBy } from '../util/signed-by.js';
import { checkedClaim } from '../xid/claim.js';
import { assertEnrollable, type Enrollment, enrolled } from './accounts.js';
import type { Parts } from './parts.js';
import { type AccountRecord, asked, type ChallengeRecord, type ChallengeState } from './records.js';

/** What became of an answer. */
export interface TakenAnswer {
  readonly challengeId: string;
  readonly state: 'approved' | 'denied';
}

/**
 * Takes the answer of a device. A good one moves the challenge from `pending` to `approved` or `denied`, by compare-and-set: of any number of
 * answers, in all instances, one does. An answer that is not signed well changes nothing, so that nobody can end the login of another.
 */
export async function takeAnswer(parts: Parts, value: unknown): Promise<TakenAnswer> {
  assertAnswer(value);
  const answer = value;
  const record = await asked(() => parts.records.challenges.get(answer.challengeId));
  if (!record) throw new XlockError('CHALLENGE_INVALID:UNKNOWN');
  const isRegistration = record.challenge.kind === 'register';
  if (isRegistration !== (answer.decision === 'registered')) throw formOf('decision');
  assertSigned(record, answer);
  if (isRegistration) assertRegistrable(record, answer);
  else await assertDevice(parts, record, answer);
  await assertOpen(parts, record);
  if (isRegistration) await assertEnrollable(parts, enrollmentOf(record, answer));
  const ephemeral = answer.decision === 'approved' ? checkedClaim(record.challenge, answer) : undefined;
  const next = decided({ ...record, ...(ephemeral ? { ephemeral } : {}) }, answer);
  await settle(parts, record, next);
  if (next.state === 'denied') await remembered(parts, answer.did);
  const tell = (decision: 'accepted' | 'refused', reason: string) =>
    parts.tell({
      type: 'xlock-answer',
      from: answer.did,
      decision,
      reason,
      data: { challenge: answer.challengeId, device: answer.deviceId, kind: record.challenge.kind },
    });
  if (isRegistration)
    await enrolled(parts, enrollmentOf(record, answer)).catch(async (error: unknown) => {
      await tell('refused', isXlockError(error) ? error.id : 'INTERNAL'); // somebody was faster: see assertEnrollable
      throw error;
    });
  await tell(next.state === 'approved' ? 'accepted' : 'refused', next.reason ?? 'ok');
  if (next.reason === 'number') throw new XlockError('RESPONSE_USER_REJECTED:NUMBER');
  return { challengeId: answer.challengeId, state: next.state as TakenAnswer['state'] };
}

/** What an answer to a registration asks for. */
const enrollmentOf = ({ challenge, replaces = false }: ChallengeRecord, answer: XlockAnswer): Enrollment => ({
  answer,
  userId: challenge.userId,
  replaces,
});

/** Moves a challenge from `pending` on, or throws what it has become meanwhile. */
export async function settle(parts: Parts, record: ChallengeRecord, next: ChallengeRecord): Promise<void> {
  await asked(() =>
    parts.records.challenges.update(record.challenge.id, (before) => {
      if (before?.state !== 'pending') throw stateError(before?.state);
      return next;
    }),
  );
  parts.waiting.wake(record.challenge.id);
}

/** Why a challenge that is in this state takes no answer. */
export function stateError(state: ChallengeState | undefined): XlockError {
  if (state === undefined) return new XlockError('CHALLENGE_INVALID:UNKNOWN');
  return new XlockError(state === 'expired' ? 'RESPONSE_TIMEOUT' : 'CHALLENGE_ALREADY_USED');
}

async function assertOpen(parts: Parts, record: ChallengeRecord): Promise<void> {
  if (record.state !== 'pending') throw stateError(record.state);
  const { respondBy, expiresAt } = record.challenge;
  const now = parts.now();
  if (now < respondBy) return;
  await settle(parts, record, { ...record, state: 'expired' });
  throw new XlockError(now < expiresAt ? 'RESPONSE_TIMEOUT' : 'CHALLENGE_EXPIRED');
}

function assertSigned({ challenge }: ChallengeRecord, answer: XlockAnswer): void {
  const { signature, deviceSignature, keys: _, ephemeral: __, ...unsigned } = answer;
  const said: UnsignedAnswer = unsigned;
  const isGood = (did: string, signer: 'passkey' | 'device', text: string) =>
    isSignedBy(did, answerText(signer, challenge, said), fromBase64url(text, 64) ?? new Uint8Array(64));
  if (!isGood(answer.deviceId, 'device', deviceSignature)) throw new XlockError('RESPONSE_SIGNATURE_INVALID');
  if (answer.decision !== 'denied' && !isGood(answer.did, 'passkey', signature))
    throw new XlockError('RESPONSE_SIGNATURE_INVALID');
}

function assertRegistrable({ challenge }: ChallengeRecord, answer: XlockAnswer): void {
  if (answer.deviceName === '') throw formOf('deviceName');
  if (challenge.did !== '' && challenge.did !== answer.did) throw new XlockError('RESPONSE_DEVICE_MISMATCH');
}

async function assertDevice(
  parts: Parts,
  { challenge }: ChallengeRecord,
  answer: XlockAnswer,
): Promise<void> {
  if (challenge.did === '' || challenge.did !== answer.did) throw new XlockError('RESPONSE_DEVICE_MISMATCH');
  const account = await asked(() => parts.records.accounts.get(answer.did));
  assertActive(account, answer.deviceId);
  if (challenge.deviceId !== '' && challenge.deviceId !== answer.deviceId)
    throw new XlockError('RESPONSE_DEVICE_MISMATCH');
}

/** Throws `RESPONSE_DEVICE_MISMATCH` unless the device is registered, and `…:REVOKED` if it or the passkey is revoked. */
export function assertActive(
  account: AccountRecord | undefined,
  deviceId: string,
): asserts account is AccountRecord {
  const device = account?.devices.find(({ id }) => id === deviceId);
  if (!account || !device) throw new XlockError('RESPONSE_DEVICE_MISMATCH');
  if (device.revokedAt !== undefined || account.revokedAt !== undefined)
    throw new XlockError('RESPONSE_DEVICE_MISMATCH:REVOKED');
}

/** What a good answer makes of the challenge. Wrong digits deny it: there is one try. */
function decided(record: ChallengeRecord, answer: XlockAnswer): ChallengeRecord {
  const { deviceId, did } = answer;
  if (answer.decision === 'denied')
    return { ...record, state: 'denied', deviceId, ...(answer.reason ? { reason: answer.reason } : {}) };
  if (record.challenge.matching && !sameBytes(answer.match, record.match))
    return { ...record, state: 'denied', deviceId, reason: 'number' };
  return { ...record, state: 'approved', deviceId, did };
}

/** Nothing is pushed for a while. */
async function remembered(parts: Parts, did: string): Promise<void> {
  const deniedAt = parts.now();
  await asked(() =>
    parts.records.accounts.update(did, (before) => (before ? { ...before, deniedAt } : (before as never))),
  );
}

const formOf = (field: string) => new XlockError('RESPONSE_SIGNATURE_INVALID:FORM', { field });
