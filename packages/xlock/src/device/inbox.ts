import type { KeyRecord } from '@private.me/xlink';
import type { XlockAnswer } from '../challenge/answer.js';
import type { XlockChallenge } from '../challenge/challenge.js';
import { XLOCK_ERROR_TABLE, XlockError, type XlockErrorId } from '../errors.js';
import { type ChannelMessage, type RelayChannel, SCOPES } from '../push/channel.js';
import { isMembers } from '../util/bytes.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import type { XlockDevice } from './device.js';
import { isQuiet, isQuietHours, type QuietHours } from './quiet-hours.js';

/** A challenge that was pushed here. */
export interface PushedChallenge {
  /** Checked, as `view` of the device does. */
  readonly challenge: XlockChallenge;
  /** For `approve` and `deny`. */
  readonly text: string;
  /** Hands the answer over, by the way the challenge came: for `approve` and `deny`. */
  readonly send: (answer: XlockAnswer) => Promise<void>;
}

/** Why a challenge that came is not shown; `failed`: `onChallenge` rejected. */
export type Suppressed = 'quiet-hours' | 'flood' | 'refused' | 'failed';

/** Options of {@link XlockInbox}. */
export interface XlockInboxOptions {
  /** Of the identity of the device. */
  readonly channel: RelayChannel;
  /** Who checks what comes. */
  readonly device: XlockDevice;
  /** Shows it to the user; it may take its time. */
  readonly onChallenge: (pushed: PushedChallenge) => Promise<void> | void;
  /** When nothing is shown. The user who is about to log in opens the link of the page instead. Default: never. */
  readonly quietHours?: QuietHours;
  /** Challenges of one service that are shown in five minutes. Default 3; the others can be opened by their links. */
  readonly maxPrompts?: number;
  /** Told what was not shown, and why. Default: not called. */
  readonly onSuppressed?: (why: Suppressed, error: XlockError | undefined) => void;
  /** How long the service may take to say what became of an answer, in ms. Default 10 000. */
  readonly outcomeMs?: number;
  /** Default `Date.now`. */
  readonly clock?: () => number;
}

const WINDOW_MS = 300_000;
const MOST_SEEN = 1000;

/** Takes the challenges that services push to a device over a relay. */
export class XlockInbox {
  readonly #options: XlockInboxOptions;
  readonly #now: () => number;
  readonly #seen = new Set<string>();
  readonly #shown = new Map<string, number[]>();
  #isOpen = false;
  readonly #outcomes = new Map<string, (payload: Readonly<Record<string, unknown>>) => void>();

  /** Throws `INVALID_OPTION`. */
  constructor(options: XlockInboxOptions) {
    const OWNER = 'XlockInbox';
    checkNames(OWNER, options, [
      'channel',
      'device',
      'onChallenge',
      'quietHours',
      'maxPrompts',
      'onSuppressed',
      'outcomeMs',
      'clock',
    ]);
    if (!hasMethods('listen', 'send', 'know')(options.channel))
      throw invalidOption('channel', `${OWNER}: channel must be a RelayChannel.`);
    if (!hasMethods('view', 'passkeys')(options.device))
      throw invalidOption('device', `${OWNER}: device must be an XlockDevice.`);
    if (options.channel.did !== options.device.id)
      throw invalidOption('channel', `${OWNER}: channel must be of the identity of the device.`);
    if (!isFunction(options.onChallenge))
      throw invalidOption('onChallenge', `${OWNER}: onChallenge must be a function.`);
    checkValue(OWNER, 'quietHours', options.quietHours, isQuietHours, '{ from, to } as HH:MM');
    checkValue(OWNER, 'maxPrompts', options.maxPrompts, integerIn(1, 1000), 'a whole number from 1 to 1000');
    checkValue(OWNER, 'onSuppressed', options.onSuppressed, isFunction, 'a function');
    checkValue(OWNER, 'outcomeMs', options.outcomeMs, integerIn(1, 600_000), 'a whole number of ms');
    checkValue(OWNER, 'clock', options.clock, isFunction, 'a function');
    this.#options = options;
    this.#now = options.clock ?? Date.now;
  }

  /** Takes pushes from now on. Call it again after `register` or `recover`: only services that the device is registered with are heard. */
  async open(): Promise<void> {
    const { channel, device } = this.#options;
    for (const { verifier } of await device.passkeys())
      if (verifier !== '') await channel.know(verifier, [SCOPES.challenge, SCOPES.outcome]);
    if (this.#isOpen) return;
    this.#isOpen = true;
    channel.listen((message) => this.#take(message));
  }

  async #take({ from, scope, payload }: ChannelMessage): Promise<void> {
    if (!isMembers(payload)) return;
    if (scope === SCOPES.outcome) return this.#outcomes.get(`${from} ${payload['challengeId']}`)?.(payload);
    if (scope !== SCOPES.challenge) return;
    const { channel, device, onChallenge, quietHours, onSuppressed = () => {} } = this.#options;
    const text = String(payload['challenge']);
    let challenge: XlockChallenge;
    try {
      challenge = await device.view(text);
      if (challenge.verifier !== from) throw new XlockError('CHALLENGE_INVALID');
      await channel.know(from, [SCOPES.challenge, SCOPES.outcome], payload['keys'] as KeyRecord);
    } catch (error) {
      return onSuppressed('refused', error instanceof XlockError ? error : undefined);
    }
    if (this.#seen.has(challenge.id)) return;
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
    this.#seen.add(challenge.id);
    if (quietHours && isQuiet(quietHours, this.#now())) return onSuppressed('quiet-hours', undefined);
    if (this.#isFlood(from)) return onSuppressed('flood', undefined);
    const send = (answer: XlockAnswer) => this.#answer(from, answer);
    // Not awaited: what became of the answer comes as the next message.
    void (async () => onChallenge({ challenge, text, send }))().catch((error) =>
      onSuppressed('failed', error instanceof XlockError ? error : undefined),
    );
  }

  #isFlood(service: string): boolean {
    const now = this.#now();
    const times = (this.#shown.get(service) ?? []).filter((time) => now - time < WINDOW_MS);
    const isFlood = times.length >= (this.#options.maxPrompts ?? 3);
    this.#shown.set(service, isFlood ? times : [...times, now]);
    return isFlood;
  }

  async #answer(to: string, answer: XlockAnswer): Promise<void> {
    const { channel, outcomeMs = 10_000 } = this.#options;
    const name = `${to} ${answer.challengeId}`;
    let timer: NodeJS.Timeout | undefined;
    const told = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      this.#outcomes.set(name, resolve);
      timer = setTimeout(() => reject(new XlockError('RESPONSE_TIMEOUT')), outcomeMs);
    });
    try {
      await Promise.all([channel.send(to, SCOPES.answer, { answer }), told]);
    } finally {
      clearTimeout(timer);
      this.#outcomes.delete(name);
    }
    const { error } = await told;
    if (typeof error === 'string')
      throw new XlockError(Object.hasOwn(XLOCK_ERROR_TABLE, error) ? (error as XlockErrorId) : 'INTERNAL');
  }
}
