// The server process. Environment: PORT (3000, or a free one where it is taken), DATA_DIR and ADMIN_TOKEN (made up where
// absent, and printed), DASHBOARD_PASSWORD (likewise), ADOPTION_WINDOW_MS.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp } from './app.mjs';

/** How long requests may take to finish after a signal. */
const GRACE_MS = 2000;

const { PORT = '3000', ADOPTION_WINDOW_MS = '10000' } = process.env;
const folder = process.env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'xlink-example-'));
const adminToken = process.env.ADMIN_TOKEN || randomBytes(24).toString('base64url');
const dashboardPassword = process.env.DASHBOARD_PASSWORD || randomBytes(18).toString('base64url');

const { app, did, close } = await openApp({
  folder,
  adminToken,
  dashboardPassword,
  windowMs: Number(ADOPTION_WINDOW_MS),
});
const server = createServer(app);
const port = await listen(Number(PORT));
const url = `http://127.0.0.1:${port}`;

if (process.send) {
  process.send({ url, did, wantedPort: Number(PORT) });
  process.on('disconnect', shutDown); // the parent is gone
  process.on('SIGINT', () => {}); // Ctrl-C reaches the parent too, which decides when to stop
} else {
  console.log(`${did}\nlistening on ${url}, data in ${folder}`);
  if (!process.env.ADMIN_TOKEN) console.log(`admin token ${adminToken}`);
  if (!process.env.DASHBOARD_PASSWORD)
    console.log(`${url}/dashboard  any user name, password ${dashboardPassword}`);
  process.on('SIGINT', shutDown);
}
process.on('SIGTERM', shutDown);

/**
 * Listens on the port, or on a free one where it is taken.
 * @param {number} wanted
 */
async function listen(wanted) {
  try {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

function shutDown() {
  if (!server.listening) return;
  server.close(async () => {
    await close();
    process.exit(0);
  });
  setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
}
