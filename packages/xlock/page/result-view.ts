import { element, show } from './dom.js';

/** How something ended. */
export function result(state: 'good' | 'bad' | 'over', title: string, text: string): void {
  element('result').dataset['state'] = state;
  element('result-title').textContent = title;
  element('result-text').textContent = text;
  show('result');
}
