import type { RenderProps } from '@anywidget/types';
import { viewRoot } from '@nbtrack/shared/dom';
import type { FailedMessage, PageMessage, Query, RunTableState } from '@nbtrack/shared/protocol';
import { decodeRows, type Row } from '@nbtrack/shared/rows';
import { RunsTable } from '@nbtrack/shared/table';
import { followTheme } from '@nbtrack/shared/theme';

type Answer = { total: number; rows: Row[] };

let questions = 0;

function render({ model, el }: RenderProps<RunTableState>): () => void {
  const root = viewRoot(el, 'table');
  const stopTheme = followTheme(root, () => undefined);
  const open = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>();
  const current = (): Query => ({
    columns: model.get('columns'),
    filter: model.get('filter'),
    sort: model.get('sort')
  });
  const table = new RunsTable(
    root,
    {
      fetch: (query, start, stop) =>
        new Promise((resolve, reject) => {
          const id = ++questions;
          open.set(id, { resolve, reject });
          model.send({ type: 'query', id, start, stop, ...query });
        }),
      changed: query => {
        model.set('columns', query.columns);
        model.set('filter', query.filter);
        model.set('sort', query.sort);
        model.save_changes();
      },
      selected: ids => {
        model.set('selected_ids', ids);
        model.save_changes();
      }
    },
    model.get('page')
  );

  const onMessage = (message: PageMessage | FailedMessage, buffers: DataView[]): void => {
    const question = open.get(message?.id);
    if (!question) return;
    open.delete(message.id);
    if (message.type === 'failed') question.reject(new Error(message.message));
    else question.resolve({ total: message.total, rows: decodeRows(message, buffers) });
  };
  const onFirst = (): void => {
    const first = model.get('first');
    if (first?.query) table.setFirst({ ...first, rows: decodeRows(first, first.buffers) });
  };
  const onQuery = (): void => {
    table.setQuery(current());
    onFirst();
  };
  const onColumns = (): void => table.setColumns(model.get('all_columns'));
  const onSelected = (): void => table.setSelected(model.get('selected_ids'));
  const onError = (): void => table.setError(model.get('error'));

  model.on('msg:custom', onMessage);
  model.on('change:first', onFirst);
  model.on('change:columns change:filter change:sort', onQuery);
  model.on('change:all_columns', onColumns);
  model.on('change:selected_ids', onSelected);
  model.on('change:error', onError);
  onColumns();
  onQuery();
  onSelected();
  onError();
  return () => {
    model.off('msg:custom', onMessage);
    model.off('change:first', onFirst);
    model.off('change:columns change:filter change:sort', onQuery);
    model.off('change:all_columns', onColumns);
    model.off('change:selected_ids', onSelected);
    model.off('change:error', onError);
    for (const { reject } of open.values()) reject(new Error('The table was closed.'));
    stopTheme();
    table.dispose();
  };
}

export default { render };
