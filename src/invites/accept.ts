import { defaultProvider } from '#provider';
import type { BaseAgent } from '../agent/agent.js';
import { isXlinkError, xlinkError } from '../errors/service-errors.js';
import { isBaseUrl } from '../http/base-url.js';
import { fetchOrPlatform, httpCall } from '../http/fetch.js';
import { ENVELOPE_TYPE, JSON_TYPE } from '../http/media-type.js';
import { refusalIn } from '../http/problem.js';
import { decodeDidKey } from '../identity/did.js';
import { assertKeyRecord, copyKeyRecord } from '../identity/key-record.js';
import type { Did, KeyRecord } from '../types/protocol.js';
import { decodeBase64url } from '../util/base64url.js';
import { checkOptions, integerIn, isFunction } from '../util/options.js';
import { type InviteTerms, type ParsedInvite, verifiedInvite } from './code.js';
import { type Acceptance, acceptanceRoute, answerTranscript, INVITE_SCOPE, prove } from './protocol.js';
import { trust } from './trust.js';

/** Options of {@link acceptInvite}. */
export interface AcceptInviteOptions {
  /** Where this agent takes messages, for the one who invites. https; http for localhost only. Default: not said. */
  readonly url?: string;
  /** For the whole exchange, in ms. Default 10 000. */
  readonly timeoutMs?: number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

const MAX_ANSWER_BYTES = 64 * 1024;
const failed = (cause: unknown) => xlinkError('INVITE_FAILED', { cause });

/**
 * Accepts an invite: verifies that it was signed by the DID it names, proves to the one who made it that this agent has it, and puts that
 * one into the registry of the agent, once it has answered with its signature. Accepting again with the same identity is safe. Throws
 * `INVITATION_REFUSED…`, `INVITE_FAILED`, `VERIFICATION_FAILED:DID_REVOKED` for one that was revoked here, or what the registry fails with.
 */
export async function acceptInvite(
  agent: BaseAgent,
  code: string,
  options: AcceptInviteOptions = {},
): Promise<InviteTerms> {
  checkOptions('acceptInvite', options, {
    url: isBaseUrl,
    timeoutMs: integerIn(1, 600_000),
    fetch: isFunction,
  });
  const { secret, signed, signature, ...terms } = await verifiedInvite(code);
  const { from, name, scopes, receives } = terms;
  if ((await agent.ready()) === from)
    throw xlinkError('INVITATION_REFUSED:OTHER_SERVICE', {
      hint: 'It is an invite of this very identity, for others.',
    });
  const keys = await exchange(agent, { ...terms, secret }, options);
  await trust(agent.registry, { keys, name, sendScopes: receives, receiveScopes: scopes });
  return terms;
}

/** Sends the acceptance. Resolves to the keys of the one who invites, which it has signed for this very exchange. */
async function exchange(
  agent: BaseAgent,
  { from, url: base, secret, scopes, receives }: InviteTerms & Pick<ParsedInvite, 'secret'>,
  { url, timeoutMs = 10_000, fetch }: AcceptInviteOptions,
): Promise<KeyRecord> {
  const { number, proof } = await prove(secret, from, agent.did);
  const route = acceptanceRoute(base, number);
  const { name } = agent;
  const payload: Acceptance = {
    keyRecord: await agent.keyRecord(),
    proof,
    ...(name === undefined ? {} : { name }),
    ...(url === undefined ? {} : { url }),
  };
  const envelope = await agent.createIntroduction({
    to: from,
    scope: INVITE_SCOPE,
    request: route.request,
    payload,
  });
  const call = {
    method: 'POST',
    url: route.url,
    headers: { 'Content-Type': ENVELOPE_TYPE, Accept: JSON_TYPE },
    body: JSON.stringify(envelope),
    maxAnswerBytes: MAX_ANSWER_BYTES,
    callee: 'the one who invites',
    timeoutMs,
  } as const;
  const { status, text } = await httpCall(fetchOrPlatform(fetch), call).catch((error: unknown) => {
    throw failed(error);
  });
  if (status !== 200) {
    const refusal = refusalIn(text);
    throw refusal && refusal.id !== 'INTERNAL' ? refusal : failed(new Error(`HTTP status ${status}`));
  }
  const answer = await verified(text, from, agent.did, envelope.nonce);
  if (!isSame(answer.scopes, scopes) || !isSame(answer.receives, receives))
    throw failed(new Error('the answer grants something else than the invite'));
  return answer.keyRecord;
}

/** Throws `INVITE_FAILED` unless the DID of the code has signed the answer, to this acceptance. */
async function verified(text: string, from: Did, accepting: Did, nonce: string) {
  try {
    const { keyRecord, scopes, receives, signature } = JSON.parse(text);
    const keys = copyKeyRecord(keyRecord);
    if (keys?.did !== from || !Array.isArray(scopes) || !Array.isArray(receives))
      throw new Error('the answer is not that of the DID in the invite');
    await assertKeyRecord(keys, defaultProvider());
    const answer = { keyRecord: keys, scopes, receives };
    const verifier = await defaultProvider().ed25519.verifier(decodeDidKey(from));
    const bytes = typeof signature === 'string' ? decodeBase64url(signature) : undefined;
    if (!bytes || !(await verifier.verify(answerTranscript(answer, accepting, nonce), bytes)))
      throw new Error('the answer was not signed by the DID in the invite');
    return answer;
  } catch (error) {
    throw failed(
      isXlinkError(error) || error instanceof SyntaxError ? new Error('the answer is malformed') : error,
    );
  }
}

const isSame = (a: readonly unknown[], b: readonly unknown[]): boolean => a.join(' ') === b.join(' ');
