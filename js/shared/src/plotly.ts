import type { PlotlyApi } from 'plotly.js-basic-dist-min';

const KEY = Symbol.for('nbtrack.plotly@4');
const MORE = Symbol.for('nbtrack.plotly.cartesian@4');
type Page = typeof globalThis & { [KEY]?: Promise<PlotlyApi>; [MORE]?: Promise<PlotlyApi | null> };

/** What the smaller bundle draws, which has all that our own charts need. */
const BASIC = new Set(['scatter', 'bar', 'pie']);

/**
 * The page's one Plotly.
 *
 * Every widget instance evaluates its own copy of its bundle, so the instance is shared through
 * `globalThis`; the import is only evaluated by the first that asks.
 */
export function loadPlotly(): Promise<PlotlyApi> {
  const page = globalThis as Page;
  return (page[KEY] ??= import('plotly.js-basic-dist-min').then(module => module.default));
}

/**
 * A Plotly that draws these kinds of traces: heatmaps, histograms, boxes and contours need a larger bundle.
 *
 * It is loaded when the first figure needs it. A widget comes as one file and is without it: null.
 */
export function loadPlotlyFor(kinds: readonly string[]): Promise<PlotlyApi | null> {
  if (kinds.every(kind => BASIC.has(kind))) return loadPlotly();
  const page = globalThis as Page;
  return (page[MORE] ??= import('plotly.js-cartesian-dist-min').then(module => module.default));
}
