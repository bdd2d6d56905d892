// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { DefaultColumns } from '../src/column_changes';
import { SavedRows } from '../src/finished_table';
import { EMPTY_STATE } from '../src/protocol_table';
import type { Column, Page } from '../src/requests';
import { columnWidth, decodeRows, formatSpread } from '../src/rows';
import { sparkline } from '../src/table_cells';
import { type Counts, countText } from '../src/table_count';
import { heightOfRows } from '../src/table_parts';
import { columnDefs, directionOf, shownColumns } from '../src/table_columns';
import type { TableView } from '../src/view_data';

const view = (...values: number[]): DataView => new DataView(Float64Array.from(values).buffer);
const column = (name: string, more: Partial<Column> = {}): Column => ({ name, kind: 'number', differs: true, direction: null, ...more });
const byName = (...columns: Column[]): Map<string, Column> => new Map(columns.map(each => [each.name, each]));

const saved: TableView = {
  kind: 'table',
  version: 1,
  all_columns: [column('run_name', { kind: 'text' }), column('metrics.loss')],
  columns: ['run_name', 'metrics.loss'],
  sort: [],
  filter: 'from python',
  total: 3,
  best: { 'metrics.loss': 0.1 },
  run_ids: ['a', 'b', 'c'],
  values: { run_name: ['otter', 'heron', 'old otter'], 'metrics.loss': [0.3, null, '∞'] }
};

async function names(filter: string, sort: [string, boolean][] = []): Promise<(string | null)[] | undefined> {
  const params = { columns: ['run_name'], filter, sort };
  const { body } = await new SavedRows(saved).ask('table.rows', params);
  return body.columns[0]?.values;
}

describe('pages', () => {
  it('has groups with means and spreads, and the runs below them', () => {
    const page: Page = {
      start: 0,
      total: 2,
      run_ids: ['', 'a'],
      groups: [{ key: 'k', label: 'lr = 1', runs: 3 }, null],
      children: [1],
      columns: [{ name: 'metrics.loss', buffer: 0, spread: 1, gaps: [] }]
    };
    const [group, run] = decodeRows(page, [view(0.5, 0.4), view(0.1, NaN)]);
    expect(group).toMatchObject({ id: 'group:k', cells: { 'metrics.loss': 0.5 }, spread: { 'metrics.loss': 0.1 } });
    expect(run).toEqual({ id: 'a', child: true, cells: { 'metrics.loss': 0.4 } });
  });
});

describe('saved rows', () => {
  it('are filtered by words, but not by the filter they were saved with', async () => {
    expect(await names('from python')).toHaveLength(3);
    expect(await names('OTTER old')).toEqual(['old otter']);
  });

  it('are sorted with what is missing last, either way', async () => {
    expect(await names('from python', [['metrics.loss', true]])).toEqual(['otter', 'old otter', 'heron']);
    expect(await names('from python', [['metrics.loss', false]])).toEqual(['old otter', 'otter', 'heron']);
  });

  it('say that they cannot do what needs a store', async () => {
    await expect(new SavedRows(saved).ask('table.edit', { run_id: 'a', column: 'note', value: '' })).rejects.toThrow('run its cell again');
  });
});

describe('columns', () => {
  const all = byName(column('run_name', { kind: 'text' }), column('params.lr', { differs: false }), column('metrics.loss', { direction: 'min' }), column('metrics.acc'));
  const state = { ...EMPTY_STATE, columns: ['run_name', 'params.lr', 'metrics.loss', 'gone', 'metrics.acc'] };
  const options = { context: {} as never, best: () => undefined, menu: () => undefined, editable: true, room: 0 };

  it('shows only those that differ, if that is wanted', () => {
    expect(shownColumns({ ...state, differing: true }, all).map(each => each.name)).toEqual(['run_name', 'metrics.loss', 'metrics.acc']);
  });

  it('puts neighbours of a family below one heading', () => {
    const heads = columnDefs(state, all, options).map(def => ('children' in def ? [def.headerName, def.children.length] : def.headerName));
    expect(heads).toEqual(['', 'Run', ['Params', 1], ['Metrics', 2]]);
  });

  it('sorts the best first where it is known', () => {
    const state2 = { ...state, directions: { 'metrics.acc': 'max' as const, 'metrics.loss': 'none' as const } };
    expect(directionOf(state2, all.get('metrics.acc')!)).toBe('max');
    expect(directionOf(state2, all.get('metrics.loss')!)).toBeNull();
  });

  it('are wider where they have a spread', () => {
    expect(columnWidth('metrics.loss', 'number', true)).toBeGreaterThan(columnWidth('metrics.loss', 'number'));
  });
});

