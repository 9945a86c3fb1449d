import type { BaseAgent } from '../agent/agent.js';
import type { MessageCarrier } from '../agent/send-in-session.js';
import { SESSION_OFFER_HEADER } from '../http/session-headers.js';
import type { ExpressMiddleware } from './express/middleware.js';
import type { KoaResponse } from './node/types.js';

/** Tells senders in answers to their messages that there are sessions. Anybody can say so: all it causes is a signed handshake. */
export const offeringSessions =
  (middleware: ExpressMiddleware): ExpressMiddleware =>
  (req, res, next) =>
    middleware(req, res, (error) => {
      const answer = res as KoaResponse;
      if (error === undefined && !answer.headersSent) answer.setHeader(SESSION_OFFER_HEADER, 'messages');
      next(error);
    });

/** Sends messages in sessions. What it takes for that is loaded when a transport has one; where that fails, envelopes go on. */
export class LoadedCarrier implements MessageCarrier {
  readonly #agent: BaseAgent;
  #loaded: Promise<MessageCarrier | undefined> | undefined;

  constructor(agent: BaseAgent) {
    this.#agent = agent;
  }

  async send(...message: Parameters<MessageCarrier['send']>): ReturnType<MessageCarrier['send']> {
    this.#loaded ??= import('../client/sessions/message-sessions.js').then(
      ({ MessageSessions }) => new MessageSessions(this.#agent),
      () => undefined,
    );
    return (await this.#loaded)?.send(...message);
  }
}
