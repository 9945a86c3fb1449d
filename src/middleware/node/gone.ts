import type { NodeRequest } from './types.js';

/** Calls `then` once nobody waits for the answer any more, at once if that is so already, until the returned function is called. */
export function whenGone({ socket, stream }: NodeRequest, then: () => void): () => void {
  const line = stream ?? socket; // many requests of HTTP/2 share one socket
  if (line?.destroyed) then();
  else if (line?.once && line.removeListener) {
    line.once('close', then);
    return () => line.removeListener!('close', then);
  }
  return () => {};
}
