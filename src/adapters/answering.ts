import type { ServiceAgent } from '../agent/service-agent.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Headers, HttpResponse, InboundRequest, Outcome, Sealing } from '../http/decision.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { UNSIGNED_HEADER } from '../signature/profile.js';
import type { SignedRequest } from '../signature/signed-request.js';
import type { AgentMessage } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import type { AuthAttempt } from './authenticator.js';
import { answerSealer, inEnvelope, wantsSealedAnswer } from './sealed-answer.js';
import { answerSigner } from './signed-answer.js';

/** What answers are made with. */
export interface AnsweringParts {
  readonly agent: ServiceAgent;
  /** What is sent in the place of an answer that cannot be sealed or signed. */
  readonly refuse: (thrown: unknown, attempt: Outcome) => HttpResponse;
}

/** Makes answers such that their callers can tell whose they are: sealed for those that ask for it, signed for those that sign. */
export class Answering {
  readonly #parts: AnsweringParts;

  constructor(parts: AnsweringParts) {
    this.#parts = parts;
  }

  /** How the answer to a message is to be sealed or signed. Found out before the request is carried out; throws `ANSWER_NOT_SEALED`. */
  to(
    request: InboundRequest,
    { claimed }: AuthAttempt,
    message: AgentMessage,
    attempt: () => Outcome,
  ): Awaitable<Sealing> {
    if (claimed?.signed) return this.#signing(request, claimed.signed, attempt);
    if (!wantsSealedAnswer(request)) return {};
    if (claimed?.inSession) return this.#withFailure(answerSealer(claimed.inSession('answer')), attempt);
    return this.#inEnvelope(message, attempt);
  }

  async #inEnvelope(message: AgentMessage, attempt: () => Outcome): Promise<Sealing> {
    try {
      const sealing = answerSealer(inEnvelope(await this.#parts.agent.prepareAnswer(message)));
      return this.#withFailure(sealing, attempt);
    } catch (cause) {
      throw xlinkError('ANSWER_NOT_SEALED', { cause });
    }
  }

  /**
   * A refusal of a request whose nonce was claimed is signed for a caller that asks for sealed answers, or signed itself; in a session it is
   * sealed as its answer would be.
   */
  async refusal(
    request: InboundRequest,
    { claimed }: AuthAttempt,
    refused: HttpResponse,
    attempt: () => Outcome,
  ): Promise<HttpResponse> {
    if (claimed?.signed) return { ...refused, ...(await this.#signing(request, claimed.signed, attempt)) };
    if (!claimed?.request || !wantsSealedAnswer(request)) return refused;
    if (claimed.inSession)
      return { ...refused, ...this.#withFailure(answerSealer(claimed.inSession('refusal')), attempt) };
    try {
      const envelope = await this.#parts.agent.createRefusal(claimed, JSON.parse(refused.body));
      const headers = { ...refused.headers, 'Content-Type': ENVELOPE_TYPE };
      return { ...refused, headers, body: JSON.stringify(envelope) };
    } catch {
      return refused; // the caller was revoked meanwhile, or the registry is down
    }
  }

  async #signing(request: InboundRequest, signed: SignedRequest, attempt: () => Outcome): Promise<Sealing> {
    const sign = await this.#parts.agent.prepareSignedAnswer(signed);
    return this.#withFailure(answerSigner(sign, request), attempt);
  }

  #withFailure(sealing: NonNullable<Sealing['sealing']>, attempt: () => Outcome): Sealing {
    const { refuse } = this.#parts;
    return { sealing, sealFailure: (cause) => refuse(xlinkError('ANSWER_NOT_SEALED', { cause }), attempt()) };
  }
}

/** An answer to HEAD has no body that could be signed. */
export const unsignedHead = ({ method }: InboundRequest, { claimed }: AuthAttempt): Headers =>
  claimed?.signed && method === 'HEAD' ? { [UNSIGNED_HEADER]: '?0' } : {};
