import { asF64 } from './binary';
import { formatDuration, formatNumber, formatTime } from './format';
import type { ColumnKind, Page } from './protocol';

export type Cell = string | number | null;

/** One run as a row; cells are looked up by the name of their column. */
export interface Row {
  id: string;
  cells: Record<string, Cell>;
}

/** Decode a page of the protocol into rows. */
export function decodeRows(page: Page, buffers: readonly DataView[]): Row[] {
  const rows: Row[] = page.run_ids.map(id => ({ id, cells: {} }));
  for (const column of page.columns) {
    const numbers = column.buffer === undefined ? null : asF64(buffers[column.buffer]);
    const gaps = new Set(column.gaps ?? []);
    rows.forEach((row, i) => {
      row.cells[column.name] = numbers ? (gaps.has(i) ? null : (numbers[i] ?? null)) : (column.values?.[i] ?? null);
    });
  }
  return rows;
}

/** Rows by position, of which only some are here. */
export class RowCache {
  private rows = new Map<number, Row>();
  total = 0;

  clear(): void {
    this.rows.clear();
  }

  put(start: number, rows: readonly Row[]): void {
    rows.forEach((row, i) => this.rows.set(start + i, row));
  }

  get(index: number): Row | undefined {
    return this.rows.get(index);
  }

  /** The first page of `size` rows within [start, stop) of which something is missing. */
  missingPage(start: number, stop: number, size: number): [number, number] | null {
    for (let i = start; i < Math.min(stop, this.total); i++) {
      if (this.rows.has(i)) continue;
      const from = Math.floor(i / size) * size;
      return [from, Math.min(from + size, this.total)];
    }
    return null;
  }

  /** Positions of the rows that are here, by run id. */
  find(id: string): number {
    for (const [index, row] of this.rows) if (row.id === id) return index;
    return -1;
  }
}

/** A cell as text. */
export function cellText(value: Cell | undefined, kind: ColumnKind): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (kind === 'time') return formatTime(value);
  if (kind === 'duration') return formatDuration(value);
  return formatNumber(value);
}

const WORDS: Record<string, string> = {
  run_name: 'Run',
  run_id: 'Run ID',
  status: 'State',
  start_time: 'Started',
  end_time: 'Ended',
  duration: 'Duration',
  experiment: 'Experiment',
  user_id: 'User'
};

/** How the heading of a column reads: `metrics.loss` is `loss`, below `metrics`. */
export function heading(name: string): { family: string; label: string } {
  const dot = name.indexOf('.');
  const family = dot > 0 ? name.slice(0, dot) : '';
  if (['metrics', 'params', 'tags'].includes(family)) return { family, label: name.slice(dot + 1) };
  return { family: '', label: WORDS[name] ?? name.replaceAll('_', ' ') };
}

/** Width in pixels that a column of this kind gets. */
export function columnWidth(name: string, kind: ColumnKind): number {
  if (name === 'run_name') return 180;
  const wanted = { text: 110, number: 92, time: 146, state: 104, duration: 88 }[kind];
  return Math.max(wanted, Math.min(190, heading(name).label.length * 7.5 + 34));
}
