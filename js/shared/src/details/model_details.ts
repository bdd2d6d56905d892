import { h } from '../dom';
import { formatBytes, formatTime } from '../format';
import { modelBadge, modelChips } from '../model_parts';
import { problemBox } from '../empty_states';
import type { ModelActions } from '../actions/model_actions';
import { refOf } from '../model_ref';
import type { LineagePage, ModelFacts, ModelRef, TreeModel } from '../requests';
import { problemOf } from '../problem';
import type { Stores } from '../app_host';
import { ArtifactBrowser } from './artifacts';
import { filesOfModel } from './file_source';
import { LineagePanel } from './lineage';
import { showModelEnvironment, showModelOverview } from './model_overview';
import { linkButton } from './parts';
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
  private readonly head = h('header', { class: 'nbt-details-head' });
  private readonly tabs: Tabs;
  private readonly highlighter: Highlighter;
  private readonly origin = h('div');
  private lineage: LineagePanel | null = null;
  private files: ArtifactBrowser | null = null;
  private facts: ModelFacts | null = null;
  private seen = '';
  private requestNumber = 0;
  private disposed = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly context: ModelContext
  ) {
    this.highlighter = context.nbtrack.appHost.highlighter();
    this.tabs = new Tabs('Parts of the model', context.onTab);
    this.tabs.current = context.tab;
    root.append(this.head, h('div', { class: 'nbt-side-loading' }, 'Loading the model …'));
  }

  dispose(): void {
    this.disposed = true;
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
      if (!this.disposed && number === this.requestNumber) this.show(body);
    } catch (error) {
      if (this.disposed || number !== this.requestNumber) return;
      const box = problemBox(problemOf(error), () => void this.refresh());
      this.root.querySelector('.nbt-problem')?.remove();
      // what is shown already stays
      if (this.facts) this.head.after(box);
      else this.root.replaceChildren(this.head, box);
    }
  }

  private show(model: ModelFacts): void {
    const before = this.facts;
    this.facts = model;
    const now = JSON.stringify(model);
    if (now === this.seen) return;
    this.seen = now;
    this.context.onTitle(titleOf(model));
    if (!before) this.root.replaceChildren(this.head, this.tabs.bar, this.tabs.panels);
    this.root.querySelector('.nbt-problem')?.remove();
    this.showHead(model);
    // somebody who writes a description is not disturbed
    const writing = document.activeElement;
    if (before && writing?.tagName === 'TEXTAREA' && this.root.contains(writing)) return;
    if (before && JSON.stringify(before.files) !== JSON.stringify(model.files)) {
      this.files?.dispose();
      this.files = null;
    }
    this.tabs.set(this.tabsOf(model), 'overview');
    // the tab was given the keyboard before there was anything in it
    if (!before && writing !== document.body && writing?.contains(this.root)) this.tabs.focus();
  }

  private tabsOf(model: ModelFacts): Tab[] {
    const { actions, openRun, openModel } = this.context;
    const version = versionOf(model);
    this.showLineage();
    const handlers = {
      lineage: this.origin,
      openRun,
      openModel,
      setDescription: (text: string) => void actions.setDescription(version.name, version.version, text),
      tag: (tag?: [string, string]) => void actions.tag(version, tag),
      removeAlias: (alias: string) => void actions.removeAlias(version, alias),
      addAlias: () => this.addAlias(model)
    };
    return [
      { id: 'overview', label: 'Overview', show: panel => showModelOverview(panel, model, handlers) },
      { id: 'files', label: 'Files', show: panel => this.showFiles(panel, model) },
      { id: 'environment', label: 'Environment', show: panel => showModelEnvironment(panel, model) }
    ];
  }

  private showHead(model: ModelFacts): void {
    const { actions, ref, openRun } = this.context;
    const title = h('h2', { class: 'nbt-details-name' }, titleOf(model));
    const first = h('div', { class: 'nbt-headline' }, title, ...modelChips(model.aliases, model.stage));
    const badge = modelBadge(model.state);
    if (badge) first.append(badge);
    const buttons = h('div', { class: 'nbt-buttons nbt-push' });
    const add = (label: string, act: () => void): void => {
      const button = h('button', { type: 'button', class: 'nbt-lab-button' }, label);
      button.addEventListener('click', act);
      buttons.append(button);
    };
    if (model.kind === 'version') add('Promote …', () => this.promote(model));
    else if (model.model_id && model.state === 'READY') add('Register …', () => void actions.register(model.model_id!, model.name, this.names()));
    if (actions.inserts) add('Insert cell', () => void actions.insertLoading(ref));
    add('Copy loading code', () => void actions.copyLoading(ref));
    first.append(buttons);
    const { run } = model;
    const line = h('div', { class: 'nbt-details-facts' });
    if (run) line.append(linkButton(run.name, () => openRun(run.run_id)));
    const told = [model.flavors.join(', '), formatBytes(model.size), model.device ?? '', model.precision ?? '', formatTime(model.created_ms)];
    for (const each of told.filter(Boolean)) line.append(h('span', {}, each));
    this.head.replaceChildren(first, line);
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

function versionOf({ name, version, stage, aliases }: ModelFacts): { name: string; version: number; stage: string; aliases: string[] } {
  return { name, version: version ?? 0, stage: stage ?? 'None', aliases };
}

function titleOf({ name, version }: ModelFacts): string {
  return version === null ? name : `${name} v${version}`;
}
