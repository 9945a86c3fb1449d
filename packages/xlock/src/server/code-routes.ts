import type { Result } from '@private.me/xlink';
import type { XlockError } from '../errors.js';
import { MessageCodes, type MessageSender } from '../fallback/message-codes.js';
import { OfflineCodes } from '../fallback/offline-codes.js';
import { checkNames, checkValue, hasMethods, isBoolean } from '../util/options.js';
import type { VerifiedAuth } from '../verifier/verifier.js';
import { type XlockRoute, type XlockServerParts, xlockRoute } from './kit.js';
import { ANY, DID, ID, OK, PASSKEY, TEXT, TIME } from './shapes.js';

/** Logins by one-time codes. Weaker than an approval: a copied page can ask for them. */
export interface XlockCodeOptions {
  /** Takes codes that devices made for times without a network. Default `false`. */
  readonly offline?: boolean;
  /** Sends codes by SMS or e-mail, to users for whom it was enabled. Default none: there are no such codes. */
  readonly sender?: MessageSender;
}

const CODE = {
  type: 'string',
  pattern: '^[A-Za-z0-9 -]{4,64}$',
  description: 'as the user typed it',
} as const;
const WHO = { did: DID, userId: TEXT } as const;
const POST = { method: 'POST', tag: 'Logins' } as const;
const BEGUN = {
  title: 'Session',
  type: 'object',
  properties: {
    did: { type: 'string' },
    userId: { type: 'string' },
    deviceId: { type: 'string' },
    token: { type: 'string', description: 'of the session: shown once' },
    until: TIME,
  },
  required: ['did', 'userId', 'deviceId', 'token', 'until'],
} as const;
const session = { status: 201, description: 'The session', schema: BEGUN } as const;

async function begun({ verifier }: XlockServerParts, verified: Result<VerifiedAuth, XlockError>) {
  if (!verified.ok) throw verified.error;
  const { did, userId, deviceId } = verified.value;
  const { token, session } = await verifier.beginSession(verified.value);
  return { did, userId, deviceId, token, until: session.until };
}

const offlineOf = ({ verifier }: XlockServerParts) => new OfflineCodes({ verifier });

const offlineRoutes = [
  xlockRoute(
    {
      ...POST,
      id: 'acceptOfflineCodes',
      path: '/v1/codes/offline',
      access: 'public',
      body: ANY,
      summary:
        'Hashes of codes that a device made, signed by it and the passkey; they take the place of those before',
      answer: { status: 200, description: 'They are good from now on', schema: OK },
      errors: ['RESPONSE_SIGNATURE_INVALID', 'RESPONSE_DEVICE_MISMATCH', 'CHALLENGE_EXPIRED'],
    },
    async ({ server, body }) => {
      await offlineOf(server).accept(body);
      return { ok: true };
    },
  ),
  xlockRoute(
    {
      ...POST,
      id: 'redeemOfflineCode',
      path: '/v1/codes/offline/redeem',
      access: 'logins:write',
      summary: 'Takes a code of a device without a network, once, and begins a session',
      body: { title: 'OfflineCode', type: 'object', properties: { ...WHO, code: CODE }, required: ['code'] },
      answer: session,
      errors: ['RESPONSE_SIGNATURE_INVALID:CODE'],
    },
    async ({ server, body }) =>
      begun(server, await offlineOf(server).redeem(body as { readonly code: string })),
  ),
] as const;

function messageRoutes(sender: MessageSender) {
  let made: MessageCodes | undefined;
  const codesOf = ({ verifier }: XlockServerParts) => (made ??= new MessageCodes({ verifier, sender }));
  return [
    xlockRoute(
      {
        ...POST,
        id: 'enableMessages',
        path: '/v1/codes/message/enable',
        access: 'devices:write',
        summary:
          'Allows codes by message for a user who asked for it and is logged in; revoking the device that it adds ends it',
        body: {
          title: 'MessageDestination',
          type: 'object',
          properties: {
            did: PASSKEY,
            to: { type: 'string', pattern: '^.{1,320}$', description: 'for the sender: a number or address' },
          },
          required: ['did', 'to'],
        },
        answer: {
          status: 201,
          description: 'The device',
          schema: {
            title: 'MessageDevice',
            type: 'object',
            properties: { deviceId: { type: 'string' } },
            required: ['deviceId'],
          },
        },
        errors: ['PASSKEY_NOT_FOUND'],
      },
      async ({ server, body }) => ({ deviceId: await codesOf(server).enable(body) }),
    ),
    xlockRoute(
      {
        ...POST,
        id: 'sendCode',
        path: '/v1/codes/message',
        access: 'logins:write',
        summary: 'Sends a code; for who did not enable it the answer is the same, and nothing is sent',
        body: { title: 'CodeWish', type: 'object', properties: WHO },
        answer: {
          status: 201,
          description: 'Where it is to be typed',
          schema: {
            title: 'SentCode',
            type: 'object',
            properties: { id: ID, expiresAt: TIME },
            required: ['id', 'expiresAt'],
          },
        },
      },
      ({ server, body }) => codesOf(server).begin(body as object),
    ),
    xlockRoute(
      {
        ...POST,
        id: 'takeCode',
        path: '/v1/codes/message/{id}',
        access: 'logins:write',
        params: { id: ID },
        summary: 'Takes the code that was sent, within ten minutes and five tries, and begins a session',
        body: { title: 'TypedCode', type: 'object', properties: { code: CODE }, required: ['code'] },
        answer: session,
        errors: ['RESPONSE_SIGNATURE_INVALID:CODE', 'CHALLENGE_EXPIRED', 'CHALLENGE_ALREADY_USED'],
      },
      async ({ server, params, body }) => begun(server, await codesOf(server).verify(params.id, body.code)),
    ),
  ] as const;
}

/** The rows that were asked for. Throws `INVALID_OPTION`. */
export function codeRoutes(options: XlockCodeOptions): readonly XlockRoute[] {
  const OWNER = 'XlockServer codes';
  checkNames(OWNER, options, ['offline', 'sender']);
  const { offline = false, sender } = options;
  checkValue(OWNER, 'offline', offline, isBoolean, 'true or false');
  checkValue(OWNER, 'sender', sender, hasMethods('send'), 'an object with send()');
  return [...(offline ? offlineRoutes : []), ...(sender ? messageRoutes(sender) : [])];
}
