import { setInterval as every, setTimeout as pause } from 'node:timers/promises';
import { startClient } from './client-process.mjs';
import { paint } from './paint.mjs';

const STAGGER_MS = 150;
const BEFORE_FIRST_MOVE_MS = 3000;
const BETWEEN_MOVES_MS = 2200;
const BROWNOUT_MS = 3000;
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
  const stuck = /** @type {Client} */ (clients.at(-1));
  for (const client of clients.slice(0, -1)) {
    await client.move();
    await wait(stage, BETWEEN_MOVES_MS);
  }

  await oneIsStuck(stage, stuck);
  await tooEarlyAndBack(stage, stuck);
  await stuck.move();
  screen.note(`${check} ${stuck.name} has changed its two lines.`);
  await keyOff(stage, /** @type {Client} */ (clients[0]));

  await untilAdopted(stage);
  await untilNobodyLeft(stage, clients);
  screen.note(`${check} All moved in ${board.clock} and no request failed: safe to turn the keys off.`);
  await setMode(stage, 'xlink-only', 'all clients have moved');
  await assertOnlyXlinkWorks(stage);
  screen.note(`${check} Done: the key above gets 401 XLINK_REQUIRED now, and xLink 200 as before.`);
}

/** @typedef {Awaited<ReturnType<typeof startClient>>} Client */

/** All but one have moved; a brownout makes it heard. @param {Stage} stage @param {Client} stuck */
async function oneIsStuck(stage, stuck) {
  const { operator, screen } = stage;
  const left = (await operator.left()).find(({ client }) => client === stuck.id);
  if (!left) throw new Error(`${stuck.name} should be in the report of those who are left`);
  screen.note(`! ${stuck.name} is stuck on its key (${left.reason}): warnings, and a brownout.`);
  await setMode(stage, 'deprecation', 'one is left');
  const refused = stuck.turnedAway();
  const ended = () => wait(stage, BROWNOUT_MS);
  while (!(await Promise.race([refused, operator.brownout(BROWNOUT_MS / stage.speed).then(ended)])));
  await expectCode(refused, 'API_KEY_BROWNOUT');
  await stuck.servedByKey(); // it is over
}

/** Enforcing too early is seen at once, and taken back as fast. @param {Stage} stage @param {Client} stuck */
async function tooEarlyAndBack(stage, stuck) {
  const refused = stuck.turnedAway();
  await setMode(stage, 'xlink-only', 'too early');
  await expectCode(refused, 'XLINK_REQUIRED');
  const served = stuck.servedByKey();
  await setMode(stage, 'hybrid', `${stuck.name} is refused`);
  await served;
  stage.screen.note(
    `${check} Rolled back: xlink-only refused ${stuck.name}, one call later its key works again.`,
  );
}

/** A client that has moved ends its own key, so that nobody can use it. @param {Stage} stage @param {Client} client */
async function keyOff({ url, screen }, client) {
  const status = await client.switchKeyOff();
  if (status !== 200) throw new Error(`the key of ${client.name} was not switched off: ${status}`);
  const answer = await fetch(`${url}/orders`, { headers: { 'X-API-Key': client.apiKey } });
  await expectCode(
    answer.json().then(({ code }) => code),
    'API_KEY_SWITCHED_OFF',
  );
  screen.note(`${check} ${client.name} switched its own key off: whoever found it gets 401.`);
}

/** @param {Promise<string>} code @param {string} expected */
async function expectCode(code, expected) {
  const found = await code;
  if (found !== expected) throw new Error(`a key got ${found} in the place of ${expected}`);
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

/**
 * Each client has used xLink since its key was last tried, by whomever.
 * @param {Stage} stage @param {readonly { id: string, name: string }[]} clients
 */
async function untilNobodyLeft(stage, clients) {
  const { operator, board } = stage;
  for (;;) {
    if (board.failed > 0)
      throw new Error(`${board.failed} requests failed, the last was ${board.lastFailure}`);
    const moved = new Set((await operator.report()).filter(({ moved }) => moved).map(({ id }) => id));
    if (clients.every(({ id }) => moved.has(id))) return;
    await wait(stage, POLL_MS);
  }
}

/** @param {Stage} stage @param {import('@private.me/xlink').Mode} mode @param {string} reason */
async function setMode({ operator, board }, mode, reason) {
  await operator.setMode(mode, reason);
  board.mode = mode;
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
