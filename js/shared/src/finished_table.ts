import type { BackendResponse, Backend, Body, Params, RequestName } from './backend';
import { byName } from './format';
import { EMPTY_STATE, type Query } from './protocol_table';
import type { ColumnKind, Page, RunIds, TableColumns } from './requests';
import type { Cell, Row } from './rows';
import { RunsTable } from './table';
import { followTheme } from './theme';
import type { TableView } from './view_data';

/** Answers for the rows that were saved: sorting and a plain text filter work on these. */
export class SavedRows implements Backend {
  readonly rows: Row[];

  constructor(private readonly view: TableView) {
    const texts = new Set(view.all_columns.filter(({ kind }) => isText(kind)).map(({ name }) => name));
    this.rows = view.run_ids.map((id, i) => ({
      id: id || `row-${i}`,
      cells: Object.fromEntries(
        Object.entries(view.values).map(([name, values]) => [name, texts.has(name) ? (values[i] ?? null) : numberOf(values[i] ?? null)])
      )
    }));
  }

  get columns(): TableColumns {
    return { columns: this.view.all_columns, defaults: this.view.columns, sets: null };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an error becomes a rejection
  async ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    return this.respond(type, params);
  }

  /** Respond to a request for rows. */
  respond(type: RequestName, params: object): BackendResponse<TableColumns | RunIds | Page> {
    if (type === 'table.columns') return { body: this.columns, buffers: [] };
    if (type !== 'table.rows' && type !== 'table.ids') throw new Error('This table was saved; run its cell again for that.');
    const query = params as Query & { start?: number; stop?: number };
    const kept = this.kept(query);
    if (type === 'table.ids') return { body: { run_ids: kept.map(row => row.id) }, buffers: [] };
    const rows = kept.slice(query.start ?? 0, query.stop ?? kept.length);
    const buffers: DataView[] = [];
    const columns = query.columns.map(name => {
      const cells = rows.map(row => row.cells[name] ?? null);
      const kind = this.view.all_columns.find(column => column.name === name)?.kind;
      if (isText(kind)) return { name, values: cells.map(cell => (cell === null ? null : String(cell))) };
      const numbers = Float64Array.from(cells, cell => (cell === null ? NaN : Number(cell)));
      buffers.push(new DataView(numbers.buffer));
      return { name, buffer: buffers.length - 1, gaps: cells.flatMap((cell, i) => (cell === null ? [i] : [])) };
    });
    const warnings = rows.map(({ cells: { warnings } }) => (typeof warnings === 'string' ? warnings : null));
    const page: Page = { start: query.start ?? 0, total: kept.length, run_ids: rows.map(row => row.id), columns, best: this.view.best, warnings };
    return { body: page, buffers };
  }

  private kept(query: Query): Row[] {
    const words = query.filter === this.view.filter ? [] : query.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = this.rows.filter(row => {
      const text = Object.values(row.cells).join(' ').toLowerCase();
      return words.every(word => text.includes(word));
    });
    if (JSON.stringify(query.sort) === JSON.stringify(this.view.sort)) return kept;
    for (const [name, ascending] of [...query.sort].reverse()) {
      kept.sort((a, b) => compare(a.cells[name] ?? null, b.cells[name] ?? null, ascending));
    }
    return kept;
  }
}

/** Show a saved table, without a kernel. */
export function showFinishedTable(root: HTMLElement, view: TableView): () => void {
  const saved = new SavedRows(view);
  const { columns, filter, sort } = view;
  const table = new RunsTable(root, {
    backend: saved,
    experimentIds: null,
    state: { ...EMPTY_STATE, columns, filter, sort },
    columns: saved.columns,
    editable: false,
    exports: false,
    onState: () => undefined,
    onSelected: () => undefined
  });
  const count = saved.rows.length;
  if (view.total > count) table.setNote(`first ${count} of ${view.total.toLocaleString('en-US')} runs`);
  const stopTheme = followTheme(root, () => undefined);
  return () => {
    stopTheme();
    table.dispose();
  };
}

/** JSON has no infinities; the finished output writes them as text. */
function numberOf(cell: Cell): Cell {
  if (cell === '∞') return Infinity;
  return cell === '−∞' ? -Infinity : cell;
}

/** Order two cells; what is missing or no number comes last either way. */
function compare(a: Cell, b: Cell, ascending: boolean): number {
  const missing = (v: Cell): boolean => v === null || Number.isNaN(v);
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : byName(String(a), String(b));
  return ascending ? order : -order;
}

function isText(kind: ColumnKind | undefined): boolean {
  return kind === 'text' || kind === 'state' || kind === 'verdict';
}
