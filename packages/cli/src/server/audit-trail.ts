import type { IncomingMessage } from 'node:http';
import { type AuditEntry, type AuditSink, isXlinkError, toXlinkError } from '@private.me/xlink';
import { blockOf } from './address.js';
import type { ServerParts } from './parts.js';
import type { Caller, Route } from './route.js';
import type { ServerAudit } from './storage.js';

type Told = Pick<ServerParts, 'storage' | 'addressOf' | 'adapter'>;

/** Members of a request or an answer that say what was done. None holds a secret, a payload or an envelope. */
const TOLD = [
  'did',
  'id',
  'agent',
  'to',
  'name',
  'role',
  'scopes',
  'receiveScopes',
  'receives',
  'scope',
  'capabilities',
  'reason',
  'successors',
  'mode',
  'url',
  'number',
  'email',
  'expiresAt',
  'expiresInMs',
  'ifRevision',
  'postQuantumSig',
] as const;
const MAX_CHARACTERS = 256;
const MAX_ITEMS = 100;
/** All of them in one entry, which has a limit of its own. */
const MAX_BYTES = 16 * 1024;

/** What is told of a request: the members of {@link TOLD}, each cut to a length. */
export function factsOf(...sources: readonly unknown[]): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const source of sources) Object.assign(all, ofOne(source));
  if (Buffer.byteLength(JSON.stringify(all)) <= MAX_BYTES) return all;
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      name,
      Array.isArray(value) ? `${value.length} of them` : value,
    ]),
  );
}

function ofOne(source: unknown): Readonly<Record<string, unknown>> {
  if (typeof source !== 'object' || source === null) return {};
  const members = source as Readonly<Record<string, unknown>>;
  const told: Record<string, unknown> = {};
  for (const name of TOLD) if (Object.hasOwn(members, name)) told[name] = cut(members[name]);
  const { to } = (members['succession'] ?? {}) as { readonly to?: unknown };
  return to === undefined ? told : { ...told, successor: cut(to) };
}

function cut(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_CHARACTERS);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(cut);
  return typeof value === 'object' && value !== null ? '…' : value;
}

/** What one call did, in the audit log: that it was received, before anything is changed, and then how it ended. */
export class AuditTrail {
  readonly #server: Told;
  readonly #entry: AuditEntry;
  readonly #data: Readonly<Record<string, unknown>>;

  constructor(server: Told, route: Route, { by, id, did, role }: Caller, req: IncomingMessage, path: string) {
    this.#server = server;
    this.#data = {
      route: route.id,
      address: blockOf(server.addressOf, req),
      ...(role ? { callerRole: role } : {}),
    };
    const who = did === undefined ? (by === 'nobody' ? {} : { client: id }) : { from: did };
    this.#entry = { type: 'server', ...who, request: `${route.method} ${path}` };
  }

  /** Rejects if it cannot be kept: then nothing is done. */
  async received(what: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#append('received', 'ok', { what });
  }

  async ended(reason: string, result: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const more = Object.keys(result).length > 0 ? { result } : {};
    await this.#append(reason === 'ok' ? 'accepted' : 'refused', reason, more);
  }

  async #append(decision: string, reason: string, more: object): Promise<void> {
    await append(this.#server, { ...this.#entry, decision, reason, data: { ...this.#data, ...more } });
  }
}

/** Rejects if the entry cannot be kept; those who watch over the log are told. */
export async function append(
  { storage, adapter }: Pick<ServerParts, 'storage' | 'adapter'>,
  entry: AuditEntry,
): Promise<void> {
  try {
    await storage.audit.append(entry);
  } catch (error) {
    if (isXlinkError(error)) adapter.emit({ type: 'fault', error: toXlinkError(error) });
    throw error;
  }
}

/**
 * Where the adapter tells what callers proved. Reads are left out: they change nothing, and would be most of the log. Tokens prove nothing,
 * and the server tells of their calls itself.
 */
export function proofsInto(log: Pick<ServerAudit, 'append' | 'origin'>): AuditSink {
  const append = async (entry: AuditEntry) => {
    const isRequest = entry.type === 'request' && entry.decision === 'accepted';
    if (isRequest && (entry.evidence === undefined || /^(GET|HEAD) /.test(entry.request ?? '')))
      return undefined;
    return log.append(isRequest ? { ...entry, decision: 'authenticated' } : entry);
  };
  return { origin: log.origin, append };
}
