import { ServerError } from '../errors.js';
import { MAX_ONE_TIME } from '../prekeys.js';
import { type Caller, route } from '../route.js';
import { ANY_OBJECT, bytes, DID, TIME } from '../shapes.js';

const PREKEY_ID = { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 } as const;

const signedKey = <const Title extends string, Key>(title: Title, key: Key) =>
  ({
    title,
    type: 'object',
    properties: { id: PREKEY_ID, key, notAfter: TIME, signature: bytes(64) },
    required: ['id', 'key', 'notAfter', 'signature'],
  }) as const;

const BUNDLE = {
  identity: bytes(32),
  signedPrekey: signedKey('SignedPrekey', bytes(32)),
  kem: signedKey('SignedKemPrekey', bytes(1184)),
} as const;

const ONE_TIME = {
  title: 'OneTimePrekey',
  type: 'object',
  properties: {
    id: PREKEY_ID,
    key: bytes(32),
    kem: {
      title: 'OneTimeKemPrekey',
      type: 'object',
      properties: { id: PREKEY_ID, key: bytes(1184), signature: bytes(64, 2048) },
      required: ['id', 'key', 'signature'],
    },
  },
  required: ['id', 'key'],
} as const;

const REMAINING = {
  title: 'RemainingPrekeys',
  type: 'object',
  properties: { remaining: { type: 'integer', minimum: 0, description: 'one-time keys that wait' } },
  required: ['remaining'],
} as const;

/** Throws `PERMISSION_DENIED:ENVELOPE_REQUIRED` for a token: nobody publishes keys of another one. */
function itself({ did }: Caller) {
  if (did === undefined) throw new ServerError('PERMISSION_DENIED:ENVELOPE_REQUIRED');
  return did;
}

export const prekeyRoutes = [
  route(
    {
      id: 'publishPrekeys',
      method: 'PUT',
      path: '/v1/prekeys',
      tag: 'Prekeys',
      summary: 'Replaces the prekeys of the calling DID, and adds one-time keys',
      access: 'member',
      maxBodyBytes: 2 * 1024 * 1024,
      body: {
        title: 'NewPrekeys',
        type: 'object',
        properties: {
          ...BUNDLE,
          oneTime: { type: 'array', maxItems: 200, items: ONE_TIME },
          replace: {
            type: 'boolean',
            description: 'whether one-time keys that wait are dropped: after their private halves were lost',
          },
        },
        required: ['identity', 'signedPrekey', 'kem'],
      },
      answer: { status: 200, description: `How many wait; ${MAX_ONE_TIME} at most`, schema: REMAINING },
      errors: ['PERMISSION_DENIED:ENVELOPE_REQUIRED', 'PREKEYS_UNKNOWN:FULL'],
    },
    async ({ server, caller, body: { oneTime = [], replace = false, ...bundle } }) => ({
      remaining: await server.prekeys.publish(itself(caller), bundle, oneTime, replace),
    }),
  ),
  route(
    {
      id: 'countPrekeys',
      method: 'GET',
      path: '/v1/prekeys',
      tag: 'Prekeys',
      summary: 'How many one-time keys of the calling DID wait',
      access: 'member',
      answer: { status: 200, description: 'How many', schema: REMAINING },
      errors: ['PERMISSION_DENIED:ENVELOPE_REQUIRED'],
    },
    async ({ server, caller }) => ({ remaining: await server.prekeys.remaining(itself(caller)) }),
  ),
  route(
    {
      id: 'lookAtPrekeys',
      method: 'GET',
      path: '/v1/prekeys/{did}',
      tag: 'Prekeys',
      summary: 'Whether a DID has published prekeys, and which, without a one-time key: uses up none',
      access: 'member',
      params: { did: DID },
      answer: {
        status: 200,
        description: 'The prekeys without a one-time key. The caller verifies them: the server has not',
        schema: {
          title: 'PublishedPrekeys',
          type: 'object',
          properties: { did: DID, ...BUNDLE },
          required: ['did', 'identity', 'signedPrekey', 'kem'],
        },
      },
      errors: ['PREKEYS_UNKNOWN', 'ENTRY_UNKNOWN'],
    },
    async ({ server, params: { did } }) => {
      const entry = await server.storage.registry.lookup(did);
      if (entry?.status !== 'active') throw new ServerError('ENTRY_UNKNOWN');
      return { did, ...(await server.prekeys.look(did)) };
    },
  ),
  route(
    {
      id: 'takePrekeys',
      method: 'POST',
      path: '/v1/prekeys/{did}',
      tag: 'Prekeys',
      summary:
        'The prekeys of a DID, with a one-time key that nobody else gets: five an hour for each caller, and none when there is none',
      access: 'member',
      params: { did: DID },
      answer: {
        status: 200,
        description: 'The prekeys. The caller verifies them: the server has not',
        schema: {
          title: 'Prekeys',
          type: 'object',
          properties: {
            did: DID,
            keyRecord: { ...ANY_OBJECT, description: 'from the registry; absent if it has none' },
            ...BUNDLE,
            oneTime: ONE_TIME,
          },
          required: ['did', 'identity', 'signedPrekey', 'kem'],
        },
      },
      errors: ['PREKEYS_UNKNOWN', 'ENTRY_UNKNOWN'],
    },
    async ({ server, caller, params: { did } }) => {
      const entry = await server.storage.registry.lookup(did);
      if (entry?.status !== 'active') throw new ServerError('ENTRY_UNKNOWN');
      const { bundle, oneTime } = await server.prekeys.take(did, caller.id);
      return {
        did,
        ...(entry.keys ? { keyRecord: { ...entry.keys } } : {}),
        ...bundle,
        ...(oneTime ? { oneTime } : {}),
      };
    },
  ),
] as const;
