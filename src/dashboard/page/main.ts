// What runs in the page. It shows what the server says, and never takes any of it for markup.
import { showAdoption } from './adoption.js';
import { announce, deliver } from './announce.js';
import { onSearch, showClients } from './clients.js';
import { byId, setText } from './dom.js';
import { showFailures } from './failures.js';
import { showFoot } from './foot.js';
import { Live } from './live.js';
import { showMode } from './mode.js';
import { Traffic } from './traffic.js';
import { clockWithSeconds } from './words.js';

const traffic = new Traffic();
let state: 'waiting' | 'live' | 'lost' = 'waiting';
let mode: string | undefined;

const live = new Live({
  snapshot(snapshot) {
    showAdoption(snapshot);
    showMode(snapshot);
    traffic.show(snapshot);
    showClients(snapshot);
    showFailures(snapshot);
    showFoot(snapshot);
    if (mode !== undefined && mode !== snapshot.mode.current)
      announce(`The mode is ${snapshot.mode.current} now.`, true);
    mode = snapshot.mode.current;
    connection('live', 'Live');
    deliver();
  },
  lost(since) {
    const when = since === undefined ? '' : ` since ${clockWithSeconds(since)}. The figures are of then`;
    connection('lost', `Connection lost${when}.`);
  },
  refused() {
    connection('lost', 'You are no longer let in. Reload the page.');
  },
});

function connection(next: typeof state, text: string): void {
  byId('connection').dataset['state'] = next;
  setText(byId('connection-text'), text);
  if (next !== state && state !== 'waiting')
    announce(next === 'live' ? 'The connection is back.' : text, true);
  state = next;
}

onSearch((text) => live.search(text));
live.start();
