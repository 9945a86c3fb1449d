// The files that take longest start first, so that no worker ends long before the other. Jest knows that only from an
// earlier run, and a fresh clone has none. Those that measure the heap lead: it is quick to look at while it is small.
import Sequencer from '@jest/test-sequencer';

const LONG = [
  'memory/',
  'metrics/cardinality',
  'deploy/deploy.',
  'scale/',
  'stores/redis/nonce-store-changed-',
  'dashboard/demo',
  'examples/demo',
  'dashboard/page',
  'relay/crash',
  'scenario/',
  'stores/redis/',
  'stores/client-store-outages',
  'dashboards/queries',
  'stores/postgres/trust-registry',
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
