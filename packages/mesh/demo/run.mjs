// npm run demo -w packages/mesh: twelve agents as processes tell the decision matrix. --check holds them to it.
import { isDeepStrictEqual, parseArgs, styleText } from 'node:util';
import { clear } from './stage.mjs';
import { CHAPTERS, setTheStage } from './story.mjs';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const isPlain = !process.stdout.isTTY || process.env.NO_COLOR;
const style = (format, text) => (isPlain ? text : styleText(format, text));
const WIDTH = Math.min(process.stdout.columns ?? 96, 96) - 4;

/** The text in lines of the terminal's width. */
function wrapped(text) {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1).length + word.length + 1 > WIDTH) lines.push('');
    lines[lines.length - 1] += lines.at(-1) ? ` ${word}` : word;
  }
  return lines.map((line) => `   ${line}`).join('\n');
}

let failures = 0;
const began = performance.now();
try {
  console.log(style('bold', 'Twelve agents, one identity server with a relay, and a link that can be cut\n'));
  const stage = await setTheStage();
  for (const [at, { row, expected, play }] of CHAPTERS.entries()) {
    console.log(style('bold', `${at + 1}. ${row}`));
    try {
      const { told, ...outcome } = await play(stage);
      console.log(wrapped(told));
      const isGood = isDeepStrictEqual(outcome, expected);
      if (!isGood) failures++;
      if (!isGood)
        console.log(
          style(
            'red',
            wrapped(`Not as it should be: ${JSON.stringify(outcome)}, not ${JSON.stringify(expected)}`),
          ),
        );
      else if (values.check)
        console.log(style('green', wrapped(`as it should be: ${JSON.stringify(outcome)}`)));
    } catch (error) {
      failures++;
      console.log(style('red', wrapped(`Failed: ${error.message} ${error.cause?.message ?? ''}`)));
    }
    console.log('');
  }
} finally {
  await clear();
}
const seconds = ((performance.now() - began) / 1_000).toFixed(0);
console.log(
  `${CHAPTERS.length - failures} of ${CHAPTERS.length} rows as the matrix has them, in ${seconds} s.`,
);
process.exit(failures > 0 ? 1 : 0);
