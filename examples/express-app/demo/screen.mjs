import { canRedraw } from './paint.mjs';
import { panelLines, statusLine } from './panel.mjs';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const CLEAR_LINE_REST = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const REDRAW_MS = 250;
const LINE_MS = 2000;
/** The panel with all its notes. Below that many rows lines are only ever added. */
const MIN_ROWS = 20;

/** Draws the scoreboard: over and over in the same place on a terminal, as a line now and then elsewhere. */
export class Screen {
  #board;
  #live = canRedraw && process.stdout.rows >= MIN_ROWS;
  #drawn = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;

  /** @param {import('./scoreboard.mjs').Scoreboard} board */
  constructor(board) {
    this.#board = board;
  }

  start() {
    if (this.#live) process.stdout.write(HIDE_CURSOR + NO_WRAP);
    this.#timer = setInterval(() => this.#draw(), this.#live ? REDRAW_MS : LINE_MS);
    this.#draw();
  }

  /** @param {string} text something that stays to be read */
  note(text) {
    this.#board.notes.push(text);
    if (this.#live) this.#draw();
    else console.log(text);
  }

  stop() {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#draw();
    if (this.#live) process.stdout.write(WRAP + SHOW_CURSOR);
  }

  /** In one write, and without clearing first: nothing flickers. */
  #draw() {
    if (!this.#live) return console.log(statusLine(this.#board));
    const lines = panelLines(this.#board);
    const back = this.#drawn > 0 ? `\x1b[${this.#drawn}A\r` : '';
    process.stdout.write(back + lines.map((line) => `${line}${CLEAR_LINE_REST}\n`).join('') + CLEAR_BELOW);
    this.#drawn = lines.length;
  }
}
