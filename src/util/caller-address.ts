import { isTextOrNone, promptAnswer } from './prompt-answer.js';

/**
 * What the application's `addressOf` says about a request, and `peer` where it says nothing. It may be wrong about one:
 * what it throws is told to `onError`, and is no reason to refuse the request.
 */
export function callerAddress<Request>(
  addressOf: ((request: Request) => unknown) | undefined,
  request: Request,
  { peer, onError }: { peer: string | undefined; onError: (thrown: unknown) => void },
): string | undefined {
  try {
    const address = promptAnswer(
      'addressOf',
      addressOf?.(request) || undefined,
      isTextOrNone,
      'an IP address, or undefined',
    );
    if (address !== undefined) return address;
  } catch (thrown) {
    onError(thrown);
  }
  return peer;
}
