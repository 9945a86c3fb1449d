import type { Headers } from '../../http/decision.js';
import { setHeaders } from '../node/response.js';
import type { KoaResponse } from '../node/types.js';

/** Koa drops all headers when a handler throws. These are put back, where they are missing, right before they are sent. */
export function keepHeaders(res: KoaResponse, headers: Headers): void {
  const names = Object.keys(headers);
  if (names.length === 0) return;
  const { writeHead } = res;
  res.writeHead = function writeHeadWithAll(...args) {
    const missing = Object.entries(headers).filter(([name]) => res.getHeader(name) === undefined);
    setHeaders(res, Object.fromEntries(missing));
    return writeHead.apply(res, args);
  };
}
