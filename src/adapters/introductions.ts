import type { ClaimedEnvelope } from '../agent/receive.js';
import type { ServiceAgent } from '../agent/service-agent.js';
import { EMPTY } from '../crypto/bytes.js';
import { parseEnvelope } from '../envelope/parse.js';
import { decodePayload } from '../envelope/plaintext.js';
import { xlinkError } from '../errors/service-errors.js';
import type { BodyIntake } from '../http/body-intake.js';
import type { InboundRequest } from '../http/decision.js';
import { ENROLL_SCOPE } from '../http/enrollment.js';
import { requestBinding } from '../http/request-binding.js';
import { readSignedRequest, saysSigned } from '../signature/signed-request.js';
import type { AgentMessage, Did, RegistryEntry } from '../types/protocol.js';
import { checkKeyProof } from './clients/enrollment.js';
import { MAX_INTRODUCTION_BYTES } from './limits.js';
import { assertBodySigned } from './receive-request.js';

/** What is asked and told on the way. */
export interface IntroductionHearing {
  admit(did: Did, entry: RegistryEntry, nonce: string): Promise<void>;
  onClaimed(claimed: ClaimedEnvelope): void;
}

/** How a DID introduces itself that nobody knows yet. Nothing is read before it is asked for. */
export interface Introduction {
  /** Who it says that it is. */
  claimedDid(): Promise<Did>;
  /** What it brings, before anything of it is verified; `undefined` for what cannot be read. */
  claimedPayload(): Promise<unknown>;
  /** Verifies it; the payload says what is to be enrolled. */
  receive(hear: IntroductionHearing): Promise<AgentMessage>;
  /** Throws `ENROLLMENT_REFUSED:KEY_PROOF` unless it was made for this key. */
  assertMadeFor(message: AgentMessage, apiKey: string): Promise<void>;
}

export interface IntroductionParts {
  readonly agent: ServiceAgent;
  readonly intake: BodyIntake<InboundRequest>;
  readonly takesSignatures: boolean;
}

export const introductionOf = (parts: IntroductionParts, request: InboundRequest): Introduction =>
  saysSigned(request) ? bySignature(parts, request) : byEnvelope(parts, request);

/** The envelope is the body. */
function byEnvelope({ agent, intake }: IntroductionParts, request: InboundRequest): Introduction {
  let body: Promise<Uint8Array> | undefined;
  const read = async () => intake.read(request, MAX_INTRODUCTION_BYTES, 'BODY_TOO_LARGE');
  const envelope = () => (body ??= read());
  return {
    claimedDid: async () => parseEnvelope(await envelope(), MAX_INTRODUCTION_BYTES).fields.from,
    async claimedPayload() {
      const { payload } = parseEnvelope(await envelope(), MAX_INTRODUCTION_BYTES).bytes;
      return payload && jsonOf(payload);
    },
    async receive(hear) {
      const binding = requestBinding(request.method, request.target);
      const received = await agent.receiveIntroduction(await envelope(), {
        scope: ENROLL_SCOPE,
        request: binding,
        ...hear,
      });
      if (!received.ok) throw received.error;
      return received.value;
    },
    assertMadeFor: checkKeyProof,
  };
}

/** The request is signed. Its body is `{ keyRecord }`, or there is none: an identity that only signs needs no record. */
function bySignature(
  { agent, intake, takesSignatures }: IntroductionParts,
  request: InboundRequest,
): Introduction {
  if (!takesSignatures) throw xlinkError('SIGNATURE_NOT_ALLOWED');
  const signed = readSignedRequest(request);
  let body: Promise<Uint8Array> | undefined;
  const read = async () =>
    request.hasBody ? intake.read(request, MAX_INTRODUCTION_BYTES, 'BODY_TOO_LARGE') : EMPTY;
  const bodyOf = () => (body ??= read());
  return {
    claimedDid: async () => signed.from,
    async claimedPayload() {
      const body = await bodyOf();
      return jsonOf(body);
    },
    async receive(hear) {
      const message = await agent.receiveSignedIntroduction(signed, { scope: ENROLL_SCOPE, ...hear });
      const body = await bodyOf();
      await assertBodySigned(request, message, body);
      return body.length === 0 ? message : { ...message, payload: decodePayload(body) };
    },
    async assertMadeFor(_, apiKey) {
      const holdsKey = (text: string | undefined) => text === apiKey || text?.endsWith(` ${apiKey}`);
      const inQuery = [...new URLSearchParams(signed.query).values()];
      if (![...signed.headers.map((name) => request.header(name)), ...inQuery].some(holdsKey))
        throw xlinkError('ENROLLMENT_REFUSED:KEY_PROOF', { field: 'signature-input' });
    },
  };
}

const jsonOf = (bytes: Uint8Array): unknown => {
  try {
    return decodePayload(bytes);
  } catch {
    return undefined;
  }
};
