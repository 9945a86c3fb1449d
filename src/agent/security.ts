import { xlinkError } from '../errors/errors.js';
import type { SecurityLevel } from '../security/security-mode.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isObject,
  isString,
  type OptionCheck,
  type OptionChecks,
  oneOf,
} from '../util/options.js';
import { ENVELOPE_OPTIONS, type EnvelopeOptions } from './envelope-options.js';

/** How a message is to be protected on its way. */
export interface SecurityOptions {
  /**
   * `standard`: one envelope; `high`: 2 of 3 shares, each in an envelope and over a transport of its own; `critical`: 3 of 5;
   * `auto`: what the agent's `securityPolicy` says. Default: the agent's `security`.
   */
  readonly security?: SecurityLevel;
  /** What the message makes the recipient do, for the policy: `execute`. It does not travel. Default none. */
  readonly action?: string;
  /**
   * Xchange: the key of the payload travels in shares, without key agreement, if the recipient takes that; if not, the shares
   * are sealed as ever. Its secrecy rests on the channels alone. Without `security` the same as `high`. Default `false`.
   */
  readonly xchange?: boolean;
  /**
   * Xchange although several shares have to share a channel: a reader of that channel may read the message. Default
   * `false`: refused with `XCHANGE_REFUSED:FEWER_CHANNELS`.
   */
  readonly unsafeXchangeOverFewerChannels?: boolean;
  /** @deprecated Use `security: 'high'`. */
  readonly splitChannel?: boolean;
  /** @deprecated Use `security`. Default `{ totalShares: 3, threshold: 2 }`. */
  readonly splitChannelConfig?: SplitChannelConfig;
}

/** How many shares a message is split into, in the older options of `send`. */
export interface SplitChannelConfig {
  /** 2 to 16. Default 3. */
  readonly totalShares?: number;
  /** 2 to `totalShares`. Default 2. */
  readonly threshold?: number;
}

/** Shares of one message that an agent sends or takes at most. */
export const MAX_CHANNELS = 16;

export const isSecurityLevel = oneOf('auto', 'standard', 'high', 'critical');

const isSplitConfig: OptionCheck = (value) => {
  const complaint = isObject(value);
  if (complaint) return complaint;
  checkOptions('splitChannelConfig', value as SplitChannelConfig, {
    totalShares: integerIn(2, MAX_CHANNELS),
    threshold: integerIn(2, (value as SplitChannelConfig).totalShares ?? 3),
  });
  return undefined;
};

/** Throws `INVALID_OPTION`. `more`: options of the caller's own. */
export function checkSendOptions(
  options: EnvelopeOptions & SecurityOptions,
  more?: OptionChecks<object>,
): void {
  checkOptions('send', options, {
    ...ENVELOPE_OPTIONS,
    security: isSecurityLevel,
    action: isString,
    xchange: isBoolean,
    unsafeXchangeOverFewerChannels: isBoolean,
    splitChannel: isBoolean,
    splitChannelConfig: isSplitConfig,
    ...more,
  });
  const { security, splitChannel, splitChannelConfig } = options;
  if (security !== undefined && (splitChannel !== undefined || splitChannelConfig))
    throw xlinkError('INVALID_OPTION', {
      field: 'splitChannel',
      hint: 'send: security replaces splitChannel and splitChannelConfig; leave those out.',
    });
}
