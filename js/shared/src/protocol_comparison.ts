/** What comparisons and the Python side say to each other; see `nbtrack.views.questions.compare`. */
import type { RunState } from './protocol';

export type ComparedKind = 'number' | 'category';
export type Better = 'min' | 'max' | null;

/** Which runs are compared: all that fit a filter, or these. */
export interface ScopeQuestion {
  experiment_ids: string[] | null;
  filter: string;
  run_ids?: string[];
}

export interface ComparedKey {
  name: string;
  kind: ComparedKind;
  differs: boolean;
  values: number;
  direction: Better;
}

export interface ComparedColumn {
  name: string;
  kind: ComparedKind;
  /** Place of its float64 buffer; of a category the numbers are places in `categories`. */
  buffer: number;
  categories: string[];
  /** The runs that have no value, as opposed to NaN. */
  missing: number[];
  direction: Better;
}

export interface DataAnswer {
  run_ids: string[];
  names: string[];
  states: RunState[];
  /** How many runs there are, of which at most 10,000 are here. */
  total: number;
  available: ComparedKey[];
  columns: ComparedColumn[];
}

export interface ParamImportance {
  name: string;
  kind: ComparedKind;
  values: number;
  runs: number;
  correlation: number | null;
  low: number | null;
  high: number | null;
  importance: number | null;
  importance_sd: number | null;
}

export interface ImportanceAnswer {
  metric: string;
  direction: Better;
  runs: number;
  excluded: number;
  message: string;
  methods: string[];
  score: number | null;
  score_sd: number | null;
  params: ParamImportance[];
}

/** A part of an axis; `low` and `high` belong to it. */
export type Brush = { column: string; low: number; high: number } | { column: string; values: string[] };

export interface MetricFacts {
  key: string;
  last: number | string | null;
  min: number | string | null;
  max: number | string | null;
  step: number;
  direction: Better;
}

export interface DatasetFacts {
  name: string;
  digest: string;
  context: string;
  rows: number | null;
}

export interface EnvironmentFacts {
  python: string;
  platform: string;
  gpu: string;
  packages: Record<string, string>;
  git: { commit: string | null; branch: string | null; dirty: boolean | null } | null;
}

export interface RunFacts {
  run_id: string;
  name: string;
  experiment: string;
  state: RunState;
  start_ms: number;
  duration_s: number | null;
  note: string;
  params: [key: string, value: string][];
  tags: [key: string, value: string][];
  metrics: MetricFacts[];
  datasets: DatasetFacts[];
  environment: EnvironmentFacts | null;
  source: string | null;
}

export interface DiffAnswer {
  a: RunFacts;
  b: RunFacts;
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
