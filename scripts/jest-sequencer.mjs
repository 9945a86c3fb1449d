// The files that take longest start first, so that no worker ends long before the other. Jest knows that only from an
// earlier run, and a fresh clone has none. Those that measure the heap lead: it is quick to look at while it is small.
// Those that keep both cores busy take turns with those that mostly wait, so that two of the former seldom meet.
import Sequencer from '@jest/test-sequencer';

const LONG = [
  'memory/',
  'metrics/cardinality',
  'deploy/deploy.',
  'examples/demo',
  'examples/purchase/crash',
  'scale/floods',
  'stores/redis/nonce-store-changed-server',
  'scale/revocation',
  'dashboard/demo',
  'scale/postgres-outages',
  'dashboard/page',
  'scale/empty-redis',
  'stores/redis/nonce-store-changed-cluster',
  'scale/outages',
  'stores/redis/silent-cut',
  'scale/replays',
  'stores/client-store-outages',
  'scale/soak',
  'dashboards/queries',
  'relay/crash',
  'stores/redis/',
  'scenario/',
  'dashboards/example',
  'stores/postgres/trust-registry',
  'scale/clocks',
  'stores/file/kill',
  'stores/file/trust-registry-crash',
];

const rankOf = ({ path }) => {
  const file = path.replaceAll('\\', '/').split('/test/').at(-1);
  const at = LONG.findIndex((start) => file.startsWith(start));
  return at < 0 ? LONG.length : at;
};

export default class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => rankOf(a) - rankOf(b));
  }
}
