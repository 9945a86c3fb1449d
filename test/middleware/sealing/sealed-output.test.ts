import { describe, expect, test } from '@jest/globals';
import type { AnswerHead, AnswerSealer } from '../../../src/http/answer-head.js';
import { SealedOutput, type Written } from '../../../src/middleware/sealing/sealed-output.js';

const HEAD: AnswerHead = { status: 200, headers: [['X-A', '1']] };
const bytesOf = (text: string) => Buffer.from(text);
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** An output whose sealing goes on when `go` is called, and all that happens at it. */
function made({ isSlow = false, hasRoom = true } = {}) {
  const log: string[] = [];
  const reused: string[] = [];
  const waiting: (() => void)[] = [];
  const wire = { hasRoom, callsBack: true, error: undefined as unknown };
  const turn = () => (isSlow ? new Promise<void>((resolve) => waiting.push(resolve)) : Promise.resolve());
  const sealing = async (what: string, bytes: Uint8Array, isFinal: boolean) => {
    const text = `${what}(${textOf(bytes)}${isFinal ? ' end' : ''})`;
    log.push(`seal ${text}`);
    await turn();
    return [bytesOf(text.slice(0, 3)), bytesOf(text.slice(3))];
  };
  const sealer: AnswerSealer = {
    begin: async (head, bytes, isFinal) => ({ head, parts: await sealing('begin', bytes, isFinal) }),
    more: (bytes, isFinal) => sealing('more', bytes, isFinal),
    reuse: (parts) => void reused.push(textOf(Buffer.concat(parts))),
  };
  const sent = (what: string, parts: readonly Uint8Array[], isFinal: boolean, written: Written) => {
    log.push(`${what} ${textOf(Buffer.concat(parts))}${isFinal ? ', the last' : ''}`);
    if (wire.callsBack) written(wire.error);
    return wire.hasRoom;
  };
  const output = new SealedOutput(sealer, {
    begin: (head, parts, isFinal, { written }) => sent(`head ${head.status}`, parts, isFinal, written),
    write: (parts, isFinal, { written }) => sent('wire', parts, isFinal, written),
    drained: () => void log.push('drained'),
    fail: (error, hasBegun, written) => {
      log.push(`fail ${(error as Error).message}${hasBegun ? ' midway' : ''}`);
      written();
    },
  });
  const go = async () => {
    await settled();
    waiting.shift()?.();
    await settled();
  };
  const flush = (name: string) => output.flush(() => void log.push(`called back ${name}`));
  return { output, sealer, log, reused, wire, go, flush };
}

