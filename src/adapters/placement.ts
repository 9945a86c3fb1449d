import { DISCOVERY_PATH } from '../discovery/document.js';
import { parseEnvelope } from '../envelope/parse.js';
import type { InboundRequest } from '../http/decision.js';
import { MemoryTrustRegistry } from '../registry/memory.js';
import { MemoryClientStore } from './clients/memory-store.js';
import type { DualModeOptions } from './options.js';
import type { WarnOfSetUp } from './set-up-warnings.js';

/** Notices where the adapter stands in its application, and warns of what will not work there. */
export class Placement {
  readonly #warn: WarnOfSetUp;
  readonly #hasTarget: boolean;
  #isAtRoot = false;

  constructor(options: DualModeOptions, warn: WarnOfSetUp) {
    this.#warn = warn;
    this.#hasTarget = options.requestTarget !== undefined;
    const { clients, agent } = options;
    if (clients && !(clients instanceof MemoryClientStore) && agent.registry instanceof MemoryTrustRegistry)
      warn(
        'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
        'The trust registry is in the memory of this process, and the clients are not: after a restart every client that moved is unknown. Give the agent a registry that lasts, such as FileTrustRegistry.',
      );
  }

  /** The routes of the library are served at the root, wherever the adapter stands. */
  servesRoot(): void {
    this.#isAtRoot = true;
  }

  /** Looks at a request, before anything is done with it. */
  see({ mount, isOnRoute, hasBody, isBodyGone }: InboundRequest): void {
    if (hasBody && isBodyGone?.())
      this.#warn(
        'BODY_CONSUMED',
        'A body parser in front of the adapter has read a body, and what an envelope says of it cannot be checked. Put the adapter in front of the parsers, or let them leave a Buffer in rawBody.',
      );
    if (this.#isAtRoot || this.#hasTarget) return;
    if (!mount && !isOnRoute) this.#isAtRoot = true;
    else
      this.#warn(
        'DISCOVERY_FAILED:NOT_SUPPORTED',
        `The adapter stands below a path, where no caller looks for GET ${DISCOVERY_PATH}. Put adapter.wellKnown() (Koa: adapter.koaWellKnown(), Fastify: fastifyWellKnown(adapter), Hono: honoWellKnown(adapter)) in front of it, without a path; if it is a proxy that adds the path, set requestTarget.`,
      );
  }

  /** An envelope was made for another target than that of its request. It may be anybody's: what it says is compared, and not shown. */
  mismatch(envelope: Uint8Array, binding: string): void {
    if (this.#hasTarget) return;
    const [signed, actual] = [signedFor(envelope), binding].map((text) => text?.split(' ')[1]);
    if (!signed || !actual || signed === actual) return;
    if (signed.endsWith(actual) || actual.endsWith(signed))
      this.#warn(
        'REQUEST_BINDING_MISMATCH',
        'An envelope was made for the path of its request with another beginning. If a proxy in front adds, strips or rewrites paths, set requestTarget to what the client saw.',
      );
  }
}

function signedFor(envelope: Uint8Array): string | undefined {
  try {
    return parseEnvelope(envelope, envelope.length).fields.request;
  } catch {
    return undefined;
  }
}
