// Draws the callers of the demo: in place on a terminal, line by line elsewhere.
const { stdout, env } = process;
const isLive = stdout.isTTY === true && env.TERM !== 'dumb';
const hasColor = isLive && env.NO_COLOR === undefined;
const paint = (code, text) => (hasColor ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = (text) => paint('1', text);
const dim = (text) => paint('2', text);
const green = (text) => paint('32', text);
const yellow = (text) => paint('33', text);
const red = (text) => paint('31', text);

const DOTS = {
  none: dim('·'),
  legacy: yellow('○'),
  modern: green('●'),
  'fell-back': red('◐'),
  error: red('✗'),
};
const COLUMNS = 20;

export class Screen {
  #drawn = 0;
  #said = '';

  /** One frame: a title, a row of status, and every caller. */
  draw({ title, status, callers, errors, answered }) {
    if (!isLive) {
      if (title !== this.#said) console.log(`${title}`);
      this.#said = title;
      return;
    }
    const bar = Math.round(status.ratio * 40);
    const lines = [
      '',
      `  ${bold(title)}`,
      '',
      `  xLink ${bold(`${Math.round(status.ratio * 100)} %`.padStart(5))}  ${green('━'.repeat(bar))}${dim('─'.repeat(40 - bar))}`,
      '',
      ...rows(callers).map((row) => `     ${row.map((side) => DOTS[side]).join(' ')}`),
      '',
      `  ${green('●')} xLink   ${yellow('○')} key   ${red('◐')} xLink failed, key answered`,
      '',
      `  ${String(answered).padStart(5)} answers  ${errors === 0 ? green('0 errors seen by callers') : red(`${errors} errors seen by callers`)}   budget ${meter(status.budgetUsed)}`,
      '',
    ];
    if (this.#drawn) stdout.write(`\x1b[${this.#drawn}A`);
    stdout.write(lines.map((line) => `\x1b[2K${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  /** Lines that stay, below the frame. */
  say(text) {
    console.log(
      text
        .split('\n')
        .map((line) => (line ? `  ${line}` : ''))
        .join('\n'),
    );
    this.#drawn = 0;
  }

  /** What happened, as one line where nothing is drawn in place. */
  step(text) {
    if (!isLive) console.log(`  ${text}`);
  }
}

const meter = (used = 0) => {
  const share = Math.min(1, used);
  const text = `${'▮'.repeat(Math.round(share * 10))}${'▯'.repeat(10 - Math.round(share * 10))}`;
  return share >= 1 ? red(text) : green(text);
};

const rows = (all) =>
  Array.from({ length: Math.ceil(all.length / COLUMNS) }, (_, at) =>
    all.slice(at * COLUMNS, (at + 1) * COLUMNS),
  );

export const showsMotion = isLive;
