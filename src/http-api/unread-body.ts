import type { IncomingMessage, ServerResponse } from 'node:http';

/** How much of a refused upload is read and thrown away before the connection is cut, in bytes. The server ends slow ones in 30 s. */
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;

/** Once a request is answered, what is left of its body is thrown away: the next request on the connection would wait behind it. */
export function discardUnread(req: IncomingMessage, res: ServerResponse): void {
  res.once('finish', () => {
    if (req.complete || req.destroyed) return;
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_DISCARDED_BYTES) req.destroy();
    });
    req.resume();
  });
}
