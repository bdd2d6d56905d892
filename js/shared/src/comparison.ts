import type { Backend } from './backend';
import type { ChartView } from './chart';
import { runStyles, shade } from './colours';
import { askData, filledState, label, RunData, same, within } from './comparison_data';
import { Choice } from './comparison_marks';
import { Section, type SectionName, SECTIONS, sectionToggles } from './comparison_section';
import { DiffView } from './diff';
import { errorBox, h, messageOf } from './dom';
import { ComparedImagesView } from './images/compared_view';
import type { ImagesView } from './images/images_view';
import { counted } from './format';
import { ImportanceView } from './importance_view';
import { ParallelView } from './parallel';
import { released } from './presses';
import type { ComparisonState, ScopeRequest } from './protocol_comparison';
import { ScatterView } from './scatter';
import { StoredChart } from './stored_chart';
import css from './style_comparison.css';
import { RunsTable } from './table';
import { colourOf, followTheme, readTheme, type Theme } from './theme';
import type { Brush, FirstPage } from './view_data';

export interface ComparisonOptions {
  backend: Backend;
  /** Whose runs; null for all experiments. */
  experimentIds: string[] | null;
  /** These runs only. */
  runIds?: string[];
  filter?: string;
  selected?: string[];
  columns?: string[];
  first?: FirstPage;
  state?: Partial<ComparisonState>;
  chart?: Partial<ChartView>;
  images?: Partial<ImagesView>;
  /** Whether the table edits runs and exports them; a page without a store cannot. */
  editable?: boolean;
  tableHeight?: number;
  onSelected?(ids: string[]): void;
  onBrushes?(brushes: Brush[]): void;
  onFilter?(filter: string): void;
  onState?(state: ComparisonState): void;
  onChart?(view: ChartView): void;
  onImages?(view: ImagesView): void;
  onOpen?(runId: string): void;
  metricsOpen?: boolean;
}

/** As many runs have curves and a colour of their own. */
const SHOWN = 10;
const MOST_SHOWN = 20;
const EMPTY: ComparisonState = { metric: '', axes: [], log: {}, brushes: [], scatter: { x: '', y: '', colour: '', size: '' }, hidden: [] };

/**
 * Runs side by side: a table, and plots of what is selected in it, or of its first rows.
 *
 * A run has one colour everywhere, and stands out everywhere when the pointer is on it anywhere. Brushes on
 * the axes of the parallel coordinates select runs.
 */
