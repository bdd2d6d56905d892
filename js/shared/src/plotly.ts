import type { PlotlyApi } from 'plotly.js-basic-dist-min';

const KEY = Symbol.for('nbtrack.plotly@4');
type Page = typeof globalThis & { [KEY]?: Promise<PlotlyApi> };

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
