import type { RequestListener } from 'node:http';
import serverless from 'serverless-http';
import { restOf } from '../responses.js';

interface Result {
  readonly statusCode: number;
  readonly headers: Record<string, string | string[]>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** What API Gateway does (payload format 2.0): the whole request is an event, the whole answer a result. */
export function behindGateway(app: RequestListener): RequestListener {
  const handle = serverless(app as never, { binary: ['application/xlink-answer'] }) as unknown as (
    event: object,
    context: object,
  ) => Promise<Result>;
  return async (req, res) => {
    const { method, url = '/' } = req;
    const [rawPath, ...query] = url.split('?');
    const body = await restOf(req);
    const headers = Object.entries(req.headers).map(([name, value]) => [name, [value].flat().join(',')]);
    const event = {
      version: '2.0',
      rawPath,
      rawQueryString: query.join('?'),
      headers: Object.fromEntries(headers),
      requestContext: { http: { method, path: rawPath, sourceIp: req.socket.remoteAddress } },
      ...(body.length > 0 ? { body: body.toString('base64'), isBase64Encoded: true } : {}),
    };
    const { statusCode, headers: answered, body: text, isBase64Encoded } = await handle(event, {});
    res.writeHead(statusCode, answered);
    res.end(method === 'HEAD' ? undefined : Buffer.from(text, isBase64Encoded ? 'base64' : 'utf8'));
  };
}
