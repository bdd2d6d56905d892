import type { TableState } from '@nbtrack/shared/protocol_table';
import type { ModelRef } from '@nbtrack/shared/requests';

/** What a tab shows. */
export type Target =
  | { kind: 'run'; store: string; run_id: string; name: string; tab: string; preview: boolean }
  | { kind: 'model'; store: string; ref: ModelRef; name: string; tab: string; preview: boolean }
  | { kind: 'compare'; store: string; experiment_ids: string[] | null; run_ids: string[]; name: string }
  | { kind: 'table'; store: string; experiment_ids: string[] | null; name: string; state?: Partial<TableState> };

/** What is the same for two targets that show the same. */
export function idOf(target: Target): string {
  switch (target.kind) {
    case 'run':
      return `run ${target.store} ${target.run_id}`;
    case 'model':
      return `model ${target.store} ${'model_id' in target.ref ? target.ref.model_id : `${target.ref.version} ${target.ref.name}`}`;
    case 'compare':
      return `compare ${target.store} ${[...target.run_ids].sort().join(' ')}`;
    case 'table':
      return `table ${target.store} ${(target.experiment_ids ?? ['all']).join(' ')}`;
  }
}

/** The title of the tab that shows a target. */
export function titleOf(target: Target): string {
  return target.kind === 'compare' ? `Compare ${target.run_ids.length} runs` : target.name;
}
