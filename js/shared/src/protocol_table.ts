/** What tables of runs and the Python side say to each other; see `nbtrack.rpc.table`. */
import type { SortKey, Stage } from './requests';
import type { Layout } from './view_data';

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
  hidden: [],
  added: [],
  order: [],
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
