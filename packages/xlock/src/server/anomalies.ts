import type { RecordedEntry } from '@private.me/xlink';

/** The rules of {@link anomaliesIn}, and what each finds. */
export const ANOMALY_RULES = {
  'many-denials': 'three or more denied logins of one passkey within an hour',
  'new-device': 'a login that was approved by a device within ten minutes of its registration',
  'impossible-rate': 'more than ten approvals of one passkey within a minute: faster than people read',
} as const;

/** Something in the audit log that somebody should look at. */
export interface Anomaly {
  readonly rule: keyof typeof ANOMALY_RULES;
  /** The passkey. */
  readonly did: string;
  /** Number of the entry at which it shows. */
  readonly seq: number;
  /** In ms since 1970. */
  readonly at: number;
}

const MINUTE_MS = 60_000;

/** Anomalies in entries of the verifier, in their order. Each rule tells of one run once. */
export function anomaliesIn(entries: readonly RecordedEntry[]): readonly Anomaly[] {
  const found: Anomaly[] = [];
  const denials = new Runs(3, 60 * MINUTE_MS);
  const approvals = new Runs(11, MINUTE_MS);
  const registeredAt = new Map<string, number>();
  for (const { type, from: did, decision, data, seq, at } of entries) {
    if (type !== 'xlock-answer' || did === undefined) continue;
    const { device, kind } = (data ?? {}) as { readonly device?: string; readonly kind?: string };
    const key = `${did} ${device}`;
    if (kind === 'register') {
      if (!registeredAt.has(key)) registeredAt.set(key, at);
      continue;
    }
    const tell = (rule: Anomaly['rule']) => found.push({ rule, did, seq, at });
    if (decision === 'refused') {
      if (denials.reaches(did, at)) tell('many-denials');
      continue;
    }
    if (at - (registeredAt.get(key) ?? Number.NEGATIVE_INFINITY) < 10 * MINUTE_MS) tell('new-device');
    if (approvals.reaches(did, at)) tell('impossible-rate');
  }
  return found;
}

/** Counts events of one name in a sliding time. */
class Runs {
  readonly #times = new Map<string, number[]>();
  readonly #most: number;
  readonly #withinMs: number;

  constructor(most: number, withinMs: number) {
    this.#most = most;
    this.#withinMs = withinMs;
  }

  /** Whether this event makes the run long enough; a longer one is not told again. */
  reaches(name: string, at: number): boolean {
    const times = [...(this.#times.get(name) ?? []), at].filter((time) => at - time < this.#withinMs);
    this.#times.set(name, times);
    return times.length === this.#most;
  }
}
