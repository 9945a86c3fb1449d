import { describe, expect, test } from '@jest/globals';
import { FetchBody } from '../../../src/middleware/fetch/body.js';
import { thrownBy } from '../../support/results.js';

const bytes = (text: string) => new TextEncoder().encode(text);

/** A POST whose body comes in these pieces; then it ends, waits for ever, or breaks. */
function post(pieces: readonly string[], then: 'ends' | 'waits' | 'breaks' = 'ends') {
  const left = [...pieces];
  const seen = { cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = left.shift();
        if (piece !== undefined) controller.enqueue(bytes(piece));
        else if (then === 'ends') controller.close();
        else if (then === 'breaks') controller.error(new Error('connection reset'));
        else return new Promise(() => {});
        return undefined;
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
  return { body: new FetchBody(new Request('http://api/', init)), left, seen };
}

const textOf = (body: ReadableStream<BufferSource> | undefined) =>
  new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).text();

describe('the body of a request of the Fetch standard', () => {
  test('is read whole, and stays there for handlers', async () => {
    const { body } = post(['ab', 'cd']);
    expect(body.unread()).toBeUndefined();
    expect(Buffer.from(await body.read(4)).toString()).toBe('abcd');
    expect(await textOf(body.unread())).toBe('abcd');
  });

  test('that is too large is read no further, and can be handed on whole', async () => {
    const { body, left } = post(['ab', 'cd', 'ef']);
    expect((await thrownBy(() => body.read(3))).id).toBe('BODY_TOO_LARGE');
    expect(left).toEqual(['ef']);
    expect(await textOf(body.unread())).toBe('abcdef');
  });

  test('whose start is refused is read no further', async () => {
    const { body, left } = post(['ab', 'cd']);
    const check = () => {
      throw new Error('no envelope');
    };
    await expect(body.read(10, check)).rejects.toThrow('no envelope');
    expect(left).toEqual(['cd']);
    expect(await textOf(body.unread())).toBe('abcd');
  });

  test('that takes too long is given up', async () => {
    const { body } = post(['ab'], 'waits');
    expect((await thrownBy(() => body.read(10, undefined, 5))).id).toBe('BODY_TOO_SLOW');
  });

  test('that comes after its time is still handed on', async () => {
    let send = (_: string) => {};
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        send = (text) => {
          controller.enqueue(bytes(text));
          controller.close();
        };
      },
    });
    const init = { method: 'POST', body: source, duplex: 'half' } as RequestInit;
    const body = new FetchBody(new Request('http://api/', init));
    expect((await thrownBy(() => body.read(10, undefined, 5))).id).toBe('BODY_TOO_SLOW');
    send('late');
    expect(await textOf(body.unread())).toBe('late');
  });

  test('that breaks off is told as that, with its cause', async () => {
    const { body } = post(['ab'], 'breaks');
    const error = await thrownBy(() => body.read(10));
    expect([error.id, (error.cause as Error).message]).toEqual(['BODY_ABORTED', 'connection reset']);
  });

  test('of a refused request is cancelled; on Node it is read on, because the refusal would not arrive', async () => {
    const given = post(['ab', 'cd', 'ef']);
    await thrownBy(() => given.body.read(1));
    await given.body.giveUp(false);
    expect([given.left, given.seen.cancelled]).toEqual([['cd', 'ef'], true]);
    const readOn = post(['ab', 'cd', 'ef']);
    await thrownBy(() => readOn.body.read(1));
    await readOn.body.giveUp(true);
    expect([readOn.left, readOn.seen.cancelled]).toEqual([[], false]);
  });

  test('that nobody touched is left alone', async () => {
    const { body, left, seen } = post(['ab']);
    await body.giveUp(false);
    expect([left, seen.cancelled]).toEqual([['ab'], false]);
  });
});
