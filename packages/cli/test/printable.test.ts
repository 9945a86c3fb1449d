import { describe, expect, test } from '@jest/globals';
import { run } from '../src/index.js';
import { printable, quoted } from '../src/printable.js';

const HIDDEN = [
  '\u001b',
  '\u0007',
  '\u0085',
  '\u009b',
  '\u200b',
  '\u200e',
  '\u202e',
  '\u2066',
  '\u2028',
  '\ufeff',
  '\u00ad',
  '\u3164',
  '\u{e0041}',
  '\ud800',
  '\r',
];

describe('what strangers wrote', () => {
  test.each(HIDDEN.map((text) => [JSON.stringify(text), text]))(
    'has no %s, neither in words nor in data',
    async (_, text) => {
      const said: string[] = [];
      const words = (line: string): void => {
        said.push(line);
      };
      const name = `a${text}b`;
      const command = {
        summary: 'x',
        help: 'x',
        run: async (_: readonly string[], { out, err }: { out: typeof words; err: typeof words }) => {
          out(JSON.stringify({ name }));
          out(JSON.stringify({ name }, null, 2));
          err(`refused ${name}`);
          throw new Error(`it said ${name}`);
        },
      };
      await run(['x'], { x: command }, { out: words, err: words });
      expect(said.join('\n')).not.toContain(text);
      expect(JSON.parse(said[0]!)).toEqual({ name });
      expect(JSON.parse(said[1]!)).toEqual({ name });
      expect(said).toHaveLength(4);
    },
  );

  test('is as it was where it is plain', () => {
    const plain = 'Zoë Müller, 東京, مرحبا, 🙂\n\tand "quotes"';
    expect(printable(plain)).toBe(plain);
    expect(quoted('a" (admin)')).toBe('"a\\" (admin)"');
  });
});
