import { h } from '../dom';
import type { ChartView } from '../chart';
import { StoredChart } from '../stored_chart';
import { FoundLine, leavesOut } from '../found';
import { focusedElement, keepFocus } from '../kept_focus';
import { formatDuration, formatNumber, formatTime } from '../format';
import type { FullRun, LineagePage, ModelRef } from '../requests';
import { ImagePanel } from '../images/image_panel';
import type { ImagesView } from '../images/images_view';
import { problemBox } from '../empty_states';
import { released } from '../presses';
import { problemOf } from '../problem';
import type { Named, RunActions } from '../actions/run_actions';
import { stateBadge } from '../state';
import type { Stores } from '../app_host';
import { ArtifactBrowser } from './artifacts';
import { filesOfRun } from './file_source';
import { badgeElement } from './badges';
import { showEnvironment, showParams } from './environment';
import { LineagePanel } from './lineage';
import { Overview } from './overview';
import { labButton, linkButton } from './parts';
import { againElement } from './again';
import { ReproducedPanel } from './reproduced';
import { showRunModels } from './run_models';
import type { Highlighter } from './highlighter';
import { Slots } from './slots';
import { showSource } from './source';
import { type Tab, Tabs } from './tabs';

export interface DetailsContext {
  nbtrack: Stores;
  storeId: string;
  runId: string;
  actions: RunActions;
  /** The tab to begin with. */
  tab: string;
  /** What its curves begin with, and who is told what somebody makes of them. */
  chart?: Partial<ChartView>;
  onChart?(view: ChartView): void;
  /** The same of its images. */
  imagesView?: Partial<ImagesView>;
  onImages?(view: ImagesView): void;
  open(runId: string): void;
  openModel(ref: ModelRef, name: string): void;
  openTable(experimentId: string): void;
  /** Show runs side by side, where there is a place for that. */
  compare?(runIds: string[]): void;
  onRun(run: FullRun['run']): void;
  onTab(id: string): void;
}

