/** What tables of runs and the Python side say to each other; see `nbtrack.rpc.table`. */
import type { Best, Page, SortKey, Stage, TableColumns } from './requests';

/** What a column set keeps; `pinned` are the columns that stay at the left. */
export interface Layout {
  pinned: string[];
  widths: Record<string, number>;
  directions: Record<string, Best>;
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

export interface Query {
  columns: string[];
  filter: string;
  sort: SortKey[];
}

export interface RowsQuery extends Query {
  group: string[];
  expanded: string[];
  stage: Stage;
  directions: Record<string, Best>;
}

/** The first rows, pushed with the widget, so that a table shows before any request is sent. */
export interface FirstPage extends Page {
  generation: number;
  query: RowsQuery;
  best: Record<string, number>;
  buffers: DataView[];
}

export interface RunTableState {
  experiment_ids: string[] | null;
  editable: boolean;
  all_columns: TableColumns;
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
