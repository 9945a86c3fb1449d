import type { ServerResponse } from 'node:http';
import { GROUP_ERROR_TABLE, GroupError, isGroupError } from '../errors.js';
import type { Asked, ServerRoute } from './server-types.js';

/** Where the codes are explained. */
const DOCS = 'https://xail.io/docs/packages/mesh-mls#errors';

/** A call of a DID; `B` is what its body was validated as. */
export interface DidCall<B> extends Omit<Asked, 'body'> {
  readonly did: string;
  readonly body: B;
  /** Aborted when the caller has gone. */
  readonly gone: AbortSignal;
}

/** A row of the route table. Refuses tokens: only a DID acts for itself. Errors become problems (RFC 9457). */
export function didRoute<B = undefined>(
  shape: Omit<ServerRoute, 'raw' | 'access' | 'tag'>,
  handle: (call: DidCall<B>) => Promise<object>,
): ServerRoute {
  return {
    ...shape,
    access: 'member',
    tag: 'Groups',
    async raw(_req, res, asked: Asked) {
      const left = new AbortController();
      res.once('close', () => left.abort());
      const gone = left.signal;
      try {
        const { did } = asked.caller;
        if (did === undefined) throw new GroupError('ENVELOPE_REQUIRED');
        write(
          res,
          shape.answer.status,
          'application/json',
          await handle({ ...asked, did, body: asked.body as B, gone }),
        );
      } catch (error) {
        if (!isGroupError(error)) throw error;
        write(res, error.status, 'application/problem+json', problemOf(error));
      }
    },
  } as ServerRoute;
}

function problemOf({ id, status, field }: GroupError): object {
  const [code, subCode] = id.split(':');
  return { type: DOCS, title: GROUP_ERROR_TABLE[id].message, status, code, subCode, field };
}

function write(res: ServerResponse, status: number, type: string, value: object): void {
  res.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(JSON.stringify(value));
}
