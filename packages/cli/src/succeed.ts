import { createHash } from 'node:crypto';
import {
  createKeyRecord,
  createSuccession,
  type Identity,
  type ManagedTrustRegistry,
  type RegistryEntry,
} from '@private.me/xlink';
import { isDidKey } from './did-option.js';
import { identityOf, type Version } from './key-file.js';
import { show } from './options.js';
import { type RegistryValues, withRegistry } from './registry-option.js';
import { type Output, UsageError } from './run.js';

export interface SucceedValues extends RegistryValues {
  readonly old?: string | undefined;
  readonly new?: string | undefined;
  readonly overlap?: string | undefined;
  readonly 'new-version'?: string | undefined;
  readonly next?: string | undefined;
  readonly json?: boolean | undefined;
}

/** `xlink identity succeed`: puts the new identity in the place of the old one. */
export async function succeed(values: SucceedValues, output: Output): Promise<number> {
  for (const name of ['old', 'new'] as const)
    if (values[name] === undefined) throw new UsageError(`--${name} is required`);
  const overlapMs = durationOf(values.overlap ?? '1d');
  const wanted = versionOf(values['new-version']);
  const next = commitmentOf(values.next);
  return withRegistry(values, async (registry) => {
    const { did } = await identityOf(values.old!, 1);
    const entry = await registry.lookup(did);
    if (!entry) throw new Error(`${did} is not in the registry`);
    const version = publishedVersion(entry);
    const [old, successor] = [
      await identityOf(values.old!, version),
      await identityOf(values.new!, wanted ?? version),
    ];
    if (successor.did === did) throw new UsageError('--new must be another identity than --old');
    if (values.next === successor.did) throw new UsageError('--next must be another identity than --new');
    const succession = await handIn(registry, old, successor, overlapMs, next);
    const end = new Date(succession.issuedAt + succession.overlapMs).toISOString();
    const lines = [`old    ${old.did}\nnew    ${successor.did}`, `both are good until ${end}`];
    show(output, values, { status: 'succeeded', old: old.did, new: successor.did, both_until: end }, lines);
    return 0;
  });
}

/** Makes the statement that an identity gives way to another, and hands it to the registry. Once more is safe. */
export async function handIn(
  registry: ManagedTrustRegistry,
  old: Identity,
  successor: Identity,
  overlapMs: number,
  next: Uint8Array | undefined,
) {
  const keys = await createKeyRecord(successor, next ? { next } : {});
  const succession = await createSuccession(old, successor, { overlapMs, keys });
  const result = await registry.succeed!(succession, keys);
  if (result.ok) return succession;
  // It may have been handed in before, by an agent or an answer that got lost.
  const there = (await registry.lookup(old.did))?.succeededBy;
  if (result.error.id === 'SUCCESSION_CONFLICT' && there?.to === successor.did) return there;
  throw result.error;
}

/** The file of an identity does not say its version, but what it published does. */
function publishedVersion({ keys }: RegistryEntry): Version {
  if (keys?.mlDsa65) return 3;
  return keys?.mlKem768 || !keys ? 2 : 1;
}

function versionOf(text: string | undefined): Version | undefined {
  if (text === undefined) return undefined;
  if (!/^[123]$/.test(text)) throw new UsageError('--new-version must be 1, 2 or 3');
  return Number(text) as Version;
}

function commitmentOf(did: string | undefined): Uint8Array | undefined {
  if (did === undefined) return undefined;
  if (!isDidKey(did)) throw new UsageError('--next must be a did:key');
  return new Uint8Array(createHash('sha256').update(did).digest());
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MAX_DAYS = 90;

function durationOf(text: string): number {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * UNITS[unit as keyof typeof UNITS];
  if (!Number.isFinite(ms) || ms > MAX_DAYS * UNITS.d)
    throw new UsageError(`--overlap must be such as 30m, 12h or 7d, at most ${MAX_DAYS}d`);
  return ms;
}
