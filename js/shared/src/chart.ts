import type { PlotlyApi } from 'plotly.js-basic-dist-min';
import { arrange, type Arranged, type ColourBy } from './arrangement';
import type { Backend } from './backend';
import { Detail } from './detail';
import { errorBox, h, messageOf } from './dom';
import { isSystemMetric, plotOf } from './groups';
import { Legend, soloed, toggled } from './legend';
import { Panel } from './panel';
import { loadPlotly } from './plotly';
import { extent, type XKind } from './points';
import type { XMode } from './protocol';
import type { RunRef } from './requests';
import type { SeriesSet } from './series';
import css from './style_charts.css';
import { type SystemLoader, SystemSection } from './system_section';
import { followTheme, readTheme, type Theme } from './theme';
import { type ChartOptions, Toolbar } from './toolbar';
import type { Line, PanelState } from './traces';
import { Values } from './values';
import { nextFrame, Visibility } from './visibility';

/** What somebody has made of a chart: its switches, what the legend hides, and the part of the x axis. */
export interface ChartView extends ChartOptions {
  hidden: readonly string[];
  zoom: readonly [number, number] | null;
}

export interface ChartExtras {
  /** Who is asked for the detail when somebody zooms, where the runs are stored. */
  backend?: Backend;
  colourBy?: ColourBy;
  /** Whether the machine's metrics are shown at once: they were asked for. */
  systemOpen?: boolean;
  /** What it begins with, and who is told what somebody makes of it. */
  view?: Partial<ChartView>;
  onView?(view: ChartView): void;
  /** Says which run is pointed at. */
  onHighlight?(runId: string | null): void;
  /** Says that everything there is has been drawn. */
  onDrawn?(): void;
}

const FIRST_PANELS = 12;
const SHORT_LEGEND = 4;
/** How wide the switches are, in pixels, and a letter and the rest of an entry in the legend. */
const SWITCHES = 500;
const LETTER = 6.5;
const SAMPLE = 40;

/**
 * Small multiples of metrics.
 *
 * Data and options are given from outside; what belongs to this view alone (zoom, the hovered x, what is
 * hidden, how many plots are unfolded) lives here. However fast data comes, one plot is drawn per animation
 * frame, and none while nobody sees it.
 */
