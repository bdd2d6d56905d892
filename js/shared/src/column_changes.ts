import type { TableState } from './protocol_table';
import type { Layout } from './view_data';

type ColumnChanges = Pick<Layout, 'hidden' | 'added' | 'order'>;

/**
 * The columns that are shown: those by default, as far as they are there, with what somebody has changed.
 *
 * As `arranged_columns` in `nbtrack.views.table.page`.
 */
export function arrangeColumns(defaults: readonly string[], changes: ColumnChanges, has: (name: string) => boolean): string[] {
  const { hidden, added, order } = changes;
  const names = [...new Set([...defaults.filter(name => !hidden.includes(name)), ...added])].filter(has);
  if (order.length === 0) return names;
  const arranged = order.filter(name => names.includes(name));
  names.forEach((name, i) => {
    // what has come since stands behind what it stands behind by default
    if (!arranged.includes(name)) arranged.splice(arranged.indexOf(names[i - 1] ?? '') + 1, 0, name);
  });
  return arranged;
}

/** What somebody has changed who wants to see these columns; what is not there now stays as it was said. */
export function changesOf(columns: readonly string[], defaults: readonly string[], before: ColumnChanges, has: (name: string) => boolean): ColumnChanges {
  const hidden = [...new Set([...before.hidden, ...defaults])].filter(name => !columns.includes(name));
  const added = [
    ...before.added.filter(name => columns.includes(name) || !has(name)),
    ...columns.filter(name => !defaults.includes(name) && !before.added.includes(name))
  ];
  const unordered = arrangeColumns(defaults, { hidden, added, order: [] }, has);
  const moved = before.order.length > 0 || JSON.stringify(unordered) !== JSON.stringify(columns);
  return { hidden, added, order: moved ? [...columns] : [] };
}

/** The columns that are shown where nobody has named them one by one, as Python can. */
export class DefaultColumns {
  constructor(
    private readonly names: readonly string[] = [],
    private readonly has: (name: string) => boolean = () => false
  ) {}

  /** Whether a table shows them, with what the user has changed. */
  are(state: TableState): boolean {
    return JSON.stringify(state.columns) === JSON.stringify(this.arrange(state).columns);
  }

  arrange(state: TableState): TableState {
    return { ...state, columns: arrangeColumns(this.names, state, this.has) };
  }

  /**
   * Note in a new state what `columns` changes. What somebody sorts by or pins stays, also when it is no
   * longer among the columns by default.
   */
  note(state: TableState, columns?: readonly string[]): TableState {
    const { hidden, added, order } = columns ? changesOf(columns, this.names, state, this.has) : state;
    const touched = [...state.sort.map(([name]) => name), ...state.pinned];
    const kept = touched.filter(name => name !== 'run_name' && !hidden.includes(name) && !added.includes(name));
    return { ...state, hidden, added: [...added, ...new Set(kept)], order };
  }
}
