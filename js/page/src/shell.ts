import type { Experiment, StoreInfo, TreeModel } from '@nbtrack/shared/requests';
import type { ServedStores } from '@nbtrack/shared/served_stores';
import { h, viewRoot } from '@nbtrack/shared/dom';
import { problemBox } from '@nbtrack/shared/empty_states';
import { type Problem, problemOf } from '@nbtrack/shared/problem';
import details from '@nbtrack/shared/style_details.css';
import models from '@nbtrack/shared/style_models.css';
import plain from '@nbtrack/shared/style_plain.css';
import signs from '@nbtrack/shared/style_signs.css';
import tables from '@nbtrack/shared/style_table.css';
import { followTheme } from '@nbtrack/shared/theme';
import { firstSteps } from './first_steps';
import { Navigation } from './navigation';
import { addressOf, parseRoute, type Route } from './routes';
import type { View, ViewContext } from './view';

/** How often the server is asked for its store while there is none yet. */
const NO_STORE_MS = 2000;
/** A page that follows a run lets the server rest: so many times as long as it took to answer. */
const REST = 6;
const SOONEST_MS = 1000;
const LATEST_MS = 15_000;
/** The id of the experiment that every store has. */
const DEFAULT = '0';

/** The page: navigation at the side, and what the address names beside it. */
export class Shell {
  private readonly main: HTMLElement;
  private readonly navigation: Navigation;
  private view: View | null = null;
  private shown = '';
  private route: Route | null = null;
  private store: StoreInfo | null = null;
  private experiments: Experiment[] = [];
  private registered: TreeModel[] = [];
  private turn = 0;
  /** Whether it is known what there is in the store. */
  private known = false;
  private watching = false;
  private refreshing = false;
  private again = false;
  /** What keeps the page from showing anything. */
  private problem = '';
  private looking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: HTMLElement,
    private readonly stores: ServedStores
  ) {
    const root = viewRoot(host, 'shell');
    root.prepend(h('style', {}, [signs, details, models, tables, plain].join('\n')));
    this.main = h('main', { class: 'main nbt-view', id: 'main', tabindex: -1 });
    this.navigation = new Navigation(() => void this.refresh());
    const skip = h('button', { type: 'button', class: 'skip' }, 'Skip to the content');
    skip.addEventListener('click', () => this.main.focus());
    root.append(skip, this.navigation.element, this.main);
    followTheme(root, () => undefined);
  }

  async start(): Promise<void> {
    addEventListener('hashchange', () => void this.show());
    document.addEventListener('keydown', event => this.onKey(event));
    await this.findStore();
  }

  private async findStore(): Promise<void> {
    if (this.known) return;
    try {
      this.store = (await this.stores.server.stores(this.store === null))[0] ?? null;
    } catch (error) {
      return this.showProblem(problemOf(error));
    }
    if (!this.store) {
      if (!this.main.querySelector('.first')) this.main.replaceChildren(firstSteps(' in the folder that nbtrack ui was started in, or with its --uri,'));
      setTimeout(() => void this.findStore(), NO_STORE_MS);
      return;
    }
    this.navigation.setStore(this.store);
    if (!this.watching) this.stores.watcher.watch(this.store.id, () => void this.refresh());
    this.watching = true;
    const problem = await this.readFacts();
    if (problem) return this.showProblem(problem);
    this.known = true;
    await this.show();
  }

  /** Say why there is nothing to see, and look again until there is. */
  private showProblem(problem: Problem): void {
    const now = JSON.stringify(problem);
    if (now !== this.problem) this.main.replaceChildren(problemBox(problem, () => void this.findStore()));
    this.problem = now;
    clearTimeout(this.looking);
    this.looking = setTimeout(() => void this.findStore(), NO_STORE_MS);
  }

  private async refresh(): Promise<void> {
    if (!this.known) return;
    if (this.refreshing) return void (this.again = true);
    this.refreshing = true;
    const begin = performance.now();
    await this.showNews();
    const took = performance.now() - begin;
    this.stores.watcher.pauseMs = Math.min(LATEST_MS, Math.max(SOONEST_MS, REST * took));
    this.refreshing = false;
    if (!this.again) return;
    this.again = false;
    setTimeout(() => void this.refresh(), this.stores.watcher.pauseMs);
  }

  private async showNews(): Promise<void> {
    const had = this.lacking;
    await this.readFacts();
    if (had !== this.lacking) this.shown = '';
    if (this.shown === '') await this.show();
    else await this.view?.refresh();
  }

  /** What of a table of runs is not there, if anything: other views take its place. */
  private get lacking(): 'runs' | 'experiment' | '' {
    const { route } = this;
    if (route?.page !== 'runs') return '';
    if (!this.hasRuns) return 'runs';
    const known = (id: string): boolean => id === DEFAULT || this.experiments.some(each => each.experiment_id === id);
    return route.experiments.length > 0 && !route.experiments.some(known) ? 'experiment' : '';
  }

  private get hasRuns(): boolean {
    return this.experiments.some(experiment => experiment.runs > 0);
  }

  /** Read what the navigation shows, and what several views need. */
  private async readFacts(): Promise<Problem | null> {
    const backend = this.stores.backend(this.store!.id);
    try {
      const [{ body: found }, { body: tree }] = await Promise.all([
        backend.ask('store.experiments', {}),
        backend.ask('models.tree', { filter: '' })
      ]);
      this.experiments = found.experiments.filter(each => each.stage === 'active' && !(each.experiment_id === DEFAULT && each.runs === 0));
      this.registered = tree.models;
      this.navigation.setProblem(null);
      this.navigation.setContent(this.experiments, tree);
      return null;
    } catch (error) {
      const problem = problemOf(error);
      this.navigation.setProblem(problem);
      return problem;
    }
  }

  private async show(): Promise<void> {
    const route = parseRoute(location.hash);
    this.navigation.setRoute(route);
    const address = addressOf(route);
    if (address === this.shown || !this.store || !this.known) return;
    const turn = ++this.turn;
    // what had the focus goes with its view
    const focused = this.shown !== '' && (this.main.contains(document.activeElement) || document.activeElement === document.body);
    const from = this.route;
    this.route = route;
    this.shown = address;
    this.view?.dispose();
    this.view = null;
    const place = h('div', { class: 'page' });
    this.main.replaceChildren(place);
    this.main.scrollTop = 0;
    try {
      const open = await this.load(route);
      if (turn !== this.turn) return;
      this.view = open(place, this.contextOf(this.store.id, turn, from));
      if (focused) this.main.focus({ preventScroll: true });
      if (focused) this.view.focus?.();
    } catch (error) {
      if (turn !== this.turn) return;
      this.shown = '';
      place.replaceChildren(problemBox(problemOf(error), () => void this.show()));
    }
  }

  /** What a view is made with. When it has gone, the address and the title are those of the next one. */
  private contextOf(storeId: string, turn: number, from: Route | null): ViewContext {
    const here =
      <A extends unknown[]>(act: (...given: A) => void) =>
      (...given: A): void => {
        if (turn === this.turn) act(...given);
      };
    return {
      stores: this.stores,
      storeId,
      from,
      go: here((route: Route) => void (location.hash = addressOf(route))),
      keep: here((route: Route) => {
        this.shown = addressOf(route);
        this.route = route;
        history.replaceState(null, '', this.shown);
        this.navigation.setRoute(route);
      }),
      setTitle: here((title: string) => void (document.title = `${title} · nbtrack`)),
      experiment: id => this.experiments.find(each => each.experiment_id === id),
      registered: () => this.registered
    };
  }

  /**
   * Load the code of a view, when it is first looked at. Returns what makes the view.
   *
   * Nothing is made before: code may arrive after that of a view that was asked for later.
   */
  private async load(route: Route): Promise<(place: HTMLElement, context: ViewContext) => View> {
    switch (route.page) {
      case 'runs': {
        if (this.lacking === 'runs') return noRuns;
        if (this.lacking === 'experiment') return noExperiment;
        const { RunsView } = await import('./runs_view');
        return (place, context) => new RunsView(place, context, route);
      }
      case 'compare': {
        const { CompareView } = await import('./compare_view');
        return (place, context) => new CompareView(place, context, route);
      }
      case 'run': {
        const { runView } = await import('./run_view');
        return (place, context) => runView(place, context, route);
      }
      case 'models': {
        const { ModelsView } = await import('./models_view');
        return (place, context) => new ModelsView(place, context);
      }
      case 'model': {
        const { ModelView } = await import('./model_view');
        return (place, context) => new ModelView(place, context, route.name);
      }
      case 'version':
      case 'logged': {
        const { versionView } = await import('./version_view');
        return (place, context) => versionView(place, context, route);
      }
      case 'nothing':
        return (place, context) => nothing(place, context, route.address);
    }
  }

  private onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest('input, textarea, select, dialog, [contenteditable]')) return;
    event.preventDefault();
    this.view?.search?.();
  }
}

/** A view that stays as it is. */
const STILL: View = { refresh: () => undefined, dispose: () => undefined };

function noRuns(place: HTMLElement, context: ViewContext): View {
  context.setTitle('Runs');
  place.append(firstSteps());
  return STILL;
}

function noExperiment(place: HTMLElement, context: ViewContext): View {
  context.setTitle('Not found');
  const text = h('p', {}, 'It may have been deleted, or be in another store.');
  place.append(h('div', { class: 'nbt-teach' }, h('h2', {}, 'There is no such experiment'), text, h('a', { class: 'nbt-link', href: '#/runs' }, 'All runs')));
  return STILL;
}

function nothing(place: HTMLElement, context: ViewContext, address: string): View {
  context.setTitle('Not found');
  place.append(h('div', { class: 'nbt-teach' }, h('h2', {}, 'There is no such page'), h('p', {}, address), h('a', { class: 'nbt-link', href: '#/runs' }, 'All runs')));
  return STILL;
}
