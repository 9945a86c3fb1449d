const { NO_COLOR, TERM } = process.env;

/** Whether lines can be drawn over; if not, they are only ever added. */
export const canRedraw = Boolean(process.stdout.isTTY) && TERM !== 'dumb';

const useColour = canRedraw && !NO_COLOR;

/** @param {number} code */
const color = (code) => (/** @type {string} */ text) => (useColour ? `\x1b[${code}m${text}\x1b[0m` : text);

export const paint = {
  bold: color(1),
  dim: color(2),
  red: color(31),
  green: color(32),
  yellow: color(33),
  cyan: color(36),
};
