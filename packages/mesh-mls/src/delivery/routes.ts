import { GroupError } from '../errors.js';
import type { MlsSuite } from '../suites.js';
import { isServerUrl } from '../util/options.js';
import { didRoute } from './answering.js';
import type { ServerRoute } from './server-types.js';
import { serviceOf } from './service.js';
import * as shapes from './shapes.js';
import { LIMITS, type WireCommit } from './wire.js';

const ok = (description: string, schema: ServerRoute['answer']['schema']) =>
  ({ status: 200, description, ...(schema ? { schema } : {}) }) as const;

const group = { group: shapes.GROUP_ID };
/** Bytes of JSON around what a body holds. */
const AROUND = 256 * 1024;
const asText = (bytes: number): number => Math.ceil((bytes * 4) / 3);

/** Ids and numbers of `id:12,id:7`. Throws `REQUEST_INVALID`. */
function knownOf(text: string): Map<string, number> {
  const known = new Map<string, number>();
  for (const each of text.split(',').filter((part) => part !== '')) {
    const [, id, seq] = /^([A-Za-z0-9_-]{22}):(\d{1,15})$/.exec(each) ?? [];
    if (id === undefined) throw new GroupError('REQUEST_INVALID', { field: 'known' });
    known.set(id, Number(seq));
  }
  return known;
}

