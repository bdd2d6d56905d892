import { Signal } from '@lumino/signaling';
import { messageOf } from '@nbtrack/shared/dom';
import type { TreeVersion } from '@nbtrack/shared/requests';
import { ModelTree } from './model_tree';
import { ServerError } from '@nbtrack/shared/server';
import type { SidebarModel } from './sidebar_model';

const KEPT = 'nbtrack:models-open';

/** The registered models of the store that the sidebar shows. While they are folded away, nothing is asked. */
export class ModelsModel {
  readonly tree = new ModelTree();
  readonly changed = new Signal<this, void>(this);
  problem = '';
  /** Whether they have been asked for. */
  known = false;
  private turn = 0;
  private unfolded = localStorage.getItem(KEPT) !== 'false';

  constructor(private readonly sidebar: SidebarModel) {
    sidebar.asksAgain.connect(() => void this.refresh());
  }

  get open(): boolean {
    return this.unfolded;
  }

  setOpen(open: boolean): void {
    if (open === this.unfolded) return;
    this.unfolded = open;
    localStorage.setItem(KEPT, String(open));
    this.changed.emit(undefined);
    void this.refresh();
  }

  /** The version with the keyboard, or another one of the same model that a command is about. */
  version(name: string, version: number): TreeVersion | undefined {
    return this.tree.models.find(model => model.name === name)?.versions.find(other => other.version === version);
  }

  private async refresh(): Promise<void> {
    const { sidebar } = this;
    if (!this.unfolded || !sidebar.isActive || !sidebar.storeId) return;
    const turn = ++this.turn;
    const { filter } = sidebar.search;
    try {
      const { body } = await sidebar.ask('models.tree', { filter });
      if (turn !== this.turn) return;
      this.tree.searching = filter.trim() !== '';
      this.tree.put(body);
      this.problem = '';
    } catch (error) {
      if (turn !== this.turn) return;
      // what is wrong with the filter, the server or the store is said above already
      this.tree.put({ models: [], total: 0, logged: this.tree.logged });
      this.problem = error instanceof ServerError && error.kind !== 'refused' ? '' : messageOf(error);
      if (filter.trim()) this.problem = '';
    }
    this.known = true;
    this.changed.emit(undefined);
  }
}