export class Chart {
  private readonly toolbar: Toolbar;
  private readonly legend: Legend;
  private readonly grid = h('div', { class: 'nbt-grid' });
  private readonly empty = h('p', { class: 'nbt-empty' }, 'No metrics yet');
  private readonly more = h('button', { class: 'nbt-more', type: 'button', hidden: true });
  private readonly reader = h('p', { class: 'nbt-sr' });
  private readonly values = new Values();
  private readonly system = new SystemSection(() => this.touch());
  private readonly panels = new Map<string, Panel>();
  private readonly stale = new Set<string>();
  private readonly stops: (() => void)[] = [];
  private readonly visibility: Visibility;
  private readonly detail: Detail | null;
  private arranged: Arranged | null = null;
  private theme: Theme;
  private runs: readonly RunRef[] = [];
  private hidden: ReadonlySet<string>;
  private zoom: readonly [number, number] | null;
  /** Of the plots that have another axis than the most: the machine's, and those without steps. */
  private systemZoom: readonly [number, number] | null = null;
  private hovered: { x: number; run: string | null; kind: XKind } | null = null;
  private pointed: string | null = null;
  private hoverFrame = 0;
  private allStale = true;
  private emptyText = '';
  private unfolded = false;
  private drawing = false;
  private disposed = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly data: SeriesSet,
    private options: ChartOptions,
    onOptions: (options: ChartOptions) => void,
    private readonly extras: ChartExtras = {}
  ) {
    this.hidden = new Set(extras.view?.hidden);
    this.zoom = extras.view?.zoom ?? null;
    this.toolbar = new Toolbar({
      options: changed => {
        onOptions(changed);
        this.setOptions(changed);
        this.tellView();
      },
      reset: () => this.resetZoom()
    });
    this.legend = new Legend({
      toggle: id => this.setHidden(toggled(this.hidden, id)),
      solo: id => this.setHidden(soloed(this.hidden, id, this.arranged?.entries.map(entry => entry.id) ?? [])),
      point: id => this.point(id?.startsWith('run:') ? id.slice(4) : null)
    });
    root.append(h('style', {}, css), this.toolbar.element, this.legend.element, this.empty, this.grid, this.more, this.values.element, this.system.element, this.reader);
    this.detail = extras.backend ? new Detail(extras.backend, () => this.touch()) : null;
    this.theme = readTheme(root);
    this.stops.push(
      followTheme(root, theme => {
        this.theme = theme;
        this.touch();
      })
    );
    this.visibility = new Visibility(root, () => void this.pump());
    const resized = new ResizeObserver(() => {
      this.root.classList.toggle('nbt-narrow', this.root.clientWidth < 560);
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
    this.touch();
  }

  setRuns(runs: readonly RunRef[]): void {
    this.runs = runs;
    this.touch();
  }

  /** What stands in the place of plots as long as there are none. */
  setEmpty(text: string): void {
    this.empty.textContent = this.emptyText = text;
  }

  /** Say how the machine's metrics are read when somebody opens their section; null where there are none. */
  offerSystem(loader: SystemLoader | null): void {
    this.system.offer(loader);
  }

  setTitle(title: string): void {
    this.toolbar.setTitle(title);
  }

  setOptions(options: ChartOptions): void {
    if (options.x !== this.options.x) {
      this.zoom = this.systemZoom = null;
      this.detail?.forget();
    }
    this.options = options;
    this.touch();
  }

  /** Let the curves of one run stand out, as pointing at it does. */
  highlight(run: string | null): void {
    for (const panel of this.panels.values()) panel.highlight(run);
  }

  /** Say that data changed, of these metrics or of all; the plots are drawn when the browser is ready. */
  touch(keys?: Iterable<string>): void {
    this.arranged = null;
    if (!keys || !isTimeOrStep(this.options.x)) this.allStale = true;
    else for (const key of keys) this.stale.add(plotOf(key).group);
    void this.pump();
  }

  dispose(): void {
    this.disposed = true;
    cancelAnimationFrame(this.hoverFrame);
    this.detail?.forget();
    this.visibility.dispose();
    for (const stop of this.stops) stop();
    for (const panel of this.panels.values()) panel.dispose();
    this.panels.clear();
    this.legend.dispose();
    this.toolbar.dispose();
    this.system.dispose();
  }

  private now(): Arranged {
    const { runs, theme, options, hidden, detail } = this;
    const { colourBy } = this.extras;
    return (this.arranged ??= arrange({ data: this.data, runs, theme, x: options.x, hidden, detail: this.zoom ? detail : null, colourBy }));
  }

  private async pump(): Promise<void> {
    if (this.drawing || this.disposed || !this.visibility.visible) return;
    this.drawing = true;
    try {
      const plotly = await loadPlotly();
      await nextFrame();
      while (!this.disposed && this.visibility.visible && (this.allStale || this.stale.size > 0)) {
        this.placePanels(plotly);
        const group = this.stale.values().next().value;
        if (group === undefined) {
          this.describe(); // there may be values alone
          break;
        }
        this.stale.delete(group);
        const panel = this.panels.get(group);
        await panel?.quiet();
        const lines = this.now().groups.get(group);
        if (panel && lines) {
          await panel.draw(lines, this.panelState(group));
          panel.highlight(this.pointed);
          if (this.hovered) this.showHovered(panel);
        }
        if (this.stale.size === 0) this.describe();
        if (panel) await nextFrame();
      }
    } catch (error) {
      this.root.append(errorBox(`The chart could not be drawn: ${messageOf(error)}`));
    } finally {
      this.drawing = false;
    }
    if (!this.allStale && this.stale.size === 0) this.extras.onDrawn?.();
  }

  private kindOf(group: string): XKind {
    const { kind, systemKind, stepless } = this.now();
    return isSystemMetric(group) ? systemKind : stepless.has(group) ? 'relative' : kind;
  }

  private panelState(group: string): PanelState {
    const { smoothing, logX, logY, x } = this.options;
    const machine = isSystemMetric(group);
    const kind = this.kindOf(group);
    const log = !machine && logX && kind !== 'time';
    const zoom = kind === this.now().kind ? this.zoom : this.systemZoom;
    return { kind, xName: x, smoothing, logX: log, logY: !machine && logY, zoom, span: this.span(log, group), theme: this.theme };
  }

  /** From the first to the last x; of the machine's metrics together with the others, where the axis is the same. */
  private span(positive: boolean, shown: string): [number, number] | null {
    const { groups, listed } = this.now();
    let low = Infinity;
    let high = -Infinity;
    for (const [group, lines] of groups) {
      if (listed.has(group)) continue;
      if (this.kindOf(group) !== this.kindOf(shown) || (isSystemMetric(group) && !isSystemMetric(shown))) continue;
      for (const { x } of lines) {
        const [from, to] = extent(x, x, null, positive) ?? [Infinity, -Infinity];
        low = Math.min(low, from);
        high = Math.max(high, to);
      }
    }
    return low <= high ? [low, high] : null;
  }

  /** Make a panel for every group that has its place, in order; those of one point are listed. */
  private placePanels(plotly: PlotlyApi): void {
    const { groups, listed, entries, kind, metrics } = this.now();
    const names = [...groups.keys()].filter(group => !isSystemMetric(group));
    const all = names.filter(group => !listed.has(group));
    const machine = [...groups.keys()].filter(isSystemMetric);
    const first = this.unfolded ? all : all.slice(0, FIRST_PANELS);
    const open = this.system.show(machine.length, names.length === 0 || this.extras.systemOpen === true) ? machine : [];
    const below = open.filter(group => !listed.has(group));
    const shown = [...first, ...below];
    const valuesOf = (some: readonly string[]): (readonly [string, readonly Line[]])[] =>
      some.filter(group => listed.has(group)).map(group => [group, groups.get(group)!]);
    this.values.show(valuesOf(names), this.runs);
    this.system.values.show(valuesOf(open), this.runs);
    // the switches are of no use then; while a run goes on, plots may come
    const goesOn = this.runs.some(run => run.state === 'RUNNING' || run.state === 'SCHEDULED');
    this.root.classList.toggle('nbt-only-values', shown.length === 0 && !goesOn);
    if (!this.emptyText) this.empty.textContent = goesOn || this.runs.length === 0 ? 'No metrics yet' : 'No metrics were logged';
    this.empty.hidden = groups.size > 0 || this.system.isOffered;
    this.more.hidden = first.length === all.length;
    this.more.textContent = `Show ${all.length - first.length} more`;
    for (const [group, panel] of this.panels) {
      if (shown.includes(group)) continue;
      panel.dispose();
      this.panels.delete(group);
    }
    const before = this.panels.size;
    this.place(plotly, this.grid, first);
    this.place(plotly, this.system.grid, below);
    if (this.panels.size > before) this.lookCloser();
    if (this.allStale) for (const group of shown) this.stale.add(group);
    this.allStale = false;
    this.grid.dataset['panels'] = String(first.length);
    this.toolbar.show(this.options, kind, metrics, this.zoom !== null || this.systemZoom !== null);
    this.legend.show(entries, this.hidden);
    this.placeLegend(entries.map(entry => entry.name));
    if (this.zoom && this.detail?.shown) this.root.dataset['detail'] = 'shown';
    else delete this.root.dataset['detail'];
  }

  private place(plotly: PlotlyApi, grid: HTMLElement, shown: readonly string[]): void {
    shown.forEach((group, i) => {
      let panel = this.panels.get(group);
      if (!panel) {
        panel = new Panel(group, plotly, {
          hover: (x, run) => this.hover(x, run, this.kindOf(group)),
          zoom: window => this.setZoom(window, this.kindOf(group))
        });
        this.panels.set(group, panel);
        this.stale.add(group);
      }
      if (grid.children[i] !== panel.element) grid.insertBefore(panel.element, grid.children[i] ?? null);
    });
  }

  /** A short legend stands beside the switches, a long one below them. */
  private placeLegend(names: readonly string[]): void {
    const { element: toolbar } = this.toolbar;
    const { element: legend } = this.legend;
    const wide = names.reduce((sum, name) => sum + SAMPLE + LETTER * name.length, SWITCHES);
    const short = names.length <= SHORT_LEGEND && wide <= this.root.clientWidth;
    if (short === (legend.parentElement === toolbar)) return;
    if (short) this.toolbar.hover.before(legend);
    else toolbar.after(legend);
  }

  private setHidden(hidden: ReadonlySet<string>): void {
    this.hidden = hidden;
    this.touch();
    this.tellView();
  }

  private tellView(): void {
    this.extras.onView?.({ ...this.options, hidden: [...this.hidden], zoom: this.zoom });
  }

  private resetZoom(): void {
    this.systemZoom = null;
    this.setZoom(null, this.now().kind);
  }

  private setZoom(window: readonly [number, number] | null, zoomed: XKind): void {
    if (zoomed !== this.now().kind) {
      this.systemZoom = window;
      this.touch();
      return;
    }
    this.zoom = window;
    this.lookCloser();
    this.touch();
    this.tellView();
  }

  /** Ask for the detail of the part of the x axis that is shown, if it is one. */
  private lookCloser(): void {
    const { kind, starts, groups } = this.now();
    const { zoom: window } = this;
    if (!window || kind === 'metric') {
      this.detail?.forget();
      return;
    }
    const shown = [...this.panels.keys()].filter(group => this.kindOf(group) === kind).flatMap(group => groups.get(group) ?? []);
    const series = shown.filter(line => !line.isBaseline).map(line => this.data.get(line.points.run, line.points.key));
    const pixels = Math.max(...[...this.panels.values()].map(panel => panel.width), 300);
    this.detail?.look({ x: kind, window, series: series.filter(one => one !== undefined), starts, pixels });
  }

  private hover(x: number | null, run: string | null, kind: XKind): void {
    this.hovered = x === null ? null : { x, run, kind };
    cancelAnimationFrame(this.hoverFrame);
    this.hoverFrame = requestAnimationFrame(() => {
      for (const panel of this.panels.values()) this.showHovered(panel);
      this.toolbar.setHover(x === null ? '' : Panel.describe(x, kind, this.options.x));
      if (this.now().several) this.point(run);
    });
  }

  /** Show the values at the x that is pointed at, in the plots that have the same axis. */
  private showHovered(panel: Panel): void {
    const { hovered } = this;
    if (hovered?.kind === this.kindOf(panel.group)) panel.showValues(hovered.x, hovered.run);
    else panel.showValues(null, null);
  }

  private point(run: string | null): void {
    if (run === this.pointed) return;
    this.pointed = run;
    this.highlight(run);
    this.extras.onHighlight?.(run);
  }

  private describe(): void {
    let step = -Infinity;
    for (const series of this.data) if (!isSystemMetric(series.key)) step = Math.max(step, series.step[series.n - 1] ?? -Infinity);
    const parts = [...this.panels.values()].map(panel => panel.summary()).concat(this.values.summary()).filter(Boolean);
    this.reader.textContent = `${Number.isFinite(step) ? `step ${step}, ` : ''}${parts.join('. ')}`;
  }
}

/** Whether a point that is new changes only the plot of its metric. */
function isTimeOrStep(x: XMode): boolean {
  return x === 'auto' || x === 'step' || x === 'time' || x === 'relative';
}
