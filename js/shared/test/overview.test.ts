// @vitest-environment happy-dom
import { expect, it } from 'vitest';
import { showEnvironment } from '../src/details/environment';
import type { BackendResponse } from '../src/backend';
import type { Highlighter } from '../src/details/highlighter';
import { Overview } from '../src/details/overview';
import { previewOf } from '../src/details/preview';
import type { FullRun, Preview } from '../src/requests';

const metric = (key: string, spark: number[]): object => ({ key, spark, last: 0.5, min: 0.1, max: 0.9, step: 3 });
const DATASET = { name: 'iris', digest: 'd1', context: 'training', profile: null };

function shown(details: object, compare?: (ids: string[]) => void): HTMLElement {
  const panel = document.createElement('div');
  const nothing = (): void => undefined;
  const run = { note: null, state: 'FINISHED', stage: 'active', experiment: 'digits', run_id: 'r', parent: null, children: [] };
  const found = document.createElement('div');
  const handlers = { compare, found, open: nothing, show: nothing, showOrigin: nothing, setNote: () => Promise.resolve(true), tag: nothing };
  new Overview(panel, handlers).show({ run, failure: null, params: [], tags: [], metrics: [], datasets: [], since: null, ...details } as unknown as FullRun);
  return panel;
}

it('draws no curve of a metric that has one value', () => {
  const panel = shown({ metrics: [metric('loss', [0.9, 0.5, 0.1]), metric('system/process_peak_memory_megabytes', [200])] });
  const [own, machine] = [...panel.querySelectorAll('table')];
  expect(own!.querySelectorAll('svg')).toHaveLength(1);
  expect(machine!.querySelectorAll('svg')).toHaveLength(0);
  expect(machine!.textContent).toContain('0.5');
});

it('names the file of code that made a dataset', () => {
  const source = { tags: { 'mlflow.user': 'me', 'mlflow.source.name': 'train.py' } };
  const text = (given: unknown): string => shown({ datasets: [{ ...DATASET, source: given }] }).querySelector('[aria-label=Datasets] tbody')!.textContent;
  expect(text(source)).toContain('train.py');
  expect(text(source)).not.toContain('mlflow');
  expect(text({ url: 's3://bucket/iris.csv' })).toContain('s3://bucket/iris.csv');
});

it('shows a dash only where a metric has no value', () => {
  const panel = shown({ metrics: ['NaN', '∞', 0.5, null].map((last, i) => ({ key: `m${i}`, last, min: -1, max: '∞', step: 0, count: 1, spark: [] })) });
  const cells = [...panel.querySelectorAll('tbody tr')].map(row => [2, 3, 4].map(at => row.children[at]?.textContent));
  expect(cells).toEqual([['NaN', '−1', '∞'], ['∞', '−1', '∞'], ['0.5', '−1', '∞'], ['–', '−1', '∞']]);
});

it('tells the whole of a long name where it may be cut', () => {
  const long = 'layer/'.repeat(30);
  const panel = shown({ metrics: [metric(long, []), metric('loss', [])] });
  expect([...panel.querySelectorAll('tbody th')].map(cell => cell.getAttribute('title'))).toEqual([long, null]);
});

it('calls the file of a run a notebook where it is one', () => {
  const panel = document.createElement('div');
  const words = (notebook: string): (string | null)[] => {
    showEnvironment(panel, { run: { user: 'me' }, environment: { python: '3.12', packages: [], git: null, notebook } } as unknown as FullRun);
    return [...panel.querySelectorAll('dt')].map(term => term.textContent);
  };
  expect(words('work/a.ipynb')).toContain('Notebook');
  expect(words('work/train.py')).toContain('Script');
  expect(words('work/train.py')).not.toContain('Notebook');
});

it('compares the runs below a run, where there is a place for that', () => {
  const children = ['a', 'b'].map(run_id => ({ run_id, name: run_id, state: 'FINISHED' }));
  const compared: string[][] = [];
  const button = (compare?: (ids: string[]) => void): HTMLElement | undefined => {
    const panel = shown({ run: { note: null, state: 'FINISHED', stage: 'active', experiment: 'digits', run_id: 'r', parent: null, children } }, compare);
    return [...panel.querySelectorAll<HTMLElement>('button')].find(each => each.textContent === 'Compare them');
  };
  button(ids => compared.push(ids))!.click();
  expect(compared).toEqual([['a', 'b']]);
  expect(button()).toBeUndefined();
});

it('says of an empty file that it is empty, and of others what is in them', async () => {
  const said = async (text: string): Promise<string | undefined> => {
    const answer = { body: { kind: 'text', mime: 'text/plain', text, truncated: false }, buffers: [] } as unknown as BackendResponse<Preview>;
    const source = { list: () => Promise.resolve([]), preview: () => Promise.resolve(answer), address: null };
    const { element } = await previewOf(source, { path: 'notes.txt', is_dir: false, size: text.length }, {} as Highlighter);
    return element.lastElementChild?.textContent;
  };
  expect(await said('')).toBe('This file is empty.');
  expect(await said('a line')).toBe('a line');
});

it('says in which line a run failed, and shows the traceback on demand', () => {
  const failed = (line: number | null, traceback: string | null): HTMLElement => shown({ failure: { error: 'ValueError: no data', line, traceback } });
  const cell = failed(3, 'Traceback (most recent call last): <b>');
  expect(cell.querySelector('.nbt-failure')?.textContent).toBe('ValueError: no data (line 3)');
  expect(cell.querySelector('details')?.open).toBe(false);
  expect(cell.querySelector('.nbt-traceback')?.textContent).toBe('Traceback (most recent call last): <b>');
  const script = failed(null, null);
  expect([script.querySelector('.nbt-failure')?.textContent, script.querySelector('.nbt-traceback')]).toEqual(['ValueError: no data', null]);
});
