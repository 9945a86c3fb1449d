import type { ChannelKind, ChannelProvider, OpenOptions, Reach, SecureChannel, Target } from '../channel.js';
import { MeshError } from '../errors/mesh-error.js';
import { labelOf } from './channel-config.js';
import type { RouterEvent } from './events.js';
import { type FailureClass, failureClassOf, fallbackFor } from './fallbacks.js';
import type { RouteMemory } from './memory.js';

/** What an attempt to open a channel needs. */
export interface Attempt {
  readonly target: Target;
  readonly key: string;
  /** Kinds in the order in which they are tried; each has a provider. */
  readonly kinds: readonly ChannelKind[];
  readonly providers: ReadonlyMap<ChannelKind, ChannelProvider>;
  /** What was asked already. */
  readonly reached: ReadonlyMap<ChannelKind, Reach>;
  readonly options: OpenOptions;
  readonly memory: RouteMemory;
  /** When it began, as `performance.now()` says. */
  readonly began: number;
  readonly tell: (event: RouterEvent) => void;
}

/** A channel and what was known of the way to it. */
export interface Opened {
  readonly channel: SecureChannel;
  readonly postQuantum: boolean;
}

/** Tries the kinds by the rules of fallback. Throws what stopped it, or `ROUTE_NOT_FOUND`. */
export async function openFirst(attempt: Attempt): Promise<Opened> {
  const { kinds, target, key, options, memory, tell } = attempt;
  const failures: unknown[] = [];
  let { began } = attempt;
  for (const kind of kinds) {
    const transports = [
      options.transport,
      ...(options.transport === 'udp' ? (['tcp', 'websocket'] as const) : []),
    ];
    for (const [at, transport] of transports.entries()) {
      try {
        const opened = await openOne(attempt, kind, transport);
        memory.worked(key, kind);
        return opened;
      } catch (error) {
        options.signal?.throwIfAborted();
        const attempted = !(error instanceof Unreached);
        const failure = attempted ? failureClassOf(error) : error.failure;
        const canChange = kind === 'noise' && at < transports.length - 1;
        const rule = fallbackFor(kind, failure, canChange);
        const type = failure === 'identity' ? 'refused' : 'fallback';
        const now = performance.now();
        const took = { durationMs: now - began, attempted };
        began = now;
        tell({ type, target: labelOf(target), from: kind, failure, rule: rule.name, error, ...took });
        if (failure === 'unreachable' || failure === 'failed') memory.failed(key, kind);
        failures.push(error);
        if (rule.follows === 'stop' && failure === 'identity') throw error;
        if (rule.follows === 'stop') throw notFound(target, failures);
        if (rule.follows === 'next') break;
      }
    }
  }
  throw notFound(target, failures);
}

/** A provider said beforehand that it cannot. */
class Unreached extends Error {
  readonly failure: FailureClass;

  constructor(kind: ChannelKind, failure: FailureClass, why: string, cause?: unknown) {
    super(`${kind}: ${why}`, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}

async function openOne(
  { providers, reached, target, options }: Attempt,
  kind: ChannelKind,
  transport: OpenOptions['transport'],
): Promise<Opened> {
  const provider = providers.get(kind)!;
  const {
    state,
    why = state,
    postQuantum = false,
    cause,
  } = reached.get(kind) ?? (await provider.canReach(target, options.signal));
  if (state === 'unsupported') throw new Unreached(kind, 'unsupported', why, cause);
  if (state === 'unreachable') throw new Unreached(kind, 'unreachable', why, cause);
  if (options.postQuantum && !postQuantum) throw new Unreached(kind, 'unsupported', 'not post-quantum');
  const { transport: _, ...rest } = options;
  const channel = await provider.open(target, { ...rest, ...(transport ? { transport } : {}) });
  return { channel, postQuantum };
}

const notFound = (target: Target, failures: readonly unknown[]): MeshError =>
  new MeshError('ROUTE_NOT_FOUND', {
    field: labelOf(target),
    cause: new AggregateError(failures, 'every kind failed'),
  });
