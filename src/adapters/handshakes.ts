import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import { SESSION_SCOPE } from '../http/session-headers.js';
import type { Sessions } from '../session/sessions.js';
import type { XlinkEvent } from '../types/events.js';
import type { Clock } from '../types/protocol.js';
import { given } from '../util/given.js';
import { TokenBucket } from '../util/token-bucket.js';
import type { AuthAttempt, Authenticator } from './authenticator.js';
import type { OwnAnswer, PrepareSealing } from './own-answer.js';
import { wantsSealedAnswer } from './sealed-answer.js';

export interface HandshakeParts {
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  readonly handshakesPerMinute: number;
  readonly clock: Clock;
  readonly emit: (event: XlinkEvent) => void;
}

/** The route on which callers open sessions. */
export class Handshakes {
  readonly #parts: HandshakeParts;
  readonly #attempts: TokenBucket;

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    this.#attempts = new TokenBucket(parts.handshakesPerMinute, parts.clock);
  }

  /** The offer comes sealed, in an envelope of version 2 or 3, and so does its answer. Throws what is wrong with it. */
  async answer(request: InboundRequest, attempt: AuthAttempt, prepare: PrepareSealing): Promise<OwnAnswer> {
    try {
      return await this.#grant(request, attempt, prepare);
    } catch (thrown) {
      const { did, client } = attempt;
      const reason = toXlinkError(thrown).id;
      this.#parts.emit({ type: 'session-refusal', reason, ...given({ did, client }) });
      throw thrown;
    }
  }

  async #grant(request: InboundRequest, attempt: AuthAttempt, prepare: PrepareSealing): Promise<OwnAnswer> {
    const { authenticator, sessions, emit } = this.#parts;
    const { message, transcript } = await authenticator.ownReceived(request, attempt, SESSION_SCOPE);
    const { sender: did, version, encrypted } = message;
    if (!encrypted || !transcript) throw xlinkError('SESSION_OFFER_INVALID', { field: 'payload' });
    if (version < 2) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
    if (!wantsSealedAnswer(request)) throw xlinkError('SESSION_OFFER_INVALID', { field: 'accept' });
    if (!this.#attempts.take(attempt.client ?? did)) throw xlinkError('SESSION_LIMIT');
    const sealing = await prepare(message);
    const { payload, notAfter } = await sessions.grant(message, transcript);
    emit({ type: 'session', did, version, notAfter, ...given({ client: attempt.client }) });
    return { status: 200, value: payload, sealing };
  }
}
