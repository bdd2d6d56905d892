import { asF64 } from './binary';
import { formatDuration, formatNumber, formatTime } from './format';
import type { ColumnKind, Group, Page } from './requests';

export type Cell = string | number | null;

/** One row: a run, or a group of runs. Cells are looked up by the name of their column. */
export interface Row {
  id: string;
  cells: Record<string, Cell>;
  group?: Group;
  /** Whether it stands below its group. */
  child?: boolean;
  /** Standard deviations of a group's means. */
  spread?: Record<string, number>;
  /** Why the run may not give the same numbers when it is run again, such as `hidden state, unseeded`. */
  warnings?: string;
}

/** Decode a page of the protocol into rows. */
export function decodeRows(page: Page, buffers: readonly DataView[]): Row[] {
  const rows: Row[] = page.run_ids.map((id, i) => {
    const group = page.groups?.[i];
    return group ? { id: `group:${group.key}`, cells: {}, group, spread: {} } : { id, cells: {} };
  });
  for (const place of page.children ?? []) if (rows[place]) rows[place].child = true;
  page.warnings?.forEach((warnings, i) => {
    if (warnings && rows[i]) rows[i].warnings = warnings;
  });
  for (const column of page.columns) {
    const numbers = column.buffer === undefined ? null : asF64(buffers[column.buffer]);
    const spreads = column.spread === undefined ? null : asF64(buffers[column.spread]);
    const gaps = new Set(column.gaps ?? []);
    rows.forEach((row, i) => {
      row.cells[column.name] = numbers ? (gaps.has(i) ? null : (numbers[i] ?? null)) : (column.values?.[i] ?? null);
      const spread = spreads?.[i];
      if (row.spread && spread !== undefined && !Number.isNaN(spread)) row.spread[column.name] = spread;
    });
  }
  return rows;
}

/** A cell as text. */
export function cellText(value: Cell | undefined, kind: ColumnKind, spread?: number): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (kind === 'time') return formatTime(value);
  if (kind === 'duration') return formatDuration(value);
  return spread === undefined ? formatNumber(value) : formatSpread(value, spread);
}

/** A mean and its standard deviation: `0.231 ± 0.012`, both to the digits that the deviation allows. */
export function formatSpread(mean: number, spread: number): string {
  if (!Number.isFinite(mean) || !Number.isFinite(spread) || spread === 0) return `${formatNumber(mean)} ± ${formatNumber(spread)}`;
  const digits = 1 - Math.floor(Math.log10(Math.abs(spread)));
  if (digits < 0 || digits > 6) return `${formatNumber(mean, 3)} ± ${formatNumber(spread, 2)}`;
  return `${mean.toFixed(digits).replace(/^-/, '−')} ± ${spread.toFixed(digits)}`;
}

const WORDS: Record<string, string> = {
  run_name: 'Run',
  run_id: 'Run ID',
  status: 'State',
  start_time: 'Started',
  end_time: 'Ended',
  duration: 'Duration',
  experiment: 'Experiment',
  user_id: 'User',
  note: 'Note',
  reproduced: 'Reproduced',
  warnings: 'Warnings'
};
export const FAMILIES = ['', 'params', 'metrics', 'curves', 'tags', 'sql'] as const;

/** How the heading of a column reads: `metrics.loss` is `loss`, below `metrics`. */
export function heading(name: string): { family: string; label: string } {
  const dot = name.indexOf('.');
  const family = dot > 0 ? name.slice(0, dot) : '';
  if (family && (FAMILIES as readonly string[]).includes(family)) return { family, label: name.slice(dot + 1) };
  return { family: '', label: WORDS[name] ?? name.replaceAll('_', ' ') };
}

/** Width in pixels that a column of this kind gets. */
export function columnWidth(name: string, kind: ColumnKind, grouped = false): number {
  if (name === 'run_name') return grouped ? 250 : 190;
  if (grouped && name.startsWith('metrics.')) return 146;
  if (name === 'note') return 200;
  const wanted = { text: 110, number: 96, time: 164, state: 108, duration: 92, curve: 112, verdict: 210 }[kind];
  return Math.max(wanted, Math.min(190, heading(name).label.length * 7.5 + 40));
}
