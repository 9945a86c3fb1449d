import { Documents } from '@private.me/xlink/server';
import { REVOKED_PATH, type RevokedStore, revokedText } from '../stores/revoked.js';
import { sha256, toBase64url } from '../util/bytes.js';
import { type XlockServerParts, xlockRoute } from './kit.js';
import { TEXT, TIME } from './shapes.js';

const REVOKED = {
  title: 'RevokedBackend',
  type: 'object',
  properties: { url: { type: 'string' }, reason: { type: 'string' }, revokedAt: TIME },
  required: ['url', 'reason', 'revokedAt'],
} as const;

const rowsOf = ({ storage }: XlockServerParts) =>
  new Documents<RevokedStore>(storage.documents, 'xlock-backend');

export const backendRoutes = [
  xlockRoute(
    {
      id: 'listRevokedBackends',
      method: 'GET',
      path: REVOKED_PATH,
      tag: 'Devices',
      summary:
        'Stores in which no share is to lie any more, signed by the server for devices, which alone know where their shares are',
      access: 'public',
      answer: {
        status: 200,
        description: 'The list',
        schema: {
          title: 'RevokedBackends',
          type: 'object',
          properties: {
            origin: { type: 'string' },
            issuedAt: TIME,
            revoked: { type: 'array', items: REVOKED },
            signature: { type: 'string', description: 'Ed25519 of the DID of the server, base64url' },
          },
          required: ['origin', 'issuedAt', 'revoked', 'signature'],
        },
      },
    },
    async ({ server }) => {
      const revoked = [...(await rowsOf(server).all()).values()];
      const list = { origin: server.verifier.origin, issuedAt: server.clock(), revoked };
      const { ed25519 } = server.storage.identity;
      return { ...list, signature: toBase64url(await ed25519.sign(revokedText(list))) };
    },
  ),
  xlockRoute(
    {
      id: 'revokeBackend',
      method: 'POST',
      path: `${REVOKED_PATH}/revoke`,
      tag: 'Devices',
      summary:
        'Revokes a store, and all below its URL, for good: devices tell their users to move their shares away',
      access: 'backends:write',
      body: {
        title: 'BackendRevocation',
        type: 'object',
        properties: {
          url: {
            type: 'string',
            pattern: '^https?://[\\w.:\\[\\]-]{1,255}(/[\\w./%~-]{0,500})?$',
            description: 'such as https://dav.example/xlock',
          },
          reason: TEXT,
        },
        required: ['url'],
      },
      answer: { status: 201, description: 'It is in the list', schema: REVOKED },
    },
    ({ server, body: { url, reason = '' } }) => {
      const made = { url, reason, revokedAt: server.clock() };
      return rowsOf(server).update(toBase64url(sha256(url)), (before) => before ?? made);
    },
  ),
] as const;
