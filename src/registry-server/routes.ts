import { xlinkError } from '../errors/errors.js';
import { err, type Result } from '../errors/result.js';
import { looksLikeDidKey } from '../identity/did.js';
import { REGISTRATION_MEMBERS } from '../registry/change-options.js';
import type { ManagedTrustRegistry } from '../registry/managed.js';
import { cannotSucceed } from '../registry/succession.js';
import type { Did, KeyRecord, Registration, RegistryEntry, Succession } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import type { Members } from '../util/members.js';

/** A change that can be asked for by POST. */
export interface ChangeRoute {
  /** Members that its JSON may have. */
  readonly members: readonly string[];
  /** Of the answer. Default 200. */
  readonly status?: number;
  readonly apply: (registry: ManagedTrustRegistry, members: Members) => Awaitable<Result<void>>;
}

/** By the name of the route. The registry checks what is in the members: it does so for every caller. */
export const CHANGES: ReadonlyMap<string, ChangeRoute> = new Map<string, ChangeRoute>([
  [
    'register',
    {
      members: REGISTRATION_MEMBERS,
      status: 201,
      apply: (registry, members) => {
        if (typeof members['did'] !== 'string') throw xlinkError('INVALID_DID', { field: 'did' });
        return registry.register(members as unknown as Registration);
      },
    },
  ],
  [
    'add',
    {
      members: ['did', 'scopes', 'name', 'ifRevision'],
      apply: (registry, { did, ...grant }) => registry.add(did as Did, withLists(grant)),
    },
  ],
  [
    'revoke',
    {
      members: ['did', 'reason', 'successors', 'ifRevision'],
      apply: (registry, { did, ...options }) => registry.revoke(did as Did, options),
    },
  ],
  [
    'scopes',
    {
      members: ['did', 'scopes', 'receiveScopes', 'ifRevision'],
      apply: (registry, { did, ...change }) => registry.updateScopes(did as Did, withLists(change)),
    },
  ],
  [
    'keys',
    {
      members: ['did', 'keys', 'ifRevision'],
      apply: (registry, { did, keys, ...condition }) => {
        if ((keys as KeyRecord | null)?.did !== did) throw xlinkError('KEY_RECORD_INVALID', { field: 'did' });
        return registry.updateKeys(keys as KeyRecord, condition);
      },
    },
  ],
  [
    'succeed',
    {
      members: ['did', 'succession', 'keys', 'ifRevision'],
      apply: (registry, { did, succession, keys, ...condition }) => {
        if ((succession as Succession | null)?.from !== did)
          throw xlinkError('SUCCESSION_INVALID', { field: 'from' });
        const made = registry.succeed?.(succession as Succession, keys as KeyRecord, condition);
        return made ?? err(cannotSucceed());
      },
    },
  ],
]);

/** `null`, 0 and '' could pass for "not given", which leaves the scopes as they are. */
function withLists(members: Members): Members {
  for (const name of ['scopes', 'receiveScopes'])
    if (name in members && !Array.isArray(members[name]))
      throw xlinkError('REGISTRATION_FAILED', { field: 'scopes' });
  return members;
}

const MAX_PAGE = 500;
const PAGE_CHARACTERS = 1 << 20;

/** Entries in the order of their DIDs, those after `after`: as many as make some 1 MiB. */
export async function pageOf(registry: ManagedTrustRegistry, query: URLSearchParams): Promise<object> {
  const after = query.get('after') ?? '';
  if (after !== '' && !looksLikeDidKey(after)) throw xlinkError('INVALID_DID', { field: 'after' });
  const rest = [...(await registry.list())].filter(({ did }) => did > after);
  rest.sort((a, b) => (a.did < b.did ? -1 : 1));
  const entries: RegistryEntry[] = [];
  let characters = 0;
  for (const entry of rest) {
    characters += JSON.stringify(entry).length;
    if (entries.length === MAX_PAGE || (characters > PAGE_CHARACTERS && entries.length > 0)) break;
    entries.push(entry);
  }
  return { entries, ...(entries.length < rest.length ? { next: entries.at(-1)!.did } : {}) };
}
