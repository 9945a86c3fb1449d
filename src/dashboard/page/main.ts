// What runs in the page. It shows what the server says, and never takes any of it for markup.
import { onDone, showActions } from './actions.js';
import { showAdoption } from './adoption.js';
import { announce, deliver } from './announce.js';
import { showAnswer } from './answer.js';
import { showClient, showDialog } from './client-dialog.js';
import { showCounts, showTools } from './client-tools.js';
import { showClients } from './clients.js';
import { byId, setText } from './dom.js';
import { showFailures } from './failures.js';
import { showFoot } from './foot.js';
import { Live } from './live.js';
import { showMode } from './mode.js';
import { Traffic } from './traffic.js';
import { onView, queryOf, view } from './view.js';
import { clockWithSeconds } from './words.js';

const traffic = new Traffic();
let state: 'waiting' | 'live' | 'lost' = 'waiting';
let mode: string | undefined;

const live = new Live({
  snapshot(snapshot) {
    showAnswer(snapshot);
    showAdoption(snapshot);
    showMode(snapshot);
    traffic.show(snapshot);
    showClients(snapshot);
    showCounts(snapshot);
    showClient(snapshot);
    showFailures(snapshot);
    showActions(snapshot);
    showFoot(snapshot);
    if (mode !== undefined && mode !== snapshot.mode.current)
      announce(`The mode is ${snapshot.mode.current} now.`, true);
    mode = snapshot.mode.current;
    connection('live', 'Live');
    deliver();
  },
  lost(since) {
    const when = since === undefined ? '' : ` since ${clockWithSeconds(since)}. These figures are from then`;
    connection('lost', `Connection lost${when}.`);
  },
  refused() {
    connection('lost', 'You no longer have access. Reload the page.');
  },
});

function connection(next: typeof state, text: string): void {
  byId('connection').dataset['state'] = next;
  setText(byId('connection-text'), text);
  if (next !== state && state !== 'waiting')
    announce(next === 'live' ? 'The connection is back.' : text, true);
  state = next;
}

let asked = queryOf(view());
onView(() => {
  show();
  const query = queryOf(view());
  if (query === asked) return;
  asked = query;
  void live.ask();
});

function show(): void {
  showTools();
  showDialog();
  traffic.redraw();
}

onDone(() => void live.ask());
show();
void live.ask();
