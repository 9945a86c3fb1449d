import { paint } from './paint.mjs';

/** @typedef {import('./scoreboard.mjs').Scoreboard} Scoreboard */

const BAR_WIDTH = 66;

/**
 * The live part of the screen, at most 78 columns wide.
 * @param {Scoreboard} board
 */
export function panelLines(board) {
  const moved = `${board.moved} of ${board.clients.length} clients moved`;
  const mode = `mode ${board.mode}`;
  return [
    `  ${paint.bold('xLink adoption')}${moved.padStart(30)}${mode.padStart(20)}${board.clock.padStart(10)}`,
    `  ${bar(board.adoption)}${paint.bold(`${board.percent} %`.padStart(8))}`,
    `  requests/s   ${paint.green(`xLink ${board.perSecond('xlink')}`)}   ${paint.yellow(`API key ${board.perSecond('api-key')}`)}`,
    `  served       ${board.served}   ${calls(board)}   keys refused ${board.turnedAway}   ${failures(board)}`,
    '',
    ...clientRows(board),
    ...board.notes.map((note) => `  ${note}`),
  ];
}

/**
 * The same in one line, for logs.
 * @param {Scoreboard} board
 */
export const statusLine = (board) =>
  [
    board.clock,
    `mode ${board.mode}`,
    `adoption ${board.percent} %`,
    `moved ${board.moved}/${board.clients.length}`,
    `xLink ${board.perSecond('xlink')}/s`,
    `API key ${board.perSecond('api-key')}/s`,
    `served ${board.served}`,
    `keys refused ${board.turnedAway}`,
    `failed ${board.failed}`,
  ].join('  ');

/** @param {number} ratio */
function bar(ratio) {
  const filled = Math.floor(ratio * BAR_WIDTH);
  return paint.green('█'.repeat(filled)) + paint.dim('░'.repeat(BAR_WIDTH - filled));
}

/** @param {Scoreboard} board */
const calls = ({ calls }) =>
  Object.entries(calls)
    .map(([method, count]) => `${method} ${count}`)
    .join('   ');

/** @param {Scoreboard} board */
const failures = ({ failed, lastFailure }) =>
  failed === 0 ? 'failed 0' : paint.red(`failed ${failed}: ${lastFailure.replace(/\s+/g, ' ')}`);

/**
 * Two columns, read downwards.
 * @param {Scoreboard} board
 */
function clientRows({ clients }) {
  const half = Math.ceil(clients.length / 2);
  return clients.slice(0, half).map((client, row) => `  ${cell(client)}${cell(clients[row + half])}`);
}

const LOOKS = {
  starting: { mark: '·', color: paint.dim },
  'api-key': { mark: '○', color: paint.yellow },
  xlink: { mark: '●', color: paint.green },
};

/** @param {Scoreboard['clients'][number] | undefined} client */
function cell(client) {
  if (!client) return '';
  const { name, credential, version, language } = client;
  const { mark, color } = LOOKS[credential];
  const label = {
    starting: 'starting',
    'api-key': 'API key',
    xlink: language ? 'signature' : `xLink v${version}`,
  }[credential];
  return color(`${mark} ${name.padEnd(20)}${label}`.padEnd(38));
}
