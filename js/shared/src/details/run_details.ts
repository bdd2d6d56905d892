import { errorBox, h } from '../dom';
import type { ChartView } from '../chart';
import { StoredChart } from '../stored_chart';
import { FoundLine, leavesOut } from '../found';
import { formatDuration, formatNumber, formatTime } from '../format';
import type { FullRun, LineagePage, ModelRef } from '../requests';
import { ImagePanel } from '../images/image_panel';
import { problemBox } from '../empty_states';
import { problemOf } from '../problem';
import type { RunActions } from '../actions/run_actions';
import { stateBadge } from '../state';
import type { Stores } from '../app_host';
import { ArtifactBrowser } from './artifacts';
import { filesOfRun } from './file_source';
import { badgeElement } from './badges';
import { showEnvironment, showParams } from './environment';
import { LineagePanel } from './lineage';
import { showOverview } from './overview';
import { linkButton } from './parts';
import { againElement } from './again';
import { ReproducedPanel } from './reproduced';
import { showRunModels } from './run_models';
import type { Highlighter } from './highlighter';
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
  open(runId: string): void;
  openModel(ref: ModelRef, name: string): void;
  openTable(experimentId: string): void;
  onTitle(name: string): void;
  onTab(id: string): void;
}

/** All there is to see of a run: a head, and tabs below it. */
export class RunDetails {
  private readonly head = h('header', { class: 'nbt-details-head' });
  private readonly tabs: Tabs;
  private readonly highlighter: Highlighter;
  private readonly found: FoundLine;
  private details: FullRun | null = null;
  private chart: StoredChart | null = null;
  private reproduced: ReproducedPanel | null = null;
  private images: ImagePanel | null = null;
  private files: ArtifactBrowser | null = null;
  private lineage: LineagePanel | null = null;
  /** The number that is asked about; null for all of the run. */
  private origin: string | null = null;
  private seen = '';
  private changesOpen = false;
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
    root.append(this.head, h('div', { class: 'nbt-side-loading' }, 'Loading the run …'));
  }

  dispose(): void {
    this.disposed = true;
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
      if (this.disposed || number !== this.requestNumber) return;
      this.found.set(items);
      this.show(body);
    } catch (error) {
      if (this.disposed || number !== this.requestNumber) return;
      const box = problemBox(problemOf(error), () => void this.refresh());
      // what is shown already stays
      this.root.querySelector('.nbt-problem')?.remove();
      if (this.details) this.head.after(box);
      else this.root.replaceChildren(this.head, box);
    }
  }

  private show(details: FullRun): void {
    const before = this.details;
    this.details = details;
    const now = JSON.stringify(details);
    if (now === this.seen) return void this.showNewImages(); // an image more changes nothing of this
    this.seen = now;
    this.context.onTitle(details.run.name);
    if (!before) this.root.replaceChildren(this.head, this.tabs.bar, this.tabs.panels);
    this.root.querySelector('.nbt-problem')?.remove();
    this.showHead(details);
    // somebody who writes a note is not disturbed
    const writing = document.activeElement;
    if (before && writing?.tagName === 'TEXTAREA' && this.root.contains(writing)) return;
    this.chart?.refresh();
    this.reproduced?.refresh();
    this.tabs.set(this.tabsOf(details), 'overview');
    // the tab was given the keyboard before there was anything in it
    if (!before && writing !== document.body && writing?.contains(this.root)) this.tabs.focus();
  }

  private tabsOf(details: FullRun): Tab[] {
    const { actions, runId, open } = this.context;
    const handlers = {
      open,
      found: this.found.element,
      changesOpen: this.changesOpen,
      keepChangesOpen: (opened: boolean) => void (this.changesOpen = opened),
      show: (tab: string) => {
        this.tabs.select(tab);
        this.tabs.focus();
      },
      showOrigin: (metric: string) => this.showOrigin(metric),
      setNote: (note: string) => void actions.setNote(runId, note),
      tag: (tag?: [string, string]) => void actions.addTag([{ run_id: runId, name: details.run.name }], tag)
    };
    const images: Tab[] = details.has_images ? [{ id: 'images', label: 'Images', show: panel => this.showImages(panel) }] : [];
    const tabs: Tab[] = [
      { id: 'overview', label: 'Overview', show: panel => showOverview(panel, details, handlers) },
      { id: 'curves', label: 'Curves', show: panel => this.showCurves(panel, details) },
      { id: 'params', label: 'Params', show: panel => showParams(panel, details) },
      ...images,
      { id: 'artifacts', label: 'Artifacts', show: panel => this.showArtifacts(panel) },
      { id: 'source', label: 'Source', show: panel => void this.showSource(panel, details) },
      { id: 'environment', label: 'Environment', show: panel => showEnvironment(panel, details) },
      { id: 'lineage', label: 'Lineage', show: panel => this.showLineage(panel) }
    ];
    if (details.verdict) tabs.push({ id: 'reproduced', label: 'Run again', show: panel => this.showReproduced(panel) });
    if (details.models.length > 0) {
      tabs.push({ id: 'models', label: 'Models', show: panel => showRunModels(panel, details.models, this.context.openModel) });
    }
    return tabs;
  }

  private showHead({ run, badges, rerun }: FullRun): void {
    const { actions, runId } = this.context;
    const named = { run_id: run.run_id, name: run.name, last_step: run.last_step };
    const title = h('h2', { class: 'nbt-details-name' }, run.name);
    const first = h('div', { class: 'nbt-headline' }, title, stateBadge(run.state));
    first.append(...badges.map(badgeElement));
    const buttons = h('div', { class: 'nbt-buttons nbt-push' });
    const add = (label: string, act: () => void): void => {
      const button = h('button', { type: 'button', class: 'nbt-lab-button' }, label);
      button.addEventListener('click', act);
      buttons.append(button);
    };
    if (run.stage === 'deleted') add('Restore', () => void actions.act('restore', [named]));
    else if ((run.state === 'INTERRUPTED' || (run.state === 'RUNNING' && run.ending)) && !run.kept) {
      add('Keep', () => void actions.act('keep', [named]));
      if (actions.inserts) add('Resume', () => void actions.resume(named));
      add('Discard', () => void actions.act('discard', [named]));
    }
    if (actions.inserts) add('Insert cell', () => void actions.insertSource(runId));
    if (rerun?.is_possible && !rerun.progress) add('Run again', () => void actions.runAgain(named));
    add('Copy loading code', () => void actions.copyLoading(runId));
    first.append(buttons);
    const step = run.last_step === null ? '' : `step ${formatNumber(run.last_step)}`;
    const facts = [formatTime(run.start_ms), formatDuration(run.duration_s), run.ending ?? step, run.user ?? ''].filter(Boolean);
    const line = h('div', { class: 'nbt-details-facts' }, linkButton(run.experiment, () => this.context.openTable(run.experiment_id)));
    for (const fact of facts) line.append(h('span', {}, fact));
    this.head.replaceChildren(first, line);
    if (rerun?.progress) this.head.append(againElement(rerun.progress, actions.inserts ? () => void actions.stopAgain(named) : null));
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
    const { nbtrack, storeId, runId } = this.context;
    this.images = new ImagePanel(panel, nbtrack.backend(storeId), runId);
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
    this.tabs.select('lineage');
    this.tabs.focus();
    this.lineage?.refresh();
  }

  private showLineage(panel: HTMLElement): void {
    if (this.lineage) return this.lineage.refresh();
    const { nbtrack, storeId, runId, open, openModel } = this.context;
    const backend = nbtrack.backend(storeId);
    const ask = async (): Promise<LineagePage> => (await backend.ask('run.lineage', { run_id: runId, metric: this.origin })).body;
    const show = (tab: string): void => {
      this.tabs.select(tab);
      this.tabs.focus();
    };
    const opensFile = (folder: string, path: string): (() => void) | null => nbtrack.appHost.opensFile(folder, path);
    this.lineage = new LineagePanel(panel, ask, { openRun: open, openModel, show, opensFile }, () =>
      this.origin === null ? [] : [h('p', { class: 'nbt-origin' }, 'Of the metric ', h('b', {}, this.origin), '. ', linkButton('Show all of the run', () => this.showOrigin(null)))]
    );
  }

  private showArtifacts(panel: HTMLElement): void {
    if (this.files) return;
    const { nbtrack, storeId, runId } = this.context;
    this.files = new ArtifactBrowser(panel, filesOfRun(nbtrack.backend(storeId), runId, nbtrack.fileAddress(storeId, runId)), this.highlighter);
  }

  private async showSource(panel: HTMLElement, details: FullRun): Promise<void> {
    if (panel.childElementCount > 0) return;
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
      panel.replaceChildren(errorBox(problemOf(error).advice));
    }
  }
}
