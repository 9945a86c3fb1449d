import { defaultProvider } from '#provider';
import { toXlinkError, type XlinkError, xlinkError } from '../../errors/errors.js';
import { addSessionRows } from '../../errors/session-rows.js';
import { ANSWER_TYPE, mediaTypeOf } from '../../http/media-type.js';
import { SUPERSEDES_HEADER } from '../../http/session-headers.js';
import { MAX_SEQUENCE } from '../../session/protocol.js';
import { supersededText } from '../../session/superseded.js';
import { BoundedMap } from '../../util/bounded-map.js';
import { given } from '../../util/given.js';
import { type CallerRequest, isUpload } from '../buffered-request.js';
import { DEFAULT_MAX_SERVICES } from '../known-services.js';
import { type Exchanged, unsealedResponse } from '../response.js';
import type { Sealing } from '../seal-request.js';
import {
  type ExchangeRules,
  headersFor,
  isPublic,
  mayBeRepeated,
  notSealed,
  statusError,
} from '../send-enveloped.js';
import type { SentRequest } from './held-checkpoints.js';
import { openReply, type Reply } from './open-reply.js';
import type { HandshakeMeans, HeldSession } from './open-session.js';
import { OriginSessions, requestSending } from './origin-sessions.js';
import { type SealedCall, sealCall } from './seal-call.js';
import { isReadWhole } from './seal-upload.js';

/** Sends the same request under an envelope. */
type ByEnvelope = (request: CallerRequest) => Promise<Exchanged>;

/** What a session is not for, or has broken off for: nobody vouches for it, so all it causes is an envelope in its place. */
interface BrokenOff {
  readonly refused: XlinkError;
  readonly call: SealedCall;
  /** Another form of the request may fare better. */
  readonly isAboutSession: boolean;
}

/** Sends calls in sessions where there are any, and under envelopes where there are not: callers see no difference. */
export class ClientSessions {
  readonly #parts: HandshakeMeans;
  readonly #origins = new BoundedMap<string, OriginSessions>(DEFAULT_MAX_SERVICES);

  constructor(parts: HandshakeMeans) {
    addSessionRows();
    this.#parts = parts;
  }

  /** One call and its answer. */
  async exchange(
    request: CallerRequest,
    sealing: Sealing,
    rules: ExchangeRules,
    byEnvelope: ByEnvelope,
  ): Promise<Exchanged> {
    const origin = this.#of(sealing.service.origin);
    const sending = requestSending(request);
    if (isUpload(request)) await request.upload.ready(isReadWhole(request.request.headers));
    const session = await origin.sessionFor(sending, sealing);
    if (!session) return byEnvelope(request);
    const outcome = await inSession(origin, session, request, sealing, rules);
    if (outcome === 'unused') return byEnvelope(request);
    if ('kind' in outcome) {
      if (!goesByEnvelope(outcome.kind, outcome.problem)) return outcome;
      void outcome.response.body?.cancel().catch(() => {});
      if (outcome.problem === 'SESSION_NOT_ALLOWED') origin.needsEnvelope(sending);
      return byEnvelope(request); // the service says, authentically, that it was not carried out
    }
    if ('response' in outcome) return outcome;
    const { refused, call, isAboutSession } = outcome;
    if (!isAboutSession) throw notSealed(refused);
    if (refused.code === 'SESSION_NOT_ALLOWED') {
      origin.needsEnvelope(sending);
      if (!rules.sealedAnswers) return byEnvelope(request); // who takes plain answers believes this one, too
    }
    if (request.method === 'HEAD')
      return withoutReason(await byEnvelope(request), () => origin.drop(session));
    if (refused.code === 'NONCE_STORE_UNAVAILABLE') origin.pause();
    else if (refused.code !== 'SESSION_CHECKPOINT_REQUIRED' || !origin.keeper.demanded(session, call.ticket))
      origin.drop(session);
    if (isUpload(request)) throw xlinkError('SESSION_OUTCOME_UNKNOWN', { cause: refused }); // there is nothing to send again
    return mayBeRepeated(request)
      ? byEnvelope(request)
      : this.#supersede(request, session, call, refused, byEnvelope);
  }