describe('pinned columns', () => {
  const all = byName(...['run_name', 'status', 'metrics.loss'].map(name => column(name, { kind: name === 'run_name' ? 'text' : 'number' })));
  const state = { ...EMPTY_STATE, columns: [...all.keys()], pinned: ['run_name', 'status', 'metrics.loss'] };
  const laidOut = (room: number): { colId?: string; pinned?: unknown; width?: number }[] => {
    const options = { context: {} as never, best: () => undefined, menu: () => undefined, editable: true, room };
    return columnDefs(state, all, options).flatMap(def => ('children' in def ? (def.children as object[]) : [def]));
  };

  it('are the name alone where they would leave no room', () => {
    const pinned = (room: number): unknown[] => laidOut(room).filter(def => def.pinned === 'left').map(def => def.colId);
    expect(pinned(1600)).toEqual(['select', 'run_name', 'status', 'metrics.loss']);
    expect(pinned(600)).toEqual(['select', 'run_name']);
  });

  it('have a name that shrinks with the table', () => {
    const width = (room: number): unknown => laidOut(room).find(def => def.colId === 'run_name')?.width;
    expect([width(1600), width(600), width(300)]).toEqual([190, 156, 120]);
  });
});

describe('counts', () => {
  const count = (part: Partial<Counts>): string => countText({ runs: 40, rows: part.runs ?? 40, selected: 0, hidden: 0, note: '', unit: 'run', ...part });

  it.each<[Partial<Counts>, string]>([
    [{}, '40 runs'],
    [{ runs: 1 }, '1 run'],
    [{ runs: 1, unit: 'row' }, '1 row'],
    [{ rows: 3 }, '40 runs in 3 rows'],
    [{ selected: 2 }, '2 of 40 runs selected'],
    [{ selected: 3, hidden: 1 }, '2 of 40 runs selected, 1 more is not shown'],
    [{ runs: 0, selected: 2, hidden: 2 }, '0 runs, 2 selected are not shown']
  ])('read %j', (part, text) => expect(count(part)).toBe(text));
});

describe('columns by default', () => {
  const table = (...names: string[]): DefaultColumns => new DefaultColumns(names, name => name !== 'gone');
  const before = table('run_name', 'metrics.loss', 'params.lr', 'duration');
  const after = table('run_name', 'metrics.loss', 'params.lr', 'params.new', 'duration', 'start_time');
  const shown = before.arrange(EMPTY_STATE);
  const change = (columns: string[]): typeof shown => before.arrange(before.note({ ...shown, columns }, columns));

  it.each<[string, typeof shown, string]>([
    ['nothing is changed', shown, 'run_name metrics.loss params.lr params.new duration start_time'],
    ['one is hidden', change(['run_name', 'params.lr', 'duration']), 'run_name params.lr params.new duration start_time'],
    ['one is added', change([...shown.columns, 'tags.team']), 'run_name metrics.loss params.lr params.new duration start_time tags.team'],
    ['one is moved', change(['run_name', 'duration', 'params.lr', 'metrics.loss']), 'run_name duration start_time params.lr params.new metrics.loss'],
    ['one is sorted by', before.note({ ...shown, sort: [['metrics.loss', true]] }), 'run_name metrics.loss params.lr params.new duration start_time']
  ])('has those that come later where %s', (_what, state, columns) => {
    expect(before.are(state)).toBe(true);
    expect(after.arrange(state).columns.join(' ')).toBe(columns);
  });

  it('keeps what somebody has sorted by or pinned, and what is not there now', () => {
    const sorted = before.note({ ...shown, sort: [['params.lr', true]], pinned: ['run_name', 'metrics.loss'] });
    expect(table('run_name', 'duration').arrange(sorted).columns).toEqual(['run_name', 'duration', 'params.lr', 'metrics.loss']);
    expect(before.note({ ...shown, added: ['gone'] }, ['run_name']).added).toEqual(['gone']);
  });

  it('shows the columns of a set as they were saved', () => {
    expect(change(['run_name', 'tags.team', 'metrics.loss']).columns).toEqual(['run_name', 'tags.team', 'metrics.loss']);
  });
});

describe('cells', () => {
  it.each([
    [0.23123, 0.01234, '0.231 ± 0.012'],
    [-12.5, 3.21, '−12.5 ± 3.2'],
    [2, 0, '2 ± 0']
  ])('%d with %d reads %s', (mean, spread, text) => expect(formatSpread(mean, spread)).toBe(text));

  it('draws a small curve with its ends in words, and nothing of nothing', () => {
    expect(sparkline([1, NaN, 0.25], 'loss').getAttribute('aria-label')).toBe('loss from 1 to 0.25');
    expect(sparkline([NaN], 'loss').tagName).toBe('SPAN');
  });
});

it('a table is as high as the most rows it has had, up to the height that was said', () => {
  const high = (rows: number, most: number | null, height?: number): number => heightOfRows([], { rows, most }, height);
  expect([high(0, null, 300), high(50, 50, 300), high(1, 50, 300)]).toEqual([300, 300, 300]);
  expect(high(0, 0, 300)).toBeLessThan(120);
  expect(high(1, 4, 300)).toBe(high(4, 4));
  expect(high(1, 4)).toBeLessThan(high(4, 4));
});
