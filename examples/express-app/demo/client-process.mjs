import { once } from 'node:events';
import { pythonCommand } from './python.mjs';

/** Between two requests of one client, on average. */
const THINK_MS = 400;
/** Thinking faster than that would only show how fast the machine is. */
const MAX_THINK_SPEED = 2;

/**
 * Starts one client with a fresh API key.
 * @param {import('./story.mjs').Stage} stage
 * @param {import('./scoreboard.mjs').Scoreboard['clients'][number]} seat its line on the scoreboard
 */
export async function startClient({ url, operator, children, board, screen, speed, signal }, seat) {
  const { name, version, language } = seat;
  const { id, apiKey } = await operator.createCustomer(name);
  const python = language === 'python' ? pythonCommand() : undefined;
  if (language === 'python' && !python) {
    seat.language = undefined;
    screen.note(`  ${name} is no Python here: python3 with cryptography and requests is not installed.`);
  }
  const child = python
    ? children.startProgram(python, 'client.py', name)
    : children.start('client.mjs', name);
  const thinkMs = THINK_MS / Math.min(speed, MAX_THINK_SPEED);
  child.send({ url, apiKey, version, thinkMs });

  child.on('message', (/** @type {any} */ message) => {
    const { type, reason, code, method, credential } = message;
    if (type === 'failed') return board.countFailed(`${name} ${reason}`);
    if (type === 'turned-away') {
      board.countTurnedAway();
      return child.emit('turned-away', code);
    }
    if (type !== 'served') return child.emit(type, message);
    board.countServed(method, credential);
    seat.credential = credential;
    child.emit(credential);
  });

  return {
    id,
    name,
    apiKey,
    /** Resolves when the first request with xLink was served. */
    async move() {
      if (seat.credential === 'starting') await once(child, 'api-key', { signal });
      child.send({ type: 'move' });
      await once(child, 'xlink', { signal });
    },
    /** Resolves when its key was accepted. */
    servedByKey: () => once(child, 'api-key', { signal }),
    /** Resolves when its key was refused, to the code. */
    turnedAway: async () => (await once(child, 'turned-away', { signal }))[0],
    /** Has the client switch its own key off; resolves to the status. */
    async switchKeyOff() {
      child.send({ type: 'key-off' });
      const [{ status }] = await once(child, 'key-off', { signal });
      return status;
    },
  };
}
