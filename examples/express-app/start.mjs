// The demo: an API, twelve clients that leave their API keys for xLink one by one, and the figure that shows it.
//
//   DEMO=once      end by itself when all clients have moved: exit 0 if all went well, else 1
//   DEMO_SPEED=10  so many times faster
//   PORT, DATA_DIR where to listen (3000) and where to keep data (a temporary folder, removed at the end)
//
// Ctrl-C stops it: exit 0, or 130 with DEMO=once, which did not get to its end then.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Children } from './demo/children.mjs';
import { intro } from './demo/intro.mjs';
import { Operator } from './demo/operator.mjs';
import { announce, withdraw } from './demo/running.mjs';
import { Scoreboard } from './demo/scoreboard.mjs';
import { Screen } from './demo/screen.mjs';
import { migrate } from './demo/story.mjs';
import { welcomeVisitor } from './demo/visitor.mjs';

/** How long DEMO=once may take. */
const MAX_ONCE_MS = 120_000;

const { DEMO, DEMO_SPEED = '1', DATA_DIR } = process.env;
const speed = Math.max(Number(DEMO_SPEED) || 1, 0.1);
const adminToken = randomBytes(24).toString('base64url');
const dashboardPassword = randomBytes(12).toString('base64url');
const folder = DATA_DIR ?? mkdtempSync(join(tmpdir(), 'xlink-demo-'));

const stop = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => stop.abort(signal));
process.on('uncaughtException', (error) => stop.abort(error)); // unhandled rejections too
process.stdout.on('error', () => stop.abort('nobody reads'));
const children = new Children((why) => stop.abort(why));
const board = new Scoreboard();
const screen = new Screen(board);
if (DEMO === 'once') setTimeout(tooLate, MAX_ONCE_MS).unref();
try {
  await play();
  if (DEMO !== 'once' && !stop.signal.aborted) await once(stop.signal, 'abort');
} catch (error) {
  if (!stop.signal.aborted) stop.abort(error);
} finally {
  screen.stop();
  await children.stop();
  withdraw(folder);
  if (!DATA_DIR) rmSync(folder, { recursive: true, force: true });
}
process.exitCode = exitCode();

async function play() {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { url, serviceDid } = await startServer();
  const operator = new Operator(url, adminToken);
  const visitor = await welcomeVisitor(operator, { url, serviceDid, folder });
  announce({ url, serviceDid, folder });
  console.log(intro(url, visitor.apiKey, dashboardPassword));
  screen.start();
  await migrate({ url, serviceDid, operator, visitor, children, board, screen, speed, signal: stop.signal });
}

async function startServer() {
  const server = children.start('../server.mjs', 'the server', {
    DATA_DIR: folder,
    ADMIN_TOKEN: adminToken,
    DASHBOARD_PASSWORD: dashboardPassword,
    ADOPTION_WINDOW_MS: String(Math.max(1000, Math.round(10_000 / speed))),
  });
  const [{ url, did, wantedPort }] = await once(server, 'message', { signal: stop.signal });
  if (wantedPort !== 0 && new URL(url).port !== String(wantedPort))
    console.log(`\n  Port ${wantedPort} is taken; here is a free one.`);
  return { url, serviceDid: did };
}

function tooLate() {
  stop.abort(new Error(`not done after ${MAX_ONCE_MS / 1000} s, adoption is at ${board.percent} %`));
}

/** Says what went wrong, if anything did. */
function exitCode() {
  const { reason } = stop.signal;
  if (reason instanceof Error) {
    console.error(`\n  The demo failed: ${reason.message}`);
    return 1;
  }
  return DEMO === 'once' && stop.signal.aborted ? 130 : 0;
}
