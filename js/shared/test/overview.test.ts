// @vitest-environment happy-dom
import { expect, it } from 'vitest';
import { Overview } from '../src/details/overview';
import type { FullRun } from '../src/requests';

const metric = (key: string, spark: number[]): object => ({ key, spark, last: 0.5, min: 0.1, max: 0.9, step: 3 });
const DATASET = { name: 'iris', digest: 'd1', context: 'training', profile: null };

function shown(details: object): HTMLElement {
  const panel = document.createElement('div');
  const nothing = (): void => undefined;
  const run = { note: null, state: 'FINISHED', stage: 'active', experiment: 'digits', run_id: 'r', parent: null, children: [] };
  const found = document.createElement('div');
  const handlers = { found, open: nothing, show: nothing, showOrigin: nothing, setNote: () => Promise.resolve(true), tag: nothing };
  new Overview(panel, handlers).show({ run, params: [], tags: [], metrics: [], datasets: [], since: null, ...details } as unknown as FullRun);
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

it('says which of NaN and the infinities a metric ended with', () => {
  const ended = (odd: string): object => ({ ...metric(odd, []), last: null, min: null, max: null, odd });
  const panel = shown({ metrics: ['NaN', 'Infinity', '-Infinity'].map(ended) });
  const last = [...panel.querySelectorAll('tbody tr')].map(row => row.children[2]!.textContent);
  expect(last).toEqual(['NaN', '∞', '−∞']);
});

it('tells the whole of a long name where it may be cut', () => {
  const long = 'layer/'.repeat(30);
  const panel = shown({ metrics: [metric(long, []), metric('loss', [])] });
  expect([...panel.querySelectorAll('tbody th')].map(cell => cell.getAttribute('title'))).toEqual([long, null]);
});
