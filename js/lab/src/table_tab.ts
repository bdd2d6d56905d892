import { RunsTable } from '@nbtrack/shared/table';
import type { Target } from './main_views';
import type { INbtrack } from './tokens';
import type { Content } from './view_tab';

export interface TableHandlers {
  open(runId: string): void;
  compare(runIds: string[]): void;
}

/** Show the table of all runs of some experiments. */
export function showTable(
  root: HTMLElement,
  nbtrack: INbtrack,
  target: Target & { kind: 'table' },
  { open }: TableHandlers
): Content {
  return new RunsTable(root, {
    backend: nbtrack.backend(target.store),
    experimentIds: target.experiment_ids,
    state: {},
    height: 'fill',
    onState: () => undefined,
    onSelected: () => undefined,
    onOpen: open
  });
}
