// Test files that start many processes, browsers or several servers, and so keep all cores busy by themselves. Two of them at once starve
// each other until something takes too long.

const HEAVY = [
  'metrics/cardinality',
  'deploy/',
  'examples/',
  'scale/',
  'benchmarks/',
  'dashboard/',
  'dashboards/',
  'stores/redis/nonce-store-changed',
  'stores/client-store-outages',
  'relay/crash',
  'scenario/',
  // of the wings
  'approval-page',
  'onboard.',
  'invite-commands.',
  'command.',
  'identity-commands.',
  'api-commands.',
  'server/serve.',
  'server/invites.',
  'lost-laptop.',
  'sso/browser.',
  'login-pages.',
  'passkey.',
  'sizes.',
  'story.',
  'demo.',
  'network.',
  'recovery.',
];

/** Where a test file is below its folder `test`. */
export const placeOf = (path) => path.replaceAll('\\', '/').split('/test/').at(-1);

export const isHeavy = (path) =>
  path.endsWith('.integration.test.ts') && HEAVY.some((start) => placeOf(path).startsWith(start));
