// The house plan: what may import what. Layers from low to high; an import may only point down the list.
// A name with a trailing slash is a folder of src/, any other is a file of src/.

export const layers = [
  ['error-table.ts', 'errors.ts', 'result.ts', 'types.ts', 'util/'],
  ['crypto/'],
  ['identity/'],
  [
    'envelope/',
    'checks/',
    'registry/',
    'nonce/',
    'transport/',
    'discovery/',
    'policy/',
    'audit/',
    'receipts/',
    'split-channel/',
  ],
  ['agent/'],
  ['metrics/', 'logging/', 'opentelemetry/', 'adapters/'],
  ['dashboard/'],
  ['middleware/'],
  ['server/'],
  ['cli/'],
  // The front doors: they may import everything and nothing imports them.
  ['index.ts', 'koa/'],
];

// The names of a layer are strangers to each other, except in the ground floor.
export const siblingsMayMeet = (layer) => layer === 0;

// Packages that only some users install, and the folders that may name them.
export const optionalPackages = ['express', 'koa', 'prom-client', 'ioredis', '@opentelemetry/api', 'ws'];
export const optionalPackageFolders = ['middleware/', 'metrics/', 'opentelemetry/', 'server/'];

// Packages that a build step puts into a file of ours, and the folder whose sources that step reads.
export const bundledPackages = ['uplot'];
export const bundledPackageFolder = 'dashboard/page/';

// Everything else must also run in browsers and on edge runtimes.
export const mayUseNode = (file) => /^(crypto\/native|server|cli)\//.test(file);