/** All there is to see of a run: a head, and tabs below it. */
export class RunDetails {
  private readonly head = new Slots(h('header', { class: 'nbt-details-head' }));
  private readonly buttons = new Slots(h('div', { class: 'nbt-buttons nbt-push' }));
  private readonly facts = new Slots(h('div', { class: 'nbt-details-facts' }));
  private readonly tabs: Tabs;
  private readonly highlighter: Highlighter;
  private readonly found: FoundLine;
  private details: FullRun | null = null;
  private overview: Overview | null = null;
  private chart: StoredChart | null = null;
  private reproduced: ReproducedPanel | null = null;
  private images: ImagePanel | null = null;
  private files: ArtifactBrowser | null = null;
  private lineage: LineagePanel | null = null;
  /** The number that is asked about; null for all of the run. */
  private origin: string | null = null;
  private seen = '';
  private readonly drawn = new WeakMap<HTMLElement, string>();
  private requestNumber = 0;
  private disposed = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly context: DetailsContext
  ) {
    this.highlighter = context.nbtrack.appHost.highlighter();
    const backend = context.nbtrack.backend(context.storeId);
    this.found = new FoundLine(leavesOut(backend, context.runId, () => void this.refresh()));
    this.tabs = new Tabs('Parts of the run', context.onTab);
    this.tabs.current = context.tab;
    root.append(this.head.element, h('div', { class: 'nbt-side-loading' }, 'Loading the run …'));
  }

  dispose(): void {
    this.disposed = true;
    this.overview?.dispose();
    this.chart?.dispose();
    this.reproduced?.dispose();
    this.images?.dispose();
    this.files?.dispose();
    this.highlighter.dispose();
  }

  focus(): void {
    this.tabs.focus();
  }

  /** Ask again, and show what is new. */
  async refresh(): Promise<void> {
    const number = ++this.requestNumber;
    const { nbtrack, storeId, runId } = this.context;
    try {
      const backend = nbtrack.backend(storeId);
      const found = backend.ask('run.found', { run_id: runId }).catch(() => null); // where the server is older
      const { body } = await backend.ask('run.details', { run_id: runId });
      const items = (await found)?.body.items ?? [];
      await released(this.root);
      if (this.disposed || number !== this.requestNumber) return;
      this.found.set(items);
      this.show(body);
    } catch (error) {
      await released(this.root);
      if (this.disposed || number !== this.requestNumber) return;
      this.showProblem(problemBox(problemOf(error), () => void this.refresh()));
    }
  }

  private show(details: FullRun): void {
    const before = this.details;
    this.details = details;
    const now = JSON.stringify(details);
    const focused = focusedElement(this.root);
    const waited = !before && focused !== document.body && (focused?.contains(this.root) || this.root.contains(focused));
    const back = this.showProblem(null); // then its tabs could not be read, either
    if (now === this.seen && !back) return void this.showNewImages(); // an image more changes nothing of this
    this.seen = now;
    this.context.onRun(details.run);
    this.showHead(details);
    if (!before) this.root.replaceChildren(this.head.element, this.tabs.bar, this.tabs.panels);
    this.chart?.refresh();
    this.reproduced?.refresh();
    this.tabs.set(this.tabsOf(details), 'overview');
    // the tab was given the keyboard before there was anything in it
    if (waited) this.tabs.focus();
  }

  /** Say what went wrong; what is shown already stays. Returns whether something was wrong before. */
  private showProblem(box: HTMLElement | null): boolean {
    const old = this.root.querySelector(':scope > .nbt-problem');
    const focused = old?.contains(focusedElement(this.root)) ?? false;
    old?.remove();
    if (box && this.details) this.head.element.after(box);
    else if (box) this.root.replaceChildren(this.head.element, box);
    if (focused && box) box.querySelector('button')?.focus();
    else if (focused) this.tabs.focus();
    return old !== null;
  }

  private tabsOf(details: FullRun): Tab[] {
    const images: Tab[] = details.has_images ? [{ id: 'images', label: 'Images', show: panel => this.showImages(panel) }] : [];
    const tabs: Tab[] = [
      { id: 'overview', label: 'Overview', show: panel => this.showOverview(panel, details) },
      { id: 'curves', label: 'Curves', show: panel => this.showCurves(panel, details) },
      { id: 'params', label: 'Params', show: panel => this.showOnce(panel, details.params, () => showParams(panel, details)) },
      ...images,
      { id: 'artifacts', label: 'Artifacts', show: panel => this.showArtifacts(panel) },
      { id: 'source', label: 'Source', show: panel => void this.showSource(panel, details) },
      { id: 'environment', label: 'Environment', show: panel => this.showOnce(panel, [details.environment, details.run.user], () => showEnvironment(panel, details)) },
      { id: 'lineage', label: 'Lineage', show: panel => this.showLineage(panel) }
    ];
    if (details.verdict) tabs.push({ id: 'reproduced', label: 'Run again', show: panel => this.showReproduced(panel) });
    if (details.models.length > 0) {
      tabs.push({ id: 'models', label: 'Models', show: panel => this.showOnce(panel, details.models, () => showRunModels(panel, details.models, this.context.openModel)) });
    }
    return tabs;
  }

  private showHead({ run, badges, rerun }: FullRun): void {
    const { actions } = this.context;
    this.buttons.set(this.offered(run, rerun).map(([label, act]) => ({ name: label, about: null, draw: () => labButton(label, act) })));
    const step = run.last_step === null ? '' : `step ${formatNumber(run.last_step)}`;
    const told = [formatTime(run.start_ms), formatDuration(run.duration_s), run.ending ?? step, run.user ?? ''].filter(Boolean);
    const openTable = (): void => this.context.openTable(run.experiment_id);
    this.facts.set([
      { name: 'experiment', about: [run.experiment_id, run.experiment], draw: () => linkButton(run.experiment, openTable) },
      ...told.map((fact, i) => ({ name: `fact-${i}`, about: fact, draw: () => h('span', {}, fact) }))
    ]);
    const progress = rerun?.progress;
    const stop = actions.inserts ? () => void actions.stopAgain(this.named) : null;
    this.head.set([
      { name: 'name', about: [run.name, run.state, badges], draw: () => this.headline(run, badges) },
      { name: 'facts', about: null, draw: () => this.facts.element },
      progress ? { name: 'again', about: progress, draw: () => againElement(progress, stop) } : null
    ]);
  }

  /** What can be done with the run; it is done to what the run is by then. */
  private offered(run: FullRun['run'], rerun: FullRun['rerun'] | undefined): [label: string, act: () => void][] {
    const { actions, runId } = this.context;
    const found: [string, () => void][] = [];
    if (run.stage === 'deleted') found.push(['Restore', () => void actions.act('restore', [this.named])]);
    else if ((run.state === 'INTERRUPTED' || (run.state === 'RUNNING' && run.ending)) && !run.kept) {
      found.push(['Keep', () => void actions.act('keep', [this.named])]);
      if (actions.inserts) found.push(['Resume', () => void actions.resume(this.named)]);
      found.push(['Discard', () => void actions.act('discard', [this.named])]);
    }
    if (actions.inserts) found.push(['Insert cell', () => void actions.insertSource(runId)]);
    if (rerun?.is_possible && !rerun.progress) found.push(['Run again', () => void actions.runAgain(this.named)]);
    found.push(['Copy loading code', () => void actions.copyLoading(runId)]);
    return found;
  }

  private get named(): Named & { last_step: number | null } {
    const { name = '', last_step = null } = this.details?.run ?? {};
    return { run_id: this.context.runId, name, last_step };
  }

  private headline({ name, state }: FullRun['run'], badges: FullRun['badges']): HTMLElement {
    return h('div', { class: 'nbt-headline' }, h('h2', { class: 'nbt-details-name' }, name), stateBadge(state), ...badges.map(badgeElement), this.buttons.element);
  }

  private showOverview(panel: HTMLElement, details: FullRun): void {
    const { actions, runId, open } = this.context;
    this.overview ??= new Overview(panel, {
      open,
      compare: this.context.compare,
      found: this.found.element,
      show: tab => this.showTab(tab),
      showOrigin: metric => this.showOrigin(metric),
      setNote: note => actions.setNote(runId, note),
      tag: before => void actions.addTag([this.named], before)
    });
    this.overview.show(details);
  }

  /** Draw a panel where what it shows is another than before. */
  private showOnce(panel: HTMLElement, about: unknown, draw: () => void): void {
    const now = JSON.stringify(about);
    if (this.drawn.get(panel) === now) return;
    this.drawn.set(panel, now);
    keepFocus(panel, draw);
  }

  private showTab(tab: string): void {
    this.tabs.select(tab);
    this.tabs.focus();
  }

  private showCurves(panel: HTMLElement, { metrics }: FullRun): void {
    if (this.chart) return;
    if (metrics.length === 0) {
      panel.replaceChildren(h('p', { class: 'nbt-empty' }, 'This run has logged no metrics, so there are no curves.'));
      return;
    }
    panel.replaceChildren();
    const { nbtrack, storeId, runId, chart, onChart: onView } = this.context;
    this.chart = new StoredChart(panel, { backend: nbtrack.backend(storeId), runIds: [runId], chart, onView });
  }

  private showImages(panel: HTMLElement): void {
    if (this.images) return void this.images.refresh();
    const { nbtrack, storeId, runId, imagesView, onImages } = this.context;
    this.images = new ImagePanel(panel, nbtrack.backend(storeId), runId, imagesView, onImages);
  }

  private showNewImages(): void {
    if (this.tabs.current === 'images') void this.images?.refresh();
  }

  private showReproduced(panel: HTMLElement): void {
    const { nbtrack, storeId, runId } = this.context;
    this.reproduced ??= new ReproducedPanel(panel, nbtrack.backend(storeId), runId);
  }

  private showOrigin(metric: string | null): void {
    this.origin = metric;
    this.showTab('lineage');
    this.lineage?.refresh();
  }

  private showLineage(panel: HTMLElement): void {
    if (this.lineage) return this.lineage.refresh();
    const { nbtrack, storeId, runId, open, openModel } = this.context;
    const backend = nbtrack.backend(storeId);
    const ask = async (): Promise<LineagePage> => (await backend.ask('run.lineage', { run_id: runId, metric: this.origin })).body;
    const show = (tab: string): void => this.showTab(tab);
    const opensFile = (folder: string, path: string): (() => void) | null => nbtrack.appHost.opensFile(folder, path);
    this.lineage = new LineagePanel(panel, ask, { openRun: open, openModel, show, opensFile }, () =>
      this.origin === null ? [] : [h('p', { class: 'nbt-origin' }, 'Of the metric ', h('b', {}, this.origin), '. ', linkButton('Show all of the run', () => this.showOrigin(null)))]
    );
  }

  private showArtifacts(panel: HTMLElement): void {
    if (this.files && !panel.querySelector(':scope > .nbt-problem')) return;
    this.files?.dispose();
    const { nbtrack, storeId, runId } = this.context;
    this.files = new ArtifactBrowser(panel, filesOfRun(nbtrack.backend(storeId), runId, nbtrack.fileAddress(storeId, runId)), this.highlighter);
  }

  private async showSource(panel: HTMLElement, details: FullRun): Promise<void> {
    if (panel.childElementCount > 0 && !panel.querySelector(':scope > .nbt-problem')) return;
    const { nbtrack, storeId, runId, actions } = this.context;
    const handlers = {
      insert: actions.inserts ? () => void actions.insertSource(runId) : null,
      copy: (text: string) => void actions.copy(text, 'The source is in the clipboard')
    };
    panel.replaceChildren(h('p', { class: 'nbt-empty' }, 'Loading the source …'));
    try {
      const { body } = await nbtrack.backend(storeId).ask('run.source', { run_id: runId });
      showSource(panel, details, body, this.highlighter, handlers);
    } catch (error) {
      const again = (): void => {
        panel.replaceChildren();
        void this.showSource(panel, details);
      };
      panel.replaceChildren(problemBox(problemOf(error), again));
    }
  }
}
