import { h } from '../dom';
import { focusedElement, keepFocus } from '../kept_focus';
import { formatBytes, formatTime } from '../format';
import { modelBadge, modelChips } from '../model_parts';
import { problemBox } from '../empty_states';
import type { ModelActions } from '../actions/model_actions';
import { refOf } from '../model_ref';
import type { LineagePage, ModelFacts, ModelRef, TreeModel } from '../requests';
import { released } from '../presses';
import { problemOf } from '../problem';
import type { Stores } from '../app_host';
import { ArtifactBrowser } from './artifacts';
import { filesOfModel } from './file_source';
import { LineagePanel } from './lineage';
import { ModelOverview, showModelEnvironment } from './model_overview';
import { labButton, linkButton } from './parts';
import { Slots } from './slots';
import type { Highlighter } from './highlighter';
import { type Tab, Tabs } from './tabs';

export interface ModelContext {
  nbtrack: Stores;
  storeId: string;
  ref: ModelRef;
  actions: ModelActions;
  /** The registered models, as far as the page knows them. */
  registered(): readonly TreeModel[];
  /** The tab to begin with. */
  tab: string;
  openRun(runId: string): void;
  openModel(ref: ModelRef, name: string): void;
  onTitle(name: string): void;
  onTab(id: string): void;
}