  /** Signs what was sent in all of them: see `settle` of `xlinkFetch`. */
  async settle(): Promise<void> {
    const settling: Promise<void>[] = [];
    this.#origins.removeIf(({ keeper }) => {
      settling.push(keeper.settle());
      return false; // none is: they are looked at
    });
    await Promise.all(settling);
  }

  /** Carried out only if the request in the session was not, and if it was not, that one never will be. */
  async #supersede(
    request: CallerRequest,
    { id: sid }: HeldSession,
    { seq, timestamp }: SealedCall,
    refused: XlinkError,
    byEnvelope: ByEnvelope,
  ): Promise<Exchanged> {
    const headers = new Headers(request.request.headers);
    headers.set(SUPERSEDES_HEADER, supersededText({ sid, seq, timestamp }));
    const { method, url } = request;
    const again = await byEnvelope({ ...request, request: new Request(url, { method, headers }) });
    if (again.refusal?.id !== 'REPLAY_DETECTED') return again;
    throw xlinkError('SESSION_OUTCOME_UNKNOWN', { cause: refused });
  }

  #of(origin: string): OriginSessions {
    const known = this.#origins.get(origin) ?? new OriginSessions(this.#parts);
    this.#origins.set(origin, known);
    return known;
  }
}

/** The service took the request, and says that such a one needs an envelope. */
const goesByEnvelope = (kind: string, problem: string | undefined): boolean =>
  problem === 'SESSION_NOT_ALLOWED' || (kind === 'refusal' && problem === 'XLINK_NOT_SUPPORTED');

/** Nobody says why an answer to HEAD is a refusal. Where an envelope gets another answer, it was the session. */
function withoutReason(exchanged: Exchanged, drop: () => void): Exchanged {
  if (exchanged.response.status < 400) drop();
  return exchanged;
}

/** Refusals of the session itself, or of a service that cannot tell whether its number was used. */
const isOfSession = ({ code }: XlinkError): boolean =>
  code.startsWith('SESSION_') || code === 'NONCE_STORE_UNAVAILABLE';

/** What something on the way says that does not let sessions through. */
const NOT_LET_THROUGH: ReadonlySet<number> = new Set([400, 401, 403, 431]);
/** Any refusal: an answer to HEAD has no body that could say which. */
const HEAD_REFUSED: ReadonlySet<number> = new Set([...NOT_LET_THROUGH, 428, 503]);

async function inSession(
  { keeper }: OriginSessions,
  session: HeldSession,
  request: CallerRequest,
  sealing: Sealing,
  rules: ExchangeRules,
): Promise<Reply | Exchanged | BrokenOff | 'unused'> {
  const { method, init, url, signal } = request;
  const crypto = defaultProvider();
  const wantsSealed = rules.sealedAnswers && method !== 'HEAD';
  const headers = headersFor(request, wantsSealed, rules.stripKey);
  let sent: SentRequest | undefined;
  try {
    const begun = await rules.gate.pass(async () => {
      if (session.checkpoints) {
        const now = await sealing.agent.now();
        if (!keeper.mayCarry(session, { ...sealing, init }, now)) return undefined;
      }
      const call = await sealInSession(session, request, headers, sealing);
      sent = call.sent;
      const { body, headers: sealed } = call;
      const sending = rules.send(url, { ...init, headers: sealed, referrer: '', ...given({ body }) });
      if (!isUpload(request)) await sending; // one that may take long holds up no others
      return { call, sending };
    }, signal);
    if (!begun) return 'unused';
    const { call } = begun;
    const response = await begun.sending;
    if (wantsSealed && mediaTypeOf(response.headers.get('content-type')) === ANSWER_TYPE)
      return await openReply(crypto, session, call.tie, response, { signal, maxBytes: rules.maxBytes }, sent);
    if (sent) sent.isOver = true;
    const plain = await unsealedResponse(response);
    const { problem } = plain;
    const isOfIt = problem !== undefined && isOfSession(toXlinkError(problem));
    const isTaken = !wantsSealed || request.takesPlain || isPublic(sealing.service, url);
    const isHead = method === 'HEAD';
    const isBare = problem === undefined && (isHead ? HEAD_REFUSED : NOT_LET_THROUGH).has(response.status);
    if (isTaken && !isOfIt && !(isHead && isBare)) return { response: plain.response, verified: false };
    void plain.response.body?.cancel().catch(() => {});
    const refused = problem === undefined ? statusError(response.status) : toXlinkError(problem);
    return { refused, call, isAboutSession: isOfIt || isBare };
  } catch (error) {
    if (sent) sent.isOver = true;
    if (sent && !sent.sealed) session.next = MAX_SEQUENCE;
    throw error;
  }
}

/** A number that nothing was sealed under cannot be signed for, so no session goes on with one. */
async function sealInSession(
  session: HeldSession,
  request: CallerRequest,
  headers: Headers,
  sealing: Sealing,
): Promise<SealedCall> {
  try {
    return await sealCall(defaultProvider(), session, request, headers, sealing);
  } catch (error) {
    if (session.checkpoints) session.next = MAX_SEQUENCE;
    throw error;
  }
}
