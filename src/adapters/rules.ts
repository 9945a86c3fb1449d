import { nonceTtlMs } from '../checks/timestamp.js';
import type { BodyIntake } from '../http/body-intake.js';
import type { InboundRequest } from '../http/decision.js';
import { ENVELOPE_TYPE } from '../http/media-type.js';
import { ReceivedFields } from '../http/received-fields.js';
import type { Clock, Scope } from '../types/protocol.js';
import { given } from '../util/given.js';
import { BodyLimits } from './body-limits.js';
import { NonceQuota } from './clients/nonce-quota.js';
import * as limits from './limits.js';
import type { DualModeOptions } from './options.js';
import type { Placement } from './placement.js';
import type { EnvelopeRules } from './receive-request.js';
import { EncryptedRoutes } from './route-encryption.js';
import type { EnrollmentRules } from './well-known.js';

/** Which envelopes an adapter takes: of which kind, and in bodies of which media types. */
export interface EnvelopeTaking {
  readonly bodyTypes: readonly string[];
  readonly kind: EnvelopeRules['kind'];
  /** A scope of the library that is taken beside those of applications. Default none. */
  readonly alsoScope?: Scope;
}

export const REQUESTS: EnvelopeTaking = { bodyTypes: [ENVELOPE_TYPE], kind: 'request' };

/** Which envelopes are taken, from the options. */
export const envelopeRules = (
  options: DualModeOptions,
  { kind, alsoScope }: EnvelopeTaking,
  intake: BodyIntake<InboundRequest>,
  placement: Placement,
): EnvelopeRules => ({
  kind,
  ...given({ alsoScope }),
  intake,
  placement,
  requireRequestBinding: options.requireRequestBinding ?? true,
  allowCleartext: options.allowCleartext ?? false,
  limits: new BodyLimits(options),
  fields: new ReceivedFields(options.proxyHeaders),
  takesSignatures: kind === 'request' && (options.signatures ?? false),
  mayStream: kind === 'request' && !options.policy,
  encrypted: new EncryptedRoutes(options.routeEncryption),
});

/** What a client may enroll, from the options. */
export const enrollmentRules = (options: DualModeOptions): EnrollmentRules => ({
  maxDidsPerClient: options.maxDidsPerClient ?? limits.DEFAULT_MAX_DIDS_PER_CLIENT,
  attemptsPerMinute: options.enrollmentsPerMinute ?? limits.DEFAULT_ENROLLMENTS_PER_MINUTE,
  keySwitchGraceMs: options.keySwitchGraceMs ?? limits.DEFAULT_KEY_SWITCH_GRACE_MS,
});

/** How many nonces a client may have, from the options. */
export const nonceQuota = ({ agent, maxNoncesPerClient }: DualModeOptions, clock: Clock): NonceQuota =>
  new NonceQuota({
    max: maxNoncesPerClient ?? limits.DEFAULT_MAX_NONCES_PER_CLIENT,
    ttlMs: nonceTtlMs(agent.maxAgeMs),
    clock,
  });
