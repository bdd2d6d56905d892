import type { Query, TableView } from './protocol';
import type { Row } from './rows';
import { type First, RunsTable } from './table';
import { followTheme } from './theme';

/** Show a saved table; sorting and a plain text filter work on the rows that were saved. */
export function showFinishedTable(root: HTMLElement, view: TableView): () => void {
  const rows: Row[] = view.run_ids.map((id, i) => ({
    id,
    cells: Object.fromEntries(Object.entries(view.values).map(([name, values]) => [name, values[i] ?? null]))
  }));
  const apply = (query: Query): First => {
    const words = query.filter === view.filter ? [] : query.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter(row => {
      const text = Object.values(row.cells).join(' ').toLowerCase();
      return words.every(word => text.includes(word));
    });
    for (const [name, ascending] of [...query.sort].reverse()) {
      kept.sort((a, b) => compare(a.cells[name] ?? null, b.cells[name] ?? null, ascending));
    }
    return { query, total: kept.length, rows: kept, best: view.best };
  };
  const table = new RunsTable(
    root,
    {
      fetch: async query => ({ total: rows.length, rows: apply(query).rows }),
      changed: query => table.setFirst(apply(query)),
      selected: () => undefined
    },
    rows.length || 1
  );
  const query: Query = { columns: view.columns, filter: view.filter, sort: view.sort };
  table.setColumns(view.all_columns);
  table.setQuery(query);
  table.setFirst({ query, total: rows.length, rows, best: view.best });
  if (view.total > rows.length) table.setNote(`first ${rows.length} of ${view.total.toLocaleString('en-US')} runs`);
  const stopTheme = followTheme(root, () => undefined);
  return () => {
    stopTheme();
    table.dispose();
  };
}

/** Order two cells; what is missing or no number comes last either way. */
function compare(a: string | number | null, b: string | number | null, ascending: boolean): number {
  const missing = (v: string | number | null): boolean => v === null || Number.isNaN(v);
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
  return ascending ? order : -order;
}
