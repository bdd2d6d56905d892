import type { TableState } from '@nbtrack/shared/protocol_table';
import { RunsTable } from '@nbtrack/shared/table';
import type { Target } from './targets';
import type { INbtrack } from './tokens';
import type { Content } from './view_tab';

/** Show the table of all runs of some experiments. */
export function showTable(
  root: HTMLElement,
  nbtrack: INbtrack,
  target: Target & { kind: 'table' },
  open: (runId: string) => void,
  keep: (state: TableState) => void
): Content {
  root.classList.add('nbt-filled');
  return new RunsTable(root, {
    backend: nbtrack.backend(target.store),
    experimentIds: target.experiment_ids,
    state: { ...target.state, columns: [] },
    height: 'fill',
    onState: keep,
    onSelected: () => undefined,
    onOpen: open
  });
}
