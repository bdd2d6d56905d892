import { type BackendResponse, type Body, type Params, type RequestName, UnknownStoreError } from '@nbtrack/shared/backend';
import { Signal } from '@lumino/signaling';
import type { Experiment, Stage, StoreInfo } from '@nbtrack/shared/requests';
import { HttpBackend } from '@nbtrack/shared/http_backend';
import { type Problem, problemOf } from '@nbtrack/shared/problem';
import { PAGE, RunTree, experimentKey } from './run_tree';
import { type NbtrackServer, ServerError } from '@nbtrack/shared/server';
import { TreeSelection } from './tree_selection';
import type { StoreWatcher } from '@nbtrack/shared/watcher';

/** How often the server is asked for stores while the sidebar is looked at and there is none yet. */
const NO_STORE_MS = 3000;

/** Which runs are looked for. */
export interface Search {
  filter: string;
  stage: Stage;
  state: string;
}

/** What the sidebar shows: a store, its experiments, and the runs that match. */
export class SidebarModel {
  readonly tree = new RunTree();
  readonly selection = new TreeSelection(this.tree);
  readonly changed = new Signal<this, void>(this);
  /** Whoever shows more of the store asks for it again, too. */
  readonly asksAgain = new Signal<this, void>(this);
  stores: StoreInfo[] | null = null;
  storeId = '';
  /** The store to show first, by its path or id. */
  preferred = '';
  search: Search = { filter: '', stage: 'active', state: '' };
  filterError = '';
  /** What a search that nothing fits may have meant. */
  hint = '';
  problem: Problem | null = null;

  private visible = false;
  private generation = 0;
  private readonly loading = new Set<string>();
  private stopWatching: () => void = () => undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private known = new Set<string>();
  private followed = '';
  private soughtAfter = '';
  private hinted = false;
  private refreshing = false;
  private again: 'all' | 'runs' | null = null;

  constructor(
    readonly server: NbtrackServer,
    private readonly watcher: StoreWatcher
  ) {}

  get store(): StoreInfo | undefined {
    return this.stores?.find(store => store.id === this.storeId);
  }

  get searching(): boolean {
    return this.search.filter.trim() !== '' || this.search.state !== '';
  }

  /** Whether the sidebar can be seen: only then are there requests. */
  get isActive(): boolean {
    return this.visible && !document.hidden;
  }

  setVisible(visible: boolean): void {
    if (visible === this.visible) return;
    this.visible = visible;
    if (visible) {
      document.addEventListener('visibilitychange', this.onPage);
      void this.refresh();
    } else {
      document.removeEventListener('visibilitychange', this.onPage);
      this.stop();
    }
  }

