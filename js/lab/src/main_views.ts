import type { ILabShell, ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { WidgetTracker } from '@jupyterlab/apputils';
import { UUID } from '@lumino/coreutils';
import type { TableState } from '@nbtrack/shared/protocol_table';
import { rememberFocus } from '@nbtrack/shared/kept_focus';
import type { ModelRef } from '@nbtrack/shared/requests';
import { idOf, type Target, titleOf } from './targets';
import { Commands, type INbtrack } from './tokens';
import { type Content, LiveView, type MakeContent, ViewTab } from './view_tab';

interface Open {
  tab: ViewTab;
  target: Target;
  /** The name by which the layout knows the tab, also after a reload and when it shows another run. */
  uid: string;
}

/** The tabs of runs, comparisons and tables. */
export class MainViews {
  private readonly open = new Map<string, Open>();
  private readonly tracker = new WidgetTracker<ViewTab>({ namespace: 'nbtrack-views' });

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly nbtrack: INbtrack,
    private readonly shell: ILabShell | null
  ) {}

  /** Bring the tabs back after a reload. */
  restore(restorer: ILayoutRestorer): void {
    void restorer.restore(this.tracker, {
      command: Commands.open,
      args: tab => {
        const open = this.openOf(tab);
        return { target: (open?.target ?? null) as never, uid: open?.uid ?? '' };
      },
      name: tab => this.openOf(tab)?.uid ?? ''
    });
  }

  /** Show a target: in the tab that has it, in the preview's tab, or in a new one. */
  show(target: Target, activate = true, uid: string = UUID.uuid4()): ViewTab {
    const id = idOf(target);
    const back = activate ? rememberFocus() : () => null;
    const known = this.open.get(id) ?? this.takePreview(target, id);
    if (known) {
      if ('preview' in target && !target.preview) this.pin(known);
      this.activate(known.tab, activate);
      return known.tab;
    }
    const view = new LiveView(this.nbtrack, target.store, this.maker(target), () => tab.dispose());
    const tab: ViewTab = new ViewTab(view, `nbtrack-${uid}`, titleOf(target));
    this.open.set(id, { tab, target, uid });
    this.mark(tab, target);
    tab.disposed.connect(() => {
      if (tab.isVisible) this.giveBack(back);
      for (const [key, open] of this.open) if (open.tab === tab) this.open.delete(key);
    });
    // Notebook 7 has room for one document in the middle, so there a run stands at its side
    this.app.shell.add(tab, this.shell ? 'main' : 'right', { mode: 'tab-after' });
    void this.tracker.add(tab);
    this.activate(tab, activate);
    return tab;
  }

  private activate(tab: ViewTab, focus: boolean): void {
    const before = document.activeElement as HTMLElement | null;
    this.app.shell.activateById(tab.id);
    // who goes through the list of runs goes on there
    if (!focus) requestAnimationFrame(() => before?.focus());
  }

  /** A tab is closed: the keyboard goes back to where it was opened from, else to what is shown now. */
  private giveBack(back: () => HTMLElement | null): void {
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body) return; // it was elsewhere
      const to = back();
      const { shell } = this.app;
      const beside = to ? [...shell.widgets('main')].find(widget => widget.node.contains(to)) : shell.currentWidget;
      if (beside) shell.activateById(beside.id);
      if (to) requestAnimationFrame(() => to.focus({ preventScroll: true }));
    });
  }

  private openOf(tab: ViewTab): Open | undefined {
    return [...this.open.values()].find(open => open.tab === tab);
  }

  /** A run that is only looked at takes the place of the one before. */
  private takePreview(target: Target, id: string): Open | undefined {
    if (!('preview' in target) || !target.preview) return undefined;
    for (const [key, open] of this.open) {
      if (!('preview' in open.target) || !open.target.preview || open.target.store !== target.store) continue;
      const next = { ...target, tab: open.target.kind === target.kind ? open.target.tab : '' };
      this.open.delete(key);
      this.open.set(id, { ...open, target: next });
      this.mark(open.tab, next);
      open.tab.title.label = titleOf(next);
      open.tab.content.remake(this.maker(next));
      void this.tracker.save(open.tab);
      return this.open.get(id);
    }
    return undefined;
  }

  private pin(open: Open): void {
    if (!('preview' in open.target) || !open.target.preview) return;
    open.target.preview = false;
    this.mark(open.tab, open.target);
    void this.tracker.save(open.tab);
  }

  private mark(tab: ViewTab, target: Target): void {
    const preview = 'preview' in target && target.preview;
    tab.title.className = preview ? 'nbt-tab-preview' : '';
    tab.title.caption = preview ? `${target.name}\nDouble click the row to keep this tab` : target.name;
  }

  private maker(target: Target): MakeContent {
    switch (target.kind) {
      case 'run':
        return root => this.makeRun(root, target);
      case 'model':
        return root => this.makeModel(root, target);
      case 'compare':
        return async root => (await import('./comparison_tab')).showComparison(root, this.nbtrack, target, this.openRun(target.store));
      case 'table':
        return async root => (await import('./table_tab')).showTable(root, this.nbtrack, target, this.openRun(target.store), state => this.keepState(target, state));
    }
  }

  private openRun(store: string): (runId: string) => void {
    return run_id => this.show({ kind: 'run', store, run_id, name: 'Run', tab: '', preview: false });
  }

  private openModel(store: string): (ref: ModelRef, name: string) => void {
    return (ref, name) => this.show({ kind: 'model', store, ref, name, tab: '', preview: false });
  }

  private async makeModel(root: HTMLElement, target: Target & { kind: 'model' }): Promise<Content> {
    const [{ ModelDetails }, { ModelActions }] = await Promise.all([import('@nbtrack/shared/details/model_details'), import('@nbtrack/shared/actions/model_actions')]);
    const { store: storeId, ref, tab } = target;
    const details = new ModelDetails(root, {
      nbtrack: this.nbtrack,
      storeId,
      ref,
      actions: new ModelActions(this.nbtrack, storeId),
      registered: () => this.nbtrack.models.tree.models,
      tab,
      openRun: this.openRun(storeId),
      openModel: this.openModel(storeId),
      onTitle: name => this.rename(target, name),
      onTab: shown => this.keepTab(target, shown)
    });
    void details.refresh();
    return details;
  }

  private async makeRun(root: HTMLElement, target: Target & { kind: 'run' }): Promise<Content> {
    const [{ RunDetails }, { RunActions }] = await Promise.all([import('@nbtrack/shared/details/run_details'), import('@nbtrack/shared/actions/run_actions')]);
    const { store: storeId, run_id: runId } = target;
    const details = new RunDetails(root, {
      nbtrack: this.nbtrack,
      storeId,
      runId,
      actions: new RunActions(this.nbtrack, storeId),
      tab: target.tab,
      open: this.openRun(storeId),
      openModel: this.openModel(storeId),
      openTable: experimentId =>
        void this.app.commands.execute(Commands.table, { store: storeId, experiment_id: experimentId }),
      compare: run_ids => void this.show({ kind: 'compare', store: storeId, experiment_ids: null, run_ids, name: 'Comparison' }),
      onRun: run => this.rename(target, run.name),
      onTab: tab => this.keepTab(target, tab)
    });
    void details.refresh();
    return details;
  }

  private rename(target: Target, name: string): void {
    const open = this.open.get(idOf(target));
    if (!open || open.target.name === name) return;
    open.target.name = name;
    open.tab.title.label = name;
    this.mark(open.tab, open.target);
    void this.tracker.save(open.tab);
  }

  private keepState(target: Target & { kind: 'table' }, state: TableState): void {
    const open = this.open.get(idOf(target));
    if (open?.target.kind !== 'table') return;
    open.target.state = { ...state, columns: [] }; // those that come later shall appear, too
    void this.tracker.save(open.tab);
  }

  private keepTab(target: Target, tab: string): void {
    const open = this.open.get(idOf(target));
    if (!open || !('tab' in open.target) || open.target.tab === tab) return;
    open.target.tab = tab;
    void this.tracker.save(open.tab);
  }
}