export class ComparisonView {
  private readonly highlightStyle = h('style');
  private readonly dotStyle = h('style');
  private readonly bar = h('div', { class: 'nbt-cmp-bar' });
  private readonly problem = h('div', {});
  private readonly sections: Record<SectionName, Section>;
  private readonly grid: HTMLElement;
  private readonly tableHost = h('div', { class: 'nbt-cmp-table' });
  private readonly table: RunsTable;
  private readonly backend: Backend;
  private readonly parallel: ParallelView;
  private readonly scatter: ScatterView;
  private readonly diff: DiffView;
  private readonly importance: ImportanceView;
  private readonly images: ComparedImagesView;
  private readonly stopTheme: () => void;
  private readonly toggles: Record<SectionName, HTMLElement>;
  private readonly judge = new Choice('Judge by', metric => this.change({ metric, axes: [], scatter: { ...this.state.scatter, y: metric } }));
  private chart: StoredChart | null = null;
  /** Whether the runs that are shown have images. */
  private hasImages = false;
  private theme: Theme;
  private data = RunData.empty;
  private state: ComparisonState;
  private filter: string;
  private selected: string[];
  private rows: string[] = [];
  private colours: ReadonlyMap<string, string> = new Map();
  private highlighted: string | null = null;
  private turn = 0;
  private shownFor = '';
  private disposed = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly options: ComparisonOptions
  ) {
    this.backend = options.backend;
    this.filter = options.filter ?? '';
    this.selected = [...(options.selected ?? [])];
    this.state = { ...structuredClone(EMPTY), ...options.state };
    root.classList.add('nbt-comparison');
    this.grid = h('div', { class: 'nbt-cmp-grid' });
    root.append(h('style', {}, css), this.highlightStyle, this.dotStyle, this.bar, this.problem, this.tableHost, this.grid);
    this.theme = readTheme(root);
    this.sections = Object.fromEntries(SECTIONS.map(name => [name, new Section(name, this.grid)])) as Record<SectionName, Section>;
    const highlight = (id: string | null): void => this.highlight(id);
    const pick = (id: string, add: boolean): void => this.pick(id, add);
    this.parallel = new ParallelView(this.sections.parallel.body, this.theme, {
      brushes: brushes => void this.applyBrushes(brushes, true),
      axes: axes => this.change({ axes }),
      log: (name, log) => this.change({ log: { ...this.state.log, [name]: log } }),
      highlight,
      pick
    });
    this.scatter = new ScatterView(this.sections.scatter.body, this.theme, { state: scatter => this.change({ scatter }), highlight, pick });
    this.diff = new DiffView(this.sections.diff.body, this.backend, highlight);
    this.importance = new ImportanceView(
      this.sections.importance.body,
      this.backend,
      (x, y) => this.change({ scatter: { ...this.state.scatter, x, y } }),
      () => this.sections.importance.settle()
    );
    this.images = new ComparedImagesView(this.sections.images.body, this.backend, highlight, any => this.offerImages(any), options.images, view => options.onImages?.(view));
    this.table = this.makeTable();
    this.tableHost.addEventListener('pointerover', this.onTableHover);
    this.tableHost.addEventListener('pointerleave', this.onTableLeave);
    this.toggles = sectionToggles(name => this.toggle(name));
    const group = h('div', { class: 'nbt-cmp-sections', role: 'group', 'aria-label': 'Plots' }, ...Object.values(this.toggles));
    this.bar.append(this.judge.element, group);
    this.renderBar();
    for (const name of this.state.hidden) this.sections[name as SectionName]?.show(false);
    this.offerImages(false);
    this.stopTheme = followTheme(root, theme => {
      this.theme = theme;
      this.parallel.setTheme(theme);
      this.scatter.setTheme(theme);
      this.shownFor = '';
      this.showRuns();
    });
    void this.load();
  }

  /** Select runs, as from Python; brushes that do not hold just these go. */
  setSelected(ids: readonly string[]): void {
    if (same(ids, this.selected)) return;
    this.table.setSelected([...ids]);
    this.select(ids, false);
  }

  /** Brush, as from Python. */
  setBrushes(brushes: readonly Brush[]): void {
    if (JSON.stringify(brushes) !== JSON.stringify(this.state.brushes)) void this.applyBrushes(brushes, false);
  }

  setFilter(filter: string): void {
    if (filter === this.filter) return;
    this.filter = filter;
    this.table.setState({ filter });
    void this.load();
  }

  setMetric(metric: string): void {
    if (metric && metric !== this.state.metric) this.change({ metric, axes: [] });
  }

  /** Ask again: the runs have changed. */
  refresh(): void {
    this.table.refresh();
    this.chart?.refresh();
    this.diff.refresh();
    if (this.shows('images')) this.images.refresh();
    this.importance.refreshLater(() => this.shows('importance'));
    void this.load();
  }

  dispose(): void {
    this.disposed = true;
    this.importance.dispose();
    this.images.dispose();
    this.stopTheme();
    this.table.dispose();
    this.chart?.dispose();
    this.parallel.dispose();
    this.scatter.dispose();
  }

  private makeTable(): RunsTable {
    const { options } = this;
    return new RunsTable(this.tableHost, {
      backend: this.backend,
      experimentIds: options.experimentIds,
      ...(options.runIds ? { runIds: options.runIds } : {}),
      ...(options.first ? { first: options.first } : {}),
      ...(options.editable === undefined ? {} : { editable: options.editable, exports: options.editable }),
      ...(options.onOpen ? { onOpen: options.onOpen, metricsOpen: options.metricsOpen === true } : {}),
      state: { filter: this.filter, ...(options.columns?.length ? { columns: options.columns } : {}) },
      selected: this.selected,
      height: options.tableHeight ?? 300,
      onState: state => {
        if (state.filter === this.filter) return;
        this.filter = state.filter;
        options.onFilter?.(state.filter);
        void this.load();
      },
      onSelected: ids => this.select(ids, true),
      onRows: (ids, _total, start) => {
        if (start > 0) return;
        this.rows = ids;
        this.showRuns();
      }
    });
  }

  private scope(): ScopeRequest {
    const { experimentIds, runIds } = this.options;
    return { experiment_ids: experimentIds, filter: this.filter, ...(runIds ? { run_ids: runIds } : {}) };
  }

  private async load(): Promise<void> {
    const turn = ++this.turn;
    try {
      let data = await askData(this.backend, this.scope());
      const missing = this.needed(data).filter(name => !data.columns.has(name));
      if (missing.length > 0) data = await askData(this.backend, this.scope(), [...data.columns.keys(), ...missing]);
      await released(this.root);
      if (turn !== this.turn || this.disposed) return;
      this.problem.replaceChildren();
      this.data = data;
      this.state = filledState(data, this.state);
      this.renderBar();
      this.showData();
      if (this.state.brushes.length > 0) void this.applyBrushes(this.state.brushes, true);
    } catch (error) {
      if (turn !== this.turn) return;
      this.problem.replaceChildren(errorBox(messageOf(error)));
      if (this.data === RunData.empty) this.grid.hidden = true; // there is nothing to draw
    }
  }

  /** The columns that the plots want and that exist. */
  private needed(data: RunData): string[] {
    const { axes, scatter, metric, brushes } = this.state;
    const known = new Set(data.available.map(key => key.name));
    return [...new Set([...axes, metric, scatter.x, scatter.y, scatter.colour, scatter.size, ...brushes.map(b => b.column)])].filter(name => known.has(name));
  }

  private change(part: Partial<ComparisonState>): void {
    this.state = { ...this.state, ...part };
    this.options.onState?.(this.state);
    if (this.needed(this.data).some(name => !this.data.columns.has(name))) void this.load();
    else {
      this.renderBar();
      this.showData();
    }
  }

  private toggle(name: SectionName): void {
    const hidden = this.shows(name) ? [...this.state.hidden, name] : this.state.hidden.filter(other => other !== name);
    this.state = { ...this.state, hidden };
    this.options.onState?.(this.state);
    this.sections[name].show(this.shows(name) && (name !== 'images' || this.hasImages));
    this.renderBar();
    this.shownFor = '';
    this.showData();
  }

  private renderBar(): void {
    const names = this.data.metrics().map(name => [name, label(name)] as const);
    this.judge.set(names, this.state.metric);
    this.judge.element.hidden = names.length === 0;
    for (const name of SECTIONS) this.toggles[name].setAttribute('aria-pressed', String(this.shows(name)));
  }

  private offerImages(any: boolean): void {
    this.hasImages = any;
    this.toggles.images.hidden = !any;
    this.sections.images.show(any && this.shows('images'));
  }

  private shows(name: SectionName): boolean {
    return !this.state.hidden.includes(name);
  }

  private showData(): void {
    const { axes, log, brushes, metric, scatter } = this.state;
    this.grid.hidden = this.data !== RunData.empty && this.data.ids.length === 0; // the table says why
    this.parallel.setData(this.data, { axes, log, brushes, metric });
    this.sections.parallel.setNote(this.data.total > this.data.ids.length ? `the newest ${this.data.ids.length.toLocaleString('en-US')} of ${this.data.total.toLocaleString('en-US')} runs` : this.parallel.isEmpty ? '' : 'drag along an axis to select runs');
    this.scatter.setData(this.data, scatter, log);
    this.shownFor = '';
    this.showRuns();
    if (this.shows('importance')) this.importance.show(this.scope(), metric);
  }

  /**
   * The selected runs that are compared: what a filter leaves out has no row that says whose curve it is.
   * Where there are more runs than are here, nobody can say.
   */
  private get chosen(): readonly string[] {
    const { data, selected } = this;
    return data.total > data.ids.length ? selected : selected.filter(id => data.placeOf(id) >= 0);
  }

  /** What is selected, or else the first rows, in all plots. */
  private showRuns(): void {
    const first = this.rows.length > 0 ? this.rows.filter(id => this.data.placeOf(id) >= 0) : this.data.ids;
    const { chosen } = this;
    const shown = chosen.length > 0 ? chosen.slice(0, MOST_SHOWN) : first.slice(0, SHOWN);
    const key = JSON.stringify([shown, chosen.length]);
    if (key === this.shownFor || this.data === RunData.empty) return;
    this.shownFor = key;
    const styles = runStyles(shown, this.theme.palette.length);
    this.colours = new Map(
      shown.map(id => {
        const { colour = 0, repeat = 0 } = styles.get(id) ?? {};
        return [id, shade(colourOf(this.theme, colour), repeat, this.theme.dark)];
      })
    );
    const rules = [...this.colours].map(([id, colour]) => `.nbt-comparison [row-id="${CSS.escape(id)}"] .nbt-runname::before{background:${colour}}`);
    this.dotStyle.textContent = rules.join('\n');
    this.parallel.setSelected(chosen, this.colours);
    this.scatter.setRuns(this.colours, chosen);
    if (this.shows('diff')) this.diff.setRuns(this.data, shown, this.colours);
    if (this.shows('curves')) this.showCurves(shown);
    const many = chosen.length > MOST_SHOWN ? `the first ${MOST_SHOWN} of ${chosen.length} selected runs` : chosen.length > 0 || shown.length === 0 ? '' : `the first ${counted(shown.length, 'row')}; select others in the table`;
    if (this.shows('images')) this.images.setRuns(shown.map(id => ({ id, name: this.data.nameOf(id), colour: this.colours.get(id) ?? 'currentColor' })));
    this.sections.curves.setNote(many);
    this.sections.diff.setNote(chosen.length === 2 ? 'between the two selected runs' : chosen.length > 2 ? 'between the selected runs' : 'between the first rows; select two runs to see them in full');
  }

  private showCurves(shown: string[]): void {
    if (this.chart) this.chart.setRuns(shown);
    else if (shown.length > 0) {
      const host = h('div', { class: 'nbt-chart' });
      this.sections.curves.body.append(host);
      const { chart, onChart: onView } = this.options;
      this.chart = new StoredChart(host, { backend: this.backend, runIds: shown, chart, onView, colourBy: 'run', onHighlight: id => this.highlight(id), onDrawn: () => this.sections.curves.settle() });
    }
  }

  /** Runs were selected in the table, in a plot or from Python. */
  private select(ids: readonly string[], tell: boolean): void {
    if (same(ids, this.selected)) return;
    this.selected = [...ids];
    const { brushes } = this.state;
    if (brushes.length > 0 && !same(within(this.data, brushes), ids)) this.clearBrushes(tell);
    this.showRuns();
    if (tell) this.options.onSelected?.(this.selected);
  }

  private clearBrushes(tell: boolean): void {
    this.state = { ...this.state, brushes: [] };
    this.parallel.setState(this.state);
    // Python says itself which brushes go with its selection
    if (!tell) return;
    this.options.onBrushes?.([]);
    this.options.onState?.(this.state);
  }

  private async applyBrushes(brushes: readonly Brush[], tell: boolean): Promise<void> {
    const had = this.state.brushes.length > 0;
    this.state = { ...this.state, brushes: [...brushes] };
    if (this.needed(this.data).some(name => !this.data.columns.has(name))) return this.load();
    const { axes, log, metric } = this.state;
    this.parallel.setState({ axes, log, brushes, metric });
    if (tell) {
      this.options.onBrushes?.([...brushes]);
      this.options.onState?.(this.state);
    }
    if (brushes.length === 0 && !had) return;
    const ids = brushes.length > 0 ? within(this.data, brushes) : [];
    if (same(ids, this.selected)) return;
    this.selected = ids;
    this.table.setSelected(ids);
    this.showRuns();
    if (tell) this.options.onSelected?.(ids);
  }

  private pick(id: string, add: boolean): void {
    const had = this.selected.includes(id);
    const ids = add ? (had ? this.selected.filter(other => other !== id) : [...this.selected, id]) : had && this.selected.length === 1 ? [] : [id];
    this.table.setSelected(ids);
    this.select(ids, true);
  }

  private highlight(id: string | null): void {
    if (id === this.highlighted || this.disposed) return;
    this.highlighted = id;
    const row = id === null ? '' : `.nbt-comparison [row-id="${CSS.escape(id)}"]`;
    this.highlightStyle.textContent = row && `${row}{background-color:color-mix(in srgb,var(--nbt-accent) 22%,var(--nbt-page))!important}`;
    if (id) this.root.dataset['highlight'] = id;
    else delete this.root.dataset['highlight'];
    this.parallel.highlight(id);
    this.scatter.highlight(id);
    this.chart?.highlight(id);
  }

  private readonly onTableHover = (event: Event): void => {
    const id = (event.target as Element).closest('[row-id]')?.getAttribute('row-id') ?? null;
    this.highlight(id !== null && this.data.placeOf(id) >= 0 ? id : null);
  };

  private readonly onTableLeave = (): void => this.highlight(null);
}
