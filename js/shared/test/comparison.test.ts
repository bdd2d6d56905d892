import { describe, expect, it } from 'vitest';
import changes from './code_changes.json';
import { type DataColumn, RunData, within } from '../src/comparison_data';
import { ColourRamp } from '../src/comparison_marks';
import { SavedBackend } from '../src/comparison_saved';
import { logTicks, niceTicks, scaleOf } from '../src/comparison_scale';
import { metricPairs, packagePairs, pairs } from '../src/diff_facts';
import { countChanged, diffLines } from '../src/diff_lines';
import { type Axis, axesOf, bend, brushBetween, moveAxis, placesOf, withBrush } from '../src/parallel_axes';
import type { Theme } from '../src/theme';
import type { SavedComparison } from '../src/view_data';

const THEME: Theme = { dark: false, text: '#000', muted: '#888', grid: '#eee', danger: '#f00', font: 'x', palette: ['#00f'] };

function numbers(name: string, values: number[], direction: 'min' | 'max' | null = null): DataColumn {
  return { name, kind: 'number', values: Float64Array.from(values), categories: [], direction };
}

function words(name: string, places: number[], categories: string[]): DataColumn {
  return { name, kind: 'category', values: Float64Array.from(places), categories, direction: null };
}

function dataOf(...columns: DataColumn[]): RunData {
  const n = columns[0]?.values.length ?? 0;
  const ids = Array.from({ length: n }, (_, i) => `r${i}`);
  const available = columns.map(c => ({ name: c.name, kind: c.kind, differs: true, values: 3, direction: c.direction }));
  return new RunData(ids, ids, n, available, new Map(columns.map(c => [c.name, c])));
}

const lr = numbers('params.lr', [1e-4, 1e-3, 1e-2, NaN]);
const optimizer = words('params.optimizer', [0, 1, 1, 2], ['adam', 'lion', 'sgd']);
const loss = numbers('metrics.loss', [0.9, 0.2, 0.5, 3], 'min');
const data = dataOf(lr, optimizer, loss);
const axes = axesOf(data, [], 'metrics.loss', {});
const axis = (name: string): Axis => axes.find(other => other.name === name)!;

