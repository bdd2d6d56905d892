import type { Column, TableState } from './protocol_table';
import { heading, type Row } from './rows';
import { directionOf } from './table_columns';
import type { MenuItem } from './table_popup';

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

/** Params are kept as text; those that are all numbers are shown and compared as numbers. */
export function asNumbers(rows: readonly Row[], name: string): void {
  for (const { cells } of rows) {
    const text = cells[name];
    if (typeof text === 'string' && text !== '' && !Number.isNaN(Number(text))) cells[name] = Number(text);
  }
}

/** Give what is cut off its whole text to the pointer. */
export function showWhole(event: MouseEvent): void {
  const cell = (event.target as HTMLElement).closest<HTMLElement>('.ag-cell');
  if (!cell || cell.hasAttribute('title')) return;
  const inner = cell.querySelector<HTMLElement>('.nbt-nametext') ?? cell;
  if (inner.scrollWidth > inner.clientWidth) cell.title = inner.textContent ?? '';
}

