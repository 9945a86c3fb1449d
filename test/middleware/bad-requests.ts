import { type Envelope, MemoryTrustRegistry } from '@private.me/xlink';
import { altered, withBitFlipped } from '../support/forge.js';
import { json, ORDER, type RefusalText, type Sent } from '../support/http.js';
import type { Feature } from '../support/stages/stages.js';
import type { WorldWithCaller } from '../support/world.js';

/** A request with an envelope that must not be accepted. */
export interface BadRequest {
  readonly name: string;
  readonly refusal: RefusalText;
  /** What a framework must have for it. */
  readonly needs?: Feature;
  readonly make: (parties: WorldWithCaller) => Promise<Sent>;
}

/** Limits that the oversized requests below exceed. */
export const LIMITS = { maxBodyBytes: 2048, maxEnvelopeBytes: 8192 };

export const GET: Sent = {};
export const POST = json(ORDER);
export const WINDOW_MS = 30_000;
export const badSignature = (envelope: Envelope) =>
  altered(envelope, { signature: withBitFlipped(envelope.signature, 77) });

/** The caller with another clock. */
export async function at(
  time: number,
  world: WorldWithCaller,
): Promise<Pick<WorldWithCaller, 'api' | 'caller'>> {
  return { api: world.api, caller: await world.agent('caller', { clock: () => time }) };
}

/** Somebody who knows the API and whom the API does not know. */
export async function stranger(world: WorldWithCaller): Promise<Pick<WorldWithCaller, 'api' | 'caller'>> {
  const registry = new MemoryTrustRegistry();
  const { status: _, ...entry } = world.registry.lookup(world.api.did)!;
  await registry.register(entry);
  return { api: world.api, caller: await world.agent('stranger', { registry }) };
}

export async function elsewhere(world: WorldWithCaller): Promise<Pick<WorldWithCaller, 'api' | 'caller'>> {
  return { caller: world.caller, api: await world.agent('another api') };
}

export const bytes = (length: number) => new Uint8Array(length).fill(7);
export const binary = (body: Uint8Array): Sent => ({
  headers: { 'content-type': 'application/octet-stream' },
  body,
});
