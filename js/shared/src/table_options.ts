import type { Backend } from './backend';
import type { TableState } from './protocol_table';
import type { TableColumns } from './requests';
import type { FirstPage } from './view_data';

/** What a table of runs is made with. */
export interface TableOptions {
  backend: Backend;
  /** Whose runs; null for all experiments. */
  experimentIds: string[] | null;
  /** These runs only, in this order where there is no other. */
  runIds?: string[];
  /** What to show; without columns, what was shown last in this experiment, else what is worth it. */
  state: Partial<TableState>;
  selected?: string[];
  /** At most so many pixels, all there is, or (without) as high as the rows up to a limit. */
  height?: number | 'fill';
  /** What is known already, so that nothing needs to be asked for the first look. */
  columns?: TableColumns;
  first?: FirstPage;
  /** Whether runs can be edited, grouped and deleted. */
  editable?: boolean;
  exports?: boolean;
  onState(state: TableState): void;
  onSelected(ids: string[]): void;
  onRows?(ids: string[], total: number, start: number): void;
  onOpen?(runId: string): void;
  /** Whether metrics open the run, too: in a file they lead to where they come from. */
  metricsOpen?: boolean;
  /** Where the details of a run are, for a link that can be copied and opened in a tab of its own. */
  address?(runId: string): string;
  /** Compare runs: offered where two or more are selected. */
  onCompare?(runIds: string[]): void;
}
