declare module '*.css' {
  const text: string;
  export default text;
}

/** The part of Plotly's interface that the charts use; the partial bundles ship without types. */
declare module 'plotly.js-basic-dist-min' {
  export interface PlotAxis {
    p2l(pixels: number): number;
    l2p(value: number): number;
    _offset: number;
    _length: number;
  }
  export interface PlotElement extends HTMLElement {
    _fullLayout?: { xaxis: PlotAxis; yaxis: PlotAxis };
    on?(event: string, handler: (event: Record<string, unknown>) => unknown): void;
    removeAllListeners?(event: string): void;
  }
  export interface PlotlyApi {
    react(
      element: HTMLElement,
      traces: readonly object[],
      layout: object,
      config?: object
    ): Promise<PlotElement>;
    purge(element: HTMLElement): void;
    Plots: { resize(element: HTMLElement): Promise<void> };
  }
  const api: PlotlyApi;
  export default api;
}

/** The same with more kinds of traces; null in a widget. */
declare module 'plotly.js-cartesian-dist-min' {
  import type { PlotlyApi } from 'plotly.js-basic-dist-min';
  const api: PlotlyApi | null;
  export default api;
}
