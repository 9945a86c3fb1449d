import { Counter, register as globalRegister, type Registry, type RegistryContentType } from 'prom-client';
import type { X0xEvent, X0xObserver } from './announce/events.js';
import { checkNames, checkValue, hasMethods, invalidOption } from './util/options.js';

/** Options of {@link x0xMetrics}. */
export interface X0xMetricsOptions {
  /** Registry of prom-client. Default: its global one. */
  readonly register?: Registry<RegistryContentType>;
  /** Put in front of every name. Default nothing. */
  readonly prefix?: string;
}

/** The series: none has an id or a DID as a label. */
export const X0X_METRICS = [
  {
    name: 'x0x_guard_decisions_total',
    help: 'Decisions of requireTrust and requireHuman.',
    labels: ['guard', 'outcome'],
  },
  {
    name: 'x0x_announcements_total',
    help: 'Announcements that came and were sent.',
    labels: ['direction', 'outcome'],
  },
  {
    name: 'x0x_messages_total',
    help: 'Direct messages that came and were sent.',
    labels: ['direction', 'outcome'],
  },
  { name: 'x0x_cards_total', help: 'Cards that were imported or refused.', labels: ['outcome'] },
  {
    name: 'x0x_revocations_total',
    help: 'Revocations that became known or were refused.',
    labels: ['outcome'],
  },
  { name: 'x0x_faults_total', help: 'What failed where nobody waits for an answer.', labels: [] },
] as const;

type Name = (typeof X0X_METRICS)[number]['name'];

/** Counts what instances and guards tell, for Prometheus. Throws `INVALID_OPTION` where a name is taken. */
export function x0xMetrics(options: X0xMetricsOptions = {}): X0xObserver {
  const owner = 'x0xMetrics';
  checkNames(owner, options, ['register', 'prefix']);
  const { register = globalRegister, prefix = '' } = options;
  checkValue(
    owner,
    'register',
    options.register,
    hasMethods('getSingleMetric', 'registerMetric'),
    'a Registry',
  );
  checkValue(
    owner,
    'prefix',
    options.prefix,
    (text) => /^([a-zA-Z_:][\w:]*)?$/.test(text),
    'letters, digits, _ and :',
  );
  const taken = X0X_METRICS.find(({ name }) => register.getSingleMetric(prefix + name));
  if (taken)
    throw invalidOption('register', `${owner}: the registry has a metric ${prefix}${taken.name} already.`);
  const counters = Object.fromEntries(
    X0X_METRICS.map(({ name, help, labels }) => {
      const registers = [register as Registry];
      return [name, new Counter({ name: prefix + name, help, labelNames: [...labels], registers })];
    }),
  ) as Record<Name, Counter<string>>;
  return (event) => count(counters, event);
}

function count(counters: Record<Name, Counter<string>>, event: X0xEvent): void {
  if (event.type === 'fault') counters.x0x_faults_total.inc();
  else if (event.type === 'guard')
    counters.x0x_guard_decisions_total.inc({ guard: event.guard, outcome: event.outcome });
  else if (event.type === 'card') counters.x0x_cards_total.inc({ outcome: event.outcome });
  else if (event.type === 'revocation') counters.x0x_revocations_total.inc({ outcome: event.outcome });
  else {
    const isMessage = event.type === 'message';
    const counter = isMessage ? counters.x0x_messages_total : counters.x0x_announcements_total;
    counter.inc({ direction: event.direction, outcome: event.outcome });
  }
}
