// The file of messages in shares: what one receiver gets, one after the other, and what it answers.
import { NOW, receiver, registry } from '../world.mjs';
import { badShares } from './bad-shares.mjs';
import { ABOUT } from './book.mjs';
import { goodShares } from './good-shares.mjs';

export const shareFile = () => ({
  about: ABOUT,
  now: NOW,
  receiver: { ...receiver, allowCleartext: false, xchange: true },
  registry,
  good: goodShares(),
  bad: badShares(),
});
