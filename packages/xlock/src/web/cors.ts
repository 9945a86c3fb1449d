import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Lets pages of other origins, such as the approval page, post what is signed by a device. No cookie of the browser comes along: `*` does not go with
 * credentials. Answers the question that browsers ask before (`OPTIONS`): whether it did.
 */
export function answerCors(request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('access-control-allow-origin', '*');
  if (request.method !== 'OPTIONS') return false;
  response
    .writeHead(204, {
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type',
      'access-control-max-age': '600',
    })
    .end();
  return true;
}
