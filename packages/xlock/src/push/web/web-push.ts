import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryOperationsStore, type OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { decodeChallenge } from '../../challenge/challenge.js';
import { XlockError } from '../../errors.js';
import { fromBase64url, utf8 } from '../../util/bytes.js';
import {
  checkNames,
  checkValue,
  hasMethods,
  integerIn,
  invalidOption,
  isBoolean,
  isFunction,
} from '../../util/options.js';
import { assertActive } from '../../verifier/take-answer.js';
import type { XlockVerifier } from '../../verifier/verifier.js';
import { answerCors } from '../../web/cors.js';
import { bodyOf, sendJson, sendProblem } from '../../web/exchange.js';
import type { XlockPush } from '../push.js';
import { encryptPush, isPoint } from './encrypt.js';
import { isPushEndpoint, postPush } from './post.js';
import { assertSubscription, type PushEndpoint } from './subscription.js';
import { Vapid, type VapidOptions } from './vapid.js';

/** Options of {@link webPush}. */
export interface WebPushOptions {
  /** Who pushes. Its public key is what the approval page subscribes with. */
  readonly vapid: VapidOptions;
  /** Where subscriptions are kept. Default: in memory. Give it the same store as the verifier. */
  readonly store?: OperationsStore;
  /** How urgent push services are told that it is (RFC 8030 section 5.3): with `normal` a phone that sleeps may get it too late. Default `high`. */
  readonly urgency?: 'normal' | 'high';
  /** How long a push service may take to answer, in ms. Default 10 000. */
  readonly timeoutMs?: number;
  /**
   * For tests only: endpoints may be private hosts and plain http. With it whoever registers a device can have this server ask your internal
   * network. Default `false`.
   */
  readonly dangerouslyAllowPrivateEndpoints?: boolean;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const NAMES = ['vapid', 'store', 'urgency', 'timeoutMs', 'dangerouslyAllowPrivateEndpoints', 'clock'];

/** Pushes to browsers by Web Push (RFC 8030, 8188, 8291, 8292): they need not be open. Throws `INVALID_OPTION`. */
export const webPush = (options: WebPushOptions): WebPush => new WebPush(options);

/** See {@link webPush}. Push services see when whom is pushed to, and the size; the challenge is sealed for the browser. */
export class WebPush implements XlockPush {
  readonly #options: WebPushOptions;
  readonly #vapid: Vapid;
  readonly #subscriptions: Documents<PushEndpoint & { readonly at?: number }>;
  readonly #now: () => number;

  /** Throws `INVALID_OPTION`. */
  constructor(options: WebPushOptions) {
    const OWNER = 'WebPush';
    checkNames(OWNER, options, NAMES);
    const { store, urgency, timeoutMs, dangerouslyAllowPrivateEndpoints, clock } = options;
    checkValue(
      OWNER,
      'store',
      store,
      hasMethods('load', 'list', 'save', 'remove'),
      'an OperationsStore of @private.me/xlink',
    );
    if (urgency !== undefined && urgency !== 'normal' && urgency !== 'high')
      throw invalidOption('urgency', `${OWNER}: urgency must be normal or high.`);
    checkValue(OWNER, 'timeoutMs', timeoutMs, integerIn(1, 60_000), 'a whole number of ms up to 60000');
    checkValue(
      OWNER,
      'dangerouslyAllowPrivateEndpoints',
      dangerouslyAllowPrivateEndpoints,
      isBoolean,
      'true or false',
    );
    checkValue(OWNER, 'clock', clock, isFunction, 'a function');
    this.#options = { ...options };
    this.#vapid = new Vapid(options.vapid);
    this.#subscriptions = new Documents(store ?? new MemoryOperationsStore(), 'xlock-web-push');
    this.#now = clock ?? Date.now;
  }

  /** What browsers subscribe with: 65 bytes, base64url. */
  get publicKey(): string {
    return this.#options.vapid.publicKey;
  }

