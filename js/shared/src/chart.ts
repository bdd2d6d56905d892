import type { PlotlyApi } from 'plotly.js-basic-dist-min';
import { errorBox, h, messageOf } from './dom';
import { groupRank, parseMetric } from './groups';
import { type Line, Panel } from './panel';
import { loadPlotly } from './plotly';
import { extent, resolveX, xValues, type XKind } from './points';
import type { RunRef, XMode } from './protocol';
import { SeriesSet } from './series';
import { colourOf, dashOf, followTheme, readTheme, type Theme } from './theme';
import { Toolbar } from './toolbar';

export interface ChartOptions {
  x: XMode;
  smoothing: number;
  logY: boolean;
}

const SPLIT_ORDER = ['train', '', 'val', 'test'];
const SPLIT_COLOUR: Record<string, number> = { '': 0, train: 0, val: 1, test: 2 };
const GHOST_DASH: Partial<Record<string, string>> = { last: '3px,3px', best: '6px,2px,1px,2px' };
const FIRST_PANELS = 12;

/**
 * Small multiples of metrics.
 *
 * Data and options are given from outside; what belongs to this view alone (zoom, the hovered x, how
 * many plots are unfolded) lives here. However fast data comes, one plot is drawn per animation frame.
 */
export class Chart {
  private readonly toolbar: Toolbar;
  private readonly grid = h('div', { class: 'nbt-grid' });
  private readonly empty = h('p', { class: 'nbt-empty' }, 'No metrics yet');
  private readonly more = h('button', { class: 'nbt-more', type: 'button', hidden: true });
  private readonly reader = h('p', { class: 'nbt-sr' });
  private readonly panels = new Map<string, Panel>();
  private readonly stale = new Set<string>();
  private readonly stops: (() => void)[] = [];
  private lines = new Map<string, Line[]>();
  private theme: Theme;
  private runs: readonly RunRef[] = [];
  private zoom: readonly [number, number] | null = null;
  private hovered: number | null = null;
  private hoverFrame = 0;
  private unfolded = false;
  private drawing = false;
  private disposed = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly data: SeriesSet,
    private options: ChartOptions,
    onOptions: (options: ChartOptions) => void
  ) {
    this.toolbar = new Toolbar(changed => {
      onOptions(changed);
      this.setOptions(changed);
    });
    root.append(this.toolbar.element, this.empty, this.grid, this.more, this.reader);
    this.theme = readTheme(root);
    this.toolbar.show(options, 'step');
    this.stops.push(
      followTheme(root, theme => {
        this.theme = theme;
        this.touch();
      })
    );
    const resized = new ResizeObserver(() => {
      this.root.classList.toggle('nbt-narrow', this.root.clientWidth < 480);
      for (const panel of this.panels.values()) panel.resize();
    });
    resized.observe(this.grid);
    this.stops.push(() => resized.disconnect());
    const unfold = (): void => {
      this.unfolded = true;
      this.touch();
    };
    this.more.addEventListener('click', unfold);
    this.stops.push(() => this.more.removeEventListener('click', unfold));
  }

  setRuns(runs: readonly RunRef[]): void {
    this.runs = runs;
    this.touch();
  }

  /** What stands in the place of plots as long as there are none. */
  setEmpty(text: string): void {
    this.empty.textContent = text;
  }

  setTitle(title: string): void {
    this.toolbar.setTitle(title);
  }

  setOptions(options: ChartOptions): void {
    if (options.x !== this.options.x) this.zoom = null;
    this.options = options;
    this.touch();
  }

  /** Say that data changed, of these metrics or of all; the plots are drawn when the browser is ready. */
  touch(keys?: Iterable<string>): void {
    this.lines = this.arrange();
    const groups = keys ? new Set([...keys].map(key => parseMetric(key).group)) : this.lines.keys();
    for (const group of groups) this.stale.add(group);
    this.empty.hidden = this.lines.size > 0;
    void this.pump();
  }

  dispose(): void {
    this.disposed = true;
    cancelAnimationFrame(this.hoverFrame);
    for (const stop of this.stops) stop();
    for (const panel of this.panels.values()) panel.dispose();
    this.panels.clear();
    this.toolbar.dispose();
  }

  private arrange(): Map<string, Line[]> {
    const starts = new Map<string, number>();
    for (const series of this.data) {
      const first = series.time[0];
      if (first !== undefined) starts.set(series.run, Math.min(first, starts.get(series.run) ?? Infinity));
    }
    const order = new Map(this.runs.map((run, i) => [run.id, i]));
    const main = this.runs.filter(run => run.role === 'live' || run.role === 'plain');
    const groups = new Map<string, Line[]>();
    for (const series of this.data) {
      const run = this.runs[order.get(series.run) ?? -1];
      const { group, split } = parseMetric(series.key);
      const ghost = run?.role === 'last' || run?.role === 'best';
      const rank = Math.max(0, SPLIT_ORDER.indexOf(split));
      const several = main.length > 1;
      const place = main.findIndex(other => other.id === series.run);
      const line: Line = {
        series,
        label: several ? [run?.name ?? series.run, split].filter(Boolean).join(' ') : split,
        short: split,
        colour: colourOf(this.theme, several && !ghost ? place : (SPLIT_COLOUR[split] ?? rank)),
        dash: GHOST_DASH[run?.role ?? ''] ?? dashOf(several ? SPLIT_COLOUR[split] ?? 0 : SPLIT_COLOUR[split] ?? rank),
        ghost,
        start: starts.get(series.run) ?? 0
      };
      const lines = groups.get(group);
      if (lines) lines.push(line);
      else groups.set(group, [line]);
    }
    const rankOf = (line: Line): number =>
      (line.ghost ? 0 : 1000) +
      SPLIT_ORDER.indexOf(parseMetric(line.series.key).split) +
      (order.get(line.series.run) ?? 0) * 10;
    for (const lines of groups.values()) lines.sort((a, b) => rankOf(a) - rankOf(b));
    return new Map([...groups].sort(([a], [b]) => groupRank(a) - groupRank(b)));
  }

  private async pump(): Promise<void> {
    if (this.drawing) return;
    this.drawing = true;
    try {
      const plotly = await loadPlotly();
      await nextFrame();
      while (this.stale.size > 0 && !this.disposed) {
        this.placePanels(plotly);
        const group = this.stale.values().next().value!;
        this.stale.delete(group);
        const panel = this.panels.get(group);
        const lines = this.lines.get(group);
        if (!panel || !lines) continue;
        await panel.draw(lines, this.panelState());
        if (this.hovered !== null) panel.showValues(this.hovered);
        if (this.stale.size === 0) this.describe();
        await nextFrame();
      }
    } catch (error) {
      this.root.append(errorBox(`The chart could not be drawn: ${messageOf(error)}`));
    } finally {
      this.drawing = false;
    }
  }

  private panelState(): Parameters<Panel['draw']>[1] {
    const kind = resolveX(this.options.x, this.data);
    const { smoothing, logY } = this.options;
    return { kind, smoothing, logY, zoom: this.zoom, span: this.span(kind), theme: this.theme };
  }

  private span(kind: XKind): [number, number] | null {
    let low = Infinity;
    let high = -Infinity;
    for (const lines of this.lines.values()) {
      for (const line of lines) {
        const x = xValues(line.series, kind, line.start);
        const [from, to] = extent(x, x, null, false) ?? [Infinity, -Infinity];
        low = Math.min(low, from);
        high = Math.max(high, to);
      }
    }
    return low <= high ? [low, high] : null;
  }

  /** Make a panel for every group that has its place, in order. */
  private placePanels(plotly: PlotlyApi): void {
    const all = [...this.lines.keys()];
    const shown = this.unfolded ? all : all.slice(0, FIRST_PANELS);
    this.more.hidden = shown.length === all.length;
    this.more.textContent = `Show ${all.length - shown.length} more`;
    for (const [group, panel] of this.panels) {
      if (this.lines.has(group)) continue;
      panel.dispose();
      this.panels.delete(group);
    }
    shown.forEach((group, i) => {
      let panel = this.panels.get(group);
      if (!panel) {
        panel = new Panel(group, plotly, {
          hover: x => this.hover(x),
          zoom: window => {
            this.zoom = window;
            this.touch();
          }
        });
        this.panels.set(group, panel);
        this.stale.add(group);
      }
      if (this.grid.children[i] !== panel.element) this.grid.insertBefore(panel.element, this.grid.children[i] ?? null);
    });
    this.grid.dataset['panels'] = String(shown.length);
    this.toolbar.show(this.options, resolveX(this.options.x, this.data));
    const names = new Set([...this.data].map(series => series.run));
    const here = this.runs.filter(run => names.has(run.id));
    const main = this.runs.filter(run => GHOST_DASH[run.role] === undefined);
    this.toolbar.setLegend([
      ...(main.length > 1 ? main : [])
        .filter(run => names.has(run.id))
        .map(run => ({ name: run.name, colour: colourOf(this.theme, main.indexOf(run)), dash: 'solid' })),
      ...here
        .filter(run => GHOST_DASH[run.role] !== undefined)
        .map(run => ({ name: ghostName(run), colour: 'currentColor', dash: GHOST_DASH[run.role] ?? '' }))
    ]);
  }

  private hover(x: number | null): void {
    this.hovered = x;
    cancelAnimationFrame(this.hoverFrame);
    this.hoverFrame = requestAnimationFrame(() => {
      for (const panel of this.panels.values()) panel.showValues(x);
      this.toolbar.setHover(x === null ? '' : Panel.describe(x, this.panelState().kind));
    });
  }

  private describe(): void {
    let step = -Infinity;
    for (const series of this.data) step = Math.max(step, series.step[series.n - 1] ?? -Infinity);
    const parts = [...this.panels.values()].map(panel => panel.summary()).filter(Boolean);
    this.reader.textContent = `${Number.isFinite(step) ? `step ${step}, ` : ''}${parts.join('. ')}`;
  }
}

function ghostName(run: RunRef): string {
  return `${run.role} run: ${run.name}`;
}

function nextFrame(): Promise<unknown> {
  return new Promise(requestAnimationFrame);
}
