import type { IncomingMessage } from 'node:http';
import type { AuditEntry } from '../types/audit.js';
import type { ApiCaller, ApiRoute } from './route.js';

const MAX_CHARACTERS = 256;
const MAX_ITEMS = 100;
/** All of them in one entry, which has a limit of its own. */
const MAX_BYTES = 16 * 1024;

/** The members of requests and answers that `told` names, each cut to a length: what an audit entry says. None of them may hold a secret. */
export function factsOf(
  told: readonly string[],
  ...sources: readonly unknown[]
): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const source of sources) Object.assign(all, ofOne(told, source));
  if (Buffer.byteLength(JSON.stringify(all)) <= MAX_BYTES) return all;
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      name,
      Array.isArray(value) ? `${value.length} of them` : value,
    ]),
  );
}

function ofOne(told: readonly string[], source: unknown): Readonly<Record<string, unknown>> {
  if (typeof source !== 'object' || source === null) return {};
  const members = source as Readonly<Record<string, unknown>>;
  const found: Record<string, unknown> = {};
  for (const name of told) if (Object.hasOwn(members, name)) found[name] = cut(members[name]);
  const { to } = (members['succession'] ?? {}) as { readonly to?: unknown };
  return to === undefined ? found : { ...found, successor: cut(to) };
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_CHARACTERS);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(cut);
  return typeof value === 'object' && value !== null ? '…' : value;
}

/** Where an {@link AuditTrail} writes. */
export interface TrailTarget {
  /** Rejects if the entry cannot be kept. */
  readonly append: (entry: AuditEntry) => Promise<unknown>;
  /** Where a request comes from, as entries say it. */
  readonly blockOf: (req: IncomingMessage) => string;
}

/** What one call did, in the audit log: that it was received, before anything is changed, and then how it ended. */
export class AuditTrail {
  readonly #target: TrailTarget;
  readonly #entry: AuditEntry;
  readonly #data: Readonly<Record<string, unknown>>;

  constructor(
    target: TrailTarget,
    route: Pick<ApiRoute, 'id' | 'method'>,
    { by, id, did, role }: ApiCaller,
    req: IncomingMessage,
    path: string,
  ) {
    this.#target = target;
    this.#data = { route: route.id, address: target.blockOf(req), ...(role ? { callerRole: role } : {}) };
    const who = did === undefined ? (by === 'nobody' ? {} : { client: id }) : { from: did };
    this.#entry = { type: 'server', ...who, request: `${route.method} ${path}` };
  }

  /** Rejects if it cannot be kept: then nothing is done. */
  async received(what: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#append('received', 'ok', { what });
  }

  /** `reason`: `ok`, or the code of what was refused. */
  async ended(reason: string, result: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const more = Object.keys(result).length > 0 ? { result } : {};
    await this.#append(reason === 'ok' ? 'accepted' : 'refused', reason, more);
  }

  async #append(decision: string, reason: string, more: object): Promise<void> {
    await this.#target.append({ ...this.#entry, decision, reason, data: { ...this.#data, ...more } });
  }
}