  /**
   * Takes the subscription of a device that is registered with this verifier, signed by the device; the one before is forgotten. Throws
   * `REQUEST_INVALID`, `RESPONSE_SIGNATURE_INVALID`, `RESPONSE_DEVICE_MISMATCH…` or `PASSKEY_NOT_FOUND`.
   */
  async subscribe(value: unknown, verifier: Pick<XlockVerifier, 'account' | 'origin'>): Promise<void> {
    assertSubscription(value, verifier.origin, this.#now());
    const { deviceId, did, endpoint, p256dh, auth, at } = value;
    if (!isPushEndpoint(endpoint, this.#allowsPrivate))
      throw new XlockError('REQUEST_INVALID', { field: 'endpoint' });
    if (!isPoint(fromBase64url(p256dh, 65)!)) throw new XlockError('REQUEST_INVALID', { field: 'p256dh' });
    assertActive(await verifier.account(did), deviceId);
    await this.#subscriptions.update(deviceId, (before) => {
      // The same one may come twice, as after an answer that was lost; an older one would be a replay.
      if (before?.at !== undefined && (at < before.at || (at === before.at && endpoint !== before.endpoint)))
        throw new XlockError('REQUEST_INVALID', { field: 'at' });
      return { endpoint, p256dh, auth, at };
    });
  }

  /** Whether a device can be pushed to. */
  async has(deviceId: string): Promise<boolean> {
    return (await this.#subscriptions.get(deviceId)) !== undefined;
  }

  /**
   * A handler of node:http, and of Express before `xlockExpress`, for the path where devices post their subscriptions: `POST`, from pages of any
   * origin, since what they post is signed. Requests of other paths and methods go to `next`, or get `404`.
   */
  handler(
    verifier: Pick<XlockVerifier, 'account' | 'origin'>,
    path = '/xlock/push',
  ): (request: IncomingMessage, response: ServerResponse, next?: () => void) => void {
    return (request, response, next) => {
      const target = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/';
      if (target.split('?')[0] !== path) {
        if (next) return next();
        return sendProblem(response, new XlockError('NOT_FOUND'));
      }
      if (answerCors(request, response)) return;
      const take = async () => {
        if (request.method !== 'POST') throw new XlockError('NOT_FOUND');
        await this.subscribe(await bodyOf(request), verifier);
        sendJson(response, 200, { state: 'subscribed' });
      };
      take().catch((error) => sendProblem(response, error));
    };
  }

  /**
   * Resolves once the push service has it. It keeps it until the user's time is up. Throws `PUSH_NOTIFICATION_DISABLED`, also for a device without
   * a subscription; one that the push service does not know any more (404, 410) is forgotten.
   */
  async send(deviceId: string, challenge: string): Promise<void> {
    const found = await this.#subscriptions.get(deviceId);
    if (!found) throw new XlockError('PUSH_NOTIFICATION_DISABLED');
    const { endpoint, p256dh, auth } = found;
    const { timeoutMs = 10_000, urgency = 'high' } = this.#options;
    const allowsPrivate = this.#allowsPrivate;
    if (!isPushEndpoint(endpoint, allowsPrivate)) throw new XlockError('PUSH_NOTIFICATION_DISABLED');
    const now = this.#now();
    const { status } = await failing(async () => {
      const body = encryptPush(utf8(challenge), fromBase64url(p256dh, 65)!, fromBase64url(auth, 16)!);
      const { respondBy } = decodeChallenge(challenge);
      const headers = {
        authorization: this.#vapid.authorization(new URL(endpoint).origin, now),
        'content-encoding': 'aes128gcm',
        'content-type': 'application/octet-stream',
        ttl: String(Math.max(0, Math.ceil((respondBy - now) / 1000))),
        urgency,
      };
      return postPush(endpoint, headers, body, { timeoutMs, allowsPrivate });
    });
    if (status >= 200 && status < 300) return;
    const isSame = (before: { endpoint: string }) => before.endpoint === endpoint;
    if (status === 404 || status === 410) await this.#subscriptions.removeIf(deviceId, isSame);
    throw new XlockError('PUSH_NOTIFICATION_DISABLED', { details: { status } });
  }

  get #allowsPrivate(): boolean {
    return this.#options.dangerouslyAllowPrivateEndpoints === true;
  }
}

async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new XlockError('PUSH_NOTIFICATION_DISABLED', { cause });
  }
}