describe('scales', () => {
  it('are logarithmic where numbers are wide apart, unless somebody says no', () => {
    expect(scaleOf(lr).kind).toBe('log');
    expect(scaleOf(lr, false).kind).toBe('linear');
    expect(scaleOf(numbers('x', [-1, 1000])).kind).toBe('linear');
    expect(scaleOf(numbers('x', [-1, 1000]), true).kind).toBe('linear');
  });

  it('put the ends at 0 and 1 and find values again', () => {
    for (const column of [lr, loss]) {
      const scale = scaleOf(column);
      expect([scale.place(scale.low), scale.place(scale.high)]).toEqual([0, 1]);
      expect(scale.value(scale.place(0.002 + scale.low))).toBeCloseTo(0.002 + scale.low);
    }
  });

  it('show few values as they are, and stand still where all are the same', () => {
    expect(scaleOf(numbers('x', [16, 32, 64, 32])).ticks.map(tick => tick.label)).toEqual(['16', '32', '64']);
    expect(scaleOf(numbers('x', [5, 5])).place(5)).toBeCloseTo(0.5);
    expect(scaleOf(numbers('x', [NaN])).place(0.5)).toBeCloseTo(0.5);
  });

  it('have round ticks', () => {
    expect(niceTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(logTicks(1e-4, 1e-1)).toEqual([1e-4, 1e-3, 1e-2, 1e-1]);
    expect(logTicks(1.1, 1.9).length).toBeGreaterThan(1);
  });
});

describe('axes', () => {
  it('end with the metric, and mark gaps', () => {
    expect(axes.map(({ name }) => name)).toEqual(['params.lr', 'params.optimizer', 'metrics.loss']);
    expect(axes.map(({ gaps }) => gaps)).toEqual([true, false, false]);
  });

  it('are moved by places and stop at the ends', () => {
    expect(moveAxis(['a', 'b', 'c'], 'a', 1)).toEqual(['b', 'a', 'c']);
    expect(moveAxis(['a', 'b', 'c'], 'a', -1)).toEqual(['a', 'b', 'c']);
    expect(moveAxis(['a', 'b', 'c'], 'a', 9)).toEqual(['b', 'c', 'a']);
    expect(moveAxis(['a'], 'z', 1)).toEqual(['a']);
  });

  it('are joined by curves that begin and end level', () => {
    expect([bend(0), bend(0.5), bend(1)].map(y => Math.round(y * 1e6) / 1e6)).toEqual([0, 0.5, 1]);
    expect(bend(0.05)).toBeLessThan(0.05);
  });
});

describe('brushes', () => {
  it('hold the runs between two places, whichever comes first', () => {
    const brush = brushBetween(axis('params.lr'), 1, 0.4)!;
    expect(within(data, [brush])).toEqual(['r1', 'r2']);
    expect(within(data, [brushBetween(axis('params.lr'), 0.4, 1)!])).toEqual(['r1', 'r2']);
  });

  it('take the very ends in', () => {
    const brush = brushBetween(axis('params.lr'), -0.2, 1.3);
    expect(brush).toEqual({ column: 'params.lr', low: 1e-4, high: 1e-2 });
    expect(within(data, [brush!])).toEqual(['r0', 'r1', 'r2']);
  });

  it('hold whole categories', () => {
    expect(brushBetween(axis('params.optimizer'), 0.4, 0.95)).toEqual({ column: 'params.optimizer', values: ['lion', 'sgd'] });
    expect(brushBetween(axis('params.optimizer'), 0.2, 0.3)).toBeNull();
    expect(placesOf(axis('params.optimizer'), { column: '', values: ['adam', 'lion'] })).toEqual([[0, 2 / 3]]);
    expect(placesOf(axis('params.optimizer'), { column: '', values: ['adam', 'sgd'] })).toHaveLength(2);
  });

  it('all have to hold a run; one of a column that is not here holds none', () => {
    const both = [{ column: 'params.optimizer', values: ['lion'] }, { column: 'metrics.loss', low: 0, high: 0.3 }];
    expect(within(data, both)).toEqual(['r1']);
    expect(within(data, [{ column: 'gone', low: 0, high: 1 }])).toEqual([]);
    expect(within(data, [])).toHaveLength(4);
  });

  it('take the place of the one on the same axis', () => {
    const first = [{ column: 'a', low: 0, high: 1 }];
    expect(withBrush(first, 'a', { column: 'a', low: 2, high: 3 })).toEqual([{ column: 'a', low: 2, high: 3 }]);
    expect(withBrush(first, 'a', null)).toEqual([]);
  });
});

describe('colours', () => {
  it('put the better at one end, whichever way is better', () => {
    const falling = new ColourRamp(loss, THEME);
    const rising = new ColourRamp(numbers('metrics.acc', [0.9, 0.2], 'max'), THEME);
    expect(falling.of(1)).toBe(rising.of(0));
    expect(falling.rank(1)).toBeGreaterThan(falling.rank(3));
    expect(new ColourRamp(lr, THEME).of(3)).toBeNull();
  });
});

describe('differences', () => {
  it('show changed lines with what stands around them', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    const found = diffLines(lines.join('\n'), lines.map((line, i) => (i === 10 ? 'new' : line)).join('\n'));
    expect(found[0]).toEqual({ kind: 'place', text: '@@ line 8 | line 8 @@' });
    expect(found.filter(line => line.kind === 'same')).toHaveLength(6);
    expect(found.flatMap(line => (line.kind === 'old' || line.kind === 'new' ? [`${line.kind} ${line.text}`] : []))).toEqual(['old line 10', 'new new']);
    expect(diffLines('a\nb  \n', 'a\nb')).toEqual([]);
  });

  it('keep what is common between changes', () => {
    const found = diffLines('a\nb\nc\nd', 'a\nx\nc\ny\nd');
    expect(found.map(line => line.kind)).toEqual(['same', 'old', 'new', 'same', 'new', 'same']);
    expect(diffLines('', 'a').map(line => line.kind)).toEqual(['old', 'new']);
  });

  it.each(changes as [string, string, number][])('count lines as the card does: %j and %j', (before, after, count) => {
    expect(countChanged(diffLines(before, after))).toBe(count);
  });

  it('stand side by side, with what one run lacks', () => {
    expect(pairs([['a', '1'], ['b', '2']], [['b', '3'], ['c', '4']])).toEqual([
      { name: 'b', a: '2', b: '3' },
      { name: 'a', a: '1', b: null },
      { name: 'c', a: null, b: '4' }
    ]);
    const environment = (packages: Record<string, string>): never => ({ packages }) as never;
    expect(packagePairs(environment({ numpy: '1' }), null)).toEqual([{ name: 'numpy', a: '1', b: null }]);
    const [one, other] = [environment({ numpy: '1', duckdb: '2' }), environment({ numpy: '3' })];
    expect(packagePairs(one, other)).toEqual([{ name: 'numpy', a: '1', b: '3' }]);
  });

  it('say which metric is better, where its name tells', () => {
    const metric = (key: string, last: number | string, direction: 'min' | 'max' | null): never => ({ key, last, direction }) as never;
    const [first, second, third, odd] = metricPairs(
      [metric('loss', 0.4, 'min'), metric('acc', 0.5, 'max'), metric('width', 2, null), metric('odd', 'NaN', 'min')],
      [metric('loss', 0.3, 'min'), metric('acc', 0.4, 'max'), metric('width', 3, null), metric('odd', 1, 'min')]
    );
    expect([first!.verdict, second!.verdict, third!.verdict, odd!.verdict]).toEqual(['better', 'worse', undefined, undefined]);
    expect(first!.note).toBe('−25 %');
  });
});

