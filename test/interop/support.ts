import { expect } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  type KeyRecord,
  MemoryTrustRegistry,
  type Version,
  XlinkError,
} from '@private.me/xlink';
import * as second from './second/index.mjs';

let seeds = 0;
export const seed = () => new Uint8Array(32).fill(++seeds);

export const GRANT = {
  sendScopes: ['orders:read', 'orders:write'],
  receiveScopes: ['orders:read', 'orders:write'],
};

/** `rules` hold for agents and peers. */
export function world(rules: Pick<AgentOptions, 'versionFloor'> = {}) {
  const registry = new MemoryTrustRegistry();
  const lookup = (did: string) => {
    const entry = registry.lookup(did);
    return (
      entry && {
        record: entry.keys,
        status: entry.status,
        sendScopes: entry.sendScopes,
        receiveScopes: entry.receiveScopes,
      }
    );
  };
  return {
    registry,
    agent: (maxVersion: Version) => Agent.quickstart({ registry, maxVersion, ...GRANT, ...rules }),
    peer: async (version: Version, options: object = {}) => {
      const peer = new second.Peer(second.identityFromSeed(seed(), version), lookup, {
        ...GRANT,
        ...rules,
        ...options,
      });
      const keys = peer.record() as KeyRecord;
      expect((await registry.register({ did: peer.did, keys, ...GRANT })).error).toBeUndefined();
      return peer;
    },
  };
}

export async function thrown(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'accepted';
  } catch (error) {
    if (error instanceof XlinkError) return error.id;
    throw error;
  }
}
