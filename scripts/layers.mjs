// The layers of src/, from low to high; an import may only point down the list.
// A name with a trailing slash is a folder of src/, any other is a file of src/.

// The published subpaths.
const fronts = [
  'audit',
  'client',
  'errors',
  'fastify',
  'file',
  'hono',
  'http-api',
  'koa',
  'logging',
  'metrics',
  'opentelemetry',
  'options',
  'postgres',
  'redis',
  'server',
  'testing',
  'verify',
  'web-bot-auth',
];

export const layers = [
  ['errors/', 'types/', 'util/'],
  ['crypto/'],
  ['identity/'],
  ['envelope/', 'checks/', 'security/', 'split-channel/'],
  ['http/'],
  ['signature/'],
  ['registry/', 'nonce/', 'limits/', 'transport/', 'discovery/', 'web-bot-auth/'],
  ['audit/'],
  ['receipts/'],
  ['agent/'],
  ['session/'],
  ['policy/', 'evidence/'],
  ['adapters/'],
  ['invites/'],
  ['client/'],
  ['metrics/', 'logging/', 'opentelemetry/'],
  ['dashboard/'],
  ['middleware/'],
  ['relay/', 'registry-server/'],
  ['stores/'],
  // For servers of packages that build on this one.
  ['http-api/'],
  // For tests of applications: nothing but its front imports it.
  ['testing/'],
  // The published fronts: they may import everything, and but for the root of Node nothing imports them.
  [...fronts.map((name) => `${name}.ts`), 'index.ts'],
  ['index.node.ts'],
];

// Rooms that one front alone may import, so that nothing else of the package does.
export const roomsOfOneFront = { 'testing/': 'testing.ts' };

// Rooms inside a room, from low to high. '' is the folder itself.
export const innerLayers = {
  'adapters/': [
    ['clients/'],
    ['modes/', 'operations/'],
    ['client-limits/', 'invitations/', 'key-use/'],
    [''],
    ['migration/'],
  ],
};

// The names of a layer are strangers to each other, except in the ground floor.
export const siblingsMayMeet = (layer) => layer === 0;

// Packages that only some users install, and the folders that may name them.
export const optionalPackages = [
  'express',
  'fastify',
  'hono',
  'koa',
  'prom-client',
  'ioredis',
  '@opentelemetry/api',
  'ws',
];
export const optionalPackageFolders = ['middleware/', 'metrics/', 'opentelemetry/', 'stores/', 'relay/'];

// Packages that a build step puts into a file of ours, and the folder whose sources that step reads.
export const bundledPackages = ['uplot'];
export const bundledPackageFolder = 'dashboard/page/';

// Everything else must also run in browsers and on edge runtimes.
export const mayUseNode = (file) =>
  /^(crypto\/native|middleware\/node|relay|registry-server|http-api|testing|stores\/(file|enterprise))\//.test(
    file,
  );
