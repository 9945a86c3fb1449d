import { whenClosed } from '../node/response.js';
import type { Native } from './native.js';

/** How a response ended; `aborted`: before all of it was sent. */
export type Over = (status: number, aborted: boolean) => void;

/** Tells once how the response to a request ended. */
export interface ResponseWatch {
  /** The response to send in the place of `sent`. `status`: what was answered, which is another one if it could not be sealed. */
  answered(sent: Response, status: number): Response;
  /** Error handling of the application answers. */
  failed(error: unknown): void;
}

/** On Node it is over when Node closes its own response, whatever the handler does until then. */
export function nodeWatch({ incoming, outgoing }: Native, over: Over): ResponseWatch {
  let answered: number | undefined;
  const isGone = outgoing.closed;
  const watch = () =>
    whenClosed(incoming, outgoing, (aborted) => over(answered ?? outgoing.statusCode, aborted));
  if (!isGone) watch();
  return {
    answered(sent, status) {
      answered = status;
      if (isGone) watch();
      return sent;
    },
    failed() {
      if (isGone) watch();
    },
  };
}

/** Elsewhere it is over when its body was read to the end or given up, and at once if it has none. */
export function fetchWatch(method: string, over: Over): ResponseWatch {
  return {
    answered(sent, status) {
      if (sent.body !== null && method !== 'HEAD')
        return new Response(
          watchedBody(sent.body, (aborted) => over(status, aborted)),
          sent,
        );
      over(status, false);
      return sent;
    },
    failed: (error) => over(Number((error as { status?: unknown } | undefined)?.status) || 500, false),
  };
}

function watchedBody(
  body: ReadableStream<Uint8Array>,
  over: (aborted: boolean) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          controller.close();
          over(false);
        } catch (error) {
          controller.error(error);
          over(true);
        }
      },
      cancel(reason) {
        over(true);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
