import type { RenderProps } from '@anywidget/types';
import { viewRoot } from '@nbtrack/shared/dom';
import { afterPress } from '@nbtrack/shared/presses';
import type { TableState } from '@nbtrack/shared/protocol_table';
import { RunsTable } from '@nbtrack/shared/table';
import { followTheme } from '@nbtrack/shared/theme';
import type { RunTableTraits, ViewTraits } from '@nbtrack/shared/view_data';
import { Below } from './below';
import { CommBackend } from './comm_backend';

type State = RunTableTraits & ViewTraits;
const VIEW = ['columns', 'filter', 'sort', 'group', 'stage'] as const;

/** Between the traits of `RunTable` and the table that shows them. */
function render({ model, el }: RenderProps<State>): () => void {
  const root = viewRoot(el, 'table');
  const stopTheme = followTheme(root, () => undefined);
  const backend = new CommBackend(model, reason => table.setError(reason, true));
  const shown = (): TableState => ({
    ...(Object.fromEntries(VIEW.map(name => [name, model.get(name)])) as Pick<TableState, (typeof VIEW)[number]>),
    ...model.get('preferences')
  });
  const below = model.get('store_id') ? new Below(el, backend, model.get('store_id'), () => void table.reload()) : null;
  const table: RunsTable = new RunsTable(root, {
    backend,
    experimentIds: model.get('experiment_ids'),
    state: shown(),
    selected: model.get('selected_ids'),
    columns: model.get('all_columns'),
    first: model.get('first'),
    editable: model.get('editable'),
    ...(below ? { onOpen: (runId: string) => void below.openRun(runId), onCompare: (ids: string[]) => void below.compare(ids) } : {}),
    onState: ({ columns, filter, sort, group, stage, ...preferences }) => {
      for (const [name, value] of Object.entries({ columns, filter, sort, group, stage, preferences })) {
        // what is the same is not sent: another view of the model may be at work on it
        if (JSON.stringify(model.get(name as 'filter')) !== JSON.stringify(value)) model.set(name as 'filter', value as string);
      }
      model.save_changes();
    },
    onSelected: ids => {
      model.set('selected_ids', ids);
      model.save_changes();
    }
  });
  const events: Record<string, () => void> = {
    'change:first': () => {
      table.setFirst(model.get('first'));
      below?.refresh();
    },
    'change:columns change:filter change:sort change:group change:stage change:preferences': () => table.setState(shown()),
    'change:all_columns': () => afterPress(root, () => table.setColumns(model.get('all_columns'))),
    'change:selected_ids': () => table.setSelected(model.get('selected_ids')),
    'change:error': () => table.setError(model.get('error'))
  };
  for (const [name, handler] of Object.entries(events)) model.on(name as 'change:first', handler);
  table.setError(model.get('error'));
  return () => {
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
    stopTheme();
    table.dispose();
    below?.dispose();
    backend.dispose();
  };
}

export default { render };
