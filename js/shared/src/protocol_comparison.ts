/** What comparisons and the Python side say to each other; see `nbtrack.rpc.comparison`. */
import type { Direction } from './requests';

export type Better = Direction | null;

/** Which runs are compared: all that fit a filter, or these. */
export interface ScopeRequest {
  experiment_ids: string[] | null;
  filter: string;
  run_ids?: string[];
}

/** A part of an axis; `low` and `high` belong to it. */
export type Brush = { column: string; low: number; high: number } | { column: string; values: string[] };

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

export interface ComparisonWidgetState {
  experiment_ids: string[] | null;
  run_ids: string[] | null;
  filter: string;
  metric: string;
  columns: string[];
  selected_ids: string[];
  brushes: Brush[];
  revision: number;
}
