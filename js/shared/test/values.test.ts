// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { arrange } from '../src/arrangement';
import { Chart } from '../src/chart';
import type { RunRef } from '../src/requests';
import { SeriesSet } from '../src/series';
import type { Theme } from '../src/theme';
import { Values } from '../src/values';

const react = vi.fn((plot: HTMLElement) => Promise.resolve(plot));
vi.mock('../src/plotly', () => ({ loadPlotly: () => Promise.resolve({ react, purge: () => undefined, Plots: { resize: () => undefined } }) }));

const THEME: Theme = {
  dark: false, text: '#000', muted: '#666', grid: '#eee', danger: '#c00', font: 'sans', palette: ['#0072b2', '#d55e00', '#009e73']
};
const run = (id: string, role: RunRef['role'] = 'plain'): RunRef => ({ id, name: `run ${id}`, role, state: 'FINISHED' });

function add(set: SeriesSet, id: string, key: string, ...values: number[]): void {
  const steps = Float64Array.from(values.keys());
  set.add([{ run: id, key, n: values.length, total: values.length }], steps, steps, Float64Array.from(values));
}

function listed(data: SeriesSet, runs: RunRef[], hidden: string[] = []) {
  const found = arrange({ data, runs, theme: THEME, x: 'auto', hidden: new Set(hidden), detail: null });
  return { found, rows: [...found.groups].filter(([group]) => found.listed.has(group)) };
}

describe('metrics of one point', () => {
  it('are listed, and become a plot with the second point of any curve, hidden ones too', () => {
    const data = new SeriesSet();
    add(data, 'a', 'train_loss', 1);
    add(data, 'a', 'val_loss', 2);
    add(data, 'a', 'test_f1', 0.9);
    const runs = [run('a', 'live'), run('b', 'last')];
    expect([...listed(data, runs).found.listed]).toEqual(['loss', 'f1']);
    add(data, 'b', 'train_loss', 1, 2);
    const { found } = listed(data, runs, ['run:b']);
    expect([...found.listed]).toEqual(['f1']);
    // the legend has what is plotted
    expect(found.entries.filter(entry => entry.id.startsWith('split:')).map(entry => entry.name)).toEqual(['train', 'val']);
  });

  it('of one run stand in cells: its splits beside each other, the value of the last run behind', () => {
    const data = new SeriesSet();
    for (const [key, value] of [['train_f1', 0.98], ['val_f1', 0.9583], ['rows', 1234]] as const) add(data, 'a', key, value);
    add(data, 'b', 'val_f1', 0.951);
    const runs = [run('a', 'live'), run('b', 'last')];
    const values = new Values();
    values.show(listed(data, runs).rows, runs);
    const cells = [...values.element.querySelectorAll('[role=listitem]')];
    const texts = cells.map(cell => [...cell.querySelectorAll('.nbt-metric, .nbt-piece > *')].map(part => part.textContent).filter(Boolean));
    expect(texts).toEqual([['f1', 'train', '0.98', 'val', '0.9583', 'last 0.951'], ['rows', '1,234']]);
    expect(values.summary()).toBe('f1 train 0.98, f1 val 0.9583, rows 1,234');
  });

  it('of several runs have a column for each, and of very many the first', () => {
    const data = new SeriesSet();
    const runs = Array.from({ length: 20 }, (_, i) => run(String(i)));
    for (const { id } of runs) add(data, id, 'val_f1', Number(id));
    add(data, '1', 'auc', 0.5);
    const values = new Values();
    values.show(listed(data, runs).rows, runs);
    const rows = [...values.element.querySelectorAll('tr')].map(row => [...row.children].map(cell => cell.textContent));
    expect(rows[0]!.slice(0, 3).concat(rows[0]!.slice(-1))).toEqual(['', 'run 0', 'run 1', 'and 8 more']);
    expect(rows.slice(1).map(row => row.slice(0, 3))).toEqual([['f1 val', '0', '1'], ['auc', '', '0.5']]);
  });

  it('are not made anew where nothing has changed, and go when there are none', () => {
    const data = new SeriesSet();
    add(data, 'a', 'f1', NaN);
    const values = new Values();
    values.show(listed(data, [run('a')]).rows, [run('a')]);
    const first = values.element.firstChild;
    values.show(listed(data, [run('a')]).rows, [run('a')]);
    expect([values.element.firstChild === first, values.element.textContent]).toEqual([true, 'f1NaN']);
    add(data, 'a', 'f1', 1);
    values.show(listed(data, [run('a')]).rows, [run('a')]);
    expect([values.element.hidden, values.element.childElementCount, values.summary()]).toEqual([true, 0, '']);
  });
});

describe('a chart', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('lists a metric until its second point comes, and hides the switches where there are only values', async () => {
    vi.stubGlobal('IntersectionObserver', undefined);
    const root = document.createElement('div');
    document.body.append(root);
    const data = new SeriesSet();
    add(data, 'a', 'loss', 3);
    add(data, 'a', 'rows', 7);
    const chart = new Chart(root, data, { x: 'auto', smoothing: 0, logX: false, logY: false }, () => undefined);
    const heads = (): (string | null)[] => [...root.querySelectorAll('.nbt-panel h4, .nbt-values .nbt-metric')].map(head => head.textContent);
    chart.setRuns([{ ...run('a', 'live'), state: 'RUNNING' }]);
    await vi.waitFor(() => expect(root.querySelector('.nbt-sr')!.textContent).toBe('step 0, loss 3, rows 7'));
    expect([heads(), react.mock.calls.length, root.className]).toEqual([['loss', 'rows'], 0, '']);
    add(data, 'a', 'loss', 2);
    chart.touch(['loss']);
    await vi.waitFor(() => expect(root.querySelector('.nbt-sr')!.textContent).toContain('loss: loss 2'));
    expect([heads(), react.mock.calls.length]).toEqual([['loss', 'rows'], 1]);
    expect(root.querySelector('.nbt-values')!.textContent).toBe('rows7');
    data.remove('a', 'loss');
    chart.setRuns([run('a', 'live')]);
    await vi.waitFor(() => expect(root.className).toBe('nbt-only-values'));
    chart.dispose();
  });
});
