import { ComparisonView } from './comparison';
import { SavedBackend } from './comparison_saved';
import type { SavedComparison } from './view_data';

/** Show a saved comparison, without a kernel or a server. */
export function showFinishedComparison(root: HTMLElement, saved: SavedComparison, onOpen?: (runId: string) => void): () => void {
  const backend = new SavedBackend(saved);
  const view = new ComparisonView(root, {
    backend,
    experimentIds: null,
    selected: saved.selected,
    columns: saved.table.columns,
    state: { metric: saved.metric, brushes: saved.brushes },
    editable: false,
    ...(onOpen ? { onOpen, metricsOpen: true } : {})
  });
  return () => view.dispose();
}
