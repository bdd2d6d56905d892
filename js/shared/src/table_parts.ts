import type { GridApi } from 'ag-grid-community';
import type { TableState } from './protocol_table';
import type { Column, SortKey } from './requests';
import { heading, type Row } from './rows';
import { directionOf, SELECT, shownColumns } from './table_columns';
import { GROUP_HEADER_HEIGHT, HEADER_HEIGHT, ROW_HEIGHT } from './table_grid';
import type { MenuItem } from './table_popup';
import type { FirstPage, RowsQuery } from './view_data';

const MAX_HEIGHT = 440;

/** What the menu of a column offers; `change` takes the new part of the state, and whether rows change. */
export function columnMenuItems(
  state: TableState,
  column: Column,
  change: (part: Partial<TableState>, rows?: boolean) => void
): (MenuItem | '-')[] {
  const { name, kind } = column;
  const way = directionOf(state, column) ?? 'none';
  const pinned = state.pinned.includes(name);
  const others = state.pinned.filter(other => other !== name);
  const sort = (label: string, rises: boolean): MenuItem => ({ label, run: () => change({ sort: [[name, rises]] }, true) });
  const best = (label: string, value: 'min' | 'max' | 'none'): MenuItem => ({
    label,
    checked: way === value,
    run: () => change({ directions: { ...state.directions, [name]: value } }, true)
  });
  const items: (MenuItem | '-')[] = kind === 'curve' ? [] : [sort('Sort ascending', true), sort('Sort descending', false), '-'];
  items.push(
    { label: pinned ? 'Unpin' : 'Pin to the left', run: () => change({ pinned: pinned ? others : [...others, name] }) },
    { label: 'Hide', disabled: name === 'run_name', run: () => change({ columns: state.columns.filter(other => other !== name) }) }
  );
  if (/^(params|tags)\./.test(name)) items.push({ label: `Group by ${heading(name).label}`, run: () => change({ group: [name] }, true) });
  if (kind === 'number' && /^(params|metrics)\./.test(name)) {
    items.push('-', best('Lowest is best', 'min'), best('Highest is best', 'max'), best('No best value', 'none'));
  }
  return items;
}

/** What the rows depend on. */
export function rowsKey({ columns, filter, sort, group, stage, directions, differing }: TableState): unknown[] {
  return [columns, filter, sort, group, stage, directions, differing];
}

/** Whether pushed rows are those of a query; they may have more columns than it asks for. */
export function fits(first: FirstPage, query: RowsQuery): boolean {
  const rest = ({ filter, sort, group, expanded, stage, directions }: RowsQuery): string => JSON.stringify([filter, sort, group, expanded, stage, directions]);
  return rest(first.query) === rest(query) && query.columns.every(name => first.query.columns.includes(name) || name.startsWith('curves.'));
}

/** What the columns of the grid depend on. */
export function columnsKeyOf(state: TableState, all: ReadonlyMap<string, Column>, room: number): string {
  const { pinned, widths, sort, directions, group } = state;
  return JSON.stringify([shownColumns(state, all), pinned, widths, sort, directions, group.length > 0, room]);
}

/**
 * How high a table is: as its rows, up to a limit.
 *
 * One that has a height is not higher than the most rows that it has had: a filter that leaves few of them does
 * not move what stands below.
 */
export function heightOfRows(shown: readonly Column[], { rows, most }: { rows: number; most: number | null }, height?: number): number {
  const families = shown.some(column => heading(column.name).family);
  const head = HEADER_HEIGHT + (families ? GROUP_HEADER_HEIGHT : 0);
  const of = (total: number): number => Math.min(MAX_HEIGHT, head + Math.max(2, total) * ROW_HEIGHT + 18);
  if (height === undefined) return of(rows);
  return most === null ? height : Math.min(height, of(most));
}

/** How the grid is sorted now. */
export function sortOf(api: GridApi<Row>): SortKey[] {
  return api
    .getColumnState()
    .filter(({ sort, colId }) => sort && colId !== SELECT)
    .sort((a, b) => (a.sortIndex ?? 0) - (b.sortIndex ?? 0))
    .map(({ colId, sort }): SortKey => [colId, sort === 'asc']);
}

/** In which order the grid has the columns now, and which it has pinned, where it has not unpinned them for want of room. */
export function orderOf(api: GridApi<Row>, { columns: names, pinned: before }: TableState, squeezed: boolean): { columns: string[]; pinned: string[] } {
  const shown = api.getAllGridColumns();
  const order = shown.map(column => column.getColId());
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  const pinned = shown.filter(column => column.isPinned() && column.getColId() !== SELECT).map(column => column.getColId());
  return { columns: [...names].sort((a, b) => place(a) - place(b)), pinned: squeezed ? before : pinned };
}

/** Params are kept as text; those that are all numbers are shown and compared as numbers. */
export function asNumbers(rows: readonly Row[], name: string): void {
  for (const { cells } of rows) {
    const text = cells[name];
    if (typeof text === 'string' && text !== '' && !Number.isNaN(Number(text))) cells[name] = Number(text);
  }
}

/** Give what is cut off its whole text to the pointer. */
export function showFullText(event: MouseEvent): void {
  const cell = (event.target as HTMLElement).closest<HTMLElement>('.ag-cell');
  if (!cell || cell.hasAttribute('title')) return;
  const inner = cell.querySelector<HTMLElement>('.nbt-nametext') ?? cell;
  if (inner.scrollWidth > inner.clientWidth) cell.title = inner.textContent ?? '';
}

/** The columns that are curves. */
export function curveColumns(state: TableState, all: ReadonlyMap<string, Column>): string[] {
  return shownColumns(state, all).filter(column => column.kind === 'curve').map(column => column.name);
}

/** The runs whose rows are on the screen. */
export function runsShown(api: GridApi<Row>): string[] {
  return api.getRenderedNodes().flatMap(({ data }) => (data && !data.group ? [data.id] : []));
}

/** The states of the selected runs, as far as their rows are on the screen. */
export function statesOf(api: GridApi<Row>, selection: { has(id: string): boolean }): unknown[] {
  return api.getRenderedNodes().map(({ data }) => (data && selection.has(data.id) ? data.cells['status'] : null));
}