  /** Find the store to show, also while the sidebar is hidden. */
  async findStore(): Promise<void> {
    try {
      await this.readStores(false);
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  /** Ask the server about the store. */
  ask<N extends RequestName>(type: N, params: Params<N>): Promise<BackendResponse<Body<N>>> {
    return new HttpBackend(this.server, this.storeId).ask(type, params);
  }

  /** Ask for everything again; `afresh` also looks for stores that the server does not know yet. */
  async refresh(what: 'all' | 'runs' = 'all', afresh = false): Promise<void> {
    if (!this.isActive) return;
    if (this.refreshing) {
      this.again = what === 'all' || this.again === 'all' ? 'all' : 'runs';
      return;
    }
    this.refreshing = true;
    clearTimeout(this.timer);
    try {
      if (what === 'all' || !this.storeId) await this.readStores(afresh);
      if (this.storeId) await this.readExperiments();
      this.problem = null;
    } catch (error) {
      if (error instanceof UnknownStoreError) this.stores = null;
      this.problem = problemOf(error);
    }
    this.refreshing = false;
    const { again } = this;
    this.again = null;
    if (this.visible && !this.storeId && !this.problem) {
      this.timer = setTimeout(() => void this.refresh(), NO_STORE_MS);
    }
    if (again) void this.refresh(again);
    else {
      this.emitChanged();
      this.asksAgain.emit(undefined);
    }
  }

  setStore(id: string): void {
    if (id === this.storeId) return;
    this.take(id);
    void this.refresh();
    this.emitChanged();
  }

  setSearch(change: Partial<Search>): void {
    const before = this.search;
    this.search = { ...before, ...change };
    if (JSON.stringify(before) === JSON.stringify(this.search)) return;
    this.filterError = '';
    this.hint = '';
    this.hinted = false;
    this.generation++;
    this.loading.clear();
    this.tree.clear();
    this.tree.onlyMatching = this.searching || this.search.stage !== 'active';
    if (this.tree.onlyMatching) for (const e of this.tree.experiments) this.open(e.experiment_id);
    if (before.stage !== this.search.stage) void this.refresh('runs');
    else if (before.filter !== this.search.filter) this.asksAgain.emit(undefined);
    this.emitChanged();
  }

  /** Ask for the runs of these rows, as far as they are not known. */
  need(first: number, last: number): void {
    if (!this.visible || this.filterError) return;
    for (const { experimentId, start } of this.tree.wanted(first, last)) void this.readPage(experimentId, start);
  }

  private firstStore(stores: StoreInfo[]): string {
    const preferred = stores.find(s => this.preferred && (s.path === this.preferred || s.id === this.preferred));
    const kernels = stores.find(s => s.source === 'kernel' && !s.error);
    const sound = stores.find(s => !s.error);
    return (preferred ?? kernels ?? sound ?? stores[0])?.id ?? '';
  }

  private take(id: string): void {
    this.storeId = id;
    this.tree.setExperiments([]);
    this.tree.clear();
    this.known = new Set();
    this.selection.chosen.clear();
    this.generation++;
  }

  private async readStores(afresh: boolean): Promise<void> {
    this.stores = await this.server.stores(afresh);
    const { preferred } = this;
    if (preferred && preferred !== this.soughtAfter && !this.stores.some(s => s.path === preferred || s.id === preferred)) {
      // it may be younger than the server's last look
      this.soughtAfter = preferred;
      this.stores = await this.server.stores(true);
    }
    const first = this.store ? this.storeId : this.firstStore(this.stores);
    if (first !== this.storeId) this.take(first);
    this.follow();
  }

  private async readExperiments(): Promise<void> {
    const { storeId } = this;
    const { body } = await this.ask('store.experiments', {});
    if (storeId !== this.storeId) return;
    const before = this.tree.indexOf(this.selection.active);
    const first = this.known.size === 0;
    // deleted runs may be in an experiment that is deleted as a whole
    const stages = this.search.stage === 'deleted' ? ['active', 'deleted'] : ['active'];
    const experiments = body.experiments.filter(e => stages.includes(e.stage) && !isUnused(e));
    // the youngest is what somebody works on
    const youngest = [...experiments].sort((a, b) => (b.last_ms ?? 0) - (a.last_ms ?? 0))[0];
    if (first && youngest) this.open(youngest.experiment_id);
    for (const e of experiments) {
      if (!first && !this.known.has(e.experiment_id)) this.open(e.experiment_id);
      if (this.tree.onlyMatching && !this.known.has(e.experiment_id)) this.open(e.experiment_id);
      this.known.add(e.experiment_id);
    }
    this.tree.setExperiments(experiments);
    this.tree.markStale();
    this.selection.settle(before);
  }

  private async readPage(experimentId: string, start: number): Promise<void> {
    const name = `${experimentId} ${start}`;
    if (this.loading.has(name)) return;
    this.loading.add(name);
    const generation = this.generation;
    const { filter, stage, state } = this.search;
    const params = { experiment_id: experimentId, filter, stage, state, start, stop: start + PAGE };
    try {
      const { body } = await this.ask('store.tree', params);
      if (generation !== this.generation) return;
      const before = this.tree.indexOf(this.selection.active);
      this.tree.put(experimentId, start, body);
      this.selection.settle(before);
      this.problem = null;
    } catch (error) {
      if (generation !== this.generation) return;
      if (error instanceof ServerError && error.kind === 'refused' && filter.trim()) this.filterError = error.message;
      else this.problem = problemOf(error);
    } finally {
      if (generation === this.generation) this.loading.delete(name);
    }
    if (generation !== this.generation) return;
    this.emitChanged();
    if (this.tree.rows.length > 0 || this.hinted || this.filterError || !filter.trim()) return;
    this.hinted = true;
    void this.askForHint(filter, generation);
  }

  private async askForHint(filter: string, generation: number): Promise<void> {
    const found = await this.ask('store.hint', { filter }).catch(() => null); // a server that is older knows none
    if (!found || generation !== this.generation || found.body.hint === this.hint) return;
    this.hint = found.body.hint;
    this.emitChanged();
  }

  private open(experimentId: string): void {
    this.tree.toggle(experimentKey(experimentId), true);
  }

  private follow(): void {
    const store = this.visible ? this.storeId : '';
    if (store === this.followed) return;
    this.stopWatching();
    this.followed = store;
    this.stopWatching = store ? this.watcher.watch(store, () => void this.refresh('runs')) : () => undefined;
  }

  private stop(): void {
    this.generation++;
    this.loading.clear();
    clearTimeout(this.timer);
    this.follow();
  }

  /** A page that comes back asks again; one that goes rests, also where there is no store to wait for. */
  private readonly onPage = (): void => {
    if (document.hidden) clearTimeout(this.timer);
    else void this.refresh();
  };

  private emitChanged(): void {
    this.changed.emit(undefined);
  }
}

/** Every store has this experiment, also where nobody uses it. */
function isUnused(experiment: Experiment): boolean {
  return experiment.experiment_id === '0' && experiment.runs === 0;
}
