import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { Interaction } from 'oidc-provider';
import { toXlockError, XlockError } from '../../errors.js';
import { sendJson, sendProblem } from '../../web/exchange.js';
import { addressAndBrowser, clippedMetadata } from '../../web/metadata.js';
import { sendProblemPage, sendSignInPage } from '../../web/page.js';
import type { Approvals } from '../approvals.js';
import { subjectOf } from '../holds.js';
import { assertOwnPage, userIdIn } from '../requests.js';
import { INTERACTION } from './configuration.js';
import type { OidcClient, XlockOidcOptions } from './options.js';

/** How it was done, by RFC 8176: a software key, on another channel, with the user there. */
const METHODS = ['swk', 'mca', 'user'];
const GONE = 'This sign-in is over, or was begun in another browser.';

/** The page of a sign-in, and its requests. All of them need the cookie that the authorization request gave this browser, for this path. */
export class SignIn {
  readonly #provider: Provider;
  readonly #approvals: Approvals;
  readonly #options: XlockOidcOptions;
  readonly #base: string;

  constructor(provider: Provider, approvals: Approvals, options: XlockOidcOptions) {
    this.#provider = provider;
    this.#approvals = approvals;
    this.#options = options;
    this.#base = new URL(options.issuer).pathname.replace(/\/$/, '') + INTERACTION;
  }

  /** Answers a request for the page of a sign-in, or below it. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse, route: string): Promise<void> {
    const [, uid = '', step] = /^\/([\w-]{10,64})(?:\/(login|state|cancel))?$/.exec(route) ?? [];
    const isPage = request.method === 'GET' && step === undefined;
    try {
      if (!isPage && (request.method !== 'POST' || step === undefined)) throw new XlockError('NOT_FOUND');
      if (!isPage) assertOwnPage(request, this.#options.verifier.origin);
      const interaction = await this.#interaction(request, response, uid);
      if (isPage) return this.#page(response, interaction);
      if (step === 'login') return await this.#login(request, response, interaction);
      if (step === 'state') return await this.#state(request, response, interaction);
      await this.#cancel(request, response);
    } catch (error) {
      if (isPage) sendProblemPage(response, toXlockError(error));
      else sendProblem(response, error);
    }
  }

  async #interaction(request: IncomingMessage, response: ServerResponse, uid: string): Promise<Interaction> {
    const found = await this.#provider.interactionDetails(request, response).catch((error: unknown) => {
      if (Object(error).name !== 'SessionNotFound') throw error;
      return undefined;
    });
    if (found?.uid !== uid) throw new XlockError('CHALLENGE_INVALID:UNKNOWN', { resolution: GONE });
    return found;
  }

  #clientOf({ params }: Interaction): OidcClient {
    const client = this.#options.clients.find(({ client_id }) => client_id === params['client_id']);
    if (!client) throw new XlockError('REQUEST_INVALID', { field: 'client_id' });
    return client;
  }

  #page(response: ServerResponse, interaction: Interaction): void {
    const client = this.#clientOf(interaction);
    sendSignInPage(response, {
      base: `${this.#base}/${interaction.uid}`,
      service: client.client_name ?? client.client_id,
      origin: this.#options.verifier.origin,
      userId: String(interaction.params['login_hint'] ?? interaction.session?.accountId ?? '').slice(0, 256),
    });
  }

  async #login(request: IncomingMessage, response: ServerResponse, interaction: Interaction): Promise<void> {
    const userId = await userIdIn(request);
    const client = this.#clientOf(interaction);
    const shown = await this.#approvals.begin(request, response, interaction.uid, {
      userId,
      action: `Sign in to ${client.client_name ?? client.client_id}`,
      metadata: clippedMetadata((this.#options.metadataOf ?? addressAndBrowser)(request)),
    });
    sendJson(response, 201, shown);
  }

  async #state(request: IncomingMessage, response: ServerResponse, { uid }: Interaction): Promise<void> {
    const who = await this.#approvals.wait(request, response, uid);
    if (!who) return sendJson(response, 200, { state: 'pending' });
    const next = await this.#provider.interactionResult(
      request,
      response,
      { login: { accountId: subjectOf(who), amr: METHODS, remember: false }, consent: {} },
      { mergeWithLastSubmission: false },
    );
    sendJson(response, 200, { state: 'approved', next });
  }

  async #cancel(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const result = { error: 'access_denied', error_description: 'The user did not sign in.' };
    const next = await this.#provider.interactionResult(request, response, result, {
      mergeWithLastSubmission: false,
    });
    sendJson(response, 200, { next });
  }
}
