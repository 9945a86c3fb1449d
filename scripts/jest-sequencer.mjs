// Files that measure the heap lead: it is quick to look at while it is small. Then the heavy ones, each behind its share of the others, so that
// one worker has something else to do while the other is at a heavy one: see test/support/turns.mjs.
import Sequencer from '@jest/test-sequencer';
import { isHeavy, placeOf } from './heavy-tests.mjs';

/** These mostly wait, and for long: they start first, so that no worker ends long before the other. Jest knows that only from an earlier run. */
const WAITING = [
  'stores/redis/silent-cut',
  'stores/redis/',
  'stores/postgres/',
  'stores/file/kill',
  'stores/file/trust-registry-crash',
];

const rankOf = ({ path }) => {
  const at = WAITING.findIndex((start) => placeOf(path).startsWith(start));
  return at < 0 ? WAITING.length : at;
};

export default class InTurns extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const ofHeap = (test) => placeOf(test.path).startsWith('memory/');
    const heavy = sorted.filter(({ path }) => isHeavy(path));
    const others = sorted
      .filter((test) => !ofHeap(test) && !isHeavy(test.path))
      .sort((a, b) => rankOf(a) - rankOf(b));
    const share = Math.ceil(others.length / Math.max(1, heavy.length));
    const mixed = heavy.flatMap((test, at) => [test, ...others.slice(at * share, (at + 1) * share)]);
    return [...sorted.filter(ofHeap), ...(heavy.length > 0 ? mixed : others)];
  }
}
