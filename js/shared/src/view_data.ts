/**
 * What widgets hold and say, and what finished outputs keep.
 *
 * Made by `python tests/test_rpc.py` from the types of Python; change those and make it again.
 */

import type { RunDiffDetail, RunDiffItem, RunRef, RunState, SeriesHead } from './requests';

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
  cut?: boolean;
  head?: Head;
  since?: RunDiffItem[];
  detail?: RunDiffDetail;
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
  error?: string | null;
  standing?: string | null;
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
}

/** Everything that is known of the curves, as of message `seq`; columns are float64. */
export interface Content {
  seq: number;
  series: SeriesHead[];
  step: DataView;
  time: DataView;
  value: DataView;
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
}

/** The traits of `RunCard`. */
export interface RunCardTraits extends MetricChartTraits {
  head: Head;
  since: RunDiffItem[];
  detail: RunDiffDetail;
  stoppable: boolean;
}
