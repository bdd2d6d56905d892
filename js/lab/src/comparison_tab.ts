import { ComparisonView } from '@nbtrack/shared/comparison';
import type { Target } from './targets';
import type { INbtrack } from './tokens';
import type { Content } from './view_tab';

/** Show a comparison of runs. */
export function showComparison(
  root: HTMLElement,
  nbtrack: INbtrack,
  target: Target & { kind: 'compare' },
  open: (runId: string) => void
): Content {
  root.classList.add('nbt-padded');
  return new ComparisonView(root, {
    backend: nbtrack.backend(target.store),
    experimentIds: target.experiment_ids,
    runIds: target.run_ids,
    onOpen: open
  });
}
