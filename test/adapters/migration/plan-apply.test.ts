import { describe, expect, test } from '@jest/globals';
import { DAY } from '../../support/clock.js';
import { thrownBy } from '../../support/results.js';
import { gate } from './gate.js';
import { made } from './plan-support.js';

const gates = [gate('observe', 'hybrid'), gate('hybrid', 'deprecation', { minDwellMs: 30 * DAY })];
const WHO = { by: 'mia', why: 'ticket 42' };

describe('plan.apply', () => {
  test('takes the next step, and the event says who and why', async () => {
    const { plan, adapter, events } = await made('observe', { gates });
    expect(await plan.apply(WHO)).toMatchObject({ mode: 'observe', next: 'hybrid', changed: true });
    expect(adapter.mode).toBe('hybrid');
    expect(events.filter(({ type }) => type === 'mode').at(-1)).toEqual({
      type: 'mode',
      from: 'observe',
      to: 'hybrid',
      reason: 'ticket 42',
      by: 'mia',
    });
  });

  test('refuses while gates are closed, says which, and goes on if the next mode is named', async () => {
    const { plan, adapter } = await made('hybrid', { gates });
    const error = await thrownBy(() => plan.apply(WHO));
    expect([error.id, error.status]).toEqual(['STEP_REFUSED:GATES_CLOSED', 409]);
    expect(error.hint).toContain('hybrid has been in force for 0 days; this step needs 30 days');
    expect(adapter.mode).toBe('hybrid');
    const other = await thrownBy(() => plan.apply({ ...WHO, force: 'xlink-only' }));
    expect(other.id).toBe('STEP_REFUSED:OTHER_STEP');
    expect(adapter.mode).toBe('hybrid');
    await plan.apply({ ...WHO, force: 'deprecation' });
    expect(adapter.mode).toBe('deprecation');
  });

  test('whoever saw an older state changes nothing', async () => {
    const { plan, adapter } = await made('observe', { gates });
    await plan.apply({ ...WHO, to: 'hybrid' });
    const again = await thrownBy(() => plan.apply({ ...WHO, to: 'hybrid' }));
    expect(again.id).toBe('STEP_REFUSED:OTHER_STEP');
    expect(adapter.mode).toBe('hybrid');
  });

  test('has nothing to do at the end', async () => {
    const { plan } = await made('xlink-only', { gates });
    expect((await thrownBy(() => plan.apply(WHO))).id).toBe('STEP_REFUSED:NO_STEP');
  });

  test.each([
    ['without a name', { why: 'x' }, 'by'],
    ['without a reason', { by: 'mia' }, 'why'],
    ['with a name of two lines', { by: 'mia\nroot', why: 'x' }, 'by'],
    ['with a word that is no mode', { ...WHO, force: 'yes' }, 'force'],
    ['with an option that there is not', { ...WHO, forced: 'hybrid' }, 'forced'],
  ])('is refused %s', async (_, options, field) => {
    const { plan, adapter } = await made('observe', { gates });
    const error = await thrownBy(() => plan.apply(options as typeof WHO));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
    expect(adapter.mode).toBe('observe');
  });

  test('a step that a plan makes by itself is the plan’s', async () => {
    const { plan, events } = await made('observe', { gates, auto: true });
    await plan.evaluate();
    expect(events.filter(({ type }) => type === 'mode').at(-1)).toMatchObject({ by: 'plan' });
  });
});
