import type { AnswerSealer } from '../../http/answer-head.js';
import { isConnection } from '../node/connection.js';
import { type FailureAnswer, type Http1Response, type NodeSocket, sealHttp1 } from './http1.js';
import { type Http2Stream, sealHttp2 } from './http2.js';
import { sealMethods, type WritableResponse } from './methods.js';

/**
 * Seals the answer that is about to be written to a response, as far down as can be: where bytes leave for the connection, so
 * that nobody notices. `onHead` is told the status that is sealed, where the response itself gets another.
 */
export function sealAnswerOf(
  req: { readonly socket?: unknown; readonly httpVersion?: unknown },
  res: object,
  sealer: AnswerSealer,
  failure: FailureAnswer,
  onHead: (status: number) => void,
): void {
  const { stream } = res as { stream?: Partial<Http2Stream> };
  if (typeof stream?.respond === 'function') sealHttp2(stream as Http2Stream, sealer);
  else if (isConnection<NodeSocket>(req.socket)) {
    const connection = { socket: req.socket, takesChunks: req.httpVersion !== '1.0' };
    sealHttp1(res as Http1Response, connection, sealer, failure);
  } else sealMethods(res as WritableResponse, sealer, failure, onHead);
}
