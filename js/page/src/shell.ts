import type { Experiment, Experiments, StoreInfo } from '@nbtrack/shared/answers';
import type { Stores } from '@nbtrack/shared/desk';
import { h, viewRoot } from '@nbtrack/shared/dom';
import { problemBox } from '@nbtrack/shared/empty_states';
import type { ModelTreeAnswer, TreeModel } from '@nbtrack/shared/model_answers';
import { type Problem, problemOf } from '@nbtrack/shared/problem';
import details from '@nbtrack/shared/style_details.css';
import models from '@nbtrack/shared/style_models.css';
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

/** The page: navigation at the side, and what the address names beside it. */
export class Shell {
  private readonly main: HTMLElement;
  private readonly navigation: Navigation;
  private view: View | null = null;
  private shown = '';
  private store: StoreInfo | null = null;
  private experiments: Experiment[] = [];
  private registered: TreeModel[] = [];
  private turn = 0;
  /** Whether it is known what there is in the store. */
  private known = false;
  private looks = false;
  private refreshing = false;
  private again = false;

  constructor(
    host: HTMLElement,
    private readonly stores: Stores
  ) {
    const root = viewRoot(host, 'shell');
    root.prepend(h('style', {}, [details, models, tables].join('\n')));
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
    try {
      this.store = (await this.stores.server.stores(this.store === null))[0] ?? null;
    } catch (error) {
      this.main.replaceChildren(problemBox(problemOf(error), () => void this.findStore()));
      return;
    }
    if (!this.store) {
      if (!this.main.querySelector('.first')) this.main.replaceChildren(firstSteps());
      setTimeout(() => void this.findStore(), NO_STORE_MS);
      return;
    }
    this.navigation.setStore(this.store);
    if (!this.looks) this.stores.watcher.look(this.store.id, () => void this.refresh());
    this.looks = true;
    const problem = await this.readFacts();
    if (problem) {
      this.main.replaceChildren(problemBox(problem, () => void this.findStore()));
      return;
    }
    this.known = true;
    await this.show();
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
    const had = this.hasRuns;
    await this.readFacts();
    if (had !== this.hasRuns) this.shown = '';
    if (this.shown === '') await this.show();
    else await this.view?.refresh();
  }

  private get hasRuns(): boolean {
    return this.experiments.some(experiment => experiment.runs > 0);
  }

  /** Read what the navigation shows, and what several views need. */
  private async readFacts(): Promise<Problem | null> {
    const backend = this.stores.backend(this.store!.id);
    try {
      const [{ body: found }, { body: tree }] = await Promise.all([
        backend.ask<Experiments>('store.experiments'),
        backend.ask<ModelTreeAnswer>('models.tree', { filter: '' })
      ]);
      this.experiments = found.experiments.filter(each => each.stage === 'active' && !(each.experiment_id === '0' && each.runs === 0));
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
    this.shown = address;
    this.view?.dispose();
    this.view = null;
    const place = h('div', { class: 'page' });
    this.main.replaceChildren(place);
    this.main.scrollTop = 0;
    const context = this.contextOf(this.store.id);
    try {
      const view = await this.make(place, route, context);
      if (turn !== this.turn) view.dispose();
      else this.view = view;
    } catch (error) {
      if (turn !== this.turn) return;
      this.shown = '';
      place.replaceChildren(problemBox(problemOf(error), () => void this.show()));
    }
  }

  private contextOf(storeId: string): ViewContext {
    return {
      stores: this.stores,
      storeId,
      go: route => void (location.hash = addressOf(route)),
      keep: route => {
        this.shown = addressOf(route);
        history.replaceState(null, '', this.shown);
        this.navigation.setRoute(route);
      },
      setTitle: title => void (document.title = `${title} · nbtrack`),
      experiment: id => this.experiments.find(each => each.experiment_id === id),
      registered: () => this.registered
    };
  }

  /** Make a view; its code is loaded when it is first looked at. */
  private async make(place: HTMLElement, route: Route, context: ViewContext): Promise<View> {
    switch (route.page) {
      case 'runs':
        if (!this.hasRuns) {
          context.setTitle('Runs');
          place.append(firstSteps());
          return { refresh: () => undefined, dispose: () => undefined };
        }
        return new (await import('./runs_view')).RunsView(place, context, route);
      case 'compare':
        return new (await import('./compare_view')).CompareView(place, context, route);
      case 'run':
        return (await import('./run_view')).runView(place, context, route);
      case 'models':
        return new (await import('./models_view')).ModelsView(place, context);
      case 'model':
        return new (await import('./model_view')).ModelView(place, context, route.name);
      case 'version':
      case 'logged':
        return (await import('./version_view')).versionView(place, context, route);
      case 'nothing': {
        context.setTitle('Not found');
        const box = h('div', { class: 'nbt-teach' }, h('h2', {}, 'There is no such page'), h('p', {}, route.address), h('a', { class: 'nbt-link', href: '#/runs' }, 'All runs'));
        place.append(box);
        return { refresh: () => undefined, dispose: () => undefined };
      }
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
