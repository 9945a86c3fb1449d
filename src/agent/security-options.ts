import { xlinkError } from '../errors/errors.js';
import type { SecurityLevel } from '../security/security-mode.js';
import type { SecurityPolicy } from '../security/security-policy.js';
import type { ShareLimits } from '../split-channel/share-limits.js';
import type { AuditSink } from '../types/audit.js';
import type { Transport } from '../types/ports.js';
import type { Version } from '../types/protocol.js';
import { isBoolean, isFunction, isString, type OptionCheck, type OptionChecks } from '../util/options.js';
import { isSecurityLevel } from './security.js';
import type { OnWarning } from './warnings.js';

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
  /**
   * An audit log: gets an entry, with the signed envelope, for every envelope that is sent, before it is, and for every message that is
   * received, before it is handed over. What cannot be kept is neither sent nor handed over. Default none.
   */
  readonly audit?: AuditSink;
  /** Told about warnings. Default: the first of each type is printed by `console.warn`. */
  readonly onWarning?: OnWarning;
}

/** For agents without shares: what they would do nothing with is refused. */
const needsShares: OptionCheck = () =>
  'left out: an agent for callers of APIs sends whole messages only; the Agent of @private.me/xlink has it';

const isWhole: OptionCheck = (value) => (value === 'standard' ? undefined : needsShares(value));

/** Of the options that only an agent with shares has. */
export type ShareChecks = Pick<
  OptionChecks<AgentSecurityOptions>,
  'securityPolicy' | 'shareLimits' | 'audit'
>;

/** `shares`: of an agent that has them. */
export const securityChecks = (shares: ShareChecks | undefined): OptionChecks<AgentSecurityOptions> => ({
  organization: isString,
  onWarning: isFunction,
  ...(shares
    ? { security: isSecurityLevel, xchange: isBoolean, ...shares }
    : {
        security: isWhole,
        xchange: needsShares,
        securityPolicy: needsShares,
        shareLimits: needsShares,
        audit: needsShares,
      }),
});

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

/** What a class of agents brings along for this. */
interface SecuritySupport {
  readonly shares: unknown;
  readonly warner: (onWarning: OnWarning | undefined) => OnWarning;
}

/** Defaults, decided once when the agent is constructed. */
export const securityParts = (
  options: AgentSecurityOptions,
  transports: readonly Transport[],
  { shares, warner }: SecuritySupport,
) => ({
  security: options.security ?? (shares && transports.length > 1 ? ('auto' as const) : ('standard' as const)),
  organization: options.organization,
  xchange: options.xchange ?? false,
  warn: warner(options.onWarning),
});