/** All there is to see of a version, or of a logged model: a head, and tabs below it. */
export class ModelDetails {
  private readonly head = new Slots(h('header', { class: 'nbt-details-head' }));
  private readonly tabs: Tabs;
  private readonly highlighter: Highlighter;
  private readonly origin = h('div');
  private overview: ModelOverview | null = null;
  private lineage: LineagePanel | null = null;
  private files: ArtifactBrowser | null = null;
  private facts: ModelFacts | null = null;
  private seen = '';
  /** What the environment shows. */
  private needed = '';
  private requestNumber = 0;
  private disposed = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly context: ModelContext
  ) {
    this.highlighter = context.nbtrack.appHost.highlighter();
    this.tabs = new Tabs('Parts of the model', context.onTab);
    this.tabs.current = context.tab;
    root.append(this.head.element, h('div', { class: 'nbt-side-loading' }, 'Loading the model …'));
  }

  dispose(): void {
    this.disposed = true;
    this.overview?.dispose();
    this.files?.dispose();
    this.highlighter.dispose();
  }

  focus(): void {
    this.tabs.focus();
  }

  /** Ask again, and show what is new. */
  async refresh(): Promise<void> {
    const number = ++this.requestNumber;
    const { nbtrack, storeId, ref } = this.context;
    try {
      const { body } = await nbtrack.backend(storeId).ask('models.details', refOf(ref));
      await released(this.root);
      if (!this.disposed && number === this.requestNumber) this.show(body);
    } catch (error) {
      await released(this.root);
      if (this.disposed || number !== this.requestNumber) return;
      this.showProblem(problemBox(problemOf(error), () => void this.refresh()));
    }
  }

  private show(model: ModelFacts): void {
    const before = this.facts;
    this.facts = model;
    const now = JSON.stringify(model);
    const focused = focusedElement(this.root);
    const waited = !before && focused !== document.body && (focused?.contains(this.root) || this.root.contains(focused));
    const back = this.showProblem(null); // then its tabs could not be read, either
    if (now === this.seen && !back) return;
    this.seen = now;
    this.context.onTitle(titleOf(model));
    this.showHead(model);
    if (!before) this.root.replaceChildren(this.head.element, this.tabs.bar, this.tabs.panels);
    if (before && JSON.stringify(before.files) !== JSON.stringify(model.files)) {
      this.files?.dispose();
      this.files = null;
    }
    this.tabs.set(this.tabsOf(model), 'overview');
    // the tab was given the keyboard before there was anything in it
    if (waited) this.tabs.focus();
  }

  /** Say what went wrong; what is shown already stays. Returns whether something was wrong before. */
  private showProblem(box: HTMLElement | null): boolean {
    const old = this.root.querySelector(':scope > .nbt-problem');
    const focused = old?.contains(focusedElement(this.root)) ?? false;
    old?.remove();
    if (box && this.facts) this.head.element.after(box);
    else if (box) this.root.replaceChildren(this.head.element, box);
    if (focused && box) box.querySelector('button')?.focus();
    else if (focused) this.tabs.focus();
    return old !== null;
  }

  private tabsOf(model: ModelFacts): Tab[] {
    this.showLineage();
    return [
      { id: 'overview', label: 'Overview', show: panel => this.showOverview(panel, model) },
      { id: 'files', label: 'Files', show: panel => this.showFiles(panel, model) },
      { id: 'environment', label: 'Environment', show: panel => this.showEnvironment(panel, model) }
    ];
  }

  private showOverview(panel: HTMLElement, model: ModelFacts): void {
    const { actions, openRun, openModel } = this.context;
    const version = (): Version => versionOf(this.facts ?? model);
    this.overview ??= new ModelOverview(panel, {
      lineage: this.origin,
      openRun,
      openModel,
      setDescription: text => actions.setDescription(version().name, version().version, text),
      tag: before => void actions.tag(version(), before),
      removeAlias: alias => void actions.removeAlias(version(), alias),
      addAlias: () => this.addAlias(this.facts ?? model)
    });
    this.overview.show(model);
  }

  private showEnvironment(panel: HTMLElement, model: ModelFacts): void {
    const now = JSON.stringify([model.requirements, model.python]);
    if (now === this.needed) return;
    this.needed = now;
    keepFocus(panel, () => showModelEnvironment(panel, model));
  }

  private showHead(model: ModelFacts): void {
    const { actions, ref, openRun } = this.context;
    const now = (): ModelFacts => this.facts ?? model;
    const buttons: HTMLElement[] = [];
    if (model.kind === 'version') buttons.push(labButton('Promote …', () => this.promote(now())));
    else if (model.model_id && model.state === 'READY') buttons.push(labButton('Register …', () => void actions.register(model.model_id!, model.name, this.names())));
    if (actions.inserts) buttons.push(labButton('Insert cell', () => void actions.insertLoading(ref)));
    buttons.push(labButton('Copy loading code', () => void actions.copyLoading(ref)));
    const badge = modelBadge(model.state);
    const title = (): HTMLElement =>
      h('div', { class: 'nbt-headline' }, h('h2', { class: 'nbt-details-name' }, titleOf(model)), ...modelChips(model.aliases, model.stage), ...(badge ? [badge] : []), h('div', { class: 'nbt-buttons nbt-push' }, ...buttons));
    const { run } = model;
    const told = [model.flavors.join(', '), formatBytes(model.size), model.device ?? '', model.precision ?? '', formatTime(model.created_ms)].filter(Boolean);
    const line = (): HTMLElement => h('div', { class: 'nbt-details-facts' }, ...(run ? [linkButton(run.name, () => openRun(run.run_id))] : []), ...told.map(each => h('span', {}, each)));
    this.head.set([
      { name: 'name', about: [titleOf(model), model.aliases, model.stage, model.state, model.kind, model.model_id], draw: title },
      { name: 'facts', about: [run, told], draw: line }
    ]);
  }

  private showLineage(): void {
    if (this.lineage) return this.lineage.refresh();
    const { nbtrack, storeId, ref, openRun, openModel } = this.context;
    const ask = async (): Promise<LineagePage> => (await nbtrack.backend(storeId).ask('models.lineage', refOf(ref))).body;
    const opensFile = (folder: string, path: string): (() => void) | null => nbtrack.appHost.opensFile(folder, path);
    this.lineage = new LineagePanel(this.origin, ask, { openRun, openModel, show: null, opensFile });
  }

  private showFiles(panel: HTMLElement, { files }: ModelFacts): void {
    if (this.files) return;
    const { nbtrack, storeId, ref } = this.context;
    if (files.length === 0) {
      panel.replaceChildren(h('p', { class: 'nbt-empty' }, 'Its files are gone, or cannot be reached from this server.'));
      return;
    }
    this.files = new ArtifactBrowser(panel, filesOfModel(nbtrack.backend(storeId), ref, files), this.highlighter);
  }

  private promote(model: ModelFacts): void {
    const version = versionOf(model);
    const others = this.context.registered().find(other => other.name === model.name)?.versions ?? [];
    void this.context.actions.promote(version, others.map(other => ({ ...other, name: model.name })));
  }

  private addAlias(model: ModelFacts): void {
    const others = this.context.registered().find(other => other.name === model.name)?.versions ?? [];
    const holder = (alias: string): number | null => others.find(other => other.aliases.includes(alias))?.version ?? null;
    void this.context.actions.addAlias(versionOf(model), others.flatMap(other => other.aliases), holder);
  }

  private names(): string[] {
    return this.context.registered().map(other => other.name);
  }
}

interface Version {
  name: string;
  version: number;
  stage: string;
  aliases: string[];
}

function versionOf({ name, version, stage, aliases }: ModelFacts): Version {
  return { name, version: version ?? 0, stage: stage ?? 'None', aliases };
}

function titleOf({ name, version }: ModelFacts): string {
  return version === null ? name : `${name} v${version}`;
}
