// How an instance leaves without losing a request.

/** The header by which a proxy says that it takes a 502 from here to another instance. */
const ELSEWHERE = 'x-elsewhere-on';

/**
 * In front of everything else. While the instance is leaving, a proxy that can is sent elsewhere before the envelope is
 * looked at, so that it is still good there; all others are served, and asked to open a new connection next time.
 * @param {() => boolean} isLeaving
 * @returns {import('express').RequestHandler}
 */
export const drain = (isLeaving) => (req, res, next) => {
  if (!isLeaving()) return next();
  res.set('Connection', 'close');
  if (req.headers[ELSEWHERE] === '502') res.status(502).end();
  else next();
};

/**
 * Resolves once all requests under way are answered, or cuts them off after `ms`.
 * @param {import('node:http').Server} server
 * @param {number} ms
 */
export async function finish(server, ms) {
  const isClosed = new Promise((resolve) => server.close(resolve));
  const idle = setInterval(() => server.closeIdleConnections(), 50); // those that were busy when it closed
  const deadline = setTimeout(() => server.closeAllConnections(), ms);
  await isClosed;
  clearInterval(idle);
  clearTimeout(deadline);
}
