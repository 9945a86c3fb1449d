import { xlockRoute } from './kit.js';
import { ANY, DEVICE, DONE, PASSKEY, TEXT } from './shapes.js';

const DEVICE_LIST = { type: 'array', items: ANY } as const;

export const deviceRoutes = [
  xlockRoute(
    {
      id: 'listPasskeys',
      method: 'GET',
      path: '/v1/passkeys',
      tag: 'Devices',
      summary: 'Passkeys by their DID, with their devices, revoked ones included',
      access: 'devices:read',
      query: {
        userId: TEXT,
        after: PASSKEY,
        max: { type: 'integer', minimum: 1, maximum: 1000, description: 'default 100' },
      },
      answer: {
        status: 200,
        description: 'The passkeys; `next` is for `after` where there are more',
        schema: {
          title: 'Passkeys',
          type: 'object',
          properties: { passkeys: DEVICE_LIST, next: PASSKEY },
          required: ['passkeys'],
        },
      },
    },
    async ({ server, query: { max = 100, ...where } }) => {
      const found = await server.verifier.accounts(where);
      const passkeys = found.slice(0, max).map((account) => ({ ...account }));
      return found.length > max ? { passkeys, next: passkeys.at(-1)!.did } : { passkeys };
    },
  ),
  xlockRoute(
    {
      id: 'listDevices',
      method: 'GET',
      path: '/v1/passkeys/{did}',
      tag: 'Devices',
      summary: 'A passkey and its devices, revoked ones included',
      access: 'devices:read',
      params: { did: PASSKEY },
      answer: { status: 200, description: 'The passkey', schema: ANY },
      errors: ['PASSKEY_NOT_FOUND'],
    },
    async ({ server, params }) => ({ ...(await server.verifier.account(params.did)) }),
  ),
  xlockRoute(
    {
      id: 'revokePasskey',
      method: 'DELETE',
      path: '/v1/passkeys/{did}',
      tag: 'Devices',
      summary: 'Revokes a passkey, for good; its sessions are over',
      access: 'devices:write',
      params: { did: PASSKEY },
      answer: DONE,
      errors: ['PASSKEY_NOT_FOUND'],
    },
    async ({ server, params }) => {
      await server.verifier.revokePasskey(params.did);
      return { ok: true };
    },
  ),
  xlockRoute(
    {
      id: 'revokeDevice',
      method: 'DELETE',
      path: '/v1/passkeys/{did}/devices/{deviceId}',
      tag: 'Devices',
      summary: 'Revokes a device and its key, for good; its sessions are over',
      access: 'devices:write',
      params: { did: PASSKEY, deviceId: DEVICE },
      answer: DONE,
      errors: ['PASSKEY_NOT_FOUND'],
    },
    async ({ server, params }) => {
      await server.verifier.revokeDevice(params.did, params.deviceId);
      return { ok: true };
    },
  ),
  xlockRoute(
    {
      id: 'revokeKey',
      method: 'DELETE',
      path: '/v1/keys/{deviceId}',
      tag: 'Devices',
      summary:
        'Revokes the key of a device for all passkeys that it is registered for, for good; its sessions are over',
      access: 'devices:write',
      params: { deviceId: DEVICE },
      answer: {
        status: 200,
        description: 'DIDs of the passkeys',
        schema: {
          title: 'RevokedKey',
          type: 'object',
          properties: { passkeys: { type: 'array', items: { type: 'string' } } },
          required: ['passkeys'],
        },
      },
      errors: ['PASSKEY_NOT_FOUND'],
    },
    async ({ server, params }) => ({ passkeys: [...(await server.verifier.revokeKey(params.deviceId))] }),
  ),
] as const;
