import { defaultProvider } from '#provider';
import type { BaseAgent } from '../../agent/agent.js';
import type { PreparedMessage, SharesSent } from '../../agent/open-shares.js';
import type { CarriedMessage, MessageCarrier } from '../../agent/send-in-session.js';
import { concat } from '../../crypto/bytes.js';
import { recordVersion } from '../../envelope/negotiate.js';
import { toXlinkError, xlinkError } from '../../errors/errors.js';
import { encodeFrames } from '../../http/answer-frames.js';
import { encodeCredential } from '../../session/credential.js';
import { IN_REPLY_TO, MAX_SEQUENCE } from '../../session/protocol.js';
import { requestCipher, requestDigest } from '../../session/request.js';
import { supersededText } from '../../session/superseded.js';
import type { SessionWay } from '../../types/ports.js';
import type { Did, Envelope, Version } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { BoundedMap } from '../../util/bounded-map.js';
import type { Callee, CalleeSealing } from '../seal-request.js';
import type { HeldSession } from './open-session.js';
import { OriginSessions } from './origin-sessions.js';
import { sealFrames } from './seal-call.js';

/** Recipients that there are sessions with, at most. */
const MAX_RECIPIENTS = 1000;

/** Sends the messages of one agent in sessions with those that take them. */
export class MessageSessions implements MessageCarrier {
  readonly #agent: BaseAgent;
  readonly #recipients = new BoundedMap<string, OriginSessions>(MAX_RECIPIENTS);

  constructor(agent: BaseAgent) {
    this.#agent = agent;
  }

  async send(way: SessionWay, message: CarriedMessage): Promise<SharesSent | undefined> {
    const { prepared, request, report } = message;
    const { draft, recipient } = prepared;
    const { to, scope, version } = draft;
    if (version === 1) return undefined;
    const sessions = this.#with(to, way);
    const sending = { about: scope, init: {}, signal: undefined };
    const service = peerService(to, way, recipient.peer.record!);
    const sealing: CalleeSealing = { agent: this.#agent, service, scope, version: undefined };
    const session = await sessions.sessionFor(sending, sealing);
    if (!session || session.checkpoints) return undefined; // messages are not signed afterwards
    await report('encrypting');
    const sealed = await seal(session, prepared, request);
    await report('sending');
    let envelope: Envelope | undefined;
    const sent = await way.send({
      from: session.from,
      to,
      scope,
      request,
      envelopeId: encodeBase64url(draft.nonce),
      ...sealed,
      async instead(bound, { code }) {
        if (code === 'SESSION_NOT_ALLOWED') sessions.needsEnvelope(sending);
        else if (code === 'NONCE_STORE_UNAVAILABLE') sessions.pause();
        else if (code !== 'BODY_TOO_LARGE') sessions.drop(session);
        envelope = await message.seal({ ...prepared, draft: { ...draft, request: bound } });
        return envelope;
      },
      again: async () => (envelope = await message.again()),
    });
    if (!sent.ok) throw failure(sent.error);
    const envelopes = envelope ? [envelope] : [];
    return { envelopeId: envelope?.nonce ?? encodeBase64url(draft.nonce), envelopes, version };
  }

  #with(to: Did, { url, fetch, timeoutMs }: SessionWay): OriginSessions {
    const name = `${to} ${url.href}`;
    const known = this.#recipients.get(name) ?? new OriginSessions({ fetch, timeoutMs }, true);
    this.#recipients.set(name, known);
    return known;
  }
}

const failure = (cause: unknown) => {
  const known = toXlinkError(cause);
  return known.category === 'transport' ? known : xlinkError('SEND_FAILED', { cause });
};

/** The recipient, as handshakes know services: by its key record in the registry, and by nothing that it says of itself. */
function peerService(
  did: Did,
  { url }: SessionWay,
  keyRecord: NonNullable<PreparedMessage['recipient']['peer']['record']>,
): Callee {
  const versions = Array.from({ length: recordVersion(keyRecord) }, (_, at) => (at + 1) as Version);
  return { did, versions, endpoints: { session: url.href } };
}

/** Its nonce is the salt, so that it has one name in both forms. */
async function seal(
  session: HeldSession,
  { draft: { nonce: salt, timestamp, scope, inReplyTo }, content }: PreparedMessage,
  request: string,
) {
  const crypto = defaultProvider();
  const { ticket, id: sid } = session;
  const seq = session.next++;
  try {
    const head = { ticket, seq, salt, timestamp, scope };
    const digest = await requestDigest(crypto, session, head, request, 'message');
    const cipher = await requestCipher(crypto, session, digest, 'message');
    const headers = inReplyTo === undefined ? [] : [[IN_REPLY_TO, inReplyTo] as const];
    const { frames } = await sealFrames(cipher, session.from, { ...content!, headers }, undefined);
    return {
      authorization: `Xlink-Session ${encodeCredential(head)}`,
      body: new Uint8Array(concat(encodeFrames(frames))),
      number: supersededText({ sid, seq, timestamp }),
    };
  } catch (error) {
    session.next = MAX_SEQUENCE; // a number that nothing was sealed under is not used again
    throw error;
  }
}
