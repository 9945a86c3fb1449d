import { expect, jest, test } from '@jest/globals';
import { MemoryClientStore, MigrationPlan } from '@private.me/xlink';
import { describeWith } from '../support/needs-program.js';
import { until } from '../support/until.js';
import { expectClean, untilLive, useBrowser } from './browser.js';
import { adapterOf, clientRecord, serveDashboard } from './support.js';

jest.setTimeout(60_000);

const GATE = { minXlinkPercentage: 0, minDwellMs: 0, maxErrorRate: 1, requireSafeClients: false };

describeWith(['chromium'], 'actions on the page', () => {
  const visit = useBrowser();

  async function open(operator: string | undefined = 'ada') {
    const clients = new MemoryClientStore([clientRecord('acme', { lastKeyUse: Date.now() })]);
    const adapter = await adapterOf({ clients, observers: [() => {}] });
    const plan = new MigrationPlan({ adapter, gates: [{ from: 'hybrid', to: 'deprecation', ...GATE }] });
    await plan.evaluate();
    const options = { plan, actions: true, operatorOf: () => operator };
    const opened = await visit((await serveDashboard(adapter, options)).url);
    await untilLive(opened);
    return { ...opened, adapter };
  }

  test('the step of the plan: what, why, what it means, and only then is it taken', async () => {
    const opened = await open();
    const { page, adapter } = opened;
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Take this step…' }).click();
    expect(await dialog.innerText()).toContain('You act as ada.');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Take this step…' }).click();
    await dialog.getByLabel('Why').fill('95% have moved');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog
      .getByText('Change the mode of the API from hybrid to deprecation. Reason: 95% have moved')
      .waitFor();
    expect(adapter.mode).toBe('hybrid');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await until(() => adapter.mode === 'deprecation');
    await until(async () =>
      (await page.locator('#modes [aria-current=step]').innerText()).startsWith('deprecation'),
    );
    expect(await dialog.isVisible()).toBe(false);
    expectClean(opened);
  });

  test('are refused if the mode was changed meanwhile', async () => {
    const { page, adapter } = await open();
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Take this step…' }).click();
    await dialog.getByLabel('Why').fill('it is time');
    await dialog.getByRole('button', { name: 'Continue' }).click();
    await dialog.getByRole('button', { name: 'Confirm' }).waitFor();
    adapter.setMode('observe', 'by hand');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await dialog.getByRole('alert').getByText('the mode is observe now, and you saw hybrid').waitFor();
    expect(adapter.mode).toBe('observe');
  });

  test('a brownout, and the mode of one client', async () => {
    const opened = await open();
    const { page, adapter } = opened;
    const dialog = page.getByRole('dialog').last();
    const confirm = async () => {
      await dialog.getByLabel('Why').fill('agreed');
      await dialog.getByRole('button', { name: 'Continue' }).click();
      await dialog.getByRole('button', { name: 'Confirm' }).click();
      await page.locator('#action:not([open])').waitFor({ state: 'attached' });
    };
    await page.getByRole('button', { name: 'Schedule a brownout…' }).click();
    await dialog.getByLabel('For').selectOption('4 hours');
    await confirm();
    const [{ from, until: end }] = adapter.brownouts as [{ from: Date; until: Date }];
    expect(end.getTime() - from.getTime()).toBe(4 * 3_600_000);

    await page.locator('#clients button', { hasText: 'acme' }).click();
    await page.getByRole('button', { name: 'Change the mode of this client…' }).click();
    expect(await dialog.getByLabel('change it to').inputValue()).toBe('deprecation');
    await dialog.getByLabel('change it to').selectOption('xlink-only');
    await confirm();
    await until(() => adapter.modeOf({ client: 'acme' }) === 'xlink-only');
    await page.locator('#client-facts', { hasText: 'xlink-only' }).waitFor();
    await page.locator('#client-timeline', { hasText: 'Own mode hybrid → xlink-only' }).waitFor();
    expectClean(opened);
  });

  test('are not there for those who may only look', async () => {
    const { page } = await open('');
    await page.locator('#clients button').click();
    await page.locator('#client-body').waitFor();
    for (const name of ['Take this step…', 'Schedule a brownout…', 'Change the mode of this client…'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
  });
});
