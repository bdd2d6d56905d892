import type { RenderProps } from '@anywidget/types';
import { ComparisonView } from '@nbtrack/shared/comparison';
import { showFinishedComparison } from '@nbtrack/shared/comparison_finished';
import { viewRoot } from '@nbtrack/shared/dom';
import type { ComparisonTraits, SavedComparison, ViewTraits } from '@nbtrack/shared/view_data';
import { Below } from './below';
import { CommBackend } from './comm_backend';

type State = ComparisonTraits & ViewTraits;

/** Between the traits of `Comparison` and the view that shows them. */
function render({ model, el }: RenderProps<State>): () => void {
  const root = viewRoot(el, 'cmp');
  const backend = new CommBackend(model);
  const set = <K extends keyof ComparisonTraits>(name: K, value: ComparisonTraits[K]): void => {
    // what is the same is not sent: another view of the model may be at work on it
    if (JSON.stringify(model.get(name)) === JSON.stringify(value)) return;
    model.set(name, value as never);
    model.save_changes();
  };
  const runIds = model.get('run_ids');
  const below = model.get('store_id') ? new Below(el, backend, model.get('store_id'), () => view.refresh()) : null;
  const view: ComparisonView = new ComparisonView(root, {
    backend,
    experimentIds: model.get('experiment_ids'),
    ...(runIds ? { runIds } : {}),
    filter: model.get('filter'),
    columns: model.get('columns'),
    selected: model.get('selected_ids'),
    state: { metric: model.get('metric'), brushes: model.get('brushes') },
    ...(below ? { onOpen: (runId: string) => void below.openRun(runId) } : {}),
    onSelected: ids => set('selected_ids', ids),
    onBrushes: brushes => set('brushes', brushes),
    onFilter: filter => set('filter', filter),
    onState: state => set('metric', state.metric)
  });
  const events: Record<string, () => void> = {
    'change:brushes': () => view.setBrushes(model.get('brushes')),
    'change:selected_ids': () => view.setSelected(model.get('selected_ids')),
    'change:filter': () => view.setFilter(model.get('filter')),
    'change:metric': () => view.setMetric(model.get('metric')),
    'change:revision': () => view.refresh()
  };
  for (const [name, handler] of Object.entries(events)) model.on(name as 'change:filter', handler);
  return () => {
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
    view.dispose();
    below?.dispose();
    backend.dispose();
  };
}

/** Show a saved comparison on a page of its own, which may know more of a run. */
function show(host: HTMLElement, saved: SavedComparison, onOpen?: (runId: string) => void): () => void {
  return showFinishedComparison(viewRoot(host, 'cmp'), saved, onOpen);
}

export default { render, show };
