import type uPlot from 'uplot';
import { el } from './dom.js';

const GAP = 12;

/** What the pointer is over, in words beside it. Only the chart that it is over speaks. */
export function tooltip(describe: (time: number) => readonly string[]): uPlot.Plugin {
  const box = el('div', { class: 'tooltip', hidden: '' });
  let isOver = false;
  const hide = () => {
    box.hidden = true;
  };
  const show = (plot: uPlot) => {
    const { cursor, over } = plot;
    const isHere = isOver && cursor.left !== undefined && cursor.left >= 0;
    const lines = isHere ? describe(1000 * plot.posToVal(cursor.left!, 'x')) : [];
    if (lines.length === 0) return hide();
    const [title, ...rest] = lines;
    box.replaceChildren(el('strong', {}, title!), ...rest.map((line) => el('span', {}, line)));
    box.hidden = false;
    const { left = 0, top = 0 } = cursor;
    const isRight = left + GAP + box.offsetWidth > over.clientWidth;
    box.style.left = `${Math.max(0, isRight ? left - GAP - box.offsetWidth : left + GAP)}px`;
    box.style.top = `${Math.max(0, Math.min(top, over.clientHeight - box.offsetHeight))}px`;
  };
  return {
    hooks: {
      ready: ({ over }) => {
        over.append(box);
        over.addEventListener('mouseenter', () => {
          isOver = true;
        });
        over.addEventListener('mouseleave', () => {
          isOver = false;
          hide();
        });
      },
      setCursor: show,
      setData: show,
    },
  };
}

addEventListener('keydown', ({ key }) => {
  if (key === 'Escape')
    for (const box of document.querySelectorAll<HTMLElement>('.tooltip')) box.hidden = true;
});
