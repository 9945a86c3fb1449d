import { type Agent, type Envelope, type RequestOptions, requestBinding } from '@private.me/xlink';
import { enrollmentProof } from '@private.me/xlink/client';
import { ENROLL_PATH, ENROLL_SCOPE } from '../../src/http/enrollment.js';
import {
  bodyForm,
  headerForm as headerFormIn,
  methodOf,
  pathOf,
  withKey as requestWithKey,
  type Sent,
} from '../support/http.js';

export const withKey = (key: string, sent: Sent = {}): Sent => requestWithKey(sent, key);

/** The envelope in a header of its own. */
export const headerForm = (envelope: Envelope, sent: Sent = {}): Sent =>
  headerFormIn(envelope, sent, 'xlink-envelope');

/** A POST with a sealed body. */
export async function sealed(
  from: Agent,
  to: Agent,
  sent: Sent = {},
  draft: Partial<RequestOptions> = {},
): Promise<Sent> {
  const request = requestBinding(sent.method ?? 'POST', pathOf(sent));
  const envelope = await from.createRequest({ to: to.did, payload: { item: 'tea' }, request, ...draft });
  return bodyForm(envelope, sent);
}

/** A request without a body whose envelope is in a header. */
export async function signed(
  from: Agent,
  to: Agent,
  sent: Sent = {},
  draft: Partial<RequestOptions> = {},
): Promise<Sent> {
  const request = requestBinding(methodOf(sent), pathOf(sent));
  return headerForm(await from.createRequest({ to: to.did, signedOnly: true, request, ...draft }), sent);
}

export interface EnrollmentDraft {
  /** The key the proof is made with. Default: the key it is sent with. */
  readonly proofKey?: string;
  readonly scope?: string;
  readonly request?: string;
  readonly payload?: unknown;
  readonly keyRecord?: unknown;
}

export async function enrollmentEnvelope(
  from: Agent,
  to: Agent,
  key: string,
  draft: EnrollmentDraft = {},
): Promise<Envelope> {
  const {
    proofKey = key,
    scope = ENROLL_SCOPE,
    request = requestBinding('POST', ENROLL_PATH),
    keyRecord = await from.keyRecord(),
  } = draft;
  const keyProof = await enrollmentProof(from.did, proofKey);
  const payload = 'payload' in draft ? draft.payload : { keyRecord, keyProof };
  return from.createIntroduction({ to: to.did, scope, request, payload });
}

/** What a client sends to enroll. */
export async function enrollment(
  from: Agent,
  to: Agent,
  key: string,
  draft: EnrollmentDraft = {},
): Promise<Sent> {
  return withKey(key, bodyForm(await enrollmentEnvelope(from, to, key, draft), { path: ENROLL_PATH }));
}
