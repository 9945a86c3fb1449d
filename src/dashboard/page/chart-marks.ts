import type uPlot from 'uplot';
import type { Mark } from '../marks.js';

/** A mark, and the color that it is drawn in: the name of a custom property of the style. */
export const MARK_COLORS: Readonly<Record<Mark['kind'], string>> = {
  mode: '--ink',
  brownout: '--refused',
  rotation: '--focus',
};
const DASHES: Readonly<Record<Mark['kind'], readonly number[]>> = {
  mode: [],
  brownout: [2, 2],
  rotation: [6, 4],
};

/** Draws marks over a chart: a line for a moment, a band for a stretch of time. */
export function chartMarks(marks: () => readonly Mark[], color: (name: string) => string): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const mark of marks()) drawMark(plot, mark, color(MARK_COLORS[mark.kind]));
        ctx.restore();
      },
    },
  };
}

function drawMark(plot: uPlot, { kind, at, until }: Mark, ink: string): void {
  const { ctx, bbox } = plot;
  const x = (time: number) => Math.round(plot.valToPos(time / 1000, 'x', true));
  if (until !== undefined) {
    ctx.fillStyle = `${ink}33`;
    ctx.fillRect(x(at), bbox.top, Math.max(2, x(until) - x(at)), bbox.height);
  }
  ctx.strokeStyle = ink;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash(DASHES[kind].map((length) => length * devicePixelRatio));
  for (const time of until === undefined ? [at] : [at, until]) {
    ctx.beginPath();
    ctx.moveTo(x(time), bbox.top);
    ctx.lineTo(x(time), bbox.top + bbox.height);
    ctx.stroke();
  }
}
