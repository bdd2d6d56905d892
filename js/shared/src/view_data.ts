/**
 * What widgets hold and say, and what finished outputs keep.
 *
 * Made by `python tests/test_rpc.py` from the types of Python; change those and make it again.
 */

import type { Best, Column, ColumnSpec, ComparedKey, DiffDataset, DiffEnvironment, DiffMetric, FoundItem, Group, Importance, ModelMetric, ModelState, PageColumn, Pair, ParamSpec, RunDiffDetail, RunDiffItem, RunOfModel, RunRef, RunState, SeriesHead, SortKey, Stage, TableColumns } from './requests';

export type Brush = RangeBrush | ValuesBrush;
export type FinishedView = ChartView | TableView | SavedComparison | ModelView;
export type ModelForm = ColumnsForm | JsonForm;

/** The response to a request of the page. */
export interface AnswerMessage {
  type: 'answer';
  id: string;
  body: unknown;
}

/** A request that could not be answered, and why. */
export interface NoAnswerMessage {
  type: 'failed';
  id: string;
  message: string;
}

/** New points; the buffers are step, time and value of all series in turn. */
export interface AppendMessage {
  type: 'append';
  seq: number;
  series: SeriesHead[];
}

/** The finished output, as the notebook keeps it: by MIME type. */
export interface FinishedMessage {
  type: 'finished';
  id: number;
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

/** A finished chart or card, as JupyterLab reads it. */
export interface ChartView {
  kind: 'chart' | 'card';
  version: 1;
  title: string;
  runs: RunRef[];
  options: ChartViewOptions;
  store_id?: string;
  keys?: string[];
  system?: string[];
  cut?: boolean;
  head?: Head;
  since?: RunDiffItem[];
  detail?: RunDiffDetail;
  found?: FoundItem[];
  curves: PackedCurves;
}

/** How a chart is drawn; outputs of before do not say `log_x`. */
export interface ChartViewOptions {
  x: string;
  smoothing: number;
  log_x?: boolean;
  log_y: boolean;
}

/** The first line of a run's card; see `nbtrack.views.widgets.run_card.RunCard.update_head`. */
export interface Head {
  name?: string;
  state?: RunState;
  experiment?: string;
  run_id?: string;
  elapsed_s?: number | null;
  steps_per_s?: number | null;
  step?: number | null;
  overhead_percent?: number | null;
  gpu_memory_bytes?: number | null;
  error?: string | null;
  standing?: string | null;
  progress?: string | null;
  printed?: string | null;
}

/** Points of a finished output: differences of steps and times, and values, deflated, base64. */
export interface PackedCurves {
  series: PackedSeries[];
  data: string;
  left_out?: number;
}

/** A series of a finished output; `total` is missing where these are all its points. */
export interface PackedSeries {
  run: string;
  key: string;
  n: number;
  total?: number;
  step0: number;
  time0: number;
  whole: boolean;
  unit?: number;
}

/** A finished table. */
export interface TableView {
  kind: 'table';
  version: 1;
  all_columns: Column[];
  columns: string[];
  sort: SortKey[];
  filter: string;
  total: number;
  best: Record<string, number>;
  run_ids: string[];
  values: Record<string, (string | number | null)[]>;
}

/** A comparison as data alone, in a finished output or an HTML file. */
export interface SavedComparison {
  kind: 'comparison';
  version: 1;
  table: TableView;
  keys: ComparedKey[];
  metric: string;
  selected: string[];
  brushes: Brush[];
  importance: Importance[];
  facts: SavedFacts | null;
  with_images: string[];
  curves: PackedCurves;
}

/** A part of an axis of numbers; `low` and `high` belong to it. */
export interface RangeBrush {
  column: string;
  low: number;
  high: number;
}

/** Some values of an axis of categories. */
export interface ValuesBrush {
  column: string;
  values: string[];
}

/** What is known of runs, and what they share. */
export interface SavedFacts {
  runs: Record<string, SavedRun>;
  environments: DiffEnvironment[];
  sources: string[];
}

/** What is known of a run; its environment and source are places in what runs share. */
export interface SavedRun {
  run_id: string;
  name: string;
  experiment: string;
  state: RunState;
  start_ms: number;
  duration_s: number | null;
  note: string;
  params: Pair[];
  tags: Pair[];
  metrics: DiffMetric[];
  datasets: DiffDataset[];
  environment: number | null;
  source: number | null;
}

/** A finished card. */
export interface ModelView {
  kind: 'model';
  version: 1;
  facts: CardFacts;
}

/** What a card shows of a model; `version` is that of a registered one. */
export interface CardFacts {
  name: string;
  version: number | null;
  model_id: string | null;
  state: ModelState | null;
  message: string | null;
  stage: string | null;
  aliases: string[] | null;
  flavors: string[];
  size: number | null;
  device: string | null;
  precision: string | null;
  parameters: number | null;
  created_ms: number | null;
  description: string | null;
  uri: string;
  load: string;
  run: RunOfModel | null;
  metrics: ModelMetric[];
  signature: CardSignature | null;
}

/** The signature in a card; `more` says how many rows were left out. */
export interface CardSignature {
  inputs: ColumnSpec[];
  outputs: ColumnSpec[];
  params: ParamSpec[];
  more: number;
}

/** A form with a field for each column. */
export interface ColumnsForm {
  kind: 'columns';
  fields: FormField[];
  params: ParamField[];
}

/** A column of a model in its form. */
export interface FormField {
  name: string;
  type: string;
  required: boolean;
  value: string;
}

/** A param of a model in its form. */
export interface ParamField {
  name: string;
  type: string;
  value: string;
}

/** A form with one text of JSON. */
export interface JsonForm {
  kind: 'json';
  inputs: ColumnSpec[];
  text: string;
  params: ParamField[];
}

/** Everything that is known of the curves, as of message `seq`; columns are float64. */
export interface Content {
  seq: number;
  series: SeriesHead[];
  step: DataView;
  time: DataView;
  value: DataView;
}

/** How a table is laid out; `pinned` are the columns that stay at the left. */
export interface Layout {
  hidden: string[];
  added: string[];
  order: string[];
  pinned: string[];
  widths: Record<string, number>;
  directions: Record<string, Best>;
  differing: boolean;
}

/** The first rows, pushed with the widget: a table shows before anything is asked. */
export interface FirstPage {
  start: number;
  total: number;
  run_ids: string[];
  columns: PageColumn[];
  groups?: (Group | null)[];
  children?: number[];
  runs?: number | null;
  best?: Record<string, number>;
  warnings?: (string | null)[];
  hint?: string;
  generation: number;
  query: RowsQuery;
  buffers: DataView[];
}

/** What rows were asked for; see `TableQuery`. */
export interface RowsQuery {
  columns: string[];
  filter: string;
  sort: SortKey[];
  group: string[];
  expanded: string[];
  stage: Stage;
  directions: Record<string, Best>;
}

/** The traits of `View`. */
export interface ViewTraits {
  store_id: string;
  entry: string;
  bundle: string;
  bundle_hash: string;
}

/** The traits of `MetricChart`. */
export interface MetricChartTraits {
  runs: RunRef[];
  content: Content;
  title: string;
  x: string;
  smoothing: number;
  log_x: boolean;
  log_y: boolean;
  system: string[];
  system_open: boolean;
}

/** The traits of `RunCard`. */
export interface RunCardTraits extends MetricChartTraits {
  head: Head;
  since: RunDiffItem[];
  detail: RunDiffDetail;
  stoppable: boolean;
}

/** The traits of `RunTable`. */
export interface RunTableTraits {
  experiment_ids: string[] | null;
  editable: boolean;
  all_columns: TableColumns;
  columns: string[];
  filter: string;
  sort: SortKey[];
  group: string[];
  stage: Stage;
  preferences: Layout;
  selected_ids: string[];
  first: FirstPage;
  error: string;
}

/** The traits of `Comparison`. */
export interface ComparisonTraits {
  experiment_ids: string[] | null;
  run_ids: string[] | null;
  filter: string;
  metric: string;
  columns: string[];
  selected_ids: string[];
  brushes: Brush[];
  revision: number;
}

/** The traits of `ModelCard`. */
export interface ModelCardTraits {
  facts: CardFacts;
  form: ColumnsForm | JsonForm | null;
}
