import { once } from 'node:events';

/** Between two requests of one client, on average. */
const THINK_MS = 400;
/** Thinking faster than that would only show how fast the machine is. */
const MAX_THINK_SPEED = 2;

/**
 * Starts one client with a fresh API key.
 * @param {import('./story.mjs').Stage} stage
 * @param {import('./scoreboard.mjs').Scoreboard['clients'][number]} seat its line on the scoreboard
 */
export async function startClient({ url, serviceDid, operator, children, board, speed, signal }, seat) {
  const { name, version } = seat;
  const { id, apiKey } = await operator.createCustomer(name);
  const child = children.start('client.mjs', name);
  const thinkMs = THINK_MS / Math.min(speed, MAX_THINK_SPEED);
  child.send({ url, serviceDid, apiKey, version, thinkMs });

  child.on('message', async (/** @type {any} */ message) => {
    if (message.type === 'failed') return board.countFailed(`${name} ${message.reason}`);
    if (message.type === 'enroll') {
      await operator.enroll(id, message.keys);
      return child.send({ type: 'enrolled' });
    }
    board.countServed(message.method, message.credential);
    if (seat.credential === message.credential) return;
    seat.credential = message.credential;
    child.emit(message.credential);
  });

  return {
    id,
    name,
    /** Resolves when the first request with xLink was served. */
    async move() {
      if (seat.credential === 'starting') await once(child, 'api-key', { signal });
      child.send({ type: 'move' });
      await once(child, 'xlink', { signal });
    },
  };
}
