/** What comparisons and the Python side say to each other; see `nbtrack.rpc.comparison`. */
import type { Direction } from './requests';
import type { Brush } from './view_data';

export type Better = Direction | null;

/** Which runs are compared: all that fit a filter, or these. */
export interface ScopeRequest {
  experiment_ids: string[] | null;
  filter: string;
  run_ids?: string[];
}

/** What a comparison keeps of how it is looked at. */
export interface ComparisonState {
  metric: string;
  /** The axes of the parallel coordinates; empty for the ones that tell most. */
  axes: string[];
  /** Axes whose scale somebody has chosen: whether it is logarithmic. */
  log: Record<string, boolean>;
  brushes: Brush[];
  scatter: { x: string; y: string; colour: string; size: string };
  hidden: string[];
}
