import { checkNames, checkValue, integerIn } from '../util/options.js';

/** When a Noise channel takes new keys, and when it ends. */
export interface NoiseLimits {
  /** Messages under one key, in each direction. Default, and at most, 2^20. */
  readonly rekeyMessages?: number;
  /** Time under one key, in ms; looked at when something is sent. Default 120000. */
  readonly rekeyMs?: number;
  /** Messages in each direction before the channel ends. Default, and at most, 2^53 - 1. */
  readonly maxMessages?: number;
  /** Longest message over TCP and WebSocket, in bytes; longer ones are refused on both sides. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes that may wait for a listener before nothing more is read (over UDP: before messages are dropped). Default 4 MiB. */
  readonly maxWaitingBytes?: number;
}

/** Most messages that are taken under one key, whatever the other side is set to. */
export const MAX_UNDER_ONE_KEY = 2 ** 20;

const DEFAULTS: Required<NoiseLimits> = {
  rekeyMessages: MAX_UNDER_ONE_KEY,
  rekeyMs: 120_000,
  maxMessages: Number.MAX_SAFE_INTEGER,
  maxMessageBytes: 1_048_576,
  maxWaitingBytes: 4_194_304,
};

/** The limits with their defaults. Throws `INVALID_OPTION`. */
export function limitsOf(owner: string, limits: NoiseLimits = {}): Required<NoiseLimits> {
  checkNames(`${owner} limits`, limits, Object.keys(DEFAULTS));
  const check = (name: keyof NoiseLimits, max: number) =>
    checkValue(owner, `limits.${name}`, limits[name], integerIn(1, max), `a whole number from 1 to ${max}`);
  check('rekeyMessages', MAX_UNDER_ONE_KEY);
  check('rekeyMs', 86_400_000);
  check('maxMessages', Number.MAX_SAFE_INTEGER);
  check('maxMessageBytes', 2 ** 30);
  check('maxWaitingBytes', 2 ** 30);
  return { ...DEFAULTS, ...limits };
}
