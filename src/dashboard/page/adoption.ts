import type { DashboardSnapshot } from '../snapshot.js';
import { announce } from './announce.js';
import { byId, setText } from './dom.js';
import { counted, duration, percent } from './words.js';

let announcedStep: number | undefined;

/** The one big figure. */
export function showAdoption({ adoption: { share, requests, overMs } }: DashboardSnapshot): void {
  setText(byId('share'), share === undefined ? '–' : percent(share));
  setText(
    byId('share-text'),
    share === undefined
      ? 'No request was accepted yet.'
      : `of ${counted(requests, 'accepted request')} in the last ${duration(overMs)} came by xLink.`,
  );
  byId('share-bar').firstElementChild!.setAttribute('data-share', String(share ?? 0));
  (byId('share-bar').firstElementChild as HTMLElement).style.width = `${100 * (share ?? 0)}%`;
  if (share === undefined) return;
  const step = Math.floor(share * 10); // every ten percent is news
  if (announcedStep !== undefined && step !== announcedStep) announce(`Adoption is at ${percent(share)}.`);
  announcedStep = step;
}
