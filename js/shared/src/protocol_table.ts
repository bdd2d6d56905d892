/** What tables of runs and the Python side say to each other; see `nbtrack.views.questions.table`. */

export type ColumnKind = 'text' | 'number' | 'time' | 'state' | 'duration' | 'curve';
export type Direction = 'min' | 'max';
export type Stage = 'active' | 'archived' | 'deleted';
export type SortKey = [name: string, ascending: boolean];

export interface Column {
  name: string;
  kind: ColumnKind;
  differs: boolean;
  direction: Direction | null;
  editable?: boolean;
}

/** What a column set keeps; `pinned` are the columns that stay at the left. */
export interface Layout {
  pinned: string[];
  widths: Record<string, number>;
  directions: Record<string, Direction | 'none'>;
  differing: boolean;
}

/** What a table shows. `group` names columns, or is `[FOLD]` for runs that differ in their seeds only. */
export interface TableState extends Layout {
  columns: string[];
  filter: string;
  sort: SortKey[];
  group: string[];
  stage: Stage;
}

/** Stands in `group` for: fold the runs that differ in seed-like params only. */
export const FOLD = 'seeds';

export const EMPTY_STATE: TableState = {
  columns: [],
  filter: '',
  sort: [],
  group: [],
  stage: 'active',
  pinned: ['run_name'],
  widths: {},
  directions: {},
  differing: false
};

/** A column set that was kept. */
export type ColumnSet = Partial<Omit<TableState, 'filter' | 'stage'>>;

export interface ColumnsAnswer {
  columns: Column[];
  /** The columns that are shown where nobody has chosen any. */
  defaults: string[];
  /** Column sets by name, and the one that was used last; null where they cannot be kept. */
  sets: { last: ColumnSet | null; named: Record<string, ColumnSet> } | null;
}

export interface Query {
  columns: string[];
  filter: string;
  sort: SortKey[];
}

export interface RowsQuery extends Query {
  group: string[];
  expanded: string[];
  stage: Stage;
  directions: Record<string, Direction | 'none'>;
}

/**
 * A column of a page: numbers are the float64 buffer `buffer`, everything else is `values`.
 *
 * `gaps` are the rows that have no number, as opposed to NaN; `spread` is the buffer of the standard
 * deviations of the rows that are groups, whose numbers are means.
 */
export interface PageColumn {
  name: string;
  buffer?: number;
  gaps?: number[];
  spread?: number;
  values?: (string | null)[];
}

/** A row that stands for several runs. */
export interface Group {
  key: string;
  label: string;
  runs: number;
}

export interface Page {
  start: number;
  total: number;
  run_ids: string[];
  columns: PageColumn[];
  /** How many runs match, where rows are groups. */
  runs?: number;
  /** By row: a group, or null for a run. */
  groups?: (Group | null)[];
  /** Rows that stand below their group. */
  children?: number[];
  best?: Record<string, number>;
}

/** The first rows, pushed with the widget, so that a table shows before any question is asked. */
export interface FirstPage extends Page {
  generation: number;
  query: RowsQuery;
  best: Record<string, number>;
  buffers: DataView[];
}

export type Action = 'archive' | 'unarchive' | 'delete' | 'restore' | 'keep' | 'discard';

export interface RunTableState {
  experiment_ids: string[] | null;
  editable: boolean;
  all_columns: ColumnsAnswer;
  columns: string[];
  filter: string;
  sort: SortKey[];
  group: string[];
  stage: Stage;
  preferences: Layout;
  selected_ids: string[];
  first: FirstPage;
  error: string;
}