/** All that is due without any input is done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('what is written to a sealed answer', () => {
  test('in one go is sealed in one go', async () => {
    const { output, log } = made();
    output.head(HEAD);
    for (const text of ['a', 'b', 'c']) output.write(bytesOf(text));
    output.end();
    await settled();
    expect(log).toEqual(['seal begin(abc end)', 'head 200 begin(abc end), the last']);
    expect(output.size).toBe(0);
  });

  test('gives its memory back when it is on the wire, and not if that is unknown', async () => {
    const { output, reused, wire } = made();
    output.head(HEAD);
    output.write(bytesOf('a'));
    await settled();
    expect(reused).toEqual(['begin(a)']);
    wire.error = new Error('the connection is gone');
    output.write(bytesOf('b'));
    await settled();
    wire.callsBack = false;
    output.end();
    await settled();
    expect(reused).toEqual(['begin(a)']);
  });

  test('goes out in its order, and all that came while it was being sealed together', async () => {
    const { output, log, go } = made({ isSlow: true });
    output.head(HEAD);
    output.write(bytesOf('a'));
    await settled();
    output.write(bytesOf('b'));
    output.write(bytesOf('c'));
    expect(output.size).toBe(3);
    await go();
    output.write(bytesOf('d'));
    output.end();
    await go();
    await go();
    expect(log).toEqual([
      'seal begin(a)',
      'head 200 begin(a)',
      'seal more(bc)',
      'wire more(bc)',
      'seal more(d end)',
      'wire more(d end), the last',
    ]);
  });

  test('nothing: the head goes out when it is there, and the end when that is known', async () => {
    const { output, log } = made();
    output.head(HEAD);
    await settled();
    expect(log).toEqual(['seal begin()', 'head 200 begin()']);
    output.end();
    await settled();
    expect(log.slice(2)).toEqual(['seal more( end)', 'wire more( end), the last']);
  });

  test('behind the end, or when nobody is there any more, is dropped', async () => {
    const { output, log } = made();
    output.head(HEAD);
    output.end();
    output.write(bytesOf('late'));
    await settled();
    output.write(bytesOf('later'));
    output.end();
    await settled();
    expect([log, output.size]).toEqual([['seal begin( end)', 'head 200 begin( end), the last'], 0]);
    const gone = made();
    gone.output.head(HEAD);
    gone.output.abandon();
    gone.output.write(bytesOf('late'));
    await settled();
    expect([gone.log, gone.output.size]).toEqual([[], 0]);
  });
});

describe('callbacks of a sealed answer', () => {
  test('come once what was written before them is on the wire, in their order', async () => {
    const { output, log, flush, go } = made({ isSlow: true });
    output.head(HEAD);
    output.write(bytesOf('a'));
    expect([flush('a')]).toEqual([true]);
    await settled();
    output.write(bytesOf('b'));
    expect([flush('b'), flush('b again')]).toEqual([true, true]);
    await go();
    expect(log.at(-1)).toBe('seal more(b)');
    expect(log).toContain('called back a');
    expect(log).not.toContain('called back b');
    await go();
    expect(log.slice(-3)).toEqual(['wire more(b)', 'called back b', 'called back b again']);
  });

  test('are for the caller to make where there is nothing to wait for', async () => {
    const { output, flush } = made();
    expect(flush('too early')).toBe(false);
    output.head(HEAD);
    await settled();
    expect(flush('too late')).toBe(false);
  });

  test('come also if the answer is abandoned or fails, each once', async () => {
    for (const end of ['abandon', 'fail'] as const) {
      const { output, log, flush, go } = made({ isSlow: true });
      output.head(HEAD);
      output.write(bytesOf('a'));
      flush('a');
      await settled();
      output.write(bytesOf('b'));
      flush('b');
      if (end === 'abandon') output.abandon();
      else output.fail(new Error('no'));
      await go();
      await go();
      expect(log.filter((one) => one.startsWith('called back')).sort()).toEqual([
        'called back a',
        'called back b',
      ]);
      expect(log.filter((one) => one.startsWith('wire') || one.startsWith('head'))).toEqual([]);
    }
  });

  test('of the wire are waited for', async () => {
    const { output, log, flush, wire } = made();
    wire.callsBack = false;
    output.head(HEAD);
    output.write(bytesOf('a'));
    flush('a');
    await settled();
    expect(log).toEqual(['seal begin(a)', 'head 200 begin(a)']);
  });
});

describe('back-pressure', () => {
  const big = Buffer.alloc(65_536, 'x');

  test('who writes 64 KiB is asked to wait, and told when they are on the wire', async () => {
    const { output, log, go } = made({ isSlow: true });
    output.head(HEAD);
    output.write(big.subarray(1));
    expect(output.hasRoom).toBe(true);
    output.write(bytesOf('x'));
    expect([output.hasRoom, output.size]).toEqual([false, 65_536]);
    await settled();
    expect(log).not.toContain('drained');
    await go();
    expect([log.at(-1), output.hasRoom, output.size]).toEqual(['drained', true, 0]);
  });

  test('is told once, whatever was written meanwhile', async () => {
    const { output, log, go } = made({ isSlow: true });
    output.head(HEAD);
    output.write(big);
    await settled();
    output.write(big);
    await go();
    await go();
    expect(log.filter((one) => one === 'drained')).toHaveLength(1);
  });

  test('nobody who was not asked to wait is told', async () => {
    const { output, log } = made();
    output.head(HEAD);
    output.write(bytesOf('a'));
    await settled();
    expect(log).not.toContain('drained');
  });

  test('a wire that is full counts until it has room, and then it is the one that tells', async () => {
    const { output, log } = made({ hasRoom: false });
    output.head(HEAD);
    output.write(big);
    await settled();
    expect([output.hasRoom, log.includes('drained')]).toEqual([false, false]);
    output.drained();
    expect(output.hasRoom).toBe(true);
  });
});

describe('an answer that cannot be sealed', () => {
  test('fails before it began, or midway, once', async () => {
    const { output, sealer, log } = made();
    const begin = sealer.begin;
    sealer.begin = () => Promise.reject(new Error('no keys'));
    output.head(HEAD);
    output.write(bytesOf('a'));
    await settled();
    output.fail(new Error('again'));
    expect([log, output.size]).toEqual([['fail no keys'], 0]);

    const midway = made();
    midway.sealer.begin = begin;
    midway.sealer.more = () => Promise.reject(new Error('the signer is away'));
    midway.output.head(HEAD);
    await settled();
    midway.output.write(bytesOf('a'));
    midway.flush('a');
    await settled();
    expect(midway.log.slice(-2)).toEqual(['fail the signer is away midway', 'called back a']);
  });
});
