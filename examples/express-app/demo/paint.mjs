const { NO_COLOR, TERM } = process.env;

/** Whether lines can be drawn over; if not, they are only ever added. */
export const canRedraw = Boolean(process.stdout.isTTY) && TERM !== 'dumb';

const useColour = canRedraw && !NO_COLOR;

/** @param {number} code */
const colour = (code) => (/** @type {string} */ text) => (useColour ? `\x1b[${code}m${text}\x1b[0m` : text);

export const paint = {
  bold: colour(1),
  dim: colour(2),
  red: colour(31),
  green: colour(32),
  yellow: colour(33),
  cyan: colour(36),
};
