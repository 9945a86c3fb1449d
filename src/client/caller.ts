import { BaseAgent } from '../agent/agent.js';
import type { AgentOptions } from '../agent/options.js';
import { isXlinkError, xlinkError } from '../errors/errors.js';
import type { Result } from '../errors/result.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import type { IdentityStore, XlinkFetchOptions } from './options.js';

/** Who calls, and whether the service may know the identity from before. */
export interface Caller {
  readonly agent: BaseAgent;
  /** False for an identity that was made just now. */
  readonly known: boolean;
}

/** The agent that was given, or one made at its first use: once, however many ask. A failed attempt is made again. */
export class AgentSource {
  readonly #options: XlinkFetchOptions;
  readonly #more: AgentOptions;
  #caller: Promise<Caller> | undefined;

  /** `more`: for an agent that is made here. */
  constructor(options: XlinkFetchOptions, more: AgentOptions = {}) {
    this.#options = options;
    this.#more = more;
  }

  get(): Promise<Caller> {
    this.#caller ??= this.#make().catch((error) => {
      this.#caller = undefined;
      throw error;
    });
    return this.#caller;
  }

  async #make(): Promise<Caller> {
    const { agent, identity } = this.#options;
    if (agent) {
      await agent.ready();
      return { agent, known: true };
    }
    const options = { ...this.#agentOptions(), ...this.#more };
    const pkcs8 = await load(identity);
    if (pkcs8) return { agent: unwrap(await BaseAgent.importIdentity({ ...options, pkcs8 })), known: true };
    const made = await BaseAgent.quickstart(options);
    if (identity) await stored(async () => identity.save(await made.exportPKCS8()));
    return { agent: made, known: false };
  }

  /** Each answer is tied to one request of this process, so nothing is lost by accepting answers dated before its start. */
  #agentOptions(): AgentOptions {
    const { clock, version } = this.#options;
    const clocked = clock ? { clock } : {};
    return {
      ...clocked,
      maxVersion: version ?? 2, // services hold an identity to the highest version on its key record
      nonceStore: new MemoryNonceStore({ ...clocked, coldStart: 'accept', maxEntriesPerSender: 1_000_000 }),
    };
  }
}

const load = (identity: IdentityStore | undefined): Promise<Uint8Array | undefined> =>
  stored(async () => (await identity?.load()) ?? undefined);

/** An identity that is not kept would be enrolled again and again, so nothing goes on without its store. */
async function stored<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw isXlinkError(cause) ? cause : xlinkError('IDENTITY_FAILED', { field: 'identity', cause });
  }
}

function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}
