import type { DashboardSnapshot } from '../snapshot.js';
import { announce } from './announce.js';
import { byId, setText } from './dom.js';
import { counted, duration, percent } from './words.js';

let announcedStep: number | undefined;

/** The one figure for how much of the traffic is xLink: no other on the page says the same of another time. */
export function showAdoption({ adoption: { share, requests, overMs, by } }: DashboardSnapshot): void {
  setText(byId('share'), share === undefined ? '–' : percent(share));
  const none = by === 'plan' ? 'The plan has seen no traffic yet.' : 'No request was accepted yet.';
  const whose = by === 'plan' ? ' of known clients, as the plan counts,' : '';
  setText(
    byId('share-text'),
    share === undefined
      ? none
      : `of ${counted(requests, 'accepted request')}${whose} in the last ${duration(overMs)} used xLink.`,
  );
  if (share === undefined) return;
  const step = Math.floor(share * 10); // every ten percent is news
  if (announcedStep !== undefined && step !== announcedStep)
    announce(`${percent(share)} of requests use xLink.`);
  announcedStep = step;
}
