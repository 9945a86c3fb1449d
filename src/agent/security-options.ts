import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/errors.js';
import type { SecurityLevel } from '../security/security-mode.js';
import {
  checkSecurityPolicy,
  DEFAULT_SECURITY_POLICY,
  type SecurityPolicy,
} from '../security/security-policy.js';
import { ShareCollector } from '../split-channel/collector.js';
import { type ShareLimits, shareLimits } from '../split-channel/share-limits.js';
import type { Transport } from '../types/ports.js';
import type { Clock, Version } from '../types/protocol.js';
import {
  isBoolean,
  isFunction,
  isObject,
  isString,
  type OptionCheck,
  type OptionChecks,
} from '../util/options.js';
import { isSecurityLevel } from './security.js';
import { type OnWarning, warner } from './warnings.js';

/** How an agent protects what it sends, and what it takes that was protected so. */
export interface AgentSecurityOptions {
  /**
   * What `send` does where it is not told. Default: `auto` with more than one transport, else `standard`, because shares
   * that travel together protect nothing.
   */
  readonly security?: SecurityLevel;
  /** What `auto` means. Default {@link DEFAULT_SECURITY_POLICY}. */
  readonly securityPolicy?: SecurityPolicy;
  /** Who runs it, for the policies of others and its own. Also registered. Default none. */
  readonly organization?: string;
  /** Takes Xchange messages, and may send some. Also registered, if it registers itself. Default `false`. */
  readonly xchange?: boolean;
  /** What it keeps of messages whose shares have not all come. */
  readonly shareLimits?: ShareLimits;
  /** Told about warnings. Default: the first of each type is printed by `console.warn`. */
  readonly onWarning?: OnWarning;
}

const isPolicy: OptionCheck = (value) => {
  if (!Array.isArray(value)) return 'an array of rules';
  checkSecurityPolicy('securityPolicy', value);
  return undefined;
};

const isLimits: OptionCheck = (value) => {
  const complaint = isObject(value);
  if (!complaint) shareLimits(value as ShareLimits);
  return complaint;
};

export const SECURITY_OPTIONS: OptionChecks<AgentSecurityOptions> = {
  security: isSecurityLevel,
  securityPolicy: isPolicy,
  organization: isString,
  xchange: isBoolean,
  shareLimits: isLimits,
  onWarning: isFunction,
};

/** Throws `INVALID_OPTION` for options that cannot go together. */
export function checkXchange(
  owner: string,
  { xchange, minVersion }: { readonly xchange?: boolean; readonly minVersion?: Version },
): void {
  if (xchange && minVersion === 3)
    throw xlinkError('INVALID_OPTION', {
      field: 'xchange',
      hint: `${owner}: Xchange messages are signed by Ed25519 alone, which minVersion 3 rules out.`,
    });
}

/** One transport or several. */
export const transportsOf = (transport: Transport | readonly Transport[]): readonly Transport[] =>
  Array.isArray(transport) ? transport : [transport as Transport];

/** Defaults, decided once when the agent is constructed. */
export function securityParts(options: AgentSecurityOptions, transports: readonly Transport[], clock: Clock) {
  const warn = warner(options.onWarning);
  const limits = shareLimits(options.shareLimits);
  return {
    security: options.security ?? (transports.length > 1 ? ('auto' as const) : ('standard' as const)),
    securityPolicy: options.securityPolicy ?? DEFAULT_SECURITY_POLICY,
    organization: options.organization,
    xchange: options.xchange ?? false,
    warn,
    collectorFor: (crypto: CryptoProvider) =>
      new ShareCollector(crypto, clock, limits, ({ sender, shares, threshold: needed }, reason) =>
        warn({ type: 'shares-dropped', reason, sender, arrived: shares.size, needed }),
      ),
  };
}
