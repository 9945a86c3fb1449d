import type { DiscoveryDocument, SignedDiscoveryDocument } from '../discovery/document.js';
import { signDocument } from '../discovery/signed-document.js';
import type { Result } from '../errors/result.js';
import type { SignAnswer } from '../signature/sign-answer.js';
import type { SignedRequest } from '../signature/signed-request.js';
import type { PolicyDecisionPoint } from '../types/policy.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { branded } from '../util/copies.js';
import { type SignedKeyDirectory, signKeyDirectory } from '../web-bot-auth/sign-key-directory.js';
import { BaseAgent } from './agent.js';
import { createRefusal, prepareAnswer, type SealAnswer } from './answer.js';
import { attempt } from './attempt.js';
import type { AgentContext } from './context.js';
import { type Introduction, receiveIntroduction } from './introduction.js';
import type { ClaimedEnvelope, Received, ReceiveRules } from './receive.js';
import { receiveSigned, type SignedRules } from './receive-signed.js';
import { prepareSignedAnswer } from './signed-answer.js';
import { receiveSignedIntroduction } from './signed-introduction.js';

/** What an agent is told and asked about a message of a session. */
export type SessionHearing = Pick<ReceiveRules, 'onVerified' | 'onClaimed' | 'judge' | 'handle'>;

/** An agent that is called: what the adapter of a service and a relay need of it, and callers do not. */
export class ServiceAgent extends BaseAgent {
  static {
    branded(this, 'agent/service');
  }

  /** What decides about the messages that it takes, and about requests to an adapter that has no policy of its own. Default: none. */
  get policy(): PolicyDecisionPoint | undefined {
    return undefined;
  }

  /** Signs what a service says of itself, for `/.well-known/xlink.json`. */
  async signDiscovery(document: DiscoveryDocument): Promise<SignedDiscoveryDocument> {
    const { identity } = await this.present();
    return signDocument(document, identity, identity.crypto);
  }

  /**
   * Publishes the agent's Ed25519 key as Web Bot Auth has it, for those that are to recognize what it signs elsewhere: an answer to
   * `GET /.well-known/http-message-signatures-directory` at `authority`, such as `agent.example`, with a port if it is not 443. It is
   * signed for a day, and may be kept for an hour. An adapter serves it by its option `keyDirectory`.
   */
  async signKeyDirectory(authority: string): Promise<SignedKeyDirectory> {
    const { identity, clock } = await this.context();
    return signKeyDirectory(identity, authority, clock());
  }

  /**
   * Prepares the answer to a request: sealed for its sender, chunk by chunk, and tied to the request by `inReplyTo` and `request`.
   * For adapters. Throws `LOOKUP_FAILED…` or `KEY_AGREEMENT_FAILED…` for a sender that no answer can be sealed for.
   */
  async prepareAnswer(message: AgentMessage): Promise<SealAnswer> {
    return prepareAnswer(await this.context(), message);
  }

  /** Makes the signed refusal of a request whose nonce was claimed. For adapters. */
  async createRefusal(claimed: ClaimedEnvelope, problem: unknown): Promise<Envelope> {
    return createRefusal(await this.context(), claimed, problem);
  }

  /** Receives a signed-only envelope from a DID that is in no registry. All other checks are those of `receive`. */
  async receiveIntroduction(
    input: string | Uint8Array,
    options: Introduction & Pick<ReceiveRules, 'admit' | 'onClaimed'>,
  ): Promise<Result<AgentMessage>> {
    return attempt(async () => receiveIntroduction(await this.context(), input, options));
  }

  /** Receives a request that is signed by RFC 9421, as `receiveContent` does an envelope. For adapters. Throws what is wrong with it. @internal */
  async receiveSigned(signed: SignedRequest, rules: SignedRules): Promise<Received> {
    return receiveSigned(await this.context(), signed, rules);
  }

  /** The same of a DID that is in no registry, as `receiveIntroduction` does an envelope. @internal */
  async receiveSignedIntroduction(
    signed: SignedRequest,
    options: Pick<Introduction, 'scope'> & Pick<ReceiveRules, 'admit' | 'onClaimed'>,
  ): Promise<AgentMessage> {
    return receiveSignedIntroduction(await this.context(), signed, options);
  }

  /** Signs bytes that begin with a label of this library, for a room above; what an application signs goes through `sign`. @internal */
  async signLabeled(bytes: Uint8Array): Promise<Uint8Array> {
    return (await this.present()).identity.ed25519.sign(bytes);
  }

  /** What sessions are received with. @internal */
  forSessions(): Awaitable<AgentContext> {
    return this.contextNow();
  }

  /** Receives a message of a session: `receive` does, and hears what this agent says beside. @internal */
  async receiveInSession<H extends SessionHearing>(
    hear: H,
    receive: (hear: H & SessionHearing) => Promise<Received>,
  ): Promise<Received> {
    return receive(hear);
  }

  /** Prepares the signed answer to a signed request. For adapters. @internal */
  async prepareSignedAnswer(request: SignedRequest): Promise<SignAnswer> {
    return prepareSignedAnswer(await this.context(), request);
  }
}