describe('what was saved', () => {
  const saved = {
    kind: 'comparison',
    version: 1,
    table: {
      kind: 'table',
      version: 1,
      all_columns: [
        { name: 'run_name', kind: 'text', differs: true, direction: null },
        { name: 'params.lr', kind: 'number', differs: true, direction: null },
        { name: 'params.kind', kind: 'text', differs: true, direction: null },
        { name: 'metrics.loss', kind: 'number', differs: true, direction: 'min' }
      ],
      columns: ['run_name'],
      sort: [],
      filter: '',
      total: 2,
      best: {},
      run_ids: ['a', 'b'],
      values: { run_name: ['otter', 'heron'], status: ['FINISHED', 'FAILED'], 'params.lr': [0.1, null], 'params.kind': ['b', 'a'], 'metrics.loss': [0.5, '∞'] }
    },
    keys: [
      { name: 'params.lr', kind: 'number', differs: true, values: 2, direction: null },
      { name: 'params.kind', kind: 'category', differs: true, values: 2, direction: null },
      { name: 'metrics.loss', kind: 'number', differs: true, values: 2, direction: 'min' }
    ],
    metric: 'metrics.loss',
    selected: [],
    brushes: [],
    importance: [],
    facts: null,
    curves: { series: [], data: '' }
  } as unknown as SavedComparison;

  it('answers as the store did', async () => {
    const found = RunData.from(await new SavedBackend(saved).ask('compare.data', { filter: '' }));
    expect(found.names).toEqual(['otter', 'heron']);
    expect([...found.columns.get('params.lr')!.values]).toEqual([0.1, NaN]);
    expect([...found.columns.get('params.kind')!.values]).toEqual([1, 0]);
    expect(found.columns.get('metrics.loss')!.values[1]).toBe(Infinity);
  });

  it('is filtered by words, and says what it does not have', async () => {
    const backend = new SavedBackend(saved);
    const { body } = await backend.ask('compare.data', { filter: 'heron' });
    expect(body.run_ids).toEqual(['b']);
    const importance = await backend.ask('compare.importance', { metric: 'metrics.loss' });
    expect(importance.body.message).toContain('nbtrack.param_importance("loss")');
    const { body: diff } = await backend.ask('compare.diff', { a: 'a', b: 'b' });
    expect(diff.b.params).toEqual([['kind', 'a']]);
    await expect(backend.ask('table.act', { action: 'archive', run_ids: [] })).rejects.toThrow();
  });
});