/** The routes that this package gives to the identity server. docs/delivery.md describes them. */
export const groupRoutes: readonly ServerRoute[] = [
  didRoute<{ suite: MlsSuite; packages: readonly string[]; lastResort?: string; replace?: boolean }>(
    {
      id: 'publishMlsKeyPackages',
      method: 'PUT',
      path: '/v1/groups/key-packages',
      summary: 'Adds MLS key packages of the calling DID',
      body: shapes.NEW_KEY_PACKAGES,
      maxBodyBytes: 2 * 1024 * 1024,
      answer: ok(`How many wait; ${LIMITS.keyPackages} at most`, shapes.WAITING),
    },
    async ({ server, did, body: { suite, ...rest } }) => ({
      waiting: await serviceOf(server).keyPackages.publish(did, suite, rest),
    }),
  ),
  didRoute(
    {
      id: 'countMlsKeyPackages',
      method: 'GET',
      path: '/v1/groups/key-packages',
      summary: 'How many one-time key packages of the calling DID wait',
      query: { suite: shapes.SUITE },
      answer: ok('How many', shapes.WAITING),
    },
    async ({ server, did, query }) => ({
      waiting: await serviceOf(server).keyPackages.count(
        did,
        (query['suite'] ?? 'x25519-aes128') as MlsSuite,
      ),
    }),
  ),
  didRoute<{ suite: MlsSuite }>(
    {
      id: 'takeMlsKeyPackage',
      method: 'POST',
      path: '/v1/groups/key-packages/{did}',
      summary: `A key package of a DID that nobody else gets: ${LIMITS.takesPerHour} an hour for each caller, then the last resort`,
      params: { did: shapes.DID },
      body: shapes.TAKE,
      answer: ok('The key package. The caller verifies it: the server has not', shapes.TAKEN),
    },
    async ({ server, did, params, body }) => {
      const service = serviceOf(server);
      await service.assertActive(params['did']!);
      return service.keyPackages.take(params['did']!, body.suite, did);
    },
  ),
  didRoute(
    {
      id: 'mlsNews',
      method: 'GET',
      path: '/v1/groups/news',
      summary: 'Waits until a group of the calling DID has something new, or an invitation is there',
      query: {
        known: {
          type: 'string',
          maxLength: LIMITS.groupsInNews * 40,
          description: 'id:seq of each group, separated by commas',
        },
        wait: { type: 'integer', minimum: 0, maximum: LIMITS.waitMs, description: 'ms; default 0' },
      },
      answer: ok('What is new', shapes.NEWS),
    },
    async ({ server, did, query, gone }) =>
      serviceOf(server).news(did, knownOf(String(query['known'] ?? '')), Number(query['wait'] ?? 0), gone),
  ),
  didRoute(
    {
      id: 'listMlsInvitations',
      method: 'GET',
      path: '/v1/groups/invitations',
      summary: 'Invitations that wait for the calling DID',
      answer: ok('All of them', shapes.INVITATIONS),
    },
    async ({ server, did }) => ({ invitations: await serviceOf(server).invitations.list(did) }),
  ),
  didRoute<{ to: string; group: string; server: string; seq: number }>(
    {
      id: 'inviteToMlsGroup',
      method: 'POST',
      path: '/v1/groups/invitations',
      summary: 'Tells a DID of this server that it was added to a group of another one',
      body: shapes.INVITE,
      answer: ok('Done', shapes.DONE),
    },
    async ({ server, did, body: { to, ...invitation } }) => {
      if (!isServerUrl(invitation.server)) throw new GroupError('REQUEST_INVALID', { field: 'server' });
      await serviceOf(server).invite(did, to, invitation);
      return { ok: true };
    },
  ),
  didRoute<{ ids: readonly number[] }>(
    {
      id: 'seenMlsInvitations',
      method: 'POST',
      path: '/v1/groups/invitations/seen',
      summary: 'Removes invitations of the calling DID',
      body: shapes.SEEN,
      answer: ok('Done', shapes.DONE),
    },
    async ({ server, did, body }) => {
      await serviceOf(server).invitations.seen(did, body.ids);
      return { ok: true };
    },
  ),
  didRoute<{ group: string; suite: MlsSuite; groupInfo?: string }>(
    {
      id: 'createMlsGroup',
      method: 'POST',
      path: '/v1/groups',
      summary:
        'Makes a group whose one member is the calling DID; with groupInfo it can be joined without invitation',
      body: shapes.NEW_GROUP,
      maxBodyBytes: asText(LIMITS.welcomeBytes) + AROUND,
      answer: ok('The group', shapes.GROUP),
    },
    async ({ server, did, body }) => serviceOf(server).create(did, body.group, body.suite, body.groupInfo),
  ),
  didRoute(
    {
      id: 'getMlsGroup',
      method: 'GET',
      path: '/v1/groups/{group}',
      summary: 'A group, for its members',
      params: group,
      answer: ok('The group', shapes.GROUP),
    },
    async ({ server, did, params }) => serviceOf(server).log.get(params['group']!, did),
  ),
  didRoute<WireCommit>(
    {
      id: 'commitToMlsGroup',
      method: 'POST',
      path: '/v1/groups/{group}/commits',
      summary:
        'A commit, taken if the group is in its epoch: of several the first one wins, the others get 409',
      params: group,
      body: shapes.COMMIT,
      maxBodyBytes: asText(LIMITS.commitBytes + 2 * LIMITS.welcomeBytes) + AROUND,
      answer: ok('The log entry', shapes.ENTRY),
    },
    async ({ server, did, params, body }) => serviceOf(server).commit(params['group']!, did, body),
  ),
  didRoute<{ kind: 'message' | 'proposal'; epoch: number; message: string }>(
    {
      id: 'postToMlsGroup',
      method: 'POST',
      path: '/v1/groups/{group}/messages',
      summary: 'A message or proposal of the present epoch',
      params: group,
      body: shapes.POST,
      answer: ok('The log entry', shapes.ENTRY),
    },
    async ({ server, did, params, body: { kind, epoch, message } }) =>
      serviceOf(server).post(params['group']!, did, kind, epoch, message),
  ),
  didRoute(
    {
      id: 'readMlsGroup',
      method: 'GET',
      path: '/v1/groups/{group}/log',
      summary: 'Log entries, for members; for those who were removed up to the entry that did it',
      params: group,
      query: { after: shapes.COUNT },
      answer: ok('The entries', shapes.LOG),
    },
    async ({ server, did, params, query }) => ({
      entries: await serviceOf(server).log.read(params['group']!, did, Number(query['after'] ?? 0)),
    }),
  ),
  didRoute(
    {
      id: 'mlsWelcome',
      method: 'GET',
      path: '/v1/groups/{group}/welcome',
      summary: 'The welcome of the log entry that added the calling DID',
      params: group,
      query: { seq: shapes.COUNT },
      answer: ok('The welcome', shapes.WELCOME),
    },
    async ({ server, did, params, query }) => ({
      welcome: await serviceOf(server).log.welcome(params['group']!, did, Number(query['seq'] ?? 0)),
    }),
  ),
  didRoute(
    {
      id: 'mlsGroupInfo',
      method: 'GET',
      path: '/v1/groups/{group}/info',
      summary: 'The group info of a group that can be joined without invitation',
      params: group,
      answer: ok('The group info', shapes.INFO),
    },
    async ({ server, params }) => ({ groupInfo: await serviceOf(server).log.info(params['group']!) }),
  ),
];
