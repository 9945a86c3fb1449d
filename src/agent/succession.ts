import { equalBytes } from '../crypto/bytes.js';
import { xlinkError } from '../errors/errors.js';
import { createSuccession, SUCCESSION_OPTIONS } from '../identity/create-succession.js';
import { Identity } from '../identity/identity.js';
import type { Did, Succession } from '../types/protocol.js';
import { given } from '../util/given.js';
import { checkOptions, requireOption } from '../util/options.js';
import { callRegistry } from './call-registry.js';
import { commitmentTo } from './commitment.js';
import type { AgentContext, SuccessionState } from './context.js';
import { assertAnother } from './options.js';
import { recordOf } from './own-record.js';
import { assertOk } from './register.js';
import type { SucceedOptions, SuccessionSupport, SuccessorOptions } from './succession-support.js';

export const SUCCESSION: SuccessionSupport = {
  prepare(context, successor) {
    context.succession = new Line(context, successor);
  },

  async chainOf({ registry, identity }) {
    const lookup = (did: Did) => callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED');
    const { predecessors = [] } = (await lookup(identity.did)) ?? {};
    const entries = await Promise.all(predecessors.map(lookup));
    const steps = entries.map((entry) => entry?.succeededBy);
    // Where one is missing, those after it still lead here.
    return steps.slice(steps.lastIndexOf(undefined) + 1) as Succession[];
  },

  async succeed(context, open, next, given, options) {
    checkOptions('succeedBy', { next }, { next: isIdentity });
    requireOption('succeedBy', { next }, 'next');
    checkOptions('succeedBy', given, { overlapMs: SUCCESSION_OPTIONS.overlapMs, next: isDid });
    const line = (context.succession as Line | undefined) ?? new Line(context);
    context.succession = line;
    const now = await line.present();
    assertPrepared(next, options, now === context);
    assertAnother(given.next, next);
    await assertNext(now, next);
    const made = await submit(now, line.follow(next, open), given);
    await line.present();
    return made;
  },
};

const isIdentity = (value: unknown) => (value instanceof Identity ? undefined : 'an Identity');
const isDid = (value: unknown) => (typeof value === 'string' ? undefined : 'a did:key');

/** Throws `INVALID_OPTION`: what the other instances were told counts. */
function assertPrepared(
  next: Identity,
  { successor, keyStore, successorKeyStore }: SuccessorOptions,
  isFirst: boolean,
): void {
  const complain = (field: string, hint: string) => xlinkError('INVALID_OPTION', { field, hint });
  if (isFirst && successor && successor.did !== next.did)
    throw complain('successor', 'succeedBy: the option successor of the agent is another identity.');
  if (keyStore && !(isFirst && successorKeyStore))
    throw complain(
      'successorKeyStore',
      'succeedBy: the next identity needs a key store of its own, in an agent that has no other successor.',
    );
}

/** Throws `SUCCESSION_INVALID:NOT_NEXT`, also where the registry does not know yet whom the record commits to. */
async function assertNext({ commitment }: AgentContext, { did }: Identity): Promise<void> {
  const [committed, { next }] = [await commitment(), await commitmentTo(did)];
  if (committed.next && !equalBytes(committed.next, next!)) throw xlinkError('SUCCESSION_INVALID:NOT_NEXT');
}

/** A registry takes a succession of a DID that it knows. One that was not registered yet is, without scopes of its own. */
async function assertRegistered({
  identity,
  registry,
  keyRing,
  commitment,
  clock,
}: AgentContext): Promise<void> {
  const { did } = identity;
  if (await callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED')) return;
  const keys = await recordOf(identity, await keyRing.current(), await commitment(), clock);
  assertOk(await callRegistry(() => registry.register({ did, keys })));
}

async function submit(
  now: AgentContext,
  next: AgentContext,
  { overlapMs, next: afterNext }: SucceedOptions,
): Promise<Succession> {
  const { identity, registry, clock } = now;
  if (!registry.succeed)
    throw xlinkError('REGISTRATION_FAILED', { hint: 'This registry does not take successions.' });
  await assertRegistered(now);
  const encryption = await next.keyRing.current();
  const keys = await recordOf(next.identity, encryption, await commitmentTo(afterNext), clock);
  const made = await createSuccession(identity, next.identity, {
    clock,
    keys,
    ...given({ overlapMs }),
  });
  const result = await callRegistry(() => registry.succeed!(made, keys));
  if (result.ok) return made;
  // Another instance was faster with the same two identities: its statement counts.
  const entry = await callRegistry(() => registry.lookup(identity.did), 'LOOKUP_FAILED');
  if (result.error.id === 'SUCCESSION_CONFLICT' && entry?.succeededBy?.to === made.to)
    return entry.succeededBy;
  assertOk(result);
  return made;
}

/** The identities of an agent, each the successor of the one before it, and which of them signs. */
class Line implements SuccessionState {
  readonly #contexts: AgentContext[];
  /** That of the one that signs. */
  #at = 0;

  constructor(...contexts: AgentContext[]) {
    this.#contexts = contexts;
  }

  get dids(): readonly Did[] {
    return this.#contexts.map(({ identity }) => identity.did);
  }

  contextOf(did: Did): AgentContext | undefined {
    return this.#contexts.find(({ identity }) => identity.did === did);
  }

  get seen(): AgentContext {
    return this.#contexts[this.#at]!;
  }

  /**
   * Asked each time until it is so: instances must not go on as the old one after another has shown the new one. A registry may write
   * one entry after the other, and nobody takes the new identity before its own is there.
   */
  async present(): Promise<AgentContext> {
    for (;;) {
      const [now, next] = this.#contexts.slice(this.#at);
      if (!next) return now!;
      const lookup = (did: Did) => callRegistry(() => now!.registry.lookup(did), 'LOOKUP_FAILED');
      const entry = await lookup(now!.identity.did);
      if (entry?.succeededBy?.to !== next.identity.did) return now!;
      if (!(await lookup(next.identity.did))) return now!;
      if (this.seen === now) this.#at += 1; // unless another call has seen it, too
    }
  }

  /** Who is to follow now; somebody that was to before, and did not, is forgotten. */
  follow(identity: Identity, open: (identity: Identity) => AgentContext): AgentContext {
    const next = this.#contexts[this.#at + 1];
    if (next?.identity.did === identity.did) return next;
    const opened = open(identity);
    this.#contexts.splice(this.#at + 1, Number.POSITIVE_INFINITY, opened);
    return opened;
  }
}
