import type { Experiment, TreeModel } from '@nbtrack/shared/requests';
import type { Stores } from '@nbtrack/shared/app_host';
import type { Route } from './routes';

/** What a view is made with. */
export interface ViewContext {
  stores: Stores;
  storeId: string;
  /** Where the page was before, if anywhere. */
  from: Route | null;
  go(route: Route): void;
  /** Keep what is shown now in the address, without a new entry in the history. */
  keep(route: Route): void;
  setTitle(title: string): void;
  experiment(id: string): Experiment | undefined;
  /** The registered models, as far as they are known. */
  registered(): readonly TreeModel[];
}

/** What the main part of the page shows. */
export interface View {
  /** Show what is new. */
  refresh(): unknown;
  dispose(): void;
  /** Take the keyboard, after the page has come here from within another view. */
  focus?(): void;
  /** Take the keyboard to what is looked for with. */
  search?(): void;
}
