// @vitest-environment happy-dom
import { beforeEach, expect, it } from 'vitest';
import type { RunActions } from '../src/actions/run_actions';
import type { Stores } from '../src/app_host';
import { RunDetails } from '../src/details/run_details';
import { keepFocus } from '../src/kept_focus';
import type { FullRun } from '../src/requests';

const metric = (last: number): object => ({ key: 'loss', spark: [1, last], last, min: last, max: 1, step: 3 });
const run = { name: 'first', note: 'as it was', state: 'RUNNING', stage: 'active', experiment: 'digits', experiment_id: '1', run_id: 'r', start_ms: 0, duration_s: 1, last_step: 3, parent: null, children: [] };
const full = (news: object = {}): FullRun =>
  ({ run, badges: [], params: [], tags: [['stage', 'final']], metrics: [metric(0.5)], datasets: [], failure: null, since: null, environment: {}, models: [], has_images: false, ...news }) as unknown as FullRun;

let answer: () => Promise<FullRun>;
let saved: string[];
let place: HTMLElement;

function opened(): RunDetails {
  const ask = async (type: string): Promise<object> => ({ body: type === 'run.details' ? await answer() : { items: [] }, buffers: [] });
  const setNote = (_: string, note: string): Promise<boolean> => {
    saved.push(note);
    return Promise.resolve(true);
  };
  const appHost = { highlighter: () => ({ dispose: () => undefined }) };
  const nbtrack = { appHost, backend: () => ({ ask }), fileAddress: () => null } as unknown as Stores;
  const nothing = (): void => undefined;
  const actions = { inserts: true, setNote } as unknown as RunActions;
  return new RunDetails(place, { nbtrack, storeId: 's', runId: 'r', actions, tab: '', open: nothing, openModel: nothing, openTable: nothing, onRun: nothing, onTab: nothing });
}

async function news(details: RunDetails, changed: object): Promise<void> {
  answer = () => Promise.resolve(full(changed));
  await details.refresh();
}

const button = (text: string): HTMLButtonElement => [...place.querySelectorAll('button')].find(each => (each.getAttribute('aria-label') ?? each.textContent) === text)!;

beforeEach(() => {
  document.body.replaceChildren((place = document.createElement('div')));
  answer = () => Promise.resolve(full());
  saved = [];
});

it('keeps what has the focus where there is news of something else', async () => {
  const details = opened();
  await details.refresh();
  const chip = place.querySelector<HTMLElement>('.nbt-chip')!;
  chip.focus();
  await news(details, { run: { ...run, note: 'another', last_step: 4 }, metrics: [metric(0.4)] });
  expect(document.activeElement).toBe(chip);
  expect(place.querySelector('textarea')!.value).toBe('another');
  expect(place.textContent).toContain('step 4');
});

it('gives the focus to what has taken the place of what had it', async () => {
  const details = opened();
  await details.refresh();
  const before = button('Where loss comes from');
  before.focus();
  await news(details, { metrics: [metric(0.4)] });
  expect(before.isConnected).toBe(false);
  expect(document.activeElement).toBe(button('Where loss comes from'));
  await news(details, { metrics: [] });
  expect(document.activeElement!.role).toBe('tabpanel');
});

it('keeps the focus on a tab where another one comes, and on a button of the head', async () => {
  const details = opened();
  await details.refresh();
  details.focus();
  await news(details, { has_images: true });
  expect(button('Images')).toBeTruthy();
  expect(document.activeElement!.textContent).toBe('Overview');
  button('Copy loading code').focus();
  await news(details, { run: { ...run, name: 'renamed' }, has_images: true });
  expect(document.activeElement!.textContent).toBe('Copy loading code');
});

it('does not disturb who writes a note, and says that it is saved', async () => {
  const details = opened();
  await details.refresh();
  const note = place.querySelector('textarea')!;
  note.focus();
  note.value = 'mine';
  await news(details, { run: { ...run, note: 'theirs' }, tags: [] });
  expect([note.value, place.querySelectorAll('.nbt-chip').length, document.activeElement]).toEqual(['mine', 1, note]);
  note.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true }));
  await Promise.resolve();
  expect([saved, document.activeElement]).toEqual([['mine'], note]);
  expect(place.querySelector('.nbt-note-status')!.textContent).toBe('Saved');
  note.value = 'mine, too';
  details.dispose();
  expect(saved).toEqual(['mine', 'mine, too']);
});

it('goes on with what could be read at the second try', async () => {
  answer = () => Promise.reject(new Error('busy'));
  const details = opened();
  await details.refresh();
  button('Retry').focus();
  await news(details, {});
  expect(document.activeElement!.role).toBe('tab');
});

it('leaves the focus where whoever draws has put it', () => {
  const draw = (): HTMLElement => Object.assign(document.createElement('button'), { textContent: 'one' });
  place.append(draw());
  const other = document.body.appendChild(document.createElement('button'));
  place.querySelector('button')!.focus();
  keepFocus(place, () => {
    place.replaceChildren(draw());
    other.focus();
  });
  expect(document.activeElement).toBe(other);
});
