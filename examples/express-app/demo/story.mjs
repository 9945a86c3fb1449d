import { setInterval as every, setTimeout as pause } from 'node:timers/promises';
import { startClient } from './client-process.mjs';
import { paint } from './paint.mjs';

const STAGGER_MS = 150;
const BEFORE_FIRST_MOVE_MS = 3000;
const BETWEEN_MOVES_MS = 3400;
const POLL_MS = 250;

/**
 * @typedef {object} Stage
 * @property {string} url
 * @property {string} serviceDid
 * @property {import('./operator.mjs').Operator} operator
 * @property {Awaited<ReturnType<typeof import('./visitor.mjs').welcomeVisitor>>} visitor
 * @property {import('./children.mjs').Children} children
 * @property {import('./scoreboard.mjs').Scoreboard} board
 * @property {import('./screen.mjs').Screen} screen
 * @property {number} speed
 * @property {AbortSignal} signal
 */

/**
 * What happens, in order. Throws at the first thing that goes wrong.
 * @param {Stage} stage
 */
export async function migrate(stage) {
  const { board, screen } = stage;
  void followAdoption(stage);

  const clients = [];
  for (const seat of board.clients) {
    clients.push(await startClient(stage, seat));
    await wait(stage, STAGGER_MS);
  }
  await wait(stage, BEFORE_FIRST_MOVE_MS);
  for (const client of clients) {
    await client.move();
    await wait(stage, BETWEEN_MOVES_MS);
  }

  await untilAdopted(stage);
  await assertNobodyLeft(stage, clients);
  screen.note(`${check} All moved in ${board.clock} and no request failed: safe to turn the keys off.`);
  await turnKeysOff(stage);
  await assertOnlyXlinkWorks(stage);
  screen.note(`${check} Done: the key above gets 401 XLINK_REQUIRED now, and xLink 200 as before.`);
}

const check = paint.green('✓');

/** @param {Stage} stage @param {number} ms */
const wait = ({ speed, signal }, ms) => pause(ms / speed, undefined, { signal });

/** Keeps reading the figure that a dashboard would show. @param {Stage} stage */
async function followAdoption({ operator, board, signal }) {
  try {
    for await (const _ of every(POLL_MS, undefined, { signal })) {
      board.adoption = (await operator.adoption()) || 0;
    }
  } catch {
    // the demo is being stopped, or the server is gone and says why
  }
}

/** A key that you use meanwhile counts too. @param {Stage} stage */
async function untilAdopted(stage) {
  while (stage.board.adoption < 1) await wait(stage, POLL_MS);
}

/** @param {Stage} stage @param {readonly { id: string, name: string }[]} clients */
async function assertNobodyLeft({ operator, board }, clients) {
  if (board.failed > 0) throw new Error(`${board.failed} requests failed, the last was ${board.lastFailure}`);
  const moved = new Set((await operator.report()).filter(({ moved }) => moved).map(({ id }) => id));
  const left = clients.filter(({ id }) => !moved.has(id)).map(({ name }) => name);
  if (left.length > 0) throw new Error(`still on API keys: ${left.join(', ')}`);
}

/** @param {Stage} stage */
async function turnKeysOff({ operator, board }) {
  await operator.setMode('xlink-only', 'all clients have moved');
  board.mode = 'xlink-only';
}

/** @param {Stage} stage */
async function assertOnlyXlinkWorks({ url, visitor }) {
  const withKey = await fetch(`${url}/orders`, { headers: { 'X-API-Key': visitor.apiKey } });
  const { code } = await withKey.json();
  if (withKey.status !== 401 || code !== 'XLINK_REQUIRED')
    throw new Error(`an API key got ${withKey.status} ${code} in xlink-only`);
  const withXlink = await visitor.call('GET', '/orders');
  if (withXlink.status !== 200) throw new Error(`xLink got ${withXlink.status} in xlink-only`);
}
