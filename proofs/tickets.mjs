// Tickets of sessions, and the keys that they are sealed under.
import { LATE } from './attacker.mjs';
import { rule, rules } from './clauses.mjs';
import { of } from './envelope.mjs';
import { sessionTranscripts } from './read-session-code.mjs';
import { att, did, hash, lp } from './terms.mjs';

/** The key that a service seals tickets under in this time. */
export const ticketKey = (service, slot) => of('ticket_key', `slot(${service},${slot})`);

/** What is under the seal of a ticket, in the open, and its key. `slots`: each time has a key of its own. */
export function ticket({ transcript, slots = true }, { from, to, slot, salt, sid, master }) {
  const secret = ticketKey(to, slots ? slot : 'all');
  const front = { keyId: hash(lp('label_ticket_id', secret)), salt };
  const key = `hkdf(${secret},${transcript('ticketKey', { label: 'label_ticket_key', ...front })})`;
  const signed = { next: 'zero', count: 'zero', at: 'time', head: 'nothing' };
  const state = { sid, from: did(from), to: did(to), master, issuedAt: 'time', notAfter: 'time', ...signed };
  const aad = transcript('ticketAad', { label: 'label_ticket', ...front });
  return { head: front, sealed: `enc(${key},${aad},${transcript('ticketState', state)})` };
}

/** What is in a ticket is read by whoever opens it. */
export function readingOf({ transcript }) {
  const state = transcript(
    'ticketState',
    Object.fromEntries(sessionTranscripts.ticketState.map((name) => [name, name.toUpperCase()])),
  );
  return [att, LATE].map((has) => rule('what is in a ticket is read', [has(state)], has('MASTER')));
}

/** What the attacker sees of what P keeps of its ticket keys: `kept` is `sealed` under its seed, or, as a mutation, `open`. */
export function keptKeys({ transcript, kept }) {
  if (!kept) return [];
  const salt = of('kept_salt', 'slot(P,SLOT)');
  const info = transcript('keptKey', { label: 'label_kek', salt });
  const name = transcript('keptAad', { label: 'label_kek', did: did('P'), slot: 'SLOT' });
  const key = `hkdf(${kept === 'sealed' ? 'seed(P)' : 'open'},${info})`;
  const sealed = `enc(${key},${name},${ticketKey('P', 'SLOT')})`;
  return rules('what P keeps of its ticket keys is seen', [], [att(salt), att(sealed)]);
}
