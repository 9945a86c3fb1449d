import { MODES } from '../types/mode.js';
import { CLIENT_STATES, FORMS, METHODS, OUTCOMES, REASONS, VERSIONS } from './label-values.js';
import { METRICS } from './metric-table.js';

/** The options that bound the series. */
export interface Caps {
  readonly maxRoutes: number;
  readonly maxClients: number;
}

/** How many samples each metric has at most, whatever callers send: a histogram has one for each bucket, the sum and the count. */
export function seriesBound({ maxRoutes, maxClients }: Caps): Record<keyof typeof METRICS, number> {
  const verdicts = REASONS.size; // `accepted` is always `ok`, `refused` never is
  return {
    requests: METHODS.length * verdicts * MODES.length * (maxRoutes + 2),
    openRequests: 2,
    duration: METHODS.length * (METRICS.duration.buckets.length + 3),
    envelopes: VERSIONS.length * FORMS.length,
    observed: REASONS.size,
    downgrades: 2,
    clientRequests: maxClients === 0 ? 0 : (maxClients + 2) * METHODS.length * OUTCOMES.length,
    mode: MODES.length,
    sunset: 1,
    adoption: 1,
    adoptionPct: 1,
    clients: CLIENT_STATES.length,
    nextGate: 1,
    gateBlockers: 1,
    sessions: 2,
    sessionsActive: 1,
    sessionRefusals: 2 * (verdicts - 1), // at a handshake, and at a request; never `ok`
    keyEpochAge: 1,
    keyEpochRotation: 1,
    auditFaults: [...REASONS].filter((reason) => reason.startsWith('AUDIT_')).length + 1,
  };
}
